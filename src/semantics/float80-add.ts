// 80-bit addition and subtraction: x + y with the sign of y inverted where its NEGATE bit asks for it
// (SDM vol. 2, FADD and FSUB with their tables of special operands).

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import {
  answer,
  denormalOperand,
  exponentOf,
  invalid,
  isDenormal,
  isInfinite,
  isNormal,
  isZero,
  normalized,
  type Operand,
  operandPair,
  PAIR_PARAMETERS,
  signOf,
  sortOutNaNs,
} from './float80-operand.js'
import { finish } from './float80-round.js'
import type { ProcedureSource } from './procedures.js'
import { control } from './x87-state.js'

const TOP_BIT = 1n << 63n

/** Sign of the operand as it enters the sum. */
const effectiveSign = (b: Builder, se: Value): Value => signOf(b, b.xor(se, b.shru(se, b.const(1))))
/** Sign of an exact zero of operands with different signs: minus only when rounding down. */
const zeroSign = (b: Builder): Value => b.shl(b.eq(b.and(control(b), b.const(0xc00)), b.const(0x400)), b.const(15))

interface Term {
  readonly sign: Value
  readonly e: Value
  readonly sig: Value
}

/** Sum of two normalized terms into `dst`; returns 1. */
function sum(b: Builder, dst: Value, x: Term, y: Term) {
  const zero = b.const64(0n)
  const swap = b.lts(x.e, y.e)
  const pick = (first: Value, second: Value) => b.select(swap, second, first)
  const e = pick(x.e, y.e)
  const large = pick(x.sig, y.sig)
  const small = pick(y.sig, x.sig)
  const sign = pick(x.sign, y.sign)
  const d = b.sub(e, pick(y.e, x.e))
  // The smaller one, shifted right by d into 128 bits; what falls out of them stays as the lowest bit.
  const n = b.toI64u(d)
  const near = b.ltu(d, b.const(64))
  const moved = b.shru(small, n)
  const shifted = b.select(near, moved, zero)
  const jammed = b.or(moved, b.toI64u(b.ne(b.shl(moved, n), small)))
  const beyond = b.select(b.ltu(d, b.const(128)), jammed, b.const64(1n))
  const outside = b.select(b.eqz(d), zero, b.shl(small, b.sub(zero, n)))
  const lo = b.select(near, outside, beyond)
  const resultSign = b.variable(sign)
  const resultE = b.variable(e)
  const hi = b.variable(large)
  const rest = b.variable(lo)
  b.if(
    b.eq(x.sign, y.sign),
    () => {
      const total = b.add(large, shifted)
      const carry = b.ltu(total, large)
      b.set(hi, total)
      b.if(carry, () => {
        // One more place to the right; the bit that leaves lo stays sticky.
        const moved = b.or(b.shl(total, b.const64(63n)), b.shru(lo, b.const64(1n)))
        b.set(rest, b.or(moved, b.and(lo, b.const64(1n))))
        b.set(hi, b.or(b.shru(total, b.const64(1n)), b.const64(TOP_BIT)))
        b.set(resultE, b.add(e, b.const(1)))
      })
    },
    () => {
      // Only with equal exponents the difference may come out negative.
      const difference = b.sub(b.sub(large, shifted), b.toI64u(b.ne(lo, zero)))
      const negative = b.and(b.eqz(d), b.ltu(large, small))
      const magnitude = b.select(negative, b.sub(zero, difference), difference)
      const below = b.sub(zero, lo)
      b.set(resultSign, b.xor(sign, b.shl(negative, b.const(15))))
      b.if(
        b.eqz(magnitude),
        () => {
          b.if(b.eqz(below), () => answer(b, dst, zero, zeroSign(b)))
          // One bit below an equal significand.
          b.set(hi, below)
          b.set(rest, zero)
          b.set(resultE, b.sub(e, b.const(64)))
        },
        () => {
          const lead = b.op('i64.clz', magnitude)
          const filled = b.select(b.eqz(lead), zero, b.shru(below, b.sub(zero, lead)))
          b.set(hi, b.or(b.shl(magnitude, lead), filled))
          b.set(rest, b.shl(below, lead))
          b.set(resultE, b.sub(e, b.low(lead)))
        },
      )
    },
  )
  finish(b, dst, b.get(resultSign), b.get(resultE), b.get(hi), b.get(rest))
}

/** Emits x + y for the register at `dst`, where special operands go to their own procedure, and returns. */
export function addOperands(b: Builder, dst: Value, x: Operand, y: Operand) {
  b.if(b.eqz(b.and(isNormal(b, x), isNormal(b, y))), () =>
    b.return(b.call('float80_add_special', [dst, x.sig, x.se, y.sig, y.se])),
  )
  const xTerm = { sign: signOf(b, x.se), e: exponentOf(b, x.se), sig: x.sig }
  const yTerm = { sign: effectiveSign(b, y.se), e: exponentOf(b, y.se), sig: y.sig }
  sum(b, dst, xTerm, yTerm)
}

export const addProcedures: Record<string, ProcedureSource> = {
  /** (dst, x, y): register at dst = x + y. 1, or 0 when an unmasked exception forbids the result. */
  float80_add: {
    params: PAIR_PARAMETERS,
    result: I32,
    faults: false,
    build: b => {
      const { dst, x, y } = operandPair(b)
      addOperands(b, dst, x, y)
    },
  },
  float80_add_special: {
    params: PAIR_PARAMETERS,
    result: I32,
    faults: false,
    build: b => {
      const { dst, x, y } = operandPair(b)
      sortOutNaNs(b, dst, x, y)
      const xSign = signOf(b, x.se)
      const ySign = effectiveSign(b, y.se)
      const denormal = b.or(isDenormal(b, x), isDenormal(b, y))
      const [xInfinite, yInfinite] = [isInfinite(b, x), isInfinite(b, y)]
      b.if(b.and(b.and(xInfinite, yInfinite), b.ne(xSign, ySign)), () => invalid(b, dst))
      denormalOperand(b, denormal)
      const infinite = (sign: Value) => () => answer(b, dst, b.const64(TOP_BIT), b.or(sign, b.const(0x7fff)))
      b.if(xInfinite, infinite(xSign))
      b.if(yInfinite, infinite(ySign))
      const xTerm = { sign: xSign, ...normalized(b, x) }
      const yTerm = { sign: ySign, ...normalized(b, y) }
      const alone = ({ sign, e, sig }: Term) => finish(b, dst, sign, e, sig, b.const64(0n))
      b.if(isZero(b, x), () => {
        b.if(isZero(b, y), () => answer(b, dst, b.const64(0n), b.select(b.eq(xSign, ySign), xSign, zeroSign(b))))
        alone(yTerm)
      })
      b.if(isZero(b, y), () => alone(xTerm))
      sum(b, dst, xTerm, yTerm)
    },
  },
}
