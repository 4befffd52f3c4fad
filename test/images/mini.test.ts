// The mini guest on QEMU, an independent machine: it must run its own self-check to the end.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MINI_WORKLOADS } from '../../images/jobs.js'
import { buildMini } from '../../images/mini/build.js'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'mini-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const QEMU = [
  '-accel',
  'tcg',
  '-m',
  '32',
  '-display',
  'none',
  '-serial',
  'stdio',
  '-monitor',
  'none',
  '-no-reboot',
  '-net',
  'none',
]

/** The transcript's lines from the first marker on. */
async function transcript(kernel: string, ...options: string[]): Promise<string[]> {
  const { stdout } = await run('qemu-system-i386', [...QEMU, '-kernel', kernel, ...options], { timeout: 60_000 })
  const lines = stdout.split(/\r?\n/)
  return lines.slice(lines.indexOf('previrt: userland')).filter(line => line !== '')
}

test('the list of its workloads has those of the tables in its sources', () => {
  const sources = readdirSync('images/mini/user').filter(name => /^workloads-.*\.c$/.test(name))
  const text = sources.map(name => readFileSync(join('images/mini/user', name), 'utf8')).join('')
  const names = [...text.matchAll(/\{"(\w+)", run_/g)].map(([, name]) => name)
  expect([...MINI_WORKLOADS].sort()).toEqual(names.sort())
})

let kernel = ''
beforeAll(async () => {
  kernel = await buildMini(folder)
}, 60_000)

test('runs every workload without a failure and powers off', async () => {
  const lines = await transcript(kernel)
  expect(lines.at(-1)).toBe('previrt: done')
  const ends = lines.filter(line => line.startsWith('previrt: end '))
  expect(ends.map(line => line.split(' ')[2])).toEqual(
    'syscall fork exec pipe mmap fault signal switch fpu tls smc sensitive sort sha grep loop'.split(' '),
  )
  expect(ends.filter(line => !/^previrt: end \w+ [0-9a-f]{8} 0$/.test(line))).toEqual([])
}, 60_000)

test('prints the same on a processor without SYSENTER, FXSR and SSE', async () => {
  const old = 'pentium2,-apic,-sep,-fxsr,-pae,-pse,-pge,-mce,-mca,-mtrr,-vme,-de,-pat,-pse36'
  expect(await transcript(kernel, '-cpu', old)).toEqual(await transcript(kernel))
}, 60_000)

test('runs only what the command line selects, and says so when there is no such workload', async () => {
  const lines = await transcript(kernel, '-append', 'workload=loop,nothing')
  expect(lines.slice(0, 2)).toEqual(['previrt: userland', 'previrt: begin loop'])
  expect(lines.slice(3)).toEqual(['previrt: begin nothing', 'previrt: end nothing 00000000 127', 'previrt: done'])
}, 60_000)

test('builds the same bytes twice', async () => {
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  const again = mkdtempSync(join(tmpdir(), 'mini-again-'))
  try {
    expect(digest(await buildMini(again))).toBe(digest(kernel))
  } finally {
    rmSync(again, { recursive: true, force: true })
  }
}, 60_000)
