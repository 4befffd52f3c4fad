// What all MMX instructions share (SDM vol. 1, 9.2 and 9.6; vol. 3, 12.1): they may be used when x87 may, and they leave
// TOP 0, all registers valid, and an exponent of all ones in a register they write. EMMS is with the x87 instructions.
// With CR0.NE clear a pending x87 error goes to its interrupt line and the instruction does not wait for it.

import { CR0, FPU_STATUS, FPU_TOP, FPU_VALID, MODE } from '../cpu/layout.js'
import { MODE_NO_FPU } from '../cpu/mode.js'
import type { Value } from '../ir/tape.js'
import { VOID } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import type { ProcedureSource } from './procedures.js'
import { ES } from './x87-state.js'

const CR0_EM = 0x4
const CR0_TS = 0x8
const CR0_NE = 0x20

/** #UD with CR0.EM, #NM with CR0.TS, #MF with an x87 error pending: before every MMX instruction. */
export function mmxAvailable(b: Context) {
  const blocked = b.or(b.and(b.state(MODE), b.const(MODE_NO_FPU)), b.and(b.state(FPU_STATUS, 2), b.const(ES)))
  b.if(blocked, () => b.call('mmx_blocked', [], VOID, true))
}
/** TOP = 0, all registers valid: after everything that can fault. */
export function mmxTransition(b: Context) {
  b.setState(FPU_TOP, b.const(0))
  b.setState(FPU_VALID, b.const(0xff))
}
/** Writes the MMX register that is operand 0 (or 1) and its exponent. */
export function setMmx(b: Context, v: Value, operand: 'dst' | 'src' = 'dst') {
  const cell = b.field(operand)
  b.writeCell(cell, 8, v)
  b.writeCell(b.add(cell, b.const(8)), 2, b.const(0xffff))
}

/** Wraps a meaning as an MMX instruction. */
export const mmx =
  (meaning: Semantics): Semantics =>
  (b, form) => {
    mmxAvailable(b)
    meaning(b, form)
    mmxTransition(b)
  }

export const mmxProcedures: Record<string, ProcedureSource> = {
  /** Raises what keeps an MMX instruction from running; returns when it may run nevertheless. */
  mmx_blocked: {
    params: [],
    result: VOID,
    faults: true,
    build: b => {
      const cr0 = b.state(CR0)
      b.if(b.and(cr0, b.const(CR0_EM)), () => b.raise(6))
      b.if(b.and(cr0, b.const(CR0_TS)), () => b.raise(7))
      b.if(b.and(cr0, b.const(CR0_NE)), () => b.raise(16))
      b.helper('fpu_error')
      b.return()
    },
  },
}
