// x87 instructions on ST(0) and ST(1) that are steps of larger computations (SDM vol. 2: FRNDINT, FSCALE, FXTRACT,
// FPREM, FPREM1).

import { FPU_TOP, FPU_VALID } from '../cpu/layout.js'
import { I32 } from '../ir/types.js'
import type { Semantics } from './context.js'
import type { ProcedureSource } from './procedures.js'
import {
  C2,
  isValid,
  physical,
  readRegister,
  remember,
  setCell,
  setStatus,
  slot,
  status,
  valid,
  waiting,
} from './x87-state.js'

const onStack =
  (procedure: string): Semantics =>
  b => {
    waiting(b)
    remember(b)
    b.call(procedure, [])
  }

/** C2 says that a reduction is incomplete; it is 0 after every other outcome. */
const remainder =
  (procedure: string): Semantics =>
  b => {
    waiting(b)
    remember(b)
    setStatus(b, b.and(status(b), b.const(~C2)))
    b.call(procedure, [])
  }

export const x87Step: Record<string, Semantics> = {
  frndint: onStack('x87_round_to_integer'),
  fscale: onStack('x87_scale'),
  fxtract: onStack('x87_extract'),
  fprem: remainder('x87_remainder'),
  fprem1: remainder('x87_remainder_nearest'),
}

/** A procedure that gives ST(0), or ST(0) and ST(1), to an 80-bit operation. */
function apply(callee: string, operands: 1 | 2): ProcedureSource {
  return {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      const x = physical(b, b.const(0))
      const y = physical(b, b.const(1))
      const filled = operands === 2 ? b.and(isValid(b, x), isValid(b, y)) : isValid(b, x)
      b.if(b.eqz(filled), () => b.return(b.call('x87_stack_fault', [x, b.const(0)])))
      const values = (operands === 2 ? [x, y] : [x]).map(register => readRegister(b, register))
      b.return(b.call(callee, [slot(b, x), ...values.flatMap(({ sig, se }) => [sig, se])]))
    },
  }
}

export const stepProcedures: Record<string, ProcedureSource> = {
  x87_round_to_integer: apply('float80_round_to_integer', 1),
  x87_scale: apply('float80_scale', 2),
  x87_remainder: apply('float80_remainder', 2),
  x87_remainder_nearest: apply('float80_remainder_nearest', 2),
  /** ST(0) becomes the exponent, and the significand is pushed. */
  x87_extract: {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      const x = physical(b, b.const(0))
      const pushed = physical(b, b.const(7))
      const occupied = isValid(b, pushed)
      const filled = isValid(b, x)
      b.if(b.or(occupied, b.eqz(filled)), () => {
        // Masked, both registers become the indefinite.
        const masked = b.call('x87_stack_fault', [x, b.and(occupied, filled)])
        b.if(masked, () => {
          b.call('x87_stack_fault', [pushed, b.and(occupied, filled)])
          setCell(b, FPU_TOP, pushed)
        })
        b.return(masked)
      })
      const { sig, se } = readRegister(b, x)
      const done = b.call('float80_extract', [slot(b, x), slot(b, pushed), sig, se])
      b.if(done, () => {
        setCell(b, FPU_VALID, b.or(valid(b), b.shl(b.const(1), pushed)))
        setCell(b, FPU_TOP, pushed)
      })
      b.return(done)
    },
  },
}
