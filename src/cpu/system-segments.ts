// LTR, LLDT, LAR, LSL, VERR, VERW (SDM vol. 2; vol. 3, 2.4, 5.10, 7.2.3). All are #UD in real-address and
// virtual-8086 mode.

import { requireCpl0 } from './control-registers.js'
import type { Cpu } from './cpu.js'
import {
  CALL_GATE16,
  CALL_GATE32,
  descriptorDpl,
  descriptorType,
  fetchDescriptor,
  HIGH_CODE,
  HIGH_CONFORMING,
  HIGH_PRESENT,
  HIGH_RW,
  HIGH_S,
  isNull,
  LDT,
  lookUpDescriptor,
  setBusy,
  TASK_GATE,
  TSS16,
  TSS16_BUSY,
  TSS32,
  TSS32_BUSY,
} from './descriptors.js'
import { GP, NP, UD } from './exceptions.js'
import { CPL, LDTR, SCRATCH, TR } from './layout.js'
import { descriptorBase, descriptorLimit, descriptorRights, setSegment, UNUSABLE } from './segment-cache.js'
import { selectorsAreParagraphs, setFromDescriptor } from './segmentation.js'

const LIMIT_TYPES = (1 << TSS16) | (1 << LDT) | (1 << TSS16_BUSY) | (1 << TSS32) | (1 << TSS32_BUSY)
const RIGHTS_TYPES = LIMIT_TYPES | (1 << CALL_GATE16) | (1 << TASK_GATE) | (1 << CALL_GATE32)

/** LLDT. */
export function lldt(cpu: Cpu, selector: number): boolean {
  selector &= 0xffff
  if (selectorsAreParagraphs(cpu)) return cpu.raise(UD)
  if (!requireCpl0(cpu)) return false
  if (isNull(selector)) {
    setSegment(cpu, LDTR, selector, 0, 0, UNUSABLE)
    return true
  }
  const error = selector & 0xfffc
  if ((selector & 4) !== 0) return cpu.raise(GP, error)
  if (!fetchDescriptor(cpu, selector, GP, 0)) return false
  if (descriptorType(cpu.descriptorHigh) !== LDT) return cpu.raise(GP, error)
  if ((cpu.descriptorHigh & HIGH_PRESENT) === 0) return cpu.raise(NP, error)
  setFromDescriptor(cpu, LDTR, selector)
  return true
}

/** LTR: the TSS becomes busy. */
export function ltr(cpu: Cpu, selector: number): boolean {
  selector &= 0xffff
  if (selectorsAreParagraphs(cpu)) return cpu.raise(UD)
  if (!requireCpl0(cpu)) return false
  if (isNull(selector)) return cpu.raise(GP, 0)
  const error = selector & 0xfffc
  if ((selector & 4) !== 0) return cpu.raise(GP, error)
  if (!fetchDescriptor(cpu, selector, GP, 0)) return false
  const low = cpu.descriptorLow
  const high = cpu.descriptorHigh
  const type = descriptorType(high)
  if (type !== TSS16 && type !== TSS32) return cpu.raise(GP, error)
  if ((high & HIGH_PRESENT) === 0) return cpu.raise(NP, error)
  if (!setBusy(cpu, cpu.descriptorAddress, true)) return false
  setSegment(cpu, TR, selector, descriptorBase(low, high), descriptorLimit(low, high), descriptorRights(high) | 2)
  return true
}

/** Fetches a descriptor that LAR, LSL, VERR or VERW may look at from this CPL; false also without an exception. */
function visible(cpu: Cpu, selector: number, systemTypes: number): boolean {
  if (selectorsAreParagraphs(cpu)) return cpu.raise(UD)
  if (isNull(selector) || lookUpDescriptor(cpu, selector) <= 0) return false
  const high = cpu.descriptorHigh
  if ((high & HIGH_S) === 0) {
    if (((systemTypes >>> descriptorType(high)) & 1) === 0) return false
  } else if ((high & (HIGH_CODE | HIGH_CONFORMING)) === (HIGH_CODE | HIGH_CONFORMING)) return true
  const dpl = descriptorDpl(high)
  return dpl >= cpu.i32[CPL >> 2]! && dpl >= (selector & 3)
}

/**
 * LAR: the access rights, with SCRATCH 1; SCRATCH 0 when the selector may not be looked at. Bits 16 to 19, which the
 * manual leaves undefined, are those of the limit, as in processors.
 */
export function lar(cpu: Cpu, selector: number, size: number): number {
  const ok = visible(cpu, selector & 0xffff, RIGHTS_TYPES)
  cpu.i32[SCRATCH >> 2] = ok ? 1 : 0
  if (!ok) return 0
  return cpu.descriptorHigh & (size === 2 ? 0xff00 : 0xffff00)
}

/** LSL: the limit in bytes, with SCRATCH 1; SCRATCH 0 when the selector may not be looked at. */
export function lsl(cpu: Cpu, selector: number, size: number): number {
  const ok = visible(cpu, selector & 0xffff, LIMIT_TYPES)
  cpu.i32[SCRATCH >> 2] = ok ? 1 : 0
  if (!ok) return 0
  const limit = descriptorLimit(cpu.descriptorLow, cpu.descriptorHigh)
  return size === 2 ? limit & 0xffff : limit
}

/** VERR: 1 when the segment can be read from this CPL. */
export function verr(cpu: Cpu, selector: number): number {
  if (!visible(cpu, selector & 0xffff, 0)) return 0
  return (cpu.descriptorHigh & (HIGH_CODE | HIGH_RW)) !== HIGH_CODE ? 1 : 0
}

/** VERW: 1 when the segment can be written from this CPL. */
export function verw(cpu: Cpu, selector: number): number {
  if (!visible(cpu, selector & 0xffff, 0)) return 0
  return (cpu.descriptorHigh & (HIGH_CODE | HIGH_RW)) === HIGH_RW ? 1 : 0
}
