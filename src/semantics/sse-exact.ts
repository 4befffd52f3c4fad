// Exact addition, multiplication, division and square root of one single or double, with flags (SDM vol. 1, 11.5.2).
// In the usual mode with ordinary operands the hardware's operator gives the result, and an error-free transformation
// (Knuth's TwoSum, products of odd parts) tells whether it is inexact; everything else is done on integers.

import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'
import { multiplyWide } from './float80-multiply.js'
import type { ProcedureSource } from './procedures.js'
import {
  asBits,
  DE,
  denormalAsZero,
  type Format,
  formats,
  isDenormal,
  isInfinite,
  isZero,
  magnitude,
  parameterBits,
  plainMode,
  raise,
  raiseIf,
  returnInvalid,
  returnNaN,
  roundingControl,
  shiftRightSticky,
  signOf,
  suffix,
  unpack,
  ZE,
} from './sse-format.js'
import { quickDivide, quickMultiply, quickRoot, quickSum } from './sse-quick.js'
import { round } from './sse-round.js'

const bothFlushed = (b: Context, f: Format, x: Value, y: Value) =>
  [denormalAsZero(b, x, f), denormalAsZero(b, y, f)] as const
const denormals = (b: Context, f: Format, x: Value, y: Value) =>
  raiseIf(b, b.or(isDenormal(b, x, f), isDenormal(b, y, f)), DE)

/** (x, y, flip): x + y, or x - y when flip is the sign bit. */
const sum = (f: Format): ProcedureSource => ({
  params: [f.integer, f.integer, f.integer],
  result: f.integer,
  faults: false,
  build: b => {
    const [x0, y0] = [parameterBits(b, 0, f), parameterBits(b, 1, f)]
    const flip = parameterBits(b, 2, f)
    b.if(plainMode(b), () => quickSum(b, f, x0, b.xor(y0, flip)))
    returnNaN(b, f, x0, y0)
    const [x, y1] = bothFlushed(b, f, x0, y0)
    const y = b.xor(y1, flip)
    const [xInf, yInf] = [isInfinite(b, x, f), isInfinite(b, y, f)]
    const differ = signOf(b, b.xor(x, y), f)
    returnInvalid(b, b.and(b.and(xInf, yInf), b.ne(differ, b.const64(0n))), f)
    denormals(b, f, x, y)
    b.if(xInf, () => b.return(asBits(b, x, f)))
    b.if(yInf, () => b.return(asBits(b, y, f)))
    const cancelled = b.select(b.eq(roundingControl(b), b.const(1)), b.const64(f.sign), b.const64(0n))
    const [xZero, yZero] = [isZero(b, x, f), isZero(b, y, f)]
    b.if(b.and(xZero, yZero), () => b.return(asBits(b, b.select(b.eqz(differ), x, cancelled), f)))
    const only = (v: Value) => b.return(asBits(b, round(b, f, signOf(b, v, f), unpack(b, v, f)), f))
    b.if(xZero, () => only(y))
    b.if(yZero, () => only(x))
    const swap = b.ltu(magnitude(b, x, f), magnitude(b, y, f))
    const [large, small] = [b.select(swap, y, x), b.select(swap, x, y)]
    const [p, q] = [unpack(b, large, f), unpack(b, small, f)]
    const distance = b.sub(p.e, q.e)
    const within = b.select(b.gtu(distance, b.const64(63n)), b.const64(63n), distance)
    const shifted = shiftRightSticky(b, q.sig, within)
    const sig = b.select(b.eqz(differ), b.add(p.sig, shifted), b.sub(p.sig, shifted))
    b.if(b.eqz(sig), () => b.return(asBits(b, cancelled, f)))
    b.return(asBits(b, round(b, f, signOf(b, large, f), { e: p.e, sig }), f))
  },
})

const multiply = (f: Format): ProcedureSource => ({
  params: [f.integer, f.integer],
  result: f.integer,
  faults: false,
  build: b => {
    const [x0, y0] = [parameterBits(b, 0, f), parameterBits(b, 1, f)]
    b.if(plainMode(b), () => quickMultiply(b, f, x0, y0))
    returnNaN(b, f, x0, y0)
    const [x, y] = bothFlushed(b, f, x0, y0)
    const sign = signOf(b, b.xor(x, y), f)
    const infinite = b.or(isInfinite(b, x, f), isInfinite(b, y, f))
    const zero = b.or(isZero(b, x, f), isZero(b, y, f))
    returnInvalid(b, b.and(infinite, zero), f)
    denormals(b, f, x, y)
    b.if(infinite, () => b.return(asBits(b, b.or(sign, b.const64(f.infinity)), f)))
    b.if(zero, () => b.return(asBits(b, sign, f)))
    const [p, q] = [unpack(b, x, f), unpack(b, y, f)]
    const one = b.const64(1n)
    const { hi, lo } = multiplyWide(b, b.shl(p.sig, one), b.shl(q.sig, one))
    const sig = b.or(hi, b.toI64u(b.ne(lo, b.const64(0n))))
    const e = b.sub(b.add(p.e, q.e), b.const64(BigInt(f.bias)))
    b.return(asBits(b, round(b, f, sign, { e, sig }), f))
  },
})

