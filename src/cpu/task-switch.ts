// The task switch (SDM vol. 3, 7.2, 7.3, 7.4, 7.6) between 16- and 32-bit TSSs, in two halves: prepareTask saves the
// old task, reads the whole new TSS and commits to it; loadTask loads LDTR and the segment registers, whose
// exceptions are the new task's.

import { writeCr3 } from './control-registers.js'
import type { Cpu } from './cpu.js'
import {
  descriptorDpl,
  descriptorType,
  fetchDescriptor,
  HIGH_CODE,
  HIGH_CONFORMING,
  HIGH_PRESENT,
  HIGH_S,
  isNull,
  LDT,
  setAccessed,
  setBusy,
} from './descriptors.js'
import { NT, RF, setEflags, VM } from './eflags.js'
import { NP, TS } from './exceptions.js'
import {
  ATTENTION,
  CPL,
  CR0,
  CR3,
  CS,
  DR,
  DS,
  EIP,
  ES,
  FLAGS,
  GPR,
  GS,
  LDTR,
  SEG_BASE,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SS,
  TR,
} from './layout.js'
import { probe, systemLoad, systemStore } from './memory.js'
import { updateMode } from './mode.js'
import {
  descriptorBase,
  descriptorLimit,
  descriptorRights,
  segmentIndex,
  setNullSegment,
  setSegment,
  setV86Segment,
  UNUSABLE,
} from './segment-cache.js'
import { checkDataSegment, checkStackSegment, setFromDescriptor } from './segmentation.js'

export const SWITCH_JUMP = 0
/** CALL, INT n, exceptions and interrupts: the new task is nested. */
export const SWITCH_CALL = 1
/** IRET. */
export const SWITCH_RETURN = 2

const CR0_TS = 8
/** DR6 bit that a TSS with its T bit set raises #DB with. */
const DR6_BT = 0x8000
const TSS32_BYTES = 0x68
const TSS16_BYTES = 0x2c

const SELECTOR = SEG_SELECTOR >> 2
const selectorOf = (cpu: Cpu, n: number) => cpu.i32[segmentIndex(n) + SELECTOR]!

// What the new TSS held: CR3, EIP, EFLAGS, eight general registers, six selectors, LDT selector, T bit.
const image = new Int32Array(19)
const IMAGE_SELECTORS = 11
const IMAGE_LDT = 17
const IMAGE_TRAP = 18

function saveOld(cpu: Cpu, base: number, wide: boolean, eip: number, flags: number): boolean {
  const size = wide ? 4 : 2
  let at = base + (wide ? 0x20 : 0x0e)
  systemStore(cpu, at | 0, size, eip)
  systemStore(cpu, (at + size) | 0, size, flags)
  at += 2 * size
  for (let n = 0; n < 8; n++, at += size) systemStore(cpu, at | 0, size, cpu.i32[(GPR >> 2) + n]!)
  for (let n = ES; n <= (wide ? GS : DS); n++, at += size) systemStore(cpu, at | 0, 2, selectorOf(cpu, n))
  return !cpu.faulted
}

function readNew(cpu: Cpu, base: number, wide: boolean): boolean {
  const size = wide ? 4 : 2
  image.fill(0)
  if (wide) {
    image[0] = systemLoad(cpu, (base + 0x1c) | 0, 4)
    image[IMAGE_LDT] = systemLoad(cpu, (base + 0x60) | 0, 2)
    image[IMAGE_TRAP] = systemLoad(cpu, (base + 0x64) | 0, 2) & 1
  } else image[IMAGE_LDT] = systemLoad(cpu, (base + 0x2a) | 0, 2)
  let at = base + (wide ? 0x20 : 0x0e)
  image[1] = systemLoad(cpu, at | 0, size)
  image[2] = systemLoad(cpu, (at + size) | 0, size)
  at += 2 * size
  // A 16-bit TSS leaves the high halves of the general registers all ones.
  for (let n = 0; n < 8; n++, at += size) image[3 + n] = systemLoad(cpu, at | 0, size) | (wide ? 0 : 0xffff0000)
  for (let n = ES; n <= (wide ? GS : DS); n++, at += size) image[IMAGE_SELECTORS + n] = systemLoad(cpu, at | 0, 2)
  return !cpu.faulted
}

/**
 * Switches to the TSS whose descriptor was fetched last: everything up to the point after which exceptions belong to
 * the new task. `returnEip` and `flags` are saved for the old task. False when #TS or #PF was raised in the old task.
 */
