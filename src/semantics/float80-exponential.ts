// Powers and logarithms to base 2 (SDM vol. 2: F2XM1, FYL2X, FYL2XP1) of finite operands that are not zero; series in
// 128 bits.

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64, VOID } from '../ir/types.js'
import {
  add,
  divide,
  multiply,
  normalize,
  ONE,
  PLUS,
  select,
  series,
  shiftRight,
  subtract,
  type Wide,
  wide,
} from './float80-fixed.js'
import { report } from './float80-round.js'
import { deliver } from './float80-trigonometry.js'
import type { ProcedureSource } from './procedures.js'
import { PE, exponent as signExponent, status, UE } from './x87-state.js'

const BIAS = 0x3fff
/** ln 2 as a fraction. */
const LN2 = 0xb17217f7d1cf79abc9e3b39803f2f6afn
/** 2 / ln 2 = 2.885..., divided by 4, as a fraction. */
const LOG2E_HALF = 0xb8aa3b295c17f0bbbe87fed0691d3e88n
/** Significand of the square root of 2, rounded down. */
const ROOT2 = 0xb504f333f9de6484n

/** 1/1!, 1/2!, 1/3! ... as factors. */
const exponentialCoefficients: bigint[] = []
for (let n = 1n, f = 1n; n <= 25n; n++, f *= n) exponentialCoefficients.push((ONE + f / 2n) / f)
/** 1, 1/3, 1/5 ... as factors. */
const logarithmCoefficients = Array.from({ length: 20 }, (_, n) => ONE / BigInt(2 * n + 1))

/** log2 of (1 + s) / (1 - s) for s = S * 2^-n, |s| below 0.18: a factor times 2^(2 - n). */
function logarithm(b: Builder, s: Wide, n: Value): Wide {
  const absolute = shiftRight(b, s, n)
  const sum = series(b, multiply(b, absolute, absolute), logarithmCoefficients, 5, PLUS)
  return multiply(b, multiply(b, s, wide(b, LOG2E_HALF)), sum)
}

/** (factor times 2^exponent) times a number given by its parts, rounded to the register. */
function deliverProduct(b: Builder, dst: Value, sign: Value, log: Wide, exponent: Value, sig: Value, e: Value) {
  const { x, places } = normalize(b, log)
  const product = multiply(b, { hi: sig, lo: b.const64(0n) }, x)
  deliver(b, dst, sign, product, b.add(b.sub(exponent, places), b.sub(e, b.const(BIAS - 1))))
}

