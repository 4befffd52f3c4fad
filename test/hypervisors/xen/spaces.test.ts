// Address spaces as an operating system makes them, at ring 3 and with thread segments: made, pinned, switched, changed,
// taken apart; then everything is counted from scratch.

import { audit } from '../../../hypervisors/xen/memory/audit.js'
import { PINNED } from '../../../hypervisors/xen/memory/frame-table.js'
import type { Xen } from '../../../hypervisors/xen/xen.js'
import { engineNames } from '../../../src/engine/engines.js'
import { buildKernel, startDomain } from './domain.js'

const BUDGET = 30_000_000
const kernel = buildKernel('spaces')

test.each(engineNames)('engine %s', engine => {
  const domain = startDomain(kernel, { engine })
  expect(domain.run(BUDGET)).toEqual({ kind: 'power-off' })
  expect(domain.log()).toMatch(/\nfailures 0\nwrong 0\nrefused 40\n$/)
  const { frames, memory, domain: state } = domain.hypervisor as Xen
  expect(audit(memory, frames, state!.roots)).toEqual([])
  expect(frames.flags.filter(flags => (flags & PINNED) !== 0)).toHaveLength(1)
})
