// 80-bit rounding to integer, scaling and taking apart (SDM vol. 2: FRNDINT, FSCALE, FXTRACT). Precision control does
// not concern them.

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { shiftRounding } from './float80-narrow.js'
import {
  answer,
  denormalOperand,
  exponentOf,
  invalid,
  isDenormal,
  isInfinite,
  isZero,
  normalized,
  type Operand,
  signOf,
  sortOutNaNs,
} from './float80-operand.js'
import { report } from './float80-round.js'
import type { ProcedureSource } from './procedures.js'
import { control, PE, setRegister, ZE } from './x87-state.js'

const TOP_BIT = 1n << 63n
const BIAS = 0x3fff

/** Magnitude of an operand cut to an integer, 2^17 where it is larger. */
function cutToInteger(b: Builder, x: Operand): Value {
  const shift = b.sub(b.const(BIAS + 63), exponentOf(b, x.se))
  const large = b.lts(shift, b.const(63 - 16))
  const whole = b.low(b.shru(x.sig, b.toI64u(shift)))
  return b.select(large, b.const(1 << 17), b.select(b.gts(shift, b.const(63)), b.const(0), whole))
}

export const integerProcedures: Record<string, ProcedureSource> = {
  /** (dst, x): register at dst = x rounded to an integer as RC says. */
  float80_round_to_integer: {
    params: [I32, I64, I32],
    result: I32,
    faults: false,
    build: b => {
      const dst = b.parameter(0, I32)
      const x: Operand = { sig: b.parameter(1, I64), se: b.parameter(2, I32) }
      sortOutNaNs(b, dst, x, x)
      const shift = b.sub(b.const(BIAS + 63), exponentOf(b, x.se))
      b.if(b.or(b.les(shift, b.const(0)), isZero(b, x)), () => answer(b, dst, x.sig, x.se))
      denormalOperand(b, isDenormal(b, x))
      const sign = signOf(b, x.se)
      const { value, up, inexact } = shiftRounding(b, x.sig, shift, sign)
      const lead = b.op('i64.clz', value)
      const e = b.select(b.eqz(value), b.const(0), b.sub(b.const(BIAS + 63), b.low(lead)))
      setRegister(b, dst, b.shl(value, lead), b.or(sign, e))
      report(b, b.select(inexact, b.const(PE), b.const(0)), up)
      b.return(b.const(1))
    },
  },
  /** (dst, x, y): register at dst = x * 2^(y cut to an integer). */
  float80_scale: {
    params: [I32, I64, I32, I64, I32],
    result: I32,
    faults: false,
    build: b => {
      const dst = b.parameter(0, I32)
      const x: Operand = { sig: b.parameter(1, I64), se: b.parameter(2, I32) }
      const y: Operand = { sig: b.parameter(3, I64), se: b.parameter(4, I32) }
      sortOutNaNs(b, dst, x, y)
      const [sign, down] = [signOf(b, x.se), signOf(b, y.se)]
      const [xInfinite, yInfinite] = [isInfinite(b, x), isInfinite(b, y)]
      const impossible = b.select(down, xInfinite, isZero(b, x))
      b.if(b.and(yInfinite, impossible), () => invalid(b, dst))
      denormalOperand(b, b.or(isDenormal(b, x), isDenormal(b, y)))
      b.if(b.or(xInfinite, isZero(b, x)), () => answer(b, dst, x.sig, x.se))
      b.if(yInfinite, () =>
        answer(
          b,
          dst,
          b.select(down, b.const64(0n), b.const64(TOP_BIT)),
          b.or(sign, b.select(down, b.const(0), b.const(0x7fff))),
        ),
      )
      const number = normalized(b, x)
      const by = cutToInteger(b, y)
      const e = b.add(number.e, b.select(down, b.neg(by), by))
      b.return(b.call('float80_round_extended', [dst, sign, e, number.sig, b.const64(0n)]))
    },
  },
  /** (exponent register, significand register, x): takes x apart. 0 when an unmasked exception forbids it. */
  float80_extract: {
    params: [I32, I32, I64, I32],
    result: I32,
    faults: false,
    build: b => {
      const [exponentAt, significandAt] = [b.parameter(0, I32), b.parameter(1, I32)]
      const x: Operand = { sig: b.parameter(2, I64), se: b.parameter(3, I32) }
      const both = (callee: string, args: Value[]) => {
        b.if(b.eqz(b.call(callee, [exponentAt, ...args])), () => b.return(b.const(0)))
        b.call(callee, [significandAt, ...args])
        b.return(b.const(1))
      }
      const sign = signOf(b, x.se)
      b.if(b.eq(exponentOf(b, x.se), b.const(0x7fff)), () => {
        b.if(isInfinite(b, x), () => {
          setRegister(b, exponentAt, b.const64(TOP_BIT), b.const(0x7fff))
          answer(b, significandAt, x.sig, x.se)
        })
        both('float80_nan', [x.sig, x.se, x.sig, x.se])
      })
      b.if(b.and(b.ne(exponentOf(b, x.se), b.const(0)), b.ges(x.sig, b.const64(0n))), () => both('float80_invalid', []))
      b.if(isZero(b, x), () => {
        report(b, b.const(ZE), b.const(0))
        b.if(b.eqz(b.and(control(b), b.const(ZE))), () => b.return(b.const(0)))
        setRegister(b, exponentAt, b.const64(TOP_BIT), b.const(0xffff))
        setRegister(b, significandAt, x.sig, x.se)
        b.return(b.const(1))
      })
      denormalOperand(b, isDenormal(b, x))
      const { e, sig } = normalized(b, x)
      const power = b.sub(e, b.const(BIAS))
      const magnitude = b.select(b.lts(power, b.const(0)), b.neg(power), power)
      const lead = b.op('i32.clz', magnitude)
      const field = b.or(b.and(power, b.const(0x8000)), b.sub(b.const(BIAS + 31), lead))
      const wide = b.shl(b.toI64u(b.shl(magnitude, lead)), b.const64(32n))
      setRegister(b, exponentAt, wide, b.select(b.eqz(power), b.const(0), field))
      answer(b, significandAt, sig, b.or(sign, b.const(BIAS)))
    },
  },
}
