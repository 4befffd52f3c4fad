// The hidden parts of segment registers: from descriptor words to base, limit, rights and the ranges of offsets that
// may be read and written (SDM vol. 3, 3.4.3, 3.4.5, 5.3, 20.1.1 for real-address mode).

import type { Cpu } from './cpu.js'
import {
  CR0,
  CS,
  DS,
  ES,
  GS,
  SEG_BASE,
  SEG_LIMIT,
  SEG_READ_HIGH,
  SEG_READ_LOW,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SEG_WRITE_HIGH,
  SEG_WRITE_LOW,
  SEGMENT,
  SEGMENT_STRIDE,
  SS,
} from './layout.js'

// Rights: bytes 5 and 6 of the descriptor, and bit 16.
export const RW = 0x02 // data: writable; code: readable
export const EXPAND_DOWN = 0x04 // data; code: conforming
export const CONFORMING = 0x04
export const CODE = 0x08
export const S = 0x10 // code or data, not system
export const PRESENT = 0x80
export const BIG = 0x4000
export const UNUSABLE = 0x10000
/** Data, writable, accessed, present, DPL 0. */
export const REAL_MODE_RIGHTS = 0x93
/** The same with DPL 3. */
export const V86_RIGHTS = 0xf3

const BASE = SEG_BASE >> 2
const LIMIT = SEG_LIMIT >> 2
const RIGHTS = SEG_RIGHTS >> 2
const SELECTOR = SEG_SELECTOR >> 2
const READ_LOW = SEG_READ_LOW >> 2
const READ_HIGH = SEG_READ_HIGH >> 2
const WRITE_LOW = SEG_WRITE_LOW >> 2
const WRITE_HIGH = SEG_WRITE_HIGH >> 2

/** Index in i32 of the first cell of segment register n (ES 0 .. GS 5, LDTR 6, TR 7). */
export const segmentIndex = (n: number) => (SEGMENT + SEGMENT_STRIDE * n) >> 2

/** Base address in a descriptor's two words. */
export const descriptorBase = (low: number, high: number) =>
  (low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000) | 0
/** Effective limit in bytes, as i32. */
export const descriptorLimit = (low: number, high: number) => {
  const limit = (low & 0xffff) | (high & 0xf0000)
  return (high & 0x800000) !== 0 ? (limit << 12) | 0xfff : limit
}
/** Rights as the library shows them. */
export const descriptorRights = (high: number) => (high >>> 8) & 0xf0ff

/** Sets all of a segment register and the ranges that follow; MODE is the caller's to update. False if nothing changed. */
export function setSegment(
  cpu: Cpu,
  n: number,
  selector: number,
  base: number,
  limit: number,
  rights: number,
): boolean {
  const i32 = cpu.i32
  const at = segmentIndex(n)
  // Kernels load what is there already at every entry.
  const same = i32[at + BASE] === base && i32[at + LIMIT] === limit && i32[at + RIGHTS] === rights
  if (same && i32[at + SELECTOR] === selector) return false
  if (n === CS && (i32[at + BASE] !== base || i32[at + LIMIT] !== limit)) cpu.codeSegmentMoved = true
  i32[at + SELECTOR] = selector
  i32[at + BASE] = base
  i32[at + LIMIT] = limit
  i32[at + RIGHTS] = rights
  if (n <= GS && !same) updateRanges(cpu, n)
  return true
}

/** Recomputes the ranges of segment register n from its base, limit and rights, and of ES to DS the flat bit. */
export function updateRanges(cpu: Cpu, n: number) {
  const i32 = cpu.i32
  const at = segmentIndex(n)
  let rights = i32[at + RIGHTS]!
  const limit = i32[at + LIMIT]!
  if (n === CS && (i32[CR0 >> 2]! & 1) === 0) rights = REAL_MODE_RIGHTS
  const usable = (rights & (PRESENT | S | UNUSABLE)) === (PRESENT | S)
  const code = (rights & CODE) !== 0
  const readable = usable && (!code || (rights & RW) !== 0)
  const writable = usable && !code && (rights & RW) !== 0
  let low = 0
  let high = limit
  if (!code && (rights & EXPAND_DOWN) !== 0) {
    low = (limit + 1) | 0
    high = (rights & BIG) !== 0 ? -1 : 0xffff
    // Nothing lies above the limit when it is the highest offset.
    if (low === 0 || low >>> 0 > high >>> 0) {
      low = 1
      high = 0
    }
  }
  i32[at + READ_LOW] = readable ? low : 1
  i32[at + READ_HIGH] = readable ? high : 0
  i32[at + WRITE_LOW] = writable ? low : 1
  i32[at + WRITE_HIGH] = writable ? high : 0
  if (n > DS) return
  let flat = i32[at + BASE] === 0 && low === 0 && high === -1 && readable
  if (n === SS) flat = flat && (rights & BIG) !== 0
  if (n !== CS) flat = flat && writable
  if (flat) cpu.flatSegments |= 1 << n
  else cpu.flatSegments &= ~(1 << n)
}

/** Makes segment register n null: selector as given, nothing may be accessed. */
export function setNullSegment(cpu: Cpu, n: number, selector: number) {
  setSegment(cpu, n, selector, 0, 0, UNUSABLE)
}

/** Loads segment register n as real-address mode does: limit and type stay (SDM vol. 3, 9.9.2, 20.1.1). */
export function setRealSegment(cpu: Cpu, n: number, selector: number) {
  const at = segmentIndex(n)
  let rights = cpu.i32[at + RIGHTS]!
  if (n !== CS && (rights & (UNUSABLE | PRESENT | S)) !== (PRESENT | S))
    rights = (rights & ~(UNUSABLE | 0xff)) | REAL_MODE_RIGHTS
  setSegment(cpu, n, selector, selector << 4, cpu.i32[at + LIMIT]!, rights)
}

/** Loads segment register n as virtual-8086 mode does. */
export function setV86Segment(cpu: Cpu, n: number, selector: number) {
  setSegment(cpu, n, selector, selector << 4, 0xffff, V86_RIGHTS)
}

/** Recomputes the ranges of all six segment registers, after a mode change or a write to the cells. */
export function refreshSegments(cpu: Cpu) {
  for (let n = ES; n <= GS; n++) updateRanges(cpu, n)
}