export function prepareTask(
  cpu: Cpu,
  selector: number,
  reason: number,
  returnEip: number,
  flags: number,
  ext: number,
): boolean {
  const { i32 } = cpu
  const { descriptorLow: low, descriptorHigh: high, descriptorAddress: address } = cpu
  const wide = (descriptorType(high) & 8) !== 0
  const base = descriptorBase(low, high)
  const limit = descriptorLimit(low, high)
  if (limit >>> 0 < (wide ? TSS32_BYTES : TSS16_BYTES) - 1) return cpu.raise(TS, (selector & 0xfffc) | ext)
  const tr = segmentIndex(TR)
  const oldSelector = i32[tr + SELECTOR]!
  const oldBase = i32[tr + (SEG_BASE >> 2)]!
  const oldWide = (i32[tr + (SEG_RIGHTS >> 2)]! & 8) !== 0
  if (!probe(cpu, oldBase, oldWide ? TSS32_BYTES : TSS16_BYTES, true, false)) return false
  if (!readNew(cpu, base, wide)) return false
  if (reason === SWITCH_CALL && !probe(cpu, base, 2, true, false)) return false
  if (reason !== SWITCH_CALL && !isNull(oldSelector)) {
    if (!fetchDescriptor(cpu, oldSelector, TS, ext) || !setBusy(cpu, cpu.descriptorAddress, false)) return false
  }
  if (!saveOld(cpu, oldBase, oldWide, returnEip, flags)) return false
  if (reason === SWITCH_CALL && !systemStore(cpu, base, 2, oldSelector)) return false
  if (reason !== SWITCH_RETURN && !setBusy(cpu, address, true)) return false
  // The switch may be to the task itself: its image is what was saved just now.
  if (base === oldBase && !readNew(cpu, base, wide)) return false

  cpu.taskSwitched = true
  setSegment(cpu, TR, selector, base, limit, descriptorRights(high) | 2)
  i32[CR0 >> 2] = i32[CR0 >> 2]! | CR0_TS
  if (wide && i32[CR0 >> 2]! < 0 && image[0] !== i32[CR3 >> 2]) writeCr3(cpu, image[0]!)
  i32[EIP >> 2] = image[1]!
  for (let n = 0; n < 8; n++) i32[(GPR >> 2) + n] = image[3 + n]!
  setEflags(cpu, reason === SWITCH_CALL ? image[2]! | NT : image[2]!)
  cpu.resumeAt = (i32[FLAGS >> 2]! & RF) !== 0 ? (cpu.retired + 1) | 0 : 0
  i32[(DR >> 2) + 7] = i32[(DR >> 2) + 7]! & ~0x155
  return true
}

/** Loads LDTR and the segment registers of the new task; false when #TS, #NP, #SS or #PF was raised in it. */
export function loadTask(cpu: Cpu, ext: number): boolean {
  const { i32 } = cpu
  // Selectors are in place if a descriptor turns out bad: data segments have nothing behind them then, CS and SS what the
  // old task had, so that a handler of the new task's privilege level has a stack.
  for (let n = ES; n <= GS; n++) {
    const selector = image[IMAGE_SELECTORS + n]!
    if (n === CS || n === SS) i32[segmentIndex(n) + SELECTOR] = selector
    else setNullSegment(cpu, n, selector)
  }
  const ldt = image[IMAGE_LDT]!
  setSegment(cpu, LDTR, ldt, 0, 0, UNUSABLE)
  const v86 = (i32[FLAGS >> 2]! & VM) !== 0
  i32[CPL >> 2] = v86 ? 3 : image[IMAGE_SELECTORS + CS]! & 3
  if (v86) for (let n = ES; n <= GS; n++) setV86Segment(cpu, n, image[IMAGE_SELECTORS + n]!)
  const loaded = loadLdt(cpu, ldt, ext) && (v86 || loadSegments(cpu, ext))
  updateMode(cpu)
  if (loaded && image[IMAGE_TRAP] !== 0) {
    cpu.debugHits |= DR6_BT
    i32[ATTENTION >> 2] = 1
  }
  return loaded
}

function loadLdt(cpu: Cpu, selector: number, ext: number): boolean {
  if (isNull(selector)) return true
  const error = (selector & 0xfffc) | ext
  if ((selector & 4) !== 0) return cpu.raise(TS, error)
  if (!fetchDescriptor(cpu, selector, TS, ext)) return false
  const high = cpu.descriptorHigh
  if (descriptorType(high) !== LDT || (high & HIGH_PRESENT) === 0) return cpu.raise(TS, error)
  setFromDescriptor(cpu, LDTR, selector)
  return true
}

function loadSegments(cpu: Cpu, ext: number): boolean {
  const code = image[IMAGE_SELECTORS + CS]!
  const cpl = code & 3
  const error = (code & 0xfffc) | ext
  if (isNull(code)) return cpu.raise(TS, error)
  if (!fetchDescriptor(cpu, code, TS, ext)) return false
  const high = cpu.descriptorHigh
  const dpl = descriptorDpl(high)
  if ((high & (HIGH_S | HIGH_CODE)) !== (HIGH_S | HIGH_CODE)) return cpu.raise(TS, error)
  if ((high & HIGH_CONFORMING) !== 0 ? dpl > cpl : dpl !== cpl) return cpu.raise(TS, error)
  if ((high & HIGH_PRESENT) === 0) return cpu.raise(NP, error)
  if (!setAccessed(cpu)) return false
  setFromDescriptor(cpu, CS, code)
  const stack = image[IMAGE_SELECTORS + SS]!
  if (!checkStackSegment(cpu, stack, cpl, TS, ext) || !setAccessed(cpu)) return false
  setFromDescriptor(cpu, SS, stack)
  for (let n = ES; n <= GS; n++) {
    const selector = image[IMAGE_SELECTORS + n]!
    if (n === CS || n === SS || isNull(selector)) continue
    if (!checkDataSegment(cpu, selector, cpl, TS, ext) || !setAccessed(cpu)) return false
    setFromDescriptor(cpu, n, selector)
  }
  return true
}
