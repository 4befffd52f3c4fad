// How control goes on behind a translated region: functions of the core that regions call last, so that registers stay
// parameters from one region to the next. `chain` looks EIP up and enters the region there, or writes all back to its
// cells for the run loop. Regions are flat code: EIP is the linear address.

import * as L from '../cpu/layout.js'
import { I32, type Type, V128 } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import { FunctionCode } from './function-code.js'
import { emitJump } from './jump-cache.js'
import { CLOSED, UNLINKED } from './links.js'
import * as R from './record.js'
import { emitFound, emitFoundCell } from './record-lookup.js'

/** Parameters of regions: the eight registers and the budget. */
export const REGION_PARAMETERS = Array<Type>(9).fill(I32)
/** Parameters of `chain`: the same, and a vector that nobody looks at (hot-access.ts says why). */
export const CHAIN_PARAMETERS = [...REGION_PARAMETERS, V128]
const BUDGET = 8

/**
 * chain(registers, budget, vector): enters the region at EIP. Where there is none, where somebody waits or where LEAVING
 * is no exit that goes on it stores everything that translated code keeps elsewhere, and returns the reason to leave.
 * @param link the function that links the exit to that region
 */
export function emitChain(region: number, link: number, flagsAux: number): FunctionCode {
  const f = new FunctionCode(CHAIN_PARAMETERS)
  const eip = f.allocate(I32)
  const entry = f.allocate(I32)
  const index = f.allocate(I32)
  f.get(BUDGET)
  f.i32(R.BUDGET_LIMIT)
  f.op(W.I32_GT_S)
  f.i32(UNLINKED - 1)
  f.cell(L.LEAVING)
  f.op(W.I32_LT_U)
  f.op(W.I32_AND)
  f.openLikely()
  f.cell(L.EIP)
  f.set(eip)
  emitTableEntry(f, eip)
  f.set(entry)
  emitJump(f, eip, entry, index, () => emitIndexAt(f, entry, index))
  f.get(index)
  f.openLikely()
  emitCountDown(f, eip, link)
  f.get(BUDGET)
  f.cell(L.FLOOR)
  f.op(W.I32_LE_S)
  f.openUnlikely()
  emitSample(f, entry, eip, link)
  f.close()
  for (let n = 0; n <= BUDGET; n++) f.get(n)
  f.get(index)
  f.op(W.RETURN_CALL_INDIRECT)
  f.out.u32(region)
  f.out.u32(0)
  for (let n = 0; n < 2; n++) f.close()
  emitLeave(f, flagsAux)
  f.op(W.END)
  return f
}

/** Puts on the stack whether the exit `code` goes by its link, and not by the core, to the offset in `eip`. */
export function emitLinked(f: FunctionCode, codeTable: number, eip: number, code: number) {
  f.get(BUDGET)
  f.cell(L.FLOOR)
  f.op(W.I32_GT_S)
  emitTableEntry(f, eip, codeTable)
  f.get(code)
  f.i32(2)
  f.op(W.I32_SHL)
  f.memory(W.I32_LOAD, L.LINKS, 2)
  f.op(W.I32_EQ)
  f.op(W.I32_AND)
}
/** Lets links be followed for LINK_SAMPLE instructions more. */
export function emitFloor(f: FunctionCode, budget: number, floor: number) {
  f.get(budget)
  f.i32(R.LINK_SAMPLE)
  f.op(W.I32_SUB)
  f.tee(floor)
  f.i32(R.BUDGET_LIMIT)
  f.get(floor)
  f.i32(R.BUDGET_LIMIT)
  f.op(W.I32_GT_S)
  f.op(W.SELECT)
  f.set(floor)
}
/** Puts the exit's cell on the stack. */
function emitLinkCell(f: FunctionCode) {
  f.cell(L.LEAVING)
  f.i32(2)
  f.op(W.I32_SHL)
  f.memory(W.I32_LOAD, L.LINKS, 2)
}
/** An exit that is not linked is so one time nearer to it. */
function emitCountDown(f: FunctionCode, scratch: number, link: number) {
  emitLinkCell(f)
  f.tee(scratch)
  f.i32(1)
  f.op(W.I32_AND)
  f.openUnlikely()
  f.cell(L.LEAVING)
  f.i32(2)
  f.op(W.I32_SHL)
  f.get(scratch)
  f.i32(2)
  f.op(W.I32_SUB)
  f.tee(scratch)
  f.memory(W.I32_STORE, L.LINKS, 2)
  f.get(scratch)
  f.i32(1)
  f.op(W.I32_EQ)
  f.openUnlikely()
  f.call(link)
  f.close()
  f.close()
}
/** The region of the table entry pays for many; where it cannot, the run loop is to look at it. Perhaps the exit is linked. */
function emitSample(f: FunctionCode, entry: number, scratch: number, link: number) {
  emitFloor(f, BUDGET, scratch)
  f.i32(0)
  f.get(scratch)
  f.memory(W.I32_STORE, L.FLOOR, 2)
  f.get(entry)
  f.memory(W.I32_LOAD, 0, 2)
  f.tee(scratch)
  f.get(scratch)
  f.memory(W.I32_LOAD, R.COUNT, 2)
  f.i32(R.LINK_WEIGHT)
  f.op(W.I32_SUB)
  f.memory(W.I32_STORE, R.COUNT, 2)
  f.get(scratch)
  f.memory(W.I32_LOAD, R.COUNT, 2)
  f.i32(0)
  f.op(W.I32_LT_S)
  f.open(W.IF)
  f.i32(0)
  f.i32(0)
  f.memory(W.I32_STORE, L.HEAT, 2)
  f.br(f.depth - 2)
  f.close()
  emitLinkCell(f)
  f.tee(scratch)
  f.get(entry)
  f.op(W.I32_NE)
  f.get(scratch)
  f.i32(CLOSED)
  f.op(W.I32_NE)
  f.op(W.I32_AND)
  f.open(W.IF)
  f.call(link)
  f.close()
}

