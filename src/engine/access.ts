// Code for guest memory accesses: one test against the translation table (cpu/layout.ts), then the plain access;
// everything else (miss, unaligned, device, page with translated code) calls the slow function of the width.

import { MODE, TLB_VALID } from '../cpu/layout.js'
import { MODE_ALIGNMENT } from '../cpu/mode.js'
import { I32, I64, V128 } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import { emitLoad, emitStore, type FunctionCode, wasmType } from './function-code.js'

/** Where the translation tables are: a constant (hot code), or a cell that holds the address (cold code). */
export type TableBase = { readonly constant: number } | { readonly cell: number }

/** Indices of the slow functions by width, in the module being made. */
export interface SlowFunctions {
  readonly load: ReadonlyMap<number, number>
  readonly loadForWrite: ReadonlyMap<number, number>
  readonly store: ReadonlyMap<number, number>
}

export const typeOfWidth = (width: number) => (width === 16 ? V128 : width === 8 ? I64 : I32)

/** Leaves the table's entry on the stack and in the local `entry`. */
function emitEntry(f: FunctionCode, a: number, base: TableBase, entry: number) {
  if ('cell' in base) f.cell(base.cell)
  f.get(a)
  f.i32(10)
  f.op(W.I32_SHR_U)
  f.i32(~3)
  f.op(W.I32_AND)
  if (!('constant' in base)) f.op(W.I32_ADD)
  f.memory(W.I32_LOAD, 'constant' in base ? base.constant : 0, 2)
  f.tee(entry)
}
/** Leaves "a is plainly accessible" on the stack and the table's entry in the local `entry`. */
export function emitPlainTest(f: FunctionCode, a: number, width: number, base: TableBase, entry: number) {
  emitEntry(f, a, base, entry)
  if (width > 1) {
    f.get(a)
    f.i32(width - 1)
    f.op(W.I32_AND)
    f.op(W.I32_OR)
  }
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(TLB_VALID)
  f.op(W.I32_EQ)
}

/** The same for an access that may be unaligned, as long as it stays on its page and nobody checks alignment. */
export function emitPageTest(f: FunctionCode, a: number, width: number, base: TableBase, entry: number) {
  if (width === 1) return emitPlainTest(f, a, width, base, entry)
  emitEntry(f, a, base, entry)
  f.i32(TLB_VALID)
  f.op(W.I32_XOR)
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.get(a)
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(width - 1)
  f.op(W.I32_ADD)
  f.i32(0x1000)
  f.op(W.I32_AND)
  f.op(W.I32_OR)
  f.cell(MODE)
  f.i32(MODE_ALIGNMENT)
  f.op(W.I32_AND)
  f.op(W.I32_OR)
  f.op(W.I32_EQZ)
}
/** A test of an access: what emitPlainTest leaves. */
type AccessTest = typeof emitPlainTest

/**
 * Loads `width` bytes at the linear address in local `a`; the value is left on the stack. `slow` does it where the access
 * is not plain: the address is on the stack.
 */
export function emitGuestLoad(
  f: FunctionCode,
  a: number,
  width: number,
  base: TableBase,
  slow: () => void,
  test: AccessTest = emitPlainTest,
) {
  const entry = f.allocate(I32)
  test(f, a, width, base, entry)
  f.openLikely(wasmType(typeOfWidth(width)))
  f.get(a)
  f.get(entry)
  f.op(W.I32_ADD)
  emitLoad(f, width, TLB_VALID)
  f.op(W.ELSE)
  f.get(a)
  slow()
  f.close()
  f.release(entry)
}

/** Stores at the linear address in local `a`; `value` pushes the value and is called twice. For `slow` both are on the stack. */
export function emitGuestStore(
  f: FunctionCode,
  a: number,
  width: number,
  base: TableBase,
  value: () => void,
  slow: () => void,
  test: AccessTest = emitPlainTest,
) {
  const entry = f.allocate(I32)
  test(f, a, width, base, entry)
  f.openLikely()
  f.get(a)
  f.get(entry)
  f.op(W.I32_ADD)
  value()
  emitStore(f, width, TLB_VALID)
  f.op(W.ELSE)
  f.get(a)
  value()
  slow()
  f.close()
  f.release(entry)
}
