// Checks of the code segment that RET and IRET go back to (SDM vol. 2 RET, IRET).

import type { Cpu } from './cpu.js'
import {
  descriptorDpl,
  fetchDescriptor,
  HIGH_CODE,
  HIGH_CONFORMING,
  HIGH_PRESENT,
  HIGH_S,
  isNull,
} from './descriptors.js'
import { GP, NP } from './exceptions.js'
import { CPL } from './layout.js'

/** Checks a return selector and leaves its descriptor in the Cpu. False when #GP, #NP or #PF was raised. */
export function checkReturnCode(cpu: Cpu, selector: number): boolean {
  if (isNull(selector)) return cpu.raise(GP, 0)
  if (!fetchDescriptor(cpu, selector, GP, 0)) return false
  const high = cpu.descriptorHigh
  const error = selector & 0xfffc
  const rpl = selector & 3
  const dpl = descriptorDpl(high)
  if ((high & (HIGH_S | HIGH_CODE)) !== (HIGH_S | HIGH_CODE)) return cpu.raise(GP, error)
  if (rpl < cpu.i32[CPL >> 2]!) return cpu.raise(GP, error)
  if ((high & HIGH_CONFORMING) !== 0 ? dpl > rpl : dpl !== rpl) return cpu.raise(GP, error)
  if ((high & HIGH_PRESENT) === 0) return cpu.raise(NP, error)
  return true
}
