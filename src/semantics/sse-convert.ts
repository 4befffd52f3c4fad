// Conversions between integers, singles and doubles in MMX, XMM and general registers (SDM vol. 2, CVT*). Exact ones and
// those whose flags cannot change run at once; the others go through sse-convert-exact.ts, scalars as a vector whose
// other lanes are 0.

import type { Value } from '../ir/tape.js'
import { V128 } from '../ir/types.js'
import { MM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { mmx, mmxAvailable, mmxTransition, setMmx } from './mmx-state.js'
import { DOUBLE, type Format, laneBits, real, reals, SINGLE, stickyMode, toBits, toFloat } from './sse-format.js'
import { half, readAligned, readVector, ZERO_VECTOR, zeroExtended } from './sse-operand.js'
import { sse } from './sse-state.js'

/** Operand 1 as a vector of which everything beyond the operand is 0. */
function source(b: Context): Value {
  const { size } = b.form.operands[1]!
  return size === 16 ? readAligned(b, 1) : zeroExtended(b, b.read(1), size)
}
/** Magnitudes below which rounding to nearest, or truncation, fits an i32. */
const limit = (f: Format, truncate: boolean) => (f === DOUBLE && !truncate ? 0x7fffffff : 0x80000000)

/** A vector of numbers to a vector of i32. */
function integers(b: Context, f: Format, x: Value, truncate: boolean): Value {
  const size = b.op(`${f.shape}.abs`, x)
  const inside = b.op(`${f.shape}.lt`, size, reals(b, limit(f, truncate), f))
  const plain = b.and(stickyMode(b), b.op(`${f.integers}.all_true`, inside))
  const operator = f === SINGLE ? 'i32x4.trunc_sat_f32x4_s' : 'i32x4.trunc_sat_f64x2_s_zero'
  const name = f === SINGLE ? 'sse_convert_ps2dq' : 'sse_convert_pd2dq'
  return b.choose(
    plain,
    () => b.op(operator, truncate ? x : b.op(`${f.shape}.nearest`, x)),
    () => b.call(name, [x, b.const(truncate ? 1 : 0)], V128, true),
  )
}
const toIntegers = (f: Format, truncate: boolean) => sse(b => b.write(0, integers(b, f, source(b), truncate)))
/** The x87 state becomes MMX's even when an exception then forbids the result, as processors do. */
const toMmx = (f: Format, truncate: boolean) =>
  sse(b => {
    mmxAvailable(b)
    const x = source(b)
    mmxTransition(b)
    setMmx(b, half(b, integers(b, f, x, truncate), 0))
  })

/** A number to a general register. */
const toRegister = (f: Format, truncate: boolean) =>
  sse(b => {
    const bits = b.read(1)
    const x = toFloat(b, bits, f)
    const op = (name: string, p: Value, q?: Value) => b.op(`f${f.bits}.${name}`, p, q)
    const plain = b.and(stickyMode(b), op('lt', op('abs', x), real(b, limit(f, truncate), f)))
    const quick = () => b.op(`i32.trunc_sat_f${f.bits}_s`, truncate ? x : op('nearest', x))
    const exact = () => {
      const v = zeroExtended(b, bits, f.bits / 8)
      const name = f === SINGLE ? 'sse_convert_ps2dq' : 'sse_convert_pd2dq'
      return b.op('i32x4.extract_lane', b.call(name, [v, b.const(truncate ? 1 : 0)], V128, true))
    }
    b.write(0, b.choose(plain, quick, exact))
  })

/** Four i32 to singles. */
const singles = (b: Context, x: Value): Value =>
  b.choose(
    stickyMode(b),
    () => b.op('f32x4.convert_i32x4_s', x),
    () => b.call('sse_convert_dq2ps', [x], V128, true),
  )

const singleFromInteger = sse(b => {
  const x = b.read(1)
  b.write(
    0,
    b.choose(
      stickyMode(b),
      () => toBits(b, b.op('f32.convert_i32_s', x), SINGLE),
      () => laneBits(b, b.call('sse_convert_dq2ps', [zeroExtended(b, x, 4)], V128, true), 0, SINGLE),
    ),
  )
})

/** CVTPI2PS and CVTPI2PD from memory leave the x87 state alone. */
const singlesFromMmx = sse((b, form) => {
  const register = form.operands[1]!.kind === MM
  if (register) mmxAvailable(b)
  const x = source(b)
  if (register) mmxTransition(b)
  b.write(0, half(b, singles(b, x), 0))
})

/** Doubles of the two low i32: exact. */
const doublesFromIntegers = sse(b => b.write(0, b.op('f64x2.convert_low_i32x4_s', readVector(b, 1))))
const doublesFromMmx: Semantics = (b, form) =>
  form.operands[1]!.kind === MM ? sse(mmx(doublesFromIntegers))(b, form) : doublesFromIntegers(b, form)

const doublesFromSingles = sse(b => {
  const x = source(b)
  const size = b.op('f32x4.abs', x)
  const normal = b.op('f32x4.le', reals(b, SINGLE.least, SINGLE), size)
  const plain = b.op('i32x4.all_true', b.or(normal, b.op('f32x4.eq', x, b.constV128(ZERO_VECTOR))))
  b.write(
    0,
    b.choose(
      plain,
      () => b.op('f64x2.promote_low_f32x4', x),
      () => b.call('sse_convert_ps2pd', [x], V128, true),
    ),
  )
})
const doubleFromSingle = sse(b => {
  const bits = b.read(1)
  const x = toFloat(b, bits, SINGLE)
  const normal = b.op('f32.ge', b.op('f32.abs', x), real(b, SINGLE.least, SINGLE))
  b.write(
    0,
    b.choose(
      b.or(normal, b.op('f32.eq', x, b.constF32(0))),
      () => toBits(b, b.op('f64.promote_f32', x), DOUBLE),
      () => laneBits(b, b.call('sse_convert_ps2pd', [zeroExtended(b, bits, 4)], V128, true), 0, DOUBLE),
    ),
  )
})

const singlesFromDoubles = sse(b => {
  const x = source(b)
  const size = b.op('f64x2.abs', x)
  const above = b.op('f64x2.lt', reals(b, SINGLE.least, DOUBLE), size)
  const inside = b.and(above, b.op('f64x2.le', size, reals(b, SINGLE.most, DOUBLE)))
  b.write(
    0,
    b.choose(
      b.and(stickyMode(b), b.op('i64x2.all_true', inside)),
      () => b.op('f32x4.demote_f64x2_zero', x),
      () => b.call('sse_convert_pd2ps', [x], V128, true),
    ),
  )
})
const singleFromDouble = sse(b => {
  const bits = b.read(1)
  const x = toFloat(b, bits, DOUBLE)
  const size = b.op('f64.abs', x)
  const above = b.op('f64.gt', size, b.constF64(SINGLE.least))
  const inside = b.and(above, b.op('f64.le', size, b.constF64(SINGLE.most)))
  b.write(
    0,
    b.choose(
      b.and(stickyMode(b), inside),
      () => toBits(b, b.op('f32.demote_f64', x), SINGLE),
      () => laneBits(b, b.call('sse_convert_pd2ps', [zeroExtended(b, bits, 8)], V128, true), 0, SINGLE),
    ),
  )
})

export const sseConvert: Record<string, Semantics> = {
  cvtps2dq: toIntegers(SINGLE, false),
  cvttps2dq: toIntegers(SINGLE, true),
  cvtpd2dq: toIntegers(DOUBLE, false),
  cvttpd2dq: toIntegers(DOUBLE, true),
  cvtps2pi: toMmx(SINGLE, false),
  cvttps2pi: toMmx(SINGLE, true),
  cvtpd2pi: toMmx(DOUBLE, false),
  cvttpd2pi: toMmx(DOUBLE, true),
  cvtss2si: toRegister(SINGLE, false),
  cvttss2si: toRegister(SINGLE, true),
  cvtsd2si: toRegister(DOUBLE, false),
  cvttsd2si: toRegister(DOUBLE, true),
  cvtdq2ps: sse(b => b.write(0, singles(b, readAligned(b, 1)))),
  cvtpi2ps: singlesFromMmx,
  cvtsi2ss: singleFromInteger,
  cvtdq2pd: doublesFromIntegers,
  cvtpi2pd: doublesFromMmx,
  cvtsi2sd: sse(b => b.write(0, toBits(b, b.op('f64.convert_i32_s', b.read(1)), DOUBLE))),
  cvtps2pd: doublesFromSingles,
  cvtss2sd: doubleFromSingle,
  cvtpd2ps: singlesFromDoubles,
  cvtsd2ss: singleFromDouble,
}
