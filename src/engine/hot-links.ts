// How control goes on behind a translated region: functions of the core that regions call last, so that registers stay
// parameters from one region to the next. `chain` looks EIP up and enters the region there; `leave` writes all back to
// its cells for the run loop. Regions are flat code: EIP is the linear address.

import * as L from '../cpu/layout.js'
import { I32 } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import { FunctionCode } from './function-code.js'
import * as R from './record.js'
import { emitLookUp } from './record-lookup.js'

/** Parameters of regions and of `chain`: the eight registers and the budget. */
export const REGION_PARAMETERS = Array<typeof I32>(9).fill(I32)
/** Parameters of `leave`: those, and the result of the region. */
export const LEAVE_PARAMETERS = Array<typeof I32>(10).fill(I32)
const BUDGET = 8
const CODE = 9

/** leave(registers, budget, code): stores everything that translated code keeps elsewhere; returns the code. */
export function emitLeave(flagsAux: number): FunctionCode {
  const f = new FunctionCode(LEAVE_PARAMETERS)
  const cell = (address: number, value: () => void) => {
    f.i32(0)
    value()
    f.memory(W.I32_STORE, address, 2)
  }
  for (let n = 0; n < 8; n++) cell(L.gprCell(n), () => f.get(n))
  cell(L.BUDGET, () => f.get(BUDGET))
  f.cell(L.FLAG_KIND)
  f.open(W.IF)
  cell(L.FLAG_AUX, () => {
    for (const part of [L.FLAG_KIND, L.FLAG_RESULT, L.FLAG_AUX, L.FLAG_B]) f.cell(part)
    f.call(flagsAux)
  })
  cell(L.FLAG_KIND, () => f.i32(0))
  f.close()
  f.get(CODE)
  f.op(W.END)
  return f
}

/** chain(registers, budget): enters the region at EIP, or leaves with 0 where there is none or somebody waits. */
export function emitChain(region: number, leave: number): FunctionCode {
  const f = new FunctionCode(REGION_PARAMETERS)
  const scratch = f.allocate(I32)
  const record = f.allocate(I32)
  const registers = () => {
    for (let n = 0; n <= BUDGET; n++) f.get(n)
  }
  f.get(BUDGET)
  f.i32(R.BUDGET_LIMIT)
  f.op(W.I32_GT_S)
  f.open(W.IF)
  f.cell(L.EIP)
  emitLookUp(f, scratch, record)
  emitRegionIndex(f, record)
  f.tee(record)
  f.open(W.IF)
  f.i32(0)
  f.cell(L.HEAT)
  f.i32(1)
  f.op(W.I32_SUB)
  f.tee(scratch)
  f.memory(W.I32_STORE, L.HEAT, 2)
  f.get(scratch)
  f.i32(0)
  f.op(W.I32_GT_S)
  f.open(W.IF)
  registers()
  f.get(record)
  f.op(W.RETURN_CALL_INDIRECT)
  f.out.u32(region)
  f.out.u32(0)
  for (let n = 0; n < 5; n++) f.close()
  registers()
  f.i32(0)
  f.op(W.RETURN_CALL)
  f.out.u32(leave)
  f.op(W.END)
  return f
}

/** The core's table index of the region that a record heads, 0 where it heads none. */
export function emitRegionIndex(f: FunctionCode, record: number) {
  f.get(record)
  f.i32(3)
  f.op(W.I32_SHR_U)
  f.memory(W.I32_LOAD, L.HOT_INDEX - (L.CODE_CACHE >> 3), 2)
  f.i32(16)
  f.op(W.I32_SHR_U)
}
