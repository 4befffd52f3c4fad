// How generated code finds the record of an address: CODE_TABLE has for each linear page the table of its records, and
// that one has the record of each offset in the page; 0 where there is none. As such a table is large, and few offsets in it
// are ever asked for, it ends with the record that was found last in each 16 bytes of code: one line of the host's cache
// holds those of 256 bytes.

import { CODE_TABLE } from '../cpu/layout.js'
import { I32 } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import type { FunctionCode } from './function-code.js'
import { RECORD_BYTES } from './record.js'

/** Bytes of code that share an entry. */
const SPAN = 16
/** Where the last found are, from the table's address: each with its offset in the span and SPAN in the lowest bits. */
const FOUND = 4096 * 4
const FOUND_BYTES = (4096 / SPAN) * 4
/** Behind them one bit for each offset: set where there is a record that is not stale. */
const LIVE = FOUND + FOUND_BYTES
/** Bytes of the table of a page. */
export const TABLE_BYTES = LIVE + 4096 / 8
/** Index of the cell with the bits of 32 offsets. */
export const liveCell = (table: number, offset: number) => ((table + LIVE) >> 2) + (offset >> 5)
/** Address of the entry of an offset among the last found. */
export const foundCell = (table: number, offset: number) => table + FOUND + (offset & ~(SPAN - 1)) / 4

/** Replaces the linear address on the stack by the address of the table of its page, 0 where there is none. */
export function emitTableOf(f: FunctionCode) {
  f.i32(10)
  f.op(W.I32_SHR_U)
  f.i32(~3)
  f.op(W.I32_AND)
  f.cell(CODE_TABLE)
  f.op(W.I32_ADD)
  f.memory(W.I32_LOAD, 0, 2)
}

/** Puts on the stack where among the last found that of a linear address is, less FOUND and the table's address. */
export function emitFoundCell(f: FunctionCode, linear: () => void) {
  linear()
  f.i32(2)
  f.op(W.I32_SHR_U)
  f.i32(FOUND_BYTES - 4)
  f.op(W.I32_AND)
}
function emitTag(f: FunctionCode, linear: () => void) {
  linear()
  f.i32(SPAN - 1)
  f.op(W.I32_AND)
  f.i32(SPAN)
  f.op(W.I32_OR)
}
/** With the cell's address on the stack, less FOUND: 0 where it has the record of the linear address, which is in `record` then. */
export function emitFound(f: FunctionCode, linear: () => void, record: number) {
  f.memory(W.I32_LOAD, FOUND, 2)
  emitTag(f, linear)
  f.op(W.I32_XOR)
  f.tee(record)
  f.i32(2 * SPAN - 1)
  f.op(W.I32_AND)
}

/**
 * Looks up the record of the linear address on the stack. Opens three blocks; the innermost is entered only when there is
 * one, it is in `record` then, and the address in `linear`. `find` is asked to put a table into CODE_TABLE that lacks there.
 */
export function emitLookUp(f: FunctionCode, linear: number, record: number, find: number) {
  const table = f.allocate(I32)
  const cell = f.allocate(I32)
  f.set(linear)
  const again = f.open(W.LOOP)
  f.get(linear)
  emitTableOf(f)
  f.tee(table)
  f.op(W.I32_EQZ)
  f.openUnlikely()
  f.get(linear)
  f.call(find)
  f.br(again, W.BR_IF)
  f.close()
  f.get(table)
  f.open(W.IF)
  emitFoundCell(f, () => f.get(linear))
  f.get(table)
  f.op(W.I32_ADD)
  f.tee(cell)
  emitFound(f, () => f.get(linear), record)
  f.open(W.IF)
  f.get(table)
  f.get(linear)
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(2)
  f.op(W.I32_SHL)
  f.op(W.I32_ADD)
  f.memory(W.I32_LOAD, 0, 2)
  f.tee(record)
  f.open(W.IF)
  f.get(cell)
  f.get(record)
  emitTag(f, () => f.get(linear))
  f.op(W.I32_OR)
  f.memory(W.I32_STORE, FOUND, 2)
  f.close()
  f.close()
  f.get(record)
  f.open(W.IF)
}

/** The record behind the one at `pc` goes to the local `to`. */
export function emitAdvance(f: FunctionCode, pc: number, to = pc) {
  f.get(pc)
  f.i32(RECORD_BYTES)
  f.op(W.I32_ADD)
  f.set(to)
}
