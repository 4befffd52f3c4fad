// Where translated code goes on: JUMP_CACHE (cpu/layout.ts) has the region behind an offset in the eight bytes of one
// entry, where the way by the code page's table, the record and HOT_INDEX misses the host's caches three times. The
// address of the table entry stands for page, mode and address space: nothing changes when another one comes into force.

import * as L from '../cpu/layout.js'
import * as W from '../wasm/opcodes.js'
import type { FunctionCode } from './function-code.js'

const SPREAD = 7
const slotOf = (eip: number) => (L.JUMP_CACHE >> 2) + (((eip ^ (eip >>> SPREAD)) & (L.JUMP_CACHE_ENTRIES - 1)) << 1)

/** The record at this table entry (its address), which lies at `eip`, heads no region any more. */
export function forgetJump(i32: Int32Array, eip: number, tableEntry: number) {
  const slot = slotOf(eip)
  if (i32[slot] === tableEntry) i32[slot] = i32[slot + 1] = 0
}
/** No record heads a region any more. */
export function forgetJumps(i32: Int32Array) {
  i32.fill(0, L.JUMP_CACHE >> 2, (L.JUMP_CACHE >> 2) + 2 * L.JUMP_CACHE_ENTRIES)
}

/**
 * Looks up the region of the table entry whose address is in `entry`, at the offset in `eip`: the core's table index is
 * in `index` then, 0 for none. `find` leaves the index on the stack that an entry not held here has. Changes `eip`.
 */
export function emitJump(f: FunctionCode, eip: number, entry: number, index: number, find: () => void) {
  const slot = eip
  f.get(eip)
  f.get(eip)
  f.i32(SPREAD)
  f.op(W.I32_SHR_U)
  f.op(W.I32_XOR)
  f.i32(L.JUMP_CACHE_ENTRIES - 1)
  f.op(W.I32_AND)
  f.i32(3)
  f.op(W.I32_SHL)
  f.tee(slot)
  f.memory(W.I32_LOAD, L.JUMP_CACHE + 4, 2)
  f.set(index)
  f.get(slot)
  f.memory(W.I32_LOAD, L.JUMP_CACHE, 2)
  f.get(entry)
  f.op(W.I32_NE)
  f.openUnlikely()
  find()
  f.tee(index)
  f.open(W.IF)
  f.get(slot)
  f.get(entry)
  f.memory(W.I32_STORE, L.JUMP_CACHE, 2)
  f.get(slot)
  f.get(index)
  f.memory(W.I32_STORE, L.JUMP_CACHE + 4, 2)
  f.close()
  f.close()
}
