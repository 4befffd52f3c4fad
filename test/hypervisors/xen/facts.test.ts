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

test('the control domain: flags, features, machine, console without a ring', () => {
  const domain = startDomain(memory, { privileged: true })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(domain.log()).toBe('')
  const changed = (line: string) =>
    line === 'mmu_map_io -1' ? 'mmu_map_io 0' : line === 'flush_cache -13' ? 'flush_cache 0' : line
  expect(lines(domain.console())).toEqual(memoryFacts.map(changed))
})

test('entries are counted by the processor and by the hypervisor alike', () => {
  const domain = startDomain(processor)
  domain.run(BUDGET)
  const sum = [...domain.hosting.entries.values()].reduce((total, count) => total + count, 0)
  expect(sum).toBe(domain.hosting.counted)
})
