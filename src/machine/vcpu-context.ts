// Everything of a processor that a program can tell, taken out and put back, so that several programs can share it: the
// architectural cells of cpu/layout.ts, and what counts from the present instruction on (interrupt shadow, RF, debug
// conditions). Left out: translations, which are dropped, and what belongs to the machine (counts, interrupt request).

import type { Cpu } from '../cpu/cpu.js'
import { armBreakpoints } from '../cpu/debug-registers.js'
import * as L from '../cpu/layout.js'

const FIRST = L.GPR
/** General registers, EIP and EFLAGS; then segments to XMM. What lies between is the engine's. */
const RANGES = [
  [L.GPR, L.FLAGS + 4],
  [L.SEGMENT, L.STATE_END],
] as const
const CELLS = L.STATE_END - FIRST
// Behind the cells, relative to the number of instructions retired.
const SHADOW = CELLS
const RESUME = CELLS + 4
const DEBUG_HITS = CELLS + 8
const BYTES = CELLS + 12

/** A copy; the engine has been left. */
export function saveContext(cpu: Cpu): Uint8Array {
  const context = new Uint8Array(BYTES)
  context.set(cpu.u8.subarray(FIRST, L.STATE_END))
  const view = new DataView(context.buffer)
  view.setInt32(SHADOW, cpu.i32[L.SHADOW >> 2]! - cpu.retired, true)
  view.setInt32(RESUME, cpu.resumeAt - cpu.retired, true)
  view.setInt32(DEBUG_HITS, cpu.debugHits, true)
  return context
}

/** Puts back what saveContext() answered. */
export function loadContext(cpu: Cpu, context: Uint8Array) {
  const { i32, u8, retired } = cpu
  const view = new DataView(context.buffer, context.byteOffset, context.byteLength)
  for (const [from, to] of RANGES) u8.set(context.subarray(from - FIRST, to - FIRST), from)
  for (const cell of [L.SHADOW_KIND, L.CPL]) i32[cell >> 2] = view.getInt32(cell - FIRST, true)
  i32[L.SHADOW >> 2] = view.getInt32(SHADOW, true) + retired
  cpu.resumeAt = (view.getInt32(RESUME, true) + retired) | 0
  cpu.debugHits = view.getInt32(DEBUG_HITS, true)
  cpu.refresh()
  armBreakpoints(cpu)
}
