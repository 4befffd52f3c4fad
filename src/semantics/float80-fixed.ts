// 128-bit fixed-point arithmetic for the transcendental instructions: two i64 halves, unsigned. A fraction has its point
// left of bit 127 (0 <= v < 1); a factor has one bit before the point (0 <= v < 2). Errors are a few units of bit 0.
// Results of 64 bits that are made from these are correctly rounded but for one case in some 2^25.

import { SCRATCH } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I64 } from '../ir/types.js'
import { divideWide } from './float80-divide.js'
import { multiplyWide } from './float80-multiply.js'
import type { ProcedureSource } from './procedures.js'
import { cell, setCell } from './x87-state.js'

/** Low half of the last product or quotient. */
export const FIXED_LOW = SCRATCH + 16

export interface Wide {
  readonly hi: Value
  readonly lo: Value
}
/** One as a factor. */
export const ONE = 1n << 127n

export const wide = (b: Builder, v: bigint): Wide => ({
  hi: b.const64(v >> 64n),
  lo: b.const64(v & ((1n << 64n) - 1n)),
})

/** Fraction times fraction, or fraction times factor (a factor). */
export function multiply(b: Builder, x: Wide, y: Wide): Wide {
  const hi = b.call('fixed_multiply', [x.hi, x.lo, y.hi, y.lo], I64)
  return { hi, lo: cell(b, FIXED_LOW, 8) }
}
/** x / y as a fraction, for y with bit 127 set and x.hi < y.hi. */
export function divide(b: Builder, x: Wide, y: Wide): Wide {
  const hi = b.call('fixed_divide', [x.hi, x.lo, y.hi, y.lo], I64)
  return { hi, lo: cell(b, FIXED_LOW, 8) }
}
/** x + y modulo 2^128. */
export function add(b: Builder, x: Wide, y: Wide): Wide {
  const lo = b.add(x.lo, y.lo)
  return { hi: b.add(b.add(x.hi, y.hi), b.toI64u(b.ltu(lo, x.lo))), lo }
}
/** x - y modulo 2^128. */
export function subtract(b: Builder, x: Wide, y: Wide): Wide {
  return { hi: b.sub(b.sub(x.hi, y.hi), b.toI64u(b.ltu(x.lo, y.lo))), lo: b.sub(x.lo, y.lo) }
}
export const isLess = (b: Builder, x: Wide, y: Wide): Value =>
  b.or(b.ltu(x.hi, y.hi), b.and(b.eq(x.hi, y.hi), b.ltu(x.lo, y.lo)))
export const select = (b: Builder, condition: Value, x: Wide, y: Wide): Wide => ({
  hi: b.select(condition, x.hi, y.hi),
  lo: b.select(condition, x.lo, y.lo),
})
export const isNothing = (b: Builder, x: Wide): Value => b.eqz(b.op('i64.or', x.hi, x.lo))

/** x shifted right by n, any i32 of at least 0. */
export function shiftRight(b: Builder, x: Wide, n: Value): Wide {
  const zero = b.const64(0n)
  const count = b.toI64u(n)
  const carried = b.select(b.eqz(b.and(n, b.const(63))), zero, b.shl(x.hi, b.sub(zero, count)))
  const near = { hi: b.shru(x.hi, count), lo: b.or(b.shru(x.lo, count), carried) }
  const far = { hi: zero, lo: b.select(b.ltu(n, b.const(128)), b.shru(x.hi, count), zero) }
  return select(b, b.ltu(n, b.const(64)), near, far)
}
/** x with its first bit moved to bit 127, and by how many places (i32); x must not be 0. */
export function normalize(b: Builder, x: Wide): { x: Wide; places: Value } {
  const zero = b.const64(0n)
  const whole = b.eqz(x.hi)
  const hi = b.select(whole, x.lo, x.hi)
  const lo = b.select(whole, zero, x.lo)
  const n = b.op('i64.clz', hi)
  const filled = b.select(b.eqz(n), zero, b.shru(lo, b.sub(zero, n)))
  const places = b.add(b.low(n), b.select(whole, b.const(64), b.const(0)))
  return { x: { hi: b.or(b.shl(hi, n), filled), lo: b.shl(lo, n) }, places }
}

/** How the terms of a series follow each other. */
export const PLUS = 0
export const ALTERNATE = 1

/** Places that the 64-bit part of a series may lie below the first bit of the sum. */
const SPLIT = 28

