// Whose frames a memory hypercall works on: the `foreigndom` argument of mmu_update, mmuext_op and their like.

import { IO, SELF, XEN } from '../domains.js'
import { EPERM, ESRCH } from '../errors.js'
import type { MemoryContext } from './context.js'

const CONTROL_DOMAIN = 0

/** The owner that an id names, or an error (negative). Only the control domain may name another than itself. */
export function ownerOf(context: MemoryContext, id: number): number {
  if (id === SELF) return context.id
  if (id === CONTROL_DOMAIN && id !== context.id) return EPERM
  if (id !== IO && id !== XEN) return ESRCH
  return context.privileged ? id : EPERM
}
