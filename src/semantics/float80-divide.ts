// 80-bit division and square root (SDM vol. 2, FDIV and FSQRT with their tables of special operands).

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { multiplyWide } from './float80-multiply.js'
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
  operandPair,
  PAIR_PARAMETERS,
  signOf,
  signOfPair,
  sortOutNaNs,
} from './float80-operand.js'
import { finish, report } from './float80-round.js'
import type { ProcedureSource } from './procedures.js'
import { control, ZE } from './x87-state.js'

const TOP_BIT = 1n << 63n

/**
 * One 32-bit digit of (hi:next) / y for y with bit 63 set, hi < y, next the following 32 bits: the digit, and the
 * remainder (Knuth, The Art of Computer Programming 4.3.1, algorithm D).
 */
function digit(b: Builder, hi: Value, next: Value, y: Value): { digit: Value; remainder: Value } {
  const n32 = b.const64(32n)
  const mask = b.const64(0xffffffffn)
  const [y1, y0] = [b.shru(y, n32), b.and(y, mask)]
  const guess = b.variable(b.op('i64.div_u', hi, y1))
  const left = b.variable(b.sub(hi, b.mul(b.get(guess), y1)))
  b.loop(() => {
    const q = b.get(guess)
    const r = b.get(left)
    const fits = b.and(b.leu(q, mask), b.leu(b.mul(q, y0), b.or(b.shl(r, n32), next)))
    b.breakIf(fits)
    b.set(guess, b.sub(q, b.const64(1n)))
    b.set(left, b.add(r, y1))
    b.breakIf(b.gtu(b.get(left), mask))
  })
  const q = b.get(guess)
  return { digit: q, remainder: b.sub(b.or(b.shl(hi, n32), next), b.mul(q, y)) }
}

/** Quotient and remainder of hi:lo / y, for y with bit 63 set and hi < y. */
export function divideWide(b: Builder, hi: Value, lo: Value, y: Value): { quotient: Value; remainder: Value } {
  const n32 = b.const64(32n)
  const first = digit(b, hi, b.shru(lo, n32), y)
  const second = digit(b, first.remainder, b.and(lo, b.const64(0xffffffffn)), y)
  return { quotient: b.or(b.shl(first.digit, n32), second.digit), remainder: second.remainder }
}

/** Half and sticky bits of a remainder: what follows the quotient, enough to round. */
function tail(b: Builder, remainder: Value, y: Value): Value {
  const half = b.geu(remainder, b.sub(y, remainder))
  const doubled = b.shl(remainder, b.const64(1n))
  const sticky = b.and(b.ne(remainder, b.const64(0n)), b.ne(doubled, y))
  return b.or(b.shl(b.toI64u(half), b.const64(63n)), b.toI64u(sticky))
}

function quotient(b: Builder, dst: Value, sign: Value, x: { e: Value; sig: Value }, y: { e: Value; sig: Value }) {
  const small = b.ltu(x.sig, y.sig)
  // Halve the dividend when it is not smaller, so that the quotient has 64 bits.
  const hi = b.select(small, x.sig, b.shru(x.sig, b.const64(1n)))
  const lo = b.select(small, b.const64(0n), b.shl(x.sig, b.const64(63n)))
  const result = divideWide(b, hi, lo, y.sig)
  const e = b.sub(b.add(b.sub(x.e, y.e), b.const(0x3fff)), small)
  finish(b, dst, sign, e, result.quotient, tail(b, result.remainder, y.sig))
}

