// The JSON of `run` against its schema, its values against what a small guest is known to do, and its digest against
// everything that must not change it.
import { createHash } from 'node:crypto'
import { type RunReport, runReportSchema } from '../../src/cli/report-schema.js'
import { com1, halt, post, powerOff, previrt, spin, testFolder, writeGuest } from './command.js'

const at = testFolder()

async function report(file: string, ...more: string[]): Promise<RunReport> {
  const { stdout } = await previrt('run', '--multiboot', file, '--serial', 'none', '--json', ...more)
  expect(stdout).toMatch(/^\{[^\n]*\}\n$/)
  return runReportSchema.parse(JSON.parse(stdout))
}

const markers = 'previrt: userland\r\nprevirt: begin sort\r\nprevirt: end sort 00ff 0\r\nprevirt: begin tls\r\n'

test('says what the guest did', async () => {
  const file = writeGuest(at('markers'), com1(markers), post(0x12), post(0x34), powerOff)
  const outcome = await report(file)
  expect(outcome).toMatchObject({
    schemaVersion: 1,
    image: file,
    path: 'native',
    engine: 'blocks',
    cpu: 'pentium4',
    exit: { status: 0, reason: 'power-off' },
    instructions: 3 * markers.length + 3 + 3 + 3,
    instructionsBy: { user: 0, kernel: 3 * markers.length + 3 + 3 + 3 },
    haltedNanoseconds: 0,
    exceptions: {},
    interrupts: {},
    post: [0x12, 0x34],
  })
  expect(outcome.virtualNanoseconds).toBe(outcome.instructions)
  expect(outcome.ports['16550 COM1']).toEqual({ reads: 0, writes: markers.length })
  expect(outcome.ports['POST 80']).toEqual({ reads: 0, writes: 2 })
  const within = 'previrt: end sort 00ff 0\r\n'.length
  expect(outcome.workloads).toEqual([
    {
      name: 'sort',
      checksum: '00ff',
      status: 0,
      instructions: 3 * within,
      instructionsBy: { user: 0, kernel: 3 * within },
      haltedNanoseconds: 0,
      virtualNanoseconds: 3 * within,
      exceptions: {},
      interrupts: {},
      softwareInterrupts: {},
      operations: { out: within },
      ports: { '16550 COM1': { writes: within } },
      tlbFills: 0,
      tlbFlushes: 0,
      tlbInvalidations: 0,
    },
    { name: 'tls' },
  ])
  expect(outcome).not.toHaveProperty('entries')
})

test('a multiboot kernel has the same CPU under trap-and-emulate', async () => {
  const file = writeGuest(at('trapped'), powerOff)
  expect(await report(file, '--on', 'trap')).toMatchObject({ path: 'trap', cpu: 'pentium4', exit: { status: 0 } })
})

test('is printed for a guest that ends by --halt-ok, and for one that fails', async () => {
  const file = writeGuest(at('halt'), halt)
  expect((await report(file, '--halt-ok')).exit).toEqual({ status: 0, reason: 'halted', eip: 0x100022 })
  expect((await report(file)).exit).toEqual({ status: 3, reason: 'halted', eip: 0x100022 })
})

describe('the digest', () => {
  // mov ecx, 5000; again: imul eax, ecx; add [0x200000 + ecx*4], eax; loop again
  const work = [0xb9, 0x88, 0x13, 0, 0, 0x0f, 0xaf, 0xc1, 0x01, 0x04, 0x8d, 0, 0, 0x20, 0, 0xe2, 0xf4]
  const file = () => writeGuest(at('work'), work, powerOff)

  test('is the same from every engine and run', async () => {
    const digests = new Set<string>()
    for (const engine of ['reference', 'interpreter', 'blocks', 'blocks', 'lockstep'])
      digests.add((await report(file(), '--engine', engine)).digest)
    expect(digests.size).toBe(1)
  })

  test('depends on registers and memory', async () => {
    const one = await report(writeGuest(at('one'), spin), '--budget', '1')
    const other = await report(writeGuest(at('other'), spin), '--budget', '1', '--mem', '64M')
    const more = await report(writeGuest(at('more'), [0x40], spin), '--budget', '1')
    expect(new Set([one.digest, other.digest, more.digest]).size).toBe(3)
    expect(one.digest).not.toBe(createHash('sha256').digest('hex'))
  })
})
