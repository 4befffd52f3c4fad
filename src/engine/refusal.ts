// What the run loop does when a translated region was left at SITE before an instruction, because of an access that is not
// plain: it goes on at the instruction's record. One refusal in REFUSAL_SAMPLE is told to the engine's owner, who can have
// the instruction translated otherwise.

import * as L from '../cpu/layout.js'
import { I32 } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import type { CountedWindow } from './counted-window.js'
import type { FunctionCode } from './function-code.js'
import { emitHotIndex } from './hot-links.js'
import * as R from './record.js'
import { UNCHARGED_BITS, UNCHARGED_MASK } from './sites.js'

/** Locals of the run loop. */
export interface RunLocals {
  readonly pc: number
  readonly start: number
  readonly budget: number
  readonly scratch: number
}

/**
 * Sets the loop's locals, and leaves on the stack whether the record's own handler is to be called: the instruction may
 * head a region itself, and would be refused there again. `tell` leaves the run loop; LINK is the record then.
 */
export function emitRefusal(
  f: FunctionCode,
  { pc, start, budget, scratch }: RunLocals,
  window: CountedWindow,
  tell: () => void,
) {
  const setCell = (cell: number, value: () => void) => {
    f.i32(0)
    value()
    f.memory(W.I32_STORE, cell, 2)
  }
  f.get(budget)
  f.cell(L.SITE)
  f.i32(UNCHARGED_MASK)
  f.op(W.I32_AND)
  f.op(W.I32_ADD)
  f.set(budget)
  f.cell(L.SITE)
  f.i32(UNCHARGED_BITS)
  f.op(W.I32_SHR_U)
  f.i32(R.RECORD_SHIFT)
  f.op(W.I32_SHL)
  f.i32(L.CODE_CACHE)
  f.op(W.I32_ADD)
  f.tee(pc)
  f.set(start)
  setCell(L.SITE, () => f.i32(0))
  setCell(L.EIP, () => {
    f.get(pc)
    f.memory(W.I32_LOAD, R.AT)
  })
  window.refused(() => f.cell(L.EIP))
  window.lookAt(scratch)
  setCell(L.REFUSALS, () => {
    f.cell(L.REFUSALS)
    f.i32(1)
    f.op(W.I32_SUB)
    f.tee(scratch)
  })
  f.get(scratch)
  f.i32(0)
  f.op(W.I32_LE_S)
  f.openUnlikely()
  setCell(L.REFUSALS, () => f.i32(R.REFUSAL_SAMPLE))
  setCell(L.LINK, () => f.get(pc))
  tell()
  f.close()
  f.get(pc)
  f.memory(W.I32_LOAD16_U, R.HANDLER)
  f.i32(R.SLOT_HOT)
  f.op(W.I32_EQ)
}

/** Puts the handler number of a record on the stack, of the head of a translated region its own. */
export function emitOwnHandler(f: FunctionCode, pc: number) {
  const handler = f.allocate(I32)
  f.get(pc)
  f.memory(W.I32_LOAD16_U, R.HANDLER)
  f.tee(handler)
  f.i32(R.SLOT_HOT)
  f.op(W.I32_EQ)
  f.openUnlikely(W.TYPE_I32)
  emitHotIndex(f, pc)
  f.i32(0xffff)
  f.op(W.I32_AND)
  f.op(W.ELSE)
  f.get(handler)
  f.close()
  f.release(handler)
}
