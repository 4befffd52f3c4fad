// Classes of 80-bit operands and the answers that do not compute: invalid operation, stack faults, denormal operands
// and NaN propagation of the 80387 and later (SDM vol. 1 4.8.3, 8.2.2, 8.5.1, 8.5.2, table 4-7).
// Procedures return 1 when the instruction goes on, 0 when an unmasked exception has ended it.

import { FPU_VALID } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { report } from './float80-round.js'
import type { ProcedureSource } from './procedures.js'
import { C1, control, DE, IE, SF, setCell, setRegister, setStatus, slot, status, valid } from './x87-state.js'

export const INDEFINITE = 0xc000000000000000n
export const INDEFINITE_EXPONENT = 0xffff
export const QUIET = 1n << 62n

/** An operand: significand (i64), and i32 with the sign in bit 15 and the exponent below it. */
export interface Operand {
  readonly sig: Value
  readonly se: Value
}
/** Parameters of a procedure of a destination (address of a register) and two operands, and the same by name. */
export const PAIR_PARAMETERS = [I32, I64, I32, I64, I32]
export const operandPair = (b: Builder): { dst: Value; x: Operand; y: Operand } => ({
  dst: b.parameter(0, I32),
  x: { sig: b.parameter(1, I64), se: b.parameter(2, I32) },
  y: { sig: b.parameter(3, I64), se: b.parameter(4, I32) },
})
/** Sign of the product or quotient of two operands. */
export const signOfPair = (b: Builder, x: Operand, y: Operand): Value => signOf(b, b.xor(x.se, y.se))
/** Bit of an operand's i32: subtract it instead of adding it. */
export const NEGATE = 0x10000
/** Bit of an operand's i32: it was a denormal of a shorter format and has been normalized. */
export const WAS_DENORMAL = 0x20000

export const exponentOf = (b: Builder, se: Value): Value => b.and(se, b.const(0x7fff))
export const signOf = (b: Builder, se: Value): Value => b.and(se, b.const(0x8000))

/** Finite, not zero, not denormal, with its integer bit. */
export function isNormal(b: Builder, { sig, se }: Operand): Value {
  const inRange = b.ltu(b.sub(b.and(se, b.const(0x7fff | WAS_DENORMAL)), b.const(1)), b.const(0x7ffe))
  return b.and(inRange, b.lts(sig, b.const64(0n)))
}
export const isInfinite = (b: Builder, { sig, se }: Operand): Value =>
  b.and(b.eq(exponentOf(b, se), b.const(0x7fff)), b.eq(sig, b.const64(1n << 63n)))
export const isNotANumber = (b: Builder, { sig, se }: Operand): Value =>
  b.and(b.eq(exponentOf(b, se), b.const(0x7fff)), b.gtu(sig, b.const64(1n << 63n)))
export const isSignaling = (b: Builder, x: Operand): Value =>
  b.and(isNotANumber(b, x), b.eqz(b.and(x.sig, b.const64(QUIET))))
/** Pseudo-NaN, pseudo-infinity or unnormal: an exponent without the integer bit. */
export const isUnsupported = (b: Builder, { sig, se }: Operand): Value =>
  b.and(b.ne(exponentOf(b, se), b.const(0)), b.ges(sig, b.const64(0n)))
export const isZero = (b: Builder, { sig }: Operand): Value => b.eqz(sig)
/** Denormal or pseudo-denormal, also of the memory format the operand came from. */
export const isDenormal = (b: Builder, { sig, se }: Operand): Value =>
  b.and(b.or(b.eqz(exponentOf(b, se)), b.ne(b.and(se, b.const(WAS_DENORMAL)), b.const(0))), b.ne(sig, b.const64(0n)))

/** Exponent (i32, may fall below 1) and significand with bit 63 set of a finite operand that is not zero. */
export function normalized(b: Builder, { sig, se }: Operand): { e: Value; sig: Value } {
  const e = exponentOf(b, se)
  const shift = b.op('i64.clz', sig)
  return { e: b.sub(b.add(e, b.eqz(e)), b.low(shift)), sig: b.shl(sig, shift) }
}

