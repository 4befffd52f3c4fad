// The cold run loop: one function that dispatches on a record's handler number with br_table. Straight code goes from
// record to record; counts, deadlines and heat are looked at where control is taken elsewhere. See record.ts.

import * as L from '../cpu/layout.js'
import { STOP_AGAIN, STOP_NEXT } from '../cpu/stops.js'
import { I32 } from '../ir/types.js'
import { isConditional, isIndirectBranch } from '../isa/forms.js'
import * as W from '../wasm/opcodes.js'
import { emitFollow, emitLink } from './cold-links.js'
import { InlineLowering, type Linkage } from './cold-lowering.js'
import { CountedWindow } from './counted-window.js'
import { FunctionCode } from './function-code.js'
import { emitFloor, emitRegionIndex } from './hot-links.js'
import { likelyNext } from './likely-next.js'
import * as R from './record.js'
import type { RecordContext } from './record-context.js'
import { emitAdvance, emitLookUp } from './record-lookup.js'
import { emitGivenUp, emitOwnHandler } from './refusal.js'
import { inlineCount, type Slot, slots, tapeOf } from './slots.js'

const TRAP_FLAG = 0x100

/** run(record) -> EXIT_*. `handler`: type of handler functions; `hot`: type of translated regions (hot-lowering.ts). */
export function emitRunLoop(context: RecordContext, linkage: Linkage, handler: number, hot: number): FunctionCode {
  const f = new FunctionCode([I32])
  const pc = 0
  const [start, budget, reason, link, scratch, heat] = Array.from({ length: 6 }, () => f.allocate(I32)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const field = (offset: number, op: number = W.I32_LOAD) => {
    f.get(pc)
    f.memory(op, offset)
  }
  /** budget -= instructions from start up to the record, plus `more`. */
  const charge = (more: number) => {
    f.get(budget)
    f.get(pc)
    f.get(start)
    f.op(W.I32_SUB)
    f.i32(R.RECORD_SHIFT)
    f.op(W.I32_SHR_S)
    f.op(W.I32_SUB)
    if (more) {
      f.i32(more)
      f.op(W.I32_SUB)
    }
    f.set(budget)
  }
  /** EIP is where to go on and everything is charged: undoes what the jump label charges. */
  const chargedAlready = () => emitAdvance(f, pc, start)
  const window = new CountedWindow(f, budget)
  const exit = (why: number) => {
    window.leave()
    f.setCell(L.BUDGET, () => f.get(budget))
    f.setCell(L.HEAT, () => f.get(heat))
    f.i32(why)
    f.op(W.RETURN)
  }
  /**
   * What calls a function, up to the end of the block, is kept aside: the condition always holds and is marked as one that
   * hardly ever does, so that V8 saves registers only there.
   */
  const openAside = () => {
    f.get(pc)
    f.openUnlikely()
  }
  const eipIs = (value: () => void) => f.setCell(L.EIP, value)
  const nextOffset = () => {
    field(R.AT)
    field(R.LENGTH, W.I32_LOAD8_U)
    f.op(W.I32_ADD)
  }
  f.cell(L.BUDGET)
  f.set(budget)
  f.cell(L.HEAT)
  f.set(heat)
  f.get(pc)
  f.set(start)
  window.lookAt(scratch)
  const top = f.open(W.LOOP)

  const jump = f.open(W.BLOCK) // EIP is set, the instruction is not charged yet
  const indirect = f.open(W.BLOCK) // the same, by a near indirect jump or call
  const target = f.open(W.BLOCK) // a direct branch at pc is taken
  const transferred = f.open(W.BLOCK) // EIP and mode are set, the instruction is not charged yet
  const fault = f.open(W.BLOCK)
  const stopped = f.open(W.BLOCK)
  const called = f.open(W.BLOCK) // a slot that is not inlined
  const labels = { jump, target, fault, stopped, reason }
  const inline = inlineCount + R.FIRST_SLOT
  const blocks: number[] = []
  for (let i = 0; i < inline; i++) blocks.push(f.open(W.BLOCK))
  field(R.HANDLER, W.I32_LOAD16_U)
  f.op(W.BR_TABLE)
  f.out.u32(inline)
  for (let i = 0; i < inline; i++) f.out.u32(i)
  f.out.u32(inline)

  // Handlers, innermost block first: slot i is the code behind block i (counted from the inside).
  const emitPseudo: (() => void)[] = []
  emitPseudo[R.SLOT_GOTO] = () => {
    // Not an instruction: the run is charged as a taken branch would be, without itself.
    f.get(budget)
    f.i32(1)
    f.op(W.I32_ADD)
    f.set(budget)
    f.br(target)
  }
  emitPseudo[R.SLOT_GUARD] = () => {
    f.cell(L.CODE_TABLE)
    field(R.DISP) // linear address in the next page
    f.i32(10)
    f.op(W.I32_SHR_U)
    f.i32(~3)
    f.op(W.I32_AND)
    f.op(W.I32_ADD)
    f.memory(W.I32_LOAD, 0, 2)
    field(R.IMM)
    f.op(W.I32_NE)
    f.open(W.IF)
    charge(0)
    eipIs(() => field(R.AT))
    f.setCell(L.LINK, () => f.get(pc))
    exit(R.EXIT_GUARD)
    f.close()
    f.get(start)
    f.i32(R.RECORD_BYTES)
    f.op(W.I32_ADD)
    f.set(start)
    emitAdvance(f, pc)
    f.br(top)
  }
  emitPseudo[R.SLOT_HOT] = () => {
    openAside()
    charge(0)
    f.get(budget)
    f.i32(R.BUDGET_LIMIT)
    f.op(W.I32_LE_S)
    f.open(W.IF)
    eipIs(() => field(R.AT))
    exit(R.EXIT_BUDGET)
    f.close()
    window.leave()
    f.setCell(L.HEAT, () => f.get(heat))
    emitFloor(f, budget, reason)
    f.get(reason)
    f.cell(L.FLOOR)
    f.op(W.I32_GT_S)
    f.open(W.IF)
    f.setCell(L.FLOOR, () => f.get(reason))
    f.close()
    for (let n = 0; n < 8; n++) f.cell(L.gprCell(n))
    f.get(budget)
    emitRegionIndex(f, pc)
    f.op(W.CALL_INDIRECT)
    f.out.u32(hot)
    f.out.u32(0)
    f.set(reason)
    f.cell(L.BUDGET)
    f.set(budget)
    f.cell(L.HEAT)
    f.set(heat)
    f.get(reason)
    f.open(W.IF)
    const places = { called, top, fault }
    emitGivenUp(f, { pc, start, budget, reason, scratch }, window, places, () => exit(R.EXIT_ACCESS))
    f.get(reason)
    f.i32(1)
    f.op(W.I32_SUB)
    f.op(W.RETURN)
    f.close()
    chargedAlready()
    f.br(jump)
    f.close()
    f.op(W.UNREACHABLE)
  }
  emitPseudo[R.SLOT_INTERCEPT] = () => {
    charge(0)
    eipIs(() => field(R.AT))
    f.setCell(L.LINK, () => f.get(pc))
    exit(R.EXIT_INTERCEPT)
  }
  emitPseudo[R.SLOT_STALE] = () => {
    charge(0)
    eipIs(() => field(R.AT))
    f.setCell(L.LINK, () => f.get(pc))
    exit(R.EXIT_STALE)
  }
  emitPseudo[R.SLOT_STALE_LAST] = emitPseudo[R.SLOT_STALE]
  for (let i = 0; i < inline; i++) {
    f.close()
    if (i < R.FIRST_SLOT) {
      emitPseudo[i]!()
      continue
    }
    const slot = slots[i - R.FIRST_SLOT]!
    emitSlot(slot)
    for (const next of likelyNext(slot)) {
      field(R.HANDLER, W.I32_LOAD16_U)
      f.i32(next.handler)
      f.op(W.I32_EQ)
      f.open(W.IF)
      emitSlot(next.slot)
      f.br(top)
      f.close()
    }
    f.br(top)
  }

  f.close() // called
  openAside()
  charge(0)
  f.setCell(L.BUDGET, () => f.get(budget))
  f.get(pc)
  f.set(start)
  f.get(pc)
  emitOwnHandler(f, pc)
  f.op(W.CALL_INDIRECT)
  f.out.u32(handler)
  f.out.u32(0)
  f.set(reason)
  f.cell(L.BUDGET)
  f.set(budget)
  f.get(reason)
  f.op(W.I32_EQZ)
  f.open(W.IF)
  f.get(budget)
  f.i32(R.RUN_LIMIT)
  f.op(W.I32_GT_S)
  f.open(W.IF)
  emitAdvance(f, pc)
  f.br(top)
  f.close()
  charge(1)
  eipIs(nextOffset)
  exit(R.EXIT_BUDGET)
  f.close()
  for (const [code, label] of [
    [R.DONE_JUMP, jump],
    [R.DONE_TARGET, target],
    [R.DONE_FAULT, fault],
  ] as const) {
    f.get(reason)
    f.i32(code)
    f.op(W.I32_EQ)
    f.br(label, W.BR_IF)
  }
  f.get(reason)
  f.i32(R.DONE_STOP)
  f.op(W.I32_SUB)
  f.set(reason)
  f.close()

  f.close() // stopped
  for (const [why, retired, eip] of [
    [STOP_AGAIN, 0, () => field(R.AT)],
    [STOP_NEXT, 1, nextOffset],
  ] as const) {
    f.get(reason)
    f.i32(why)
    f.op(W.I32_EQ)
    f.open(W.IF)
    charge(retired)
    eipIs(eip)
    exit(R.EXIT_STOP)
    f.close()
  }
  f.br(transferred)
  f.close() // fault
  charge(0)
  eipIs(() => field(R.AT))
  f.setCell(L.BUDGET, () => f.get(budget))
  openAside()
  f.call(linkage.procedures.get('fault_quick')!)
  f.op(W.I32_EQZ)
  f.open(W.IF)
  exit(R.EXIT_FAULT)
  f.close()
  chargedAlready()
  f.close()
  f.close() // transferred: stay inside unless somebody waits
  f.cell(L.INTR)
  f.cell(L.ATTENTION)
  f.op(W.I32_OR)
  f.cell(L.FLAGS)
  f.i32(TRAP_FLAG)
  f.op(W.I32_AND)
  f.op(W.I32_OR)
  f.open(W.IF)
  charge(1)
  exit(R.EXIT_STOP)
  f.close()
  f.br(jump)

  f.close() // target
  const linked = f.open(W.BLOCK)
  emitFollow(f, pc, scratch, reason, linked)
  eipIs(() => field(R.DISP))
  f.get(pc)
  f.set(link)
  f.br(jump)
  f.close()
  charge(1)
  f.get(scratch)
  f.set(pc)
  emitHead()

  f.close() // indirect: where it went is remembered, for whoever translates it
  field(R.LAST)
  f.cell(L.EIP)
  f.op(W.I32_NE)
  f.open(W.IF)
  f.get(pc)
  f.cell(L.EIP)
  f.memory(W.I32_STORE, R.LAST)
  f.get(pc)
  field(R.CHANGES, W.I32_LOAD16_U)
  f.i32(1)
  f.op(W.I32_ADD)
  f.memory(W.I32_STORE16, R.CHANGES)
  f.close()

  f.close() // jump
  charge(1)
  // Look EIP up: table of its page, record of its offset.
  window.lookAt(scratch)
  f.get(scratch)
  emitLookUp(f, scratch, reason, linkage.procedures.get('find_code_quick')!)
  f.get(link)
  f.open(W.IF)
  emitLink(f, link, reason, scratch)
  f.i32(0)
  f.set(link)
  f.close()
  f.get(reason)
  f.set(pc)
  emitHead()
  for (let n = 0; n < 3; n++) f.close()
  f.setCell(L.LINK, () => f.get(link))
  exit(R.EXIT_MISS)
  f.close() // loop
  f.i32(0)
  f.op(W.END)
  return f

  /** The code of an inlined slot; pc is at the next record then. */
  function emitSlot(slot: Slot) {
    const ends = isIndirectBranch(slot.form) ? { ...labels, jump: indirect } : labels
    new InlineLowering(f, linkage, ends).lower(tapeOf(context, slot))
    if (isConditional(slot.form)) {
      f.get(pc)
      f.i32(1)
      f.memory(W.I32_STORE16, R.FALLEN)
    }
    emitAdvance(f, pc)
  }
  /** pc is the head of a run: heat, budget, go. */
  function emitHead() {
    f.get(pc)
    f.set(start)
    f.get(heat)
    f.i32(1)
    f.op(W.I32_SUB)
    f.tee(heat)
    f.i32(0)
    f.op(W.I32_LE_S)
    f.open(W.IF)
    f.i32(R.HEAT_SAMPLE)
    f.set(heat)
    f.get(pc)
    field(R.COUNT)
    f.i32(R.HEAT_SAMPLE)
    f.op(W.I32_SUB)
    f.tee(scratch)
    f.memory(W.I32_STORE, R.COUNT)
    f.get(scratch)
    f.i32(0)
    f.op(W.I32_LT_S)
    f.open(W.IF)
    f.setCell(L.LINK, () => f.get(pc))
    eipIs(() => field(R.AT))
    exit(R.EXIT_HOT)
    f.close()
    f.close()
    f.get(budget)
    f.i32(R.BUDGET_LIMIT)
    f.op(W.I32_GT_S)
    f.br(top, W.BR_IF)
    eipIs(() => field(R.AT))
    exit(R.EXIT_BUDGET)
  }
}
