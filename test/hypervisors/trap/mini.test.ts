// The mini guest on trap does what it does natively: the same console, the same count of instructions, the same registers
// and memory at the end. Its entries are counted twice.

import { buildImage } from '../../../images/index.js'
import { runBeside } from './beside-native.js'
import { POLICIES } from './on-trap.js'

let kernel = ''
beforeAll(async () => {
  kernel = (await buildImage('mini')).path
}, 60_000)

test('all workloads, equal to native under both policies', () => {
  const guest = { kernel, commandLine: 'workload=all' }
  const native = runBeside({ ...guest, policy: undefined })
  expect(native.outcome.result).toEqual({ kind: 'power-off' })
  expect(native.outcome.text.match(/^previrt: end /gm)!.length).toBeGreaterThan(12)
  const counts: Record<string, ReadonlyMap<string, number>> = {}
  for (const policy of POLICIES) {
    const { outcome, counts: counted } = runBeside({ ...guest, policy })
    expect(outcome).toEqual(native.outcome)
    expect(counted!.own).toBe(counted!.processor)
    counts[policy] = counted!.kinds
  }
  const [all, vtx] = [counts.all!, counts.vtx!]
  expect(all.get('cli')).toBeGreaterThan(1000)
  for (const kind of ['cli', 'popf', 'iret', 'int', 'pop_segment'])
    expect([kind, vtx.get(kind)]).toEqual([kind, undefined])
  for (const kind of ['fill', 'guest_fault', 'table_write', 'mov_to_control', 'out', 'interrupt', 'invlpg', 'hlt'])
    expect([kind, (vtx.get(kind) ?? 0) > 0]).toEqual([kind, true])
}, 60_000)

test('what is saved is all there is: shadows are rebuilt', () => {
  const guest = { kernel, commandLine: 'workload=syscall,fork,mmap' }
  const native = runBeside({ ...guest, policy: undefined })
  const { outcome } = runBeside({ ...guest, policy: 'vtx', restoreEvery: 10_007 })
  expect(outcome).toEqual(native.outcome)
}, 60_000)
