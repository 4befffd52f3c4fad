// How a domain ends by sched_op: what its reason becomes (xen/common/sched/core.c).

import { schedOp, schedOpCompat } from '../../../hypervisors/xen/sched-op.js'
import type { Xen } from '../../../hypervisors/xen/xen.js'
import { buildKernel, startDomain } from './domain.js'

const SHUTDOWN = 2
const SHUTDOWN_CODE = 5
const kernel = buildKernel('crash')
const PLACE = 0xc0000000

function domainWith(word: number) {
  const domain = (startDomain(kernel).hypervisor as Xen).domain!
  domain.guest.setWord(PLACE, word)
  return domain
}

test('a reason is one byte', () => {
  const old = domainWith(0)
  expect(schedOpCompat(old, SHUTDOWN, 0xc00a3780)).toBe(0)
  expect(old.shutdownCode).toBe(0x80)
  const other = domainWith(0x101)
  expect(schedOp(other, SHUTDOWN, PLACE)).toBe(0)
  expect(other.shutdownCode).toBe(1)
})

test('the first reason that is reported counts, whatever the domain ends with', () => {
  const domain = domainWith(0x203)
  expect(schedOp(domain, SHUTDOWN_CODE, PLACE)).toBe(0)
  expect(domain.shutdownCode).toBeUndefined()
  domain.guest.setWord(PLACE, 1)
  expect(schedOp(domain, SHUTDOWN_CODE, PLACE)).toBe(0)
  expect(schedOp(domain, SHUTDOWN, PLACE)).toBe(0)
  expect(domain.shutdownCode).toBe(3)
})
