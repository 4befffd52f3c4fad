// How a direct branch of the cold engine remembers the record that it goes to (record.ts), so that it is looked up once.
// Inside a page the record is all. Beyond it the table of the page it belongs to is remembered too, and compared with the
// one in force. A record that is given up leads to its own offset, so that no link ever has to be found and undone.

import * as L from '../cpu/layout.js'
import * as W from '../wasm/opcodes.js'
import type { FunctionCode } from './function-code.js'
import * as R from './record.js'
import { emitTableOf } from './record-lookup.js'

const csBase = (f: FunctionCode) => f.cell(L.segmentCell(L.CS, L.SEG_BASE))

/** Follows the link of the branch at `pc`, if it has one that holds: the record goes to `record`, and control to `label`. */
export function emitFollow(f: FunctionCode, pc: number, record: number, table: number, label: number) {
  f.get(pc)
  f.memory(W.I32_LOAD, R.TARGET)
  f.tee(record)
  f.br(label, W.BR_IF)
  f.get(pc)
  f.memory(W.I32_LOAD, R.FAR_TABLE)
  f.tee(table)
  f.open(W.IF)
  f.get(pc)
  f.memory(W.I32_LOAD, R.FAR_TARGET)
  f.set(record)
  f.get(pc)
  f.memory(W.I32_LOAD, R.DISP)
  csBase(f)
  f.op(W.I32_ADD)
  emitTableOf(f)
  f.get(table)
  f.op(W.I32_EQ)
  f.br(label, W.BR_IF)
  f.close()
}

/**
 * Makes the branch at `link` remember the record that it goes to, which is at the linear address in the local `linear`.
 * Where a branch enters or leaves the counted window it does not: that is seen only where EIP is looked up.
 */
export function emitLink(f: FunctionCode, link: number, record: number, linear: number) {
  const near = (shift: number) => {
    f.get(link)
    f.memory(W.I32_LOAD, R.AT)
    csBase(f)
    f.op(W.I32_ADD)
    f.get(linear)
    f.op(W.I32_XOR)
    f.i32(shift)
    f.op(W.I32_SHR_U)
    f.op(W.I32_EQZ)
    f.open(W.IF)
  }
  const set = (field: number, value: () => void) => {
    f.get(link)
    value()
    f.memory(W.I32_STORE, field)
  }
  near(12)
  set(R.TARGET, () => f.get(record))
  f.op(W.ELSE)
  near(L.WINDOW_SHIFT)
  set(R.FAR_TARGET, () => f.get(record))
  set(R.FAR_TABLE, () => {
    f.get(linear)
    emitTableOf(f)
  })
  f.close()
  f.close()
}
