// Data breakpoints of DR0-DR3 (SDM vol. 3, 17.2.4, 17.2.5). While one is enabled its pages stay out of the
// translation tables, so that every access to them comes by the slow path and is compared here.

import type { Cpu } from './cpu.js'
import { DR } from './layout.js'

const DR7 = (DR >> 2) + 7
/** Bytes watched for LEN encodings 0-3. */
const LENGTH = [1, 2, 8, 4]

/** R/W field of breakpoint i: 0 execute, 1 write, 2 I/O, 3 read or write. */
export const breakpointKind = (dr7: number, i: number) => (dr7 >>> (16 + 4 * i)) & 3
/** Bytes that breakpoint i covers. */
export const breakpointBytes = (dr7: number, i: number) => LENGTH[(dr7 >>> (18 + 4 * i)) & 3]!
/** True when breakpoint i is enabled, locally or globally. */
export const breakpointEnabled = (dr7: number, i: number) => ((dr7 >>> (2 * i)) & 3) !== 0

/** True when a data breakpoint lies in a linear page. */
export function watchesPage(cpu: Cpu, page: number): boolean {
  const dr7 = cpu.i32[DR7]!
  for (let i = 0; i < 4; i++) {
    if (!breakpointEnabled(dr7, i) || (breakpointKind(dr7, i) & 1) === 0) continue
    if (cpu.i32[(DR >> 2) + i]! >>> 12 === page) return true
  }
  return false
}

/** Notes the data breakpoints that an access of `bytes` at `linear` meets in cpu.debugHits. */
export function noteDataAccess(cpu: Cpu, linear: number, bytes: number, write: boolean) {
  const dr7 = cpu.i32[DR7]!
  for (let i = 0; i < 4; i++) {
    const kind = breakpointKind(dr7, i)
    if ((kind & 1) === 0 || (kind === 1 && !write)) continue
    const length = breakpointBytes(dr7, i)
    const from = cpu.i32[(DR >> 2) + i]! & -length
    if ((linear - from) >>> 0 < length || (from - linear) >>> 0 < bytes) cpu.debugHits |= 1 << i
  }
}