/** Writes a result that needs no rounding, clears C1 and returns 1. */
export function answer(b: Builder, dst: Value, sig: Value, se: Value) {
  setRegister(b, dst, sig, se)
  setStatus(b, b.and(status(b), b.const(~C1)))
  b.return(b.const(1))
}
/** Raises IE; when it is masked the register at `dst` becomes the indefinite. Returns. */
export const invalid = (b: Builder, dst: Value) => b.return(b.call('float80_invalid', [dst]))

/** Returns through NaN propagation when one of the operands is a NaN or has an unsupported format. */
export function sortOutNaNs(b: Builder, dst: Value, x: Operand, y: Operand) {
  const bad = b.or(b.or(isUnsupported(b, x), isNotANumber(b, x)), b.or(isUnsupported(b, y), isNotANumber(b, y)))
  b.if(bad, () => b.return(b.call('float80_nan', [dst, x.sig, x.se, y.sig, y.se])))
}
/** Reports DE when the condition holds; returns 0 when it is unmasked. */
export function denormalOperand(b: Builder, condition: Value) {
  b.if(condition, () => b.if(b.eqz(b.call('float80_denormal', [])), () => b.return(b.const(0))))
}

function storeIndefinite(b: Builder, dst: Value) {
  setRegister(b, dst, b.const64(INDEFINITE), b.const(INDEFINITE_EXPONENT))
}
const masked = (b: Builder, bit: number): Value => b.and(control(b), b.const(bit))

export const operandProcedures: Record<string, ProcedureSource> = {
  float80_invalid: {
    params: [I32],
    result: I32,
    faults: false,
    build: b => {
      report(b, b.const(IE), b.const(0))
      b.if(b.eqz(masked(b, IE)), () => b.return(b.const(0)))
      storeIndefinite(b, b.parameter(0, I32))
      b.return(b.const(1))
    },
  },
  /** (physical register, C1): stack fault; underflow with C1 = 0, overflow with 1. When masked the register becomes the indefinite. */
  x87_stack_fault: {
    params: [I32, I32],
    result: I32,
    faults: false,
    build: b => {
      const register = b.parameter(0, I32)
      report(b, b.const(IE | SF), b.parameter(1, I32))
      b.if(b.eqz(masked(b, IE)), () => b.return(b.const(0)))
      storeIndefinite(b, slot(b, register))
      setCell(b, FPU_VALID, b.or(valid(b), b.shl(b.const(1), register)))
      b.return(b.const(1))
    },
  },
  float80_denormal: {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      report(b, b.const(DE), b.const(0))
      b.return(b.ne(masked(b, DE), b.const(0)))
    },
  },
  /** (dst, x, y) of which at least one is a NaN or unsupported: the larger significand, made quiet, or the indefinite. */
  float80_nan: {
    params: [I32, I64, I32, I64, I32],
    result: I32,
    faults: false,
    build: b => {
      const dst = b.parameter(0, I32)
      const x = { sig: b.parameter(1, I64), se: b.and(b.parameter(2, I32), b.const(0xffff)) }
      const y = { sig: b.parameter(3, I64), se: b.and(b.parameter(4, I32), b.const(0xffff)) }
      b.if(b.or(isUnsupported(b, x), isUnsupported(b, y)), () => invalid(b, dst))
      const [xSignals, ySignals] = [isSignaling(b, x), isSignaling(b, y)]
      b.if(
        b.or(xSignals, ySignals),
        () => {
          report(b, b.const(IE), b.const(0))
          b.if(b.eqz(masked(b, IE)), () => b.return(b.const(0)))
        },
        () => setStatus(b, b.and(status(b), b.const(~C1))),
      )
      const [xNaN, yNaN] = [isNotANumber(b, x), isNotANumber(b, y)]
      // Of two NaNs a quiet one goes before a signaling one, then the larger significand, then the positive one.
      const larger = b.or(b.gtu(x.sig, y.sig), b.and(b.eq(x.sig, y.sig), b.ltu(x.se, y.se)))
      const sameKind = b.eq(xSignals, ySignals)
      const ofTwo = b.select(sameKind, larger, ySignals)
      const takeX = b.select(b.and(xNaN, yNaN), ofTwo, xNaN)
      const sig = b.select(takeX, x.sig, y.sig)
      setRegister(b, dst, b.or(sig, b.const64(QUIET)), b.select(takeX, x.se, y.se))
      b.return(b.const(1))
    },
  },
}