/** Square root of a significand with bit 63 set and exponent e of a positive number. */
function root(b: Builder, dst: Value, { e, sig }: { e: Value; sig: Value }) {
  // With an odd unbiased exponent the radicand is sig:0 in [1/2, 1), else half of it.
  const odd = b.eqz(b.and(e, b.const(1)))
  const radicand = b.select(odd, sig, b.shru(sig, b.const64(1n)))
  const radicandLow = b.select(odd, b.const64(0n), b.shl(sig, b.const64(63n)))
  // 32 correct bits from a double, then one division for the other 32.
  const estimate = b.op('f64.sqrt', b.op('f64.convert_i64_u', radicand))
  const capped = b.op('i64.trunc_sat_f64_u', estimate)
  const s1 = b.variable(b.select(b.gtu(capped, b.const64(0xffffffffn)), b.const64(0xffffffffn), capped))
  b.if(b.gtu(b.mul(b.get(s1), b.get(s1)), radicand), () => b.set(s1, b.sub(b.get(s1), b.const64(1n))))
  b.if(b.gtu(b.sub(radicand, b.mul(b.get(s1), b.get(s1))), b.shl(b.get(s1), b.const64(1n))), () =>
    b.set(s1, b.add(b.get(s1), b.const64(1n))),
  )
  const high = b.get(s1)
  const rest = b.sub(radicand, b.mul(high, high))
  // rest <= 2 * high; the next 32 bits are about (rest:low) / (2 * high).
  const n31 = b.const64(31n)
  const numerator = b.or(b.shl(rest, n31), b.shru(radicandLow, b.const64(33n)))
  const guess = b.op('i64.div_u', numerator, high)
  const s0 = b.select(b.gtu(guess, b.const64(0xffffffffn)), b.const64(0xffffffffn), guess)
  const s = b.variable(b.or(b.shl(high, b.const64(32n)), s0))
  // Exact remainder in 128 bits; the guess may be one or two too large.
  const square = multiplyWide(b, b.get(s), b.get(s))
  const borrow = b.toI64u(b.ltu(radicandLow, square.lo))
  const low = b.variable(b.sub(radicandLow, square.lo))
  const up = b.variable(b.sub(b.sub(radicand, square.hi), borrow))
  b.loop(() => {
    b.breakIf(b.ges(b.get(up), b.const64(0n)))
    // remainder += 2s - 1 for s - 1
    const s2 = b.sub(b.get(s), b.const64(1n))
    const added = b.or(b.shl(s2, b.const64(1n)), b.const64(1n))
    const total = b.add(b.get(low), added)
    b.set(up, b.add(b.add(b.get(up), b.shru(s2, b.const64(63n))), b.toI64u(b.ltu(total, added))))
    b.set(low, total)
    b.set(s, s2)
  })
  // Above the half exactly when remainder > s; a half is never met.
  const exact = b.eqz(b.or(b.get(low), b.get(up)))
  const above = b.or(b.ne(b.get(up), b.const64(0n)), b.gtu(b.get(low), b.get(s)))
  const after = b.select(exact, b.const64(0n), b.select(above, b.const64(TOP_BIT | 1n), b.const64(1n)))
  finish(b, dst, b.const(0), b.shrs(b.add(e, b.const(0x3fff)), b.const(1)), b.get(s), after)
}

export const divideProcedures: Record<string, ProcedureSource> = {
  /** (dst, x, y): register at dst = x / y. 1, or 0 when an unmasked exception forbids the result. */
  float80_divide: {
    params: PAIR_PARAMETERS,
    result: I32,
    faults: false,
    build: b => {
      const { dst, x, y } = operandPair(b)
      const sign = signOfPair(b, x, y)
      b.if(b.eqz(b.and(isNormal(b, x), isNormal(b, y))), () =>
        b.return(b.call('float80_divide_special', [dst, x.sig, x.se, y.sig, y.se])),
      )
      quotient(b, dst, sign, { e: exponentOf(b, x.se), sig: x.sig }, { e: exponentOf(b, y.se), sig: y.sig })
    },
  },
  float80_divide_special: {
    params: PAIR_PARAMETERS,
    result: I32,
    faults: false,
    build: b => {
      const { dst, x, y } = operandPair(b)
      const sign = signOfPair(b, x, y)
      sortOutNaNs(b, dst, x, y)
      const infinite = b.or(sign, b.const(0x7fff))
      const [xInfinite, yInfinite] = [isInfinite(b, x), isInfinite(b, y)]
      const [xZero, yZero] = [isZero(b, x), isZero(b, y)]
      b.if(b.or(b.and(xInfinite, yInfinite), b.and(xZero, yZero)), () => invalid(b, dst))
      b.if(b.and(yZero, b.eqz(xInfinite)), () => {
        report(b, b.const(ZE), b.const(0))
        b.if(b.eqz(b.and(control(b), b.const(ZE))), () => b.return(b.const(0)))
        answer(b, dst, b.const64(TOP_BIT), infinite)
      })
      denormalOperand(b, b.or(isDenormal(b, x), isDenormal(b, y)))
      b.if(xInfinite, () => answer(b, dst, b.const64(TOP_BIT), infinite))
      b.if(b.or(xZero, yInfinite), () => answer(b, dst, b.const64(0n), sign))
      quotient(b, dst, sign, normalized(b, x), normalized(b, y))
    },
  },
  /** (dst, x): register at dst = square root of x. */
  float80_sqrt: {
    params: [I32, I64, I32],
    result: I32,
    faults: false,
    build: b => {
      const dst = b.parameter(0, I32)
      const x = { sig: b.parameter(1, I64), se: b.parameter(2, I32) }
      b.if(b.and(isNormal(b, x), b.eqz(signOf(b, x.se))), () => root(b, dst, { e: exponentOf(b, x.se), sig: x.sig }))
      sortOutNaNs(b, dst, x, x)
      b.if(isZero(b, x), () => answer(b, dst, x.sig, x.se))
      b.if(signOf(b, x.se), () => invalid(b, dst))
      denormalOperand(b, isDenormal(b, x))
      b.if(isInfinite(b, x), () => answer(b, dst, x.sig, x.se))
      root(b, dst, normalized(b, x))
    },
  },
}