/** Quotient of significands with bit 62 set, of which the lowest ten bits are 0: 55 bits of it and a sticky one. */
function divideSignificands(b: Context, x: Value, y: Value): Value {
  const ten = b.const64(10n)
  const eleven = b.const64(11n)
  const [dividend, divisor] = [b.shru(x, ten), b.shru(y, ten)]
  const first = b.toI64u(b.geu(dividend, divisor))
  let quotient = first
  let rest = b.sub(dividend, b.mul(first, divisor))
  for (let i = 0; i < 5; i++) {
    const more = b.shl(rest, eleven)
    const digits = b.op('i64.div_u', more, divisor)
    quotient = b.or(b.shl(quotient, eleven), digits)
    rest = b.sub(more, b.mul(digits, divisor))
  }
  return b.or(b.shl(quotient, b.const64(7n)), b.toI64u(b.ne(rest, b.const64(0n))))
}

const divide = (f: Format): ProcedureSource => ({
  params: [f.integer, f.integer],
  result: f.integer,
  faults: false,
  build: b => {
    const [x0, y0] = [parameterBits(b, 0, f), parameterBits(b, 1, f)]
    b.if(plainMode(b), () => quickDivide(b, f, x0, y0))
    returnNaN(b, f, x0, y0)
    const [x, y] = bothFlushed(b, f, x0, y0)
    const sign = signOf(b, b.xor(x, y), f)
    const [xInf, yInf] = [isInfinite(b, x, f), isInfinite(b, y, f)]
    const [xZero, yZero] = [isZero(b, x, f), isZero(b, y, f)]
    returnInvalid(b, b.or(b.and(xInf, yInf), b.and(xZero, yZero)), f)
    b.if(b.and(yZero, b.eqz(xInf)), () => {
      raise(b, b.const(ZE))
      b.return(asBits(b, b.or(sign, b.const64(f.infinity)), f))
    })
    denormals(b, f, x, y)
    b.if(xInf, () => b.return(asBits(b, b.or(sign, b.const64(f.infinity)), f)))
    b.if(b.or(xZero, yInf), () => b.return(asBits(b, sign, f)))
    const [p, q] = [unpack(b, x, f), unpack(b, y, f)]
    const e = b.add(b.sub(p.e, q.e), b.const64(BigInt(f.bias)))
    b.return(asBits(b, round(b, f, sign, { e, sig: divideSignificands(b, p.sig, q.sig) }), f))
  },
})

/** Square root of m * 2^56, m below 2^54: 55 bits digit by digit, with a sticky bit below them at bit 0 after << 8. */
function rootOf(b: Context, m: Value): Value {
  const [rest, root, left, i] = [b.const64(0n), b.const64(0n), b.shl(m, b.const64(10n)), b.const(55)].map(v =>
    b.variable(v),
  ) as [number, number, number, number]
  const [one, two] = [b.const64(1n), b.const64(2n)]
  b.loop(() => {
    b.breakIf(b.eqz(b.get(i)))
    const pair = b.shru(b.get(left), b.const64(62n))
    const more = b.or(b.shl(b.get(rest), two), pair)
    const trial = b.or(b.shl(b.get(root), two), one)
    const fits = b.geu(more, trial)
    b.set(root, b.or(b.shl(b.get(root), one), b.toI64u(fits)))
    b.set(rest, b.select(fits, b.sub(more, trial), more))
    b.set(left, b.shl(b.get(left), two))
    b.set(i, b.sub(b.get(i), b.const(1)))
  })
  return b.or(b.shl(b.get(root), b.const64(8n)), b.toI64u(b.ne(b.get(rest), b.const64(0n))))
}

const root = (f: Format): ProcedureSource => ({
  params: [f.integer],
  result: f.integer,
  faults: false,
  build: b => {
    const x0 = parameterBits(b, 0, f)
    b.if(plainMode(b), () => quickRoot(b, f, x0))
    returnNaN(b, f, x0)
    const x = denormalAsZero(b, x0, f)
    b.if(isZero(b, x, f), () => b.return(asBits(b, x, f)))
    returnInvalid(b, b.ne(signOf(b, x, f), b.const64(0n)), f)
    raiseIf(b, isDenormal(b, x, f), DE)
    b.if(isInfinite(b, x, f), () => b.return(asBits(b, x, f)))
    const { e, sig } = unpack(b, x, f)
    const scale = b.sub(e, b.const64(BigInt(f.bias)))
    const odd = b.and(scale, b.const64(1n))
    const m = b.shl(b.shru(sig, b.const64(10n)), odd)
    const half = b.shrs(b.sub(scale, odd), b.const64(1n))
    const result = { e: b.add(half, b.const64(BigInt(f.bias))), sig: rootOf(b, m) }
    b.return(asBits(b, round(b, f, b.const64(0n), result), f))
  },
})

export const sseExactProcedures: Record<string, ProcedureSource> = {}
for (const f of formats) {
  sseExactProcedures[`sse_sum${suffix(f)}`] = sum(f)
  sseExactProcedures[`sse_multiply${suffix(f)}`] = multiply(f)
  sseExactProcedures[`sse_divide${suffix(f)}`] = divide(f)
  sseExactProcedures[`sse_root${suffix(f)}`] = root(f)
}