/**
 * The address of the code page's table entry for the offset, near 0 where the page is not known.
 * @param codeTable the one in force, where that is known
 */
function emitTableEntry(f: FunctionCode, eip: number, codeTable?: number) {
  f.get(eip)
  f.i32(10)
  f.op(W.I32_SHR_U)
  f.i32(~3)
  f.op(W.I32_AND)
  if (codeTable === undefined) {
    f.cell(L.CODE_TABLE)
    f.op(W.I32_ADD)
  }
  f.memory(W.I32_LOAD, codeTable ?? 0, 2)
  f.get(eip)
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(2)
  f.op(W.I32_SHL)
  f.op(W.I32_ADD)
}
/**
 * The table index of the region that the record of a table entry, that of EIP, heads, 0 for none. Looks where the run loop
 * is going to look if there is none: at the last found, and the record itself.
 */
function emitIndexAt(f: FunctionCode, entry: number, record: number) {
  const eip = () => f.cell(L.EIP)
  f.get(entry)
  f.i32(L.CODE_CACHE)
  f.op(W.I32_LT_U)
  f.open(W.IF, W.TYPE_I32)
  f.i32(0)
  f.op(W.ELSE)
  emitFoundCell(f, eip)
  f.get(entry)
  f.op(W.I32_ADD)
  eip()
  f.i32(0xfff)
  f.op(W.I32_AND)
  f.i32(2)
  f.op(W.I32_SHL)
  f.op(W.I32_SUB)
  emitFound(f, eip, record)
  f.open(W.IF)
  f.get(entry)
  f.memory(W.I32_LOAD, 0, 2)
  f.set(record)
  f.close()
  f.get(record)
  f.memory(W.I32_LOAD16_U, R.HANDLER)
  f.i32(R.SLOT_HOT)
  f.op(W.I32_EQ)
  f.open(W.IF, W.TYPE_I32)
  emitRegionIndex(f, record)
  f.op(W.ELSE)
  f.i32(0)
  f.close()
  f.close()
}
function emitLeave(f: FunctionCode, flagsAux: number) {
  for (let n = 0; n < 8; n++) f.setCell(L.gprCell(n), () => f.get(n))
  f.setCell(L.BUDGET, () => f.get(BUDGET))
  f.cell(L.FLAG_KIND)
  f.open(W.IF)
  f.setCell(L.FLAG_AUX, () => {
    for (const part of [L.FLAG_KIND, L.FLAG_RESULT, L.FLAG_AUX, L.FLAG_B]) f.cell(part)
    f.call(flagsAux)
  })
  f.setCell(L.FLAG_KIND, () => f.i32(0))
  f.close()
  f.cell(L.LEAVING)
  f.i32(0)
  f.cell(L.LEAVING)
  f.i32(UNLINKED)
  f.op(W.I32_LT_U)
  f.op(W.SELECT)
}

/** The core's table index of the region that a record heads, 0 where it heads none. */
export function emitRegionIndex(f: FunctionCode, record: number) {
  emitHotIndex(f, record)
  f.i32(16)
  f.op(W.I32_SHR_U)
}
/** The entry of HOT_INDEX (cpu/layout.ts) that belongs to a record. */
export function emitHotIndex(f: FunctionCode, record: number) {
  f.get(record)
  f.i32(3)
  f.op(W.I32_SHR_U)
  f.memory(W.I32_LOAD, L.HOT_INDEX - (L.CODE_CACHE >> 3), 2)
}
