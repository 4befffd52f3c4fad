// Exact conversions between integers, singles and doubles, lane by lane with flags (SDM vol. 1, 11.5.2; vol. 2, CVT*).
// An integer that does not fit is 80000000H and IE; a denormal source raises DE only where the result is a number.

import type { Value } from '../ir/tape.js'
import { I32, I64, V128 } from '../ir/types.js'
import type { Context } from './context.js'
import type { ProcedureSource } from './procedures.js'
import {
  asBits,
  DE,
  DOUBLE,
  denormalAsZero,
  type Format,
  IE,
  isDenormal,
  isInfinite,
  isNotANumber,
  isSignaling,
  isZero,
  laneBits,
  PE,
  parameterBits,
  raise,
  raiseIf,
  roundingControl,
  SINGLE,
  signOf,
  toBits,
  toFloat,
  unpack,
  withLane,
} from './sse-format.js'
import { ZERO_VECTOR } from './sse-operand.js'
import { begin, commit, round } from './sse-round.js'

/** A NaN of one format in the other, quiet. */
function convertNaN(b: Context, x: Value, from: Format, to: Format): Value {
  const distance = to.fraction - from.fraction
  const fraction = b.and(x, b.const64(from.smallestNormal - 1n))
  const n = b.const64(BigInt(Math.abs(distance)))
  const payload = distance > 0 ? b.shl(fraction, n) : b.shru(fraction, n)
  const negative = b.toI64u(b.ne(signOf(b, x, from), b.const64(0n)))
  const sign = b.shl(negative, b.const64(BigInt(to.bits - 1)))
  return b.or(b.or(sign, payload), b.const64(to.infinity | to.quiet))
}

/** One number of a format to the other. */
const numberLane = (from: Format, to: Format): ProcedureSource => ({
  params: [from.integer],
  result: to.integer,
  faults: false,
  build: b => {
    const x0 = parameterBits(b, 0, from)
    b.if(isNotANumber(b, x0, from), () => {
      raiseIf(b, isSignaling(b, x0, from), IE)
      b.return(asBits(b, convertNaN(b, x0, from, to), to))
    })
    const x = denormalAsZero(b, x0, from)
    raiseIf(b, isDenormal(b, x, from), DE)
    const number = toFloat(b, asBits(b, x, from), from)
    if (to === DOUBLE) return b.return(toBits(b, b.op('f64.promote_f32', number), to))
    b.if(b.or(isZero(b, x, from), isInfinite(b, x, from)), () =>
      b.return(toBits(b, b.op('f32.demote_f64', number), to)),
    )
    const { e, sig } = unpack(b, x, from)
    const sign = b.shru(signOf(b, x, from), b.const64(32n))
    b.return(asBits(b, round(b, to, sign, { e: b.sub(e, b.const64(BigInt(from.bias - to.bias))), sig }), to))
  },
})

/** (bits, truncate): one number to an i32. */
const integerLane = (from: Format): ProcedureSource => ({
  params: [from.integer, I32],
  result: I32,
  faults: false,
  build: b => {
    const bits = denormalAsZero(b, parameterBits(b, 0, from), from)
    const given = toFloat(b, asBits(b, bits, from), from)
    const x = from === DOUBLE ? given : b.op('f64.promote_f32', given)
    const rc = b.select(b.parameter(1, I32), b.const(3), roundingControl(b))
    const [down, up] = [b.op('f64.floor', x), b.op('f64.ceil', x)]
    const directed = b.select(b.eq(rc, b.const(1)), down, b.select(b.eq(rc, b.const(2)), up, b.op('f64.trunc', x)))
    const rounded = b.select(rc, directed, b.op('f64.nearest', x))
    const least = b.op('f64.ge', rounded, b.constF64(-0x80000000))
    b.if(b.eqz(b.and(least, b.op('f64.le', rounded, b.constF64(0x7fffffff)))), () => {
      raise(b, b.const(IE))
      b.return(b.const(0x80000000))
    })
    raiseIf(b, b.op('f64.ne', rounded, x), PE)
    b.return(b.op('i32.trunc_sat_f64_s', rounded))
  },
})

/** One i32 to a single. */
const singleOfInteger: ProcedureSource = {
  params: [I32],
  result: I32,
  faults: false,
  build: b => {
    const x = b.toI64s(b.parameter(0, I32))
    b.if(b.eqz(x), () => b.return(b.const(0)))
    const negative = b.lts(x, b.const64(0n))
    const sign = b.select(negative, b.const64(SINGLE.sign), b.const64(0n))
    const sig = b.select(negative, b.neg(x), x)
    b.return(asBits(b, round(b, SINGLE, sign, { e: b.const64(BigInt(62 + SINGLE.bias)), sig }), SINGLE))
  },
}

/** All lanes of a vector by the procedure of one; `truncate` is a second parameter where there is one. */
const vector = (lane: string, from: Format, to: Format, lanes: number, withTruncate: boolean): ProcedureSource => ({
  params: withTruncate ? [V128, I32] : [V128],
  result: V128,
  faults: true,
  build: b => {
    begin(b)
    const x = b.parameter(0, V128)
    let v = b.constV128(ZERO_VECTOR)
    for (let i = 0; i < lanes; i++) {
      const args = [laneBits(b, x, i, from)]
      if (withTruncate) args.push(b.parameter(1, I32))
      v = withLane(b, v, b.call(lane, args, to.bits === 64 ? I64 : I32), i, to)
    }
    commit(b)
    b.return(v)
  },
})

/** Procedures sse_<from>_to_<to> convert one lane; sse_convert_* whole vectors, of which unused lanes are 0. */
export const sseConvertProcedures: Record<string, ProcedureSource> = {
  sse_single_to_double: numberLane(SINGLE, DOUBLE),
  sse_double_to_single: numberLane(DOUBLE, SINGLE),
  sse_single_to_integer: integerLane(SINGLE),
  sse_double_to_integer: integerLane(DOUBLE),
  sse_integer_to_single: singleOfInteger,
  sse_convert_ps2pd: vector('sse_single_to_double', SINGLE, DOUBLE, 2, false),
  sse_convert_pd2ps: vector('sse_double_to_single', DOUBLE, SINGLE, 2, false),
  sse_convert_ps2dq: vector('sse_single_to_integer', SINGLE, SINGLE, 4, true),
  sse_convert_pd2dq: vector('sse_double_to_integer', DOUBLE, SINGLE, 2, true),
  sse_convert_dq2ps: vector('sse_integer_to_single', SINGLE, SINGLE, 4, false),
}
