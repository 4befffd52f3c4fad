// `previrt bench micro` on mini: counters are kept, found again to the last one, and a change is named with status 5.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { previrt } from './command.js'

const MINUTES = 60_000
const folder = mkdtempSync(join(tmpdir(), 'previrt-bench-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  'a baseline that is written is met; another one is not',
  async () => {
    const file = join(folder, 'mini.json')
    const command = [
      'bench',
      'micro',
      '--image',
      'mini',
      '--jobs',
      'syscall,fork',
      '--seeds',
      '0,3',
      '--on',
      'native,xen',
    ]
    const written = await previrt(...command, '--runs', '2', '--write-baseline', file)
    expect([written.status, written.stderr]).toEqual([0, ''])
    const met = await previrt(...command, '--against', file, '--json')
    expect([met.status, met.stderr]).toEqual([0, ''])
    expect(JSON.parse(met.stdout)).toMatchObject({ suite: 'micro', image: 'mini', seeds: [0, 3], moved: [] })

    const baseline = JSON.parse(readFileSync(file, 'utf8'))
    baseline.counters['seed 3, xen/4.17, fork']['entriesBy.hypercall']++
    writeFileSync(file, JSON.stringify(baseline))
    const missed = await previrt(...command, '--against', file)
    expect(missed.status).toBe(5)
    expect(missed.stderr).toMatch(/mini\.json: 1 counters moved:\n {2}seed 3, xen\/4\.17, fork: entriesBy\.hypercall/)
  },
  5 * MINUTES,
)

test('options that do not fit are refused in one line', async () => {
  for (const [words, message] of [
    [['bench', 'nano'], /no suite 'nano'; there are: micro, macro, all, peers/],
    [['bench', 'micro', '--seeds', 'x'], /--seeds x: give whole numbers/],
    [['bench', 'micro', '--image', 'mini', '--against', join(folder, 'none')], /no such file/],
    [['bench', 'micro', '--write-baseline', join(folder, 'no', 'file')], /cannot be written \(ENOENT\)/],
  ] as const) {
    const { status, stderr } = await previrt(...words)
    expect(status).toBe(2)
    expect(stderr).toMatch(message)
  }
})
