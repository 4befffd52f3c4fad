// The quick way through an exact operation: the hardware's operator, and a test whether it was inexact. Each of these
// returns from the procedure with result and PE when operands and result are ordinary (normal,
// the result away from the limits of the range; sums may be 0); otherwise it does nothing. Only for rounding to nearest.

import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'
import { asBits, DOUBLE, type Format, isDenormal, PE, raise, real, toBits, toFloat } from './sse-format.js'

const name = (f: Format, operator: string) => `f${f.bits}.${operator}`

/** Result r is between the limits (and not one of them), and no operand is denormal. */
function ordinary(b: Context, f: Format, r: Value, ...operands: Value[]): Value {
  const size = b.op(name(f, 'abs'), r)
  const most = real(b, 2 ** (f.bias - 1), f)
  const inside = b.and(b.op(name(f, 'gt'), size, real(b, f.least, f)), b.op(name(f, 'lt'), size, most))
  return operands.reduce((ok, x) => b.and(ok, b.eqz(isDenormal(b, x, f))), inside)
}
function answer(b: Context, f: Format, r: Value, inexact: Value) {
  raise(b, b.select(inexact, b.const(PE), b.const(0)))
  b.return(toBits(b, r, f))
}
const number = (b: Context, x: Value, f: Format): Value => toFloat(b, asBits(b, x, f), f)
const promoted = (b: Context, x: Value) => b.op('f64.promote_f32', x)

/** x + y. */
export function quickSum(b: Context, f: Format, x: Value, y: Value) {
  const op = (operator: string, p: Value, q: Value) => b.op(name(f, operator), p, q)
  const [p, q] = [number(b, x, f), number(b, y, f)]
  const s = op('add', p, q)
  const zero = b.and(op('eq', s, real(b, 0, f)), b.eqz(b.or(isDenormal(b, x, f), isDenormal(b, y, f))))
  b.if(b.or(zero, ordinary(b, f, s, x, y)), () => {
    const second = op('sub', s, p)
    const lost = op('add', op('sub', p, op('sub', s, second)), op('sub', q, second))
    answer(b, f, s, op('ne', lost, real(b, 0, f)))
  })
}

/** The significand of a normal double without its trailing zeroes. */
function oddPart(b: Context, x: Value): Value {
  const { smallestNormal } = DOUBLE
  const whole = b.or(b.and(x, b.const64(smallestNormal - 1n)), b.const64(smallestNormal))
  return b.shru(whole, b.op('i64.ctz', whole))
}
/** The product of two odd parts, or 0 when it has more than 64 bits. */
function oddProduct(b: Context, x: Value, y: Value): Value {
  const room = b.add(b.op('i64.clz', x), b.op('i64.clz', y))
  return b.select(b.geu(room, b.const64(64n)), b.mul(x, y), b.const64(0n))
}

/** x * y. */
export function quickMultiply(b: Context, f: Format, x: Value, y: Value) {
  const [p, q] = [number(b, x, f), number(b, y, f)]
  const r = b.op(name(f, 'mul'), p, q)
  b.if(ordinary(b, f, r, x, y), () => {
    if (f.bits === 32) {
      const whole = b.op('f64.mul', promoted(b, p), promoted(b, q))
      return answer(b, f, r, b.op('f64.ne', whole, promoted(b, r)))
    }
    const product = oddProduct(b, oddPart(b, x), oddPart(b, y))
    answer(b, f, r, b.gtu(b.sub(product, b.const64(1n)), b.const64((1n << 53n) - 2n)))
  })
}

/** x / y. */
export function quickDivide(b: Context, f: Format, x: Value, y: Value) {
  const [p, q] = [number(b, x, f), number(b, y, f)]
  const r = b.op(name(f, 'div'), p, q)
  b.if(ordinary(b, f, r, x, y), () => {
    if (f.bits === 32) {
      const whole = b.op('f64.mul', promoted(b, r), promoted(b, q))
      return answer(b, f, r, b.op('f64.ne', whole, promoted(b, p)))
    }
    const product = oddProduct(b, oddPart(b, toBits(b, r, f)), oddPart(b, y))
    answer(b, f, r, b.ne(product, oddPart(b, x)))
  })
}

/** The square root of x. */
export function quickRoot(b: Context, f: Format, x: Value) {
  const p = number(b, x, f)
  const r = b.op(name(f, 'sqrt'), p)
  b.if(ordinary(b, f, r, x), () => {
    if (f.bits === 32) {
      const whole = b.op('f64.mul', promoted(b, r), promoted(b, r))
      return answer(b, f, r, b.op('f64.ne', whole, promoted(b, p)))
    }
    const odd = oddPart(b, toBits(b, r, f))
    answer(b, f, r, b.ne(oddProduct(b, odd, odd), oddPart(b, x)))
  })
}
