// What the run loop does when a translated region was left at SITE before an instruction. An access that is not plain: it
// goes on at the instruction's record. One refusal in REFUSAL_SAMPLE is told to the engine's owner, who can have the
// instruction translated otherwise. A fault: it is that of the instruction's record.

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
  readonly reason: number
  readonly scratch: number
}

/** Labels of the run loop. */
export interface RunPlaces {
  /** The record's own handler is to be called: it may head a region itself, and would be refused there again. */
  readonly called: number
  readonly top: number
  readonly fault: number
}

/** For both reasons sets the loop's locals and goes on; falls through for others. `tell` leaves the loop; LINK is the record. */
export function emitGivenUp(
  f: FunctionCode,
  locals: RunLocals,
  window: CountedWindow,
  { called, top, fault }: RunPlaces,
  tell: () => void,
) {
  const { pc, reason, scratch } = locals
  const leftWith = (exit: number) => {
    f.get(reason)
    f.i32(exit + 1)
    f.op(W.I32_EQ)
    f.open(W.IF)
    emitSite(f, locals, window)
  }
  const goOn = () => {
    f.get(pc)
    f.memory(W.I32_LOAD16_U, R.HANDLER)
    f.i32(R.SLOT_HOT)
    f.op(W.I32_EQ)
    f.br(called, W.BR_IF)
    f.br(top)
    f.close()
  }
  leftWith(R.EXIT_FAULT)
  f.cell(L.FAULT)
  f.i32(L.CHANGES_CODE)
  f.op(W.I32_EQ)
  f.openUnlikely()
  f.setCell(L.FAULT, () => f.i32(0))
  goOn()
  f.br(fault)
  f.close()
  leftWith(R.EXIT_ACCESS)
  f.setCell(L.REFUSALS, () => {
    f.cell(L.REFUSALS)
    f.i32(1)
    f.op(W.I32_SUB)
    f.tee(scratch)
  })
  f.get(scratch)
  f.i32(0)
  f.op(W.I32_LE_S)
  f.openUnlikely()
  f.setCell(L.REFUSALS, () => f.i32(R.REFUSAL_SAMPLE))
  f.setCell(L.LINK, () => f.get(pc))
  tell()
  f.close()
  goOn()
}

/** Control is at the instruction of SITE. */
function emitSite(f: FunctionCode, { pc, start, budget, scratch }: RunLocals, window: CountedWindow) {
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
  f.setCell(L.SITE, () => f.i32(0))
  f.setCell(L.EIP, () => {
    f.get(pc)
    f.memory(W.I32_LOAD, R.AT)
  })
  window.refused(() => f.cell(L.EIP))
  window.lookAt(scratch)
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
