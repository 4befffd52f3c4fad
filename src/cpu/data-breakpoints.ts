// Data breakpoints of DR0-DR3 (SDM vol. 3, 17.2.4, 17.2.5), and watchpoints of a debugger, of which the guest knows
// nothing. While one is enabled its pages stay out of the translation tables, so that every access to them comes by the
// slow path and is compared here. Left out: what the processor itself stores and loads to deliver an event.

import type { Cpu } from './cpu.js'
import { DR, FAULT, RETRY } from './layout.js'

/** Bytes that a debugger watches. */
export interface Watchpoint {
  readonly kind: 'write' | 'read' | 'access'
  readonly linear: number
  readonly bytes: number
}

const DR7 = (DR >> 2) + 7
/** Bytes watched for LEN encodings 0-3. */
const LENGTH = [1, 2, 8, 4]

/** R/W field of breakpoint i: 0 execute, 1 write, 2 I/O, 3 read or write. */
export const breakpointKind = (dr7: number, i: number) => (dr7 >>> (16 + 4 * i)) & 3
/** Bytes that breakpoint i covers. */
export const breakpointBytes = (dr7: number, i: number) => LENGTH[(dr7 >>> (18 + 4 * i)) & 3]!
/** True when breakpoint i is enabled, locally or globally. */
export const breakpointEnabled = (dr7: number, i: number) => ((dr7 >>> (2 * i)) & 3) !== 0

/** True when a data breakpoint or a watchpoint lies in a linear page. */
export function watchesPage(cpu: Cpu, page: number): boolean {
  const dr7 = cpu.i32[DR7]!
  for (let i = 0; i < 4; i++) {
    if (!breakpointEnabled(dr7, i) || (breakpointKind(dr7, i) & 1) === 0) continue
    if (cpu.i32[(DR >> 2) + i]! >>> 12 === page) return true
  }
  return cpu.watchpoints.some(({ linear, bytes }) => page >= linear >>> 12 && page <= (linear + bytes - 1) >>> 12)
}

/**
 * Notes the data breakpoints that an access of `bytes` at `linear` meets, and tells the host of a watchpoint. False when
 * the instruction has to be executed by itself first (FAULT is RETRY).
 */
export function noteAccess(cpu: Cpu, linear: number, bytes: number, write: boolean): boolean {
  const from = linear >>> 0
  for (const watch of cpu.watchpoints) {
    if (watch.kind === (write ? 'read' : 'write')) continue
    if (from >= watch.linear + watch.bytes || watch.linear >= from + bytes) continue
    if (cpu.devicesLater) {
      cpu.i32[FAULT >> 2] = RETRY
      return false
    }
    cpu.host.onWatchpoint?.(watch)
  }
  noteDataAccess(cpu, linear, bytes, write)
  return true
}

/** Notes the data breakpoints that an access of `bytes` at `linear` meets in cpu.debugHits. */
function noteDataAccess(cpu: Cpu, linear: number, bytes: number, write: boolean) {
  const dr7 = cpu.i32[DR7]!
  for (let i = 0; i < 4; i++) {
    const kind = breakpointKind(dr7, i)
    if ((kind & 1) === 0 || (kind === 1 && !write)) continue
    const length = breakpointBytes(dr7, i)
    const from = cpu.i32[(DR >> 2) + i]! & -length
    if ((linear - from) >>> 0 < length || (from - linear) >>> 0 < bytes) cpu.debugHits |= 1 << i
  }
}