export const exponentialProcedures: Record<string, ProcedureSource> = {
  /** (dst, sign, e, significand): 2^x - 1 for a normalized x with |x| < 1. */
  float80_power: {
    params: [I32, I32, I32, I64],
    result: VOID,
    faults: false,
    build: b => {
      const [dst, sign] = [b.parameter(0, I32), b.parameter(1, I32)]
      const exponent = b.sub(b.parameter(2, I32), b.const(BIAS - 1))
      // x ln 2 = t * 2^exponent; 2^x - 1 is that times 1 + t/2! + t^2/3! ...
      const t = multiply(b, { hi: b.parameter(3, I64), lo: b.const64(0n) }, wide(b, LN2))
      const sum = series(b, shiftRight(b, t, b.neg(exponent)), exponentialCoefficients, 0.52, { negative: sign })
      deliver(b, dst, sign, multiply(b, t, sum), exponent)
      b.return()
    },
  },
  /** (dst, sign of y, e of x, significand of x, e of y, significand of y): y * log2(x), x > 0 and not 1, both normalized. */
  float80_logarithm: {
    params: [I32, I32, I32, I64, I32, I64],
    result: VOID,
    faults: false,
    build: b => {
      const [dst, ySign] = [b.parameter(0, I32), b.parameter(1, I32)]
      const sig = b.parameter(3, I64)
      const [ye, ySig] = [b.parameter(4, I32), b.parameter(5, I64)]
      const zero = b.const64(0n)
      const above = b.gtu(sig, b.const64(ROOT2))
      // x = m * 2^e with m between the root of 1/2 and the root of 2; log2 m from s = (m - 1) / (m + 1).
      const e = b.add(b.sub(b.parameter(2, I32), b.const(BIAS)), above)
      const fraction = b.shl(sig, b.const64(1n))
      b.if(b.eqz(fraction), () => {
        // A power of two: an exact product, which processors report as inexact nevertheless.
        const magnitude = b.select(b.lts(e, b.const(0)), b.neg(e), e)
        const places = b.op('i64.clz', b.toI64u(magnitude))
        const product = multiply(b, { hi: ySig, lo: zero }, { hi: b.shl(b.toI64u(magnitude), places), lo: zero })
        const { x, places: more } = normalize(b, product)
        const exponent = b.add(b.sub(ye, b.low(places)), b.sub(b.const(64), more))
        const sign = b.xor(ySign, b.and(e, b.const(0x8000)))
        b.call('float80_round_extended', [dst, sign, exponent, x.hi, x.lo])
        const tiny = b.eqz(b.and(signExponent(b, dst), b.const(0x7fff)))
        report(b, b.select(tiny, b.const(PE | UE), b.const(PE)), b.and(b.shru(status(b), b.const(9)), b.const(1)))
        b.return()
      })
      const difference = b.select(above, b.sub(zero, sig), b.sub(sig, b.const64(ONE >> 64n)))
      const added = b.select(above, sig, b.sub(sig, b.const64(ONE >> 64n)))
      const lead = b.op('i64.clz', difference)
      const numerator = b.shl(difference, lead)
      const half = (v: Value): Wide => ({ hi: b.shru(v, b.const64(1n)), lo: b.shl(v, b.const64(63n)) })
      const bottom = half(added)
      const denominator = { hi: b.or(bottom.hi, b.const64(ONE >> 64n)), lo: bottom.lo }
      const n = b.low(lead)
      const log = logarithm(b, divide(b, half(numerator), denominator), n)
      const negative = above
      b.if(b.eqz(e), () => {
        deliverProduct(b, dst, b.xor(ySign, b.shl(negative, b.const(15))), log, b.sub(b.const(2), n), ySig, ye)
        b.return()
      })
      // e + log2 m with 16 bits before the point.
      const below = b.lts(e, b.const(0))
      const magnitude = b.select(below, b.neg(e), e)
      const whole = { hi: b.shl(b.toI64u(magnitude), b.const64(48n)), lo: zero }
      const part = shiftRight(b, log, b.add(n, b.const(13)))
      const total = select(b, b.eq(below, negative), add(b, whole, part), subtract(b, whole, part))
      deliverProduct(b, dst, b.xor(ySign, b.shl(below, b.const(15))), total, b.const(15), ySig, ye)
      b.return()
    },
  },
  /** (dst, sign of x, sign of y, e of x, significand of x, e of y, significand of y): y * log2(x + 1), |x| < 1. */
  float80_logarithm_plus: {
    params: [I32, I32, I32, I32, I64, I32, I64],
    result: VOID,
    faults: false,
    build: b => {
      const [dst, xSign, ySign] = [b.parameter(0, I32), b.parameter(1, I32), b.parameter(2, I32)]
      const exponent = b.sub(b.parameter(3, I32), b.const(BIAS - 1))
      const sig = b.parameter(4, I64)
      const [ye, ySig] = [b.parameter(5, I32), b.parameter(6, I64)]
      // s = x / (2 + x), 2 + x as a fraction of 2 or of 4 so that bit 127 is set.
      const x = shiftRight(b, { hi: sig, lo: b.const64(0n) }, b.neg(exponent))
      const halved = shiftRight(b, x, b.const(1))
      const denominator = select(
        b,
        xSign,
        { hi: b.not(halved.hi), lo: b.not(halved.lo) },
        add(b, wide(b, ONE), shiftRight(b, x, b.const(2))),
      )
      const numerator = shiftRight(b, { hi: sig, lo: b.const64(0n) }, b.const(1))
      const quotient = divide(b, numerator, denominator)
      const n = b.sub(b.select(xSign, b.const(0), b.const(1)), exponent)
      const log = logarithm(b, quotient, n)
      deliverProduct(b, dst, b.xor(xSign, ySign), log, b.sub(b.const(2), n), ySig, ye)
      b.return()
    },
  },
}
