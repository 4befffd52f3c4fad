// How generated code finds the record of an address: CODE_TABLE has for each linear page the table of its records, and
// that one has the record of each offset in the page; 0 where there is none.

import { CODE_TABLE } from '../cpu/layout.js'
import * as W from '../wasm/opcodes.js'
import type { FunctionCode } from './function-code.js'
import { RECORD_BYTES } from './record.js'

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

/**
 * Looks up the record of the linear address on the stack: table of its page, record of its offset. Opens two blocks that
 * are entered only when there is one; it is in `record` then.
 */
export function emitLookUp(f: FunctionCode, scratch: number, record: number) {
  f.tee(scratch)
  emitTableOf(f)
  f.tee(record)
  f.open(W.IF)
  f.get(record)
  f.get(scratch)
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(2)
  f.op(W.I32_SHL)
  f.op(W.I32_ADD)
  f.memory(W.I32_LOAD, 0, 2)
  f.tee(record)
  f.open(W.IF)
}

/** The record behind the one at `pc` goes to the local `to`. */
export function emitAdvance(f: FunctionCode, pc: number, to = pc) {
  f.get(pc)
  f.i32(RECORD_BYTES)
  f.op(W.I32_ADD)
  f.set(to)
}
