// What Xen's source says of cases that nobody measured, as kernels see it; then the accounting is checked from scratch.

import { audit } from '../../../hypervisors/xen/memory/audit.js'
import type { Xen } from '../../../hypervisors/xen/xen.js'
import { buildKernel, startDomain } from './domain.js'
import { callFacts, emulationFacts, grantFacts } from './read-facts.js'

const BUDGET = 20_000_000
const lines = (text: string) => text.split('\n').filter(line => line !== '' && !line.startsWith('first_stack'))

test.each([
  ['facts-grants', grantFacts],
  ['facts-calls', callFacts],
  ['facts-emulation', emulationFacts],
])('%s', (name, facts) => {
  const domain = startDomain(buildKernel(name))
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(lines(domain.log())).toEqual(facts)
  const { frames, memory, roots } = domain.hypervisor as Xen
  expect(audit(memory, frames, roots)).toEqual([])
})
