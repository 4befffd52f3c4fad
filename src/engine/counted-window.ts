// How the cold run loop counts what is retired in the counted window (cpu/layout.ts): control enters and leaves the
// window only where EIP is looked up, so only there is EIP compared with it. While control is inside, the count also holds
// the budget at its entry less SLICE_END: both change alike when a deadline does.

import * as L from '../cpu/layout.js'
import { I32 } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import type { FunctionCode } from './function-code.js'

export class CountedWindow {
  private readonly inside: number

  /** @param budget the local that holds it */
  constructor(
    private readonly f: FunctionCode,
    private readonly budget: number,
  ) {
    this.inside = f.allocate(I32)
  }

  /** Control enters or leaves: what is retired has been charged. */
  private cross() {
    const { f, inside } = this
    f.i32(0)
    f.cell(L.WINDOW_COUNT)
    f.get(this.budget)
    f.cell(L.SLICE_END)
    f.op(W.I32_SUB)
    // Negated when it leaves.
    f.i32(0)
    f.get(inside)
    f.op(W.I32_SUB)
    f.op(W.I32_XOR)
    f.get(inside)
    f.op(W.I32_ADD)
    f.op(W.I32_ADD)
    f.memory(W.I32_STORE, L.WINDOW_COUNT, 2)
    f.get(inside)
    f.op(W.I32_EQZ)
    f.set(inside)
  }
  /** Control leaves the run loop. */
  leave() {
    const { f } = this
    f.get(this.inside)
    f.open(W.IF)
    this.cross()
    f.close()
  }
  /** A translated region was left before the instruction at the linear address, with the budget not taken off the count. */
  refused(linear: () => void) {
    const { f } = this
    linear()
    emitIsCounted(f)
    f.open(W.IF)
    f.i32(0)
    f.cell(L.WINDOW_COUNT)
    f.get(this.budget)
    f.op(W.I32_SUB)
    f.memory(W.I32_STORE, L.WINDOW_COUNT, 2)
    f.close()
  }
  /** Control is at EIP, whose linear address goes to the local `linear`. */
  lookAt(linear: number) {
    const { f } = this
    f.cell(L.EIP)
    f.cell(L.segmentCell(L.CS, L.SEG_BASE))
    f.op(W.I32_ADD)
    f.tee(linear)
    emitIsCounted(f)
    f.get(this.inside)
    f.op(W.I32_NE)
    f.open(W.IF)
    this.cross()
    f.close()
  }
}

/** Replaces the linear address on the stack by whether it lies in the window. */
function emitIsCounted(f: FunctionCode) {
  f.i32(L.WINDOW_SHIFT)
  f.op(W.I32_SHR_U)
  f.i32(L.WINDOW_NUMBER)
  f.op(W.I32_EQ)
}
