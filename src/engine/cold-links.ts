// How a direct branch of the cold engine remembers the record that it goes to (TARGET, record.ts), so that it is looked up
// once. Only inside a page: the next page may be another one the next time.

import * as L from '../cpu/layout.js'
import * as W from '../wasm/opcodes.js'
import type { FunctionCode } from './function-code.js'
import * as R from './record.js'

/** Patches the branch at `link` when the record that it goes to (at EIP) lies in the same page; `link` is 0 then. */
export function emitLinkInPage(f: FunctionCode, link: number, record: number) {
  f.get(link)
  f.memory(W.I32_LOAD, R.AT)
  f.cell(L.EIP)
  f.op(W.I32_XOR)
  f.i32(12)
  f.op(W.I32_SHR_U)
  f.op(W.I32_EQZ)
  f.open(W.IF)
  f.get(link)
  f.get(record)
  f.memory(W.I32_STORE, R.TARGET)
  f.close()
  f.i32(0)
  f.set(link)
}
