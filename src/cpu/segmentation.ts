// Loading segment registers: MOV and POP to a segment register, LDS and its kin, and the checks that far transfers
// share (SDM vol. 2 MOV; vol. 3, 5.2, 5.5 to 5.7; 20.1.1 and 20.2.1 for real and virtual-8086 mode).

import type { Cpu } from './cpu.js'
import {
  descriptorDpl,
  fetchDescriptor,
  HIGH_CODE,
  HIGH_CONFORMING,
  HIGH_PRESENT,
  HIGH_RW,
  HIGH_S,
  isNull,
  setAccessed,
} from './descriptors.js'
import { VM } from './eflags.js'
import { GP, NP, SS as STACK_FAULT } from './exceptions.js'
import { CPL, CR0, CS, DS, ES, FLAGS, GS, SEG_RIGHTS, SEG_SELECTOR, SHADOW, SHADOW_KIND, SS } from './layout.js'
import { updateMode } from './mode.js'
import {
  CODE,
  CONFORMING,
  descriptorBase,
  descriptorLimit,
  descriptorRights,
  segmentIndex,
  setNullSegment,
  setRealSegment,
  setSegment,
  setV86Segment,
  UNUSABLE,
} from './segment-cache.js'

/** True in real-address mode and virtual-8086 mode: selectors are paragraph numbers. */
export function selectorsAreParagraphs(cpu: Cpu): boolean {
  return (cpu.i32[CR0 >> 2]! & 1) === 0 || (cpu.i32[FLAGS >> 2]! & VM) !== 0
}

/** Loads segment register n where selectors are paragraph numbers. */
export function setParagraph(cpu: Cpu, n: number, selector: number) {
  if ((cpu.i32[CR0 >> 2]! & 1) === 0) setRealSegment(cpu, n, selector)
  else setV86Segment(cpu, n, selector)
}

/** Loads segment register n from the descriptor fetched last. False if nothing changed. */
export function setFromDescriptor(cpu: Cpu, n: number, selector: number): boolean {
  const low = cpu.descriptorLow
  const high = cpu.descriptorHigh
  return setSegment(cpu, n, selector, descriptorBase(low, high), descriptorLimit(low, high), descriptorRights(high))
}

/**
 * Checks a stack segment for privilege level `cpl`: RPL and DPL equal to it, writable data, present. `vector` is #GP
 * or #TS; a segment that is not present raises #SS. Leaves the descriptor in the Cpu.
 */
export function checkStackSegment(cpu: Cpu, selector: number, cpl: number, vector: number, ext: number): boolean {
  const error = (selector & 0xfffc) | ext
  if (isNull(selector)) return cpu.raise(vector, ext)
  if (!fetchDescriptor(cpu, selector, vector, ext)) return false
  const high = cpu.descriptorHigh
  const writableData = (high & (HIGH_S | HIGH_CODE | HIGH_RW)) === (HIGH_S | HIGH_RW)
  if ((selector & 3) !== cpl || !writableData || descriptorDpl(high) !== cpl) return cpu.raise(vector, error)
  if ((high & HIGH_PRESENT) === 0) return cpu.raise(STACK_FAULT, error)
  return true
}

/** Checks a data segment for loading into DS, ES, FS or GS; `vector` is #GP or #TS. The selector is not null. */
export function checkDataSegment(cpu: Cpu, selector: number, cpl: number, vector: number, ext: number): boolean {
  const error = (selector & 0xfffc) | ext
  if (!fetchDescriptor(cpu, selector, vector, ext)) return false
  const high = cpu.descriptorHigh
  if ((high & HIGH_S) === 0 || (high & (HIGH_CODE | HIGH_RW)) === HIGH_CODE) return cpu.raise(vector, error)
  if ((high & (HIGH_CODE | HIGH_CONFORMING)) !== (HIGH_CODE | HIGH_CONFORMING)) {
    const dpl = descriptorDpl(high)
    if ((selector & 3) > dpl || cpl > dpl) return cpu.raise(vector, error)
  }
  if ((high & HIGH_PRESENT) === 0) return cpu.raise(NP, error)
  return true
}

/** Loads segment register n (not CS) as MOV does. False when an exception was raised; nothing has changed then. */
export function loadSegment(cpu: Cpu, n: number, selector: number): boolean {
  selector &= 0xffff
  let changed = true
  if (selectorsAreParagraphs(cpu)) setParagraph(cpu, n, selector)
  else {
    const cpl = cpu.i32[CPL >> 2]!
    if (n === SS) {
      if (!checkStackSegment(cpu, selector, cpl, GP, 0) || !setAccessed(cpu)) return false
      changed = setFromDescriptor(cpu, n, selector)
    } else if (isNull(selector)) setNullSegment(cpu, n, selector)
    else {
      if (!checkDataSegment(cpu, selector, cpl, GP, 0) || !setAccessed(cpu)) return false
      changed = setFromDescriptor(cpu, n, selector)
    }
  }
  if (changed && n <= DS) updateMode(cpu)
  return true
}

/**
 * MOV and POP to a segment register: SS also holds back interrupts and debug traps for one instruction. Of several in a row
 * the second holds nothing back (SDM vol. 2, MOV: only the first is guaranteed to).
 */
export function moveToSegment(cpu: Cpu, n: number, selector: number): boolean {
  if (!loadSegment(cpu, n, selector)) return false
  const behindAnother = cpu.i32[SHADOW_KIND >> 2] === 2 && cpu.i32[SHADOW >> 2] === cpu.retired
  if (n === SS && !behindAnother) {
    cpu.i32[SHADOW >> 2] = cpu.retired + 1
    cpu.i32[SHADOW_KIND >> 2] = 2
  }
  return true
}

/** After a return to an outer level: nulls the data segment registers that CPL may not hold (SDM vol. 3, 5.8.6). */
export function nullInnerSegments(cpu: Cpu, cpl: number) {
  for (let n = ES; n <= GS; n++) {
    if (n === CS || n === SS) continue
    const at = segmentIndex(n)
    const rights = cpu.i32[at + (SEG_RIGHTS >> 2)]!
    if ((rights & (CODE | CONFORMING)) === (CODE | CONFORMING)) continue
    // A null selector with RPL 1-3 becomes 0 too.
    if (rights === UNUSABLE && cpu.i32[at + (SEG_SELECTOR >> 2)] === 0) continue
    if (((rights >>> 5) & 3) < cpl) setNullSegment(cpu, n, 0)
  }
}
