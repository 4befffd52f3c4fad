// A hostile kernel, whole: whatever it does, nothing of ours throws, and the accounting stays exact.

import { audit } from '../../../hypervisors/xen/memory/audit.js'
import type { Xen } from '../../../hypervisors/xen/xen.js'
import { buildKernel, startDomain } from './domain.js'

const SEEDS = 16
const FIRST = Number(process.env.SEED ?? 1)
const BUDGET = 20_000_000

const kernel = buildKernel('hostile')
const seeds = Array.from({ length: SEEDS }, (_, i) => FIRST + i)
const calls = new Map<string, number>()

test.each(seeds)('seed %i', seed => {
  const privileged = seed % 4 === 0
  const domain = startDomain(kernel, { commandLine: String(seed), memoryBytes: 8 << 20, privileged })
  const result = domain.run(BUDGET)
  expect(['power-off', 'crash', 'budget', 'halted']).toContain(result.kind)
  const { frames, memory, domain: state } = domain.hypervisor as Xen
  expect(audit(memory, frames, state!.roots)).toEqual([])
  for (const [name, count] of domain.hosting.hypercalls) calls.set(name, (calls.get(name) ?? 0) + count)
})

test('the seeds reach the calls that matter, hundreds of times', () => {
  for (const name of ['mmu_update', 'mmuext_op', 'update_va_mapping', 'memory_op', 'grant_table_op', 'multicall'])
    expect(calls.get(name) ?? 0).toBeGreaterThan(500)
})
