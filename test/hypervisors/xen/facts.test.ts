// The interface as kernels see it: each fact that was measured on a real Xen, measured again here.

import { engineNames } from '../../../src/engine/engines.js'
import { buildKernel, startDomain } from './domain.js'
import { memoryFacts, processorFacts } from './measured-facts.js'

const BUDGET = 20_000_000
const lines = (text: string) => text.split('\n').filter(line => line !== '' && !line.startsWith('first_stack'))

const memory = buildKernel('facts-memory')
const processor = buildKernel('facts-processor')

test.each(engineNames)('hypercalls on memory, engine %s', engine => {
  const domain = startDomain(memory, { engine })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(lines(domain.log())).toEqual(memoryFacts)
})

test.each(engineNames)('start, traps, instructions and events, engine %s', engine => {
  const domain = startDomain(processor, { engine })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(lines(domain.log())).toEqual(processorFacts)
  expect(domain.console()).toBe('ring: done\n')
})

test('a kernel that lies at 0', () => {
  const domain = startDomain(buildKernel('facts-memory', 0))
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(lines(domain.log())).toEqual(memoryFacts)
})

/** What the control domain may do, and does not have to ask for. */
const ofControlDomain: Readonly<Record<string, string>> = {
  'mmu_map_io -1': 'mmu_map_io 0',
  'mmu_pat -22': 'mmu_pat 0',
  'flush_cache -13': 'flush_cache 0',
  'flush_cache_global -22': 'flush_cache_global 0',
  'ptwr_unasked trap 14 error 0x3': 'ptwr_unasked 0',
  'memory_map 0': 'memory_map -38',
}

test('the control domain: flags, features, machine, console without a ring', () => {
  const domain = startDomain(memory, { privileged: true })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(domain.log()).toBe('')
  const changed = (line: string) => ofControlDomain[line] ?? line
  expect(lines(domain.console())).toEqual(memoryFacts.map(changed))
})

test('entries are counted by the processor and by the hypervisor alike', () => {
  const domain = startDomain(processor)
  domain.run(BUDGET)
  const sum = [...domain.hosting.entries.values()].reduce((total, count) => total + count, 0)
  expect(sum).toBe(domain.hosting.counted)
})

test('profile 3.0: another version, other features, system calls that never come to the hypervisor', () => {
  const domain = startDomain(processor, { profile: '3.0' })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  const changed: Record<string, string> = {
    'direct_version 262161': 'direct_version 196608',
    'version 0x40011': 'version 0x30000',
    'multicall_0 0x40011': 'multicall_0 0x30000',
    'features 0x220f0': 'features 0x10',
    'sysenter_callback 0': 'sysenter_callback -38',
    // The gate saves no event mask in CS: the kernel has unmasked events by then, and the upcall takes the port.
    'send_pending 1': 'send_pending 0',
  }
  expect(lines(domain.log())).toEqual(processorFacts.map(line => changed[line] ?? line))
  const ofNewer = startDomain(processor)
  ofNewer.run(BUDGET)
  expect(ofNewer.hosting.entries.get('int_0x80')).toBe(2)
  expect(domain.hosting.entries.get('int_0x80')).toBeUndefined()
})
