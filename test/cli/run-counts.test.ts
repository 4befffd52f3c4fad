// What is counted between two places of a run, on a guest whose every event is known, and on each path.
import { type RunReport, runReportSchema } from '../../src/cli/report-schema.js'
import { previrt } from './command.js'

async function mini(...more: string[]): Promise<RunReport> {
  const { stdout } = await previrt('run', 'mini', '--serial', 'none', '--json', ...more)
  return runReportSchema.parse(JSON.parse(stdout))
}

const sum = (counts: Record<string, number> = {}) => Object.values(counts).reduce((total, count) => total + count, 0)
/** mini's syscall workload: so many calls by INT 80, and as many by SYSENTER where the CPU has it. */
const CALLS = 1000
const SYSTEM_CALL = '128'

test('natively a system call is one software interrupt and one IRET', async () => {
  const { workloads, operations } = await mini('--append', 'workload=syscall,switch')
  const [calls, switches] = workloads
  expect(calls!.softwareInterrupts![SYSTEM_CALL]).toBeGreaterThanOrEqual(CALLS)
  expect(calls!.operations!.sysenter).toBe(CALLS)
  expect(calls!.operations!.iret).toBe(sum(calls!.softwareInterrupts) + sum(calls!.exceptions) + sum(calls!.interrupts))
  expect(switches!.operations!.cr3_write).toBe(switches!.tlbFlushes)
  expect(calls).not.toHaveProperty('entries')
  expect(sum(operations)).toBeGreaterThan(sum(calls!.operations) + sum(switches!.operations))
})

test.each([
  ['trap', '--trap-policy', 'all'],
  ['trap', '--trap-policy', 'vtx'],
  ['xen', '--xen-profile', '4.17'],
  ['xen', '--xen-profile', '3.0'],
])('on %s %s %s entries by kind are all there are', async (path, option, value) => {
  const { workloads, entries, pageTableUpdates, exceptions } = await mini(
    ...['--on', path, option, value, '--append', 'workload=syscall,fork'],
  )
  const [calls, forks] = workloads
  expect(sum(calls!.entriesBy)).toBe(calls!.entries)
  expect(sum(forks!.entriesBy)).toBe(forks!.entries)
  expect(sum(entries)).toBeGreaterThan(calls!.entries! + forks!.entries!)
  const { vmm, ...others } = forks!.instructionsBy!
  expect(vmm === undefined ? path : 'xen').toBe(path)
  expect(sum({ ...others, ...(vmm !== undefined && { vmm }) })).toBe(forks!.instructions)
  expect(calls!.softwareInterrupts![SYSTEM_CALL]).toBeGreaterThanOrEqual(2 * CALLS)
  expect(pageTableUpdates!.entries).toBeGreaterThanOrEqual(forks!.pageTableUpdates!.entries)
  expect(forks!.pageTableUpdates!.entries).toBeGreaterThanOrEqual(forks!.pageTableUpdates!.batches)
  expect(exceptions['14']).toBeGreaterThan(forks!.exceptions!['14']!)
  if (path !== 'xen') return expect(pageTableUpdates).not.toHaveProperty('tables')
  expect(calls!.pageTableUpdates!.tables).toBe(0)
  expect(forks!.pageTableUpdates!.tables).toBeGreaterThan(0)
})

test('sensitive instructions by class, without a change of anything else', async () => {
  const one = ['--append', 'workload=syscall']
  const counted = await mini('--count-sensitive', ...one)
  const { sensitive, ...rest } = counted.workloads[0]!
  expect(rest).toEqual((await mini(...one)).workloads[0])
  expect(counted.digest).toBe((await mini(...one)).digest)
  expect(sensitive!.kernel!.iret).toBe(rest.operations!.iret)
  expect(sensitive!.kernel!.in).toBe(rest.operations!.in)
  expect(sensitive!.kernel!.cli).toBeGreaterThanOrEqual(CALLS)
  expect(sensitive!.user!.int).toBe(sum(rest.softwareInterrupts))
})