/**
 * c0 + c1 z + c2 z^2 ... for factors c that fall and a fraction z below 2^-bits. `signs` is PLUS, ALTERNATE or
 * { negative }: alternating where that i32 is not 0. Terms so small that 64 bits are enough for them come first.
 */
export function series(
  b: Builder,
  z: Wide,
  coefficients: readonly bigint[],
  bits: number,
  signs: typeof PLUS | typeof ALTERNATE | { readonly negative: Value },
): Wide {
  const last = coefficients.length - 1
  const log2 = (v: bigint) => v.toString(2).length - 128
  const split = coefficients.findIndex((c, n) => bits * n - log2(c) >= SPLIT)
  const scale = BigInt(-log2(coefficients[split]!))
  const mask = typeof signs === 'number' ? undefined : b.neg(b.toI64u(b.ne(signs.negative, b.const(0))))
  // c - p is c + ~p + 1; the 1 in the last place does not matter.
  const signed = (v: Value) => (mask === undefined ? v : b.xor(v, mask))

  const scaled = (c: bigint) => b.const64((c << scale) >> 64n)
  let tail = scaled(coefficients[last]!)
  for (let i = last - 1; i >= split; i--) {
    const product = multiplyWide(b, z.hi, tail).hi
    const c = scaled(coefficients[i]!)
    tail = signs === ALTERNATE ? b.sub(c, product) : b.add(c, signed(product))
  }
  let sum: Wide = shiftRight(b, { hi: tail, lo: b.const64(0n) }, b.const(Number(scale)))
  for (let i = split - 1; i >= 0; i--) {
    const product = multiply(b, z, sum)
    const c = wide(b, coefficients[i]!)
    sum = signs === ALTERNATE ? subtract(b, c, product) : add(b, c, { hi: signed(product.hi), lo: signed(product.lo) })
  }
  return sum
}
/** A little less, so that what is below one stays so however small z is. */
export const below = (b: Builder, x: Wide): Wide => subtract(b, x, wide(b, 1n))

export const fixedProcedures: Record<string, ProcedureSource> = {
  fixed_multiply: {
    params: [I64, I64, I64, I64],
    result: I64,
    faults: false,
    build: b => {
      const [xh, xl, yh, yl] = [0, 1, 2, 3].map(i => b.parameter(i, I64)) as [Value, Value, Value, Value]
      const high = multiplyWide(b, xh, yh)
      const first = multiplyWide(b, xh, yl).hi
      const second = multiplyWide(b, xl, yh).hi
      const partial = b.add(high.lo, first)
      const lo = b.add(partial, second)
      setCell(b, FIXED_LOW, lo, 8)
      b.return(b.add(b.add(high.hi, b.toI64u(b.ltu(partial, first))), b.toI64u(b.ltu(lo, second))))
    },
  },
  fixed_divide: {
    params: [I64, I64, I64, I64],
    result: I64,
    faults: false,
    build: b => {
      const [xh, xl, yh, yl] = [0, 1, 2, 3].map(i => b.parameter(i, I64)) as [Value, Value, Value, Value]
      const zero = b.const64(0n)
      // The first 64 bits by the divisor's high half, then corrected by what its low half takes away.
      const first = divideWide(b, xh, xl, yh)
      const taken = multiplyWide(b, first.quotient, yl)
      const q = b.variable(first.quotient)
      const borrow = b.ne(taken.lo, zero)
      const low = b.variable(b.sub(zero, taken.lo))
      const high = b.variable(b.sub(b.sub(first.remainder, taken.hi), b.toI64u(borrow)))
      const negative = b.variable(
        b.or(b.ltu(first.remainder, taken.hi), b.and(b.eq(first.remainder, taken.hi), borrow)),
      )
      b.loop(() => {
        b.breakIf(b.eqz(b.get(negative)))
        b.set(q, b.sub(b.get(q), b.const64(1n)))
        const sum = b.add(b.get(low), yl)
        const carry = b.ltu(sum, yl)
        const total = b.add(b.add(b.get(high), yh), b.toI64u(carry))
        b.set(negative, b.eqz(b.or(b.ltu(total, yh), b.and(carry, b.eq(total, yh)))))
        b.set(low, sum)
        b.set(high, total)
      })
      const rest = b.get(high)
      const full = b.geu(rest, yh)
      const second = divideWide(b, b.select(full, zero, rest), b.get(low), yh)
      setCell(b, FIXED_LOW, b.select(full, b.const64(-1n), second.quotient), 8)
      b.return(b.get(q))
    },
  },
}
