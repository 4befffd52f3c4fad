// The single and double format as integers, what every exact SSE operation starts from: classes of operands, NaN
// answers, the exception flags an instruction collects, and MXCSR's modes (SDM vol. 1, 4.8.3, 10.2.3, 11.5).
// Bits of either format are an i64; a single is zero-extended.

import { MXCSR, SCRATCH } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { F32, F64, I32, I64, type Type } from '../ir/types.js'
import type { Context } from './context.js'

// Flags of MXCSR; the masks are the same seven bits further up.
export const IE = 0x01
export const DE = 0x02
export const ZE = 0x04
export const OE = 0x08
export const UE = 0x10
export const PE = 0x20
export const DAZ = 0x40
export const MASK_SHIFT = 7
export const FTZ = 0x8000
/** Rounding control: 0 nearest, 1 down, 2 up, 3 towards zero. */
export const RC_SHIFT = 13
const RC = 0x6000

/** The cell in which an instruction collects its exception flags. */
export const RAISED = SCRATCH + 60

export interface Format {
  readonly bits: 32 | 64
  /** Bits of the fraction. */
  readonly fraction: number
  readonly bias: number
  /** Type of the bits and of the number in the IR. */
  readonly integer: Type
  readonly float: Type
  readonly sign: bigint
  readonly infinity: bigint
  readonly quiet: bigint
  readonly smallestNormal: bigint
  /** The least normal and the greatest finite number. */
  readonly least: number
  readonly most: number
  /** Vector shape and lanes in WebAssembly's names. */
  readonly shape: 'f32x4' | 'f64x2'
  readonly integers: 'i32x4' | 'i64x2'
  readonly lanes: number
}
const format = (bits: 32 | 64, fraction: number): Format => {
  const f = BigInt(fraction)
  const sign = 1n << BigInt(bits - 1)
  return {
    bits,
    fraction,
    bias: 2 ** (bits - fraction - 2) - 1,
    integer: bits === 32 ? I32 : I64,
    float: bits === 32 ? F32 : F64,
    sign,
    infinity: sign - (1n << f),
    quiet: 1n << (f - 1n),
    smallestNormal: 1n << f,
    least: bits === 32 ? 2 ** -126 : 2 ** -1022,
    most: bits === 32 ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE,
    shape: bits === 32 ? 'f32x4' : 'f64x2',
    integers: bits === 32 ? 'i32x4' : 'i64x2',
    lanes: 128 / bits,
  }
}
export const SINGLE = format(32, 23)
export const DOUBLE = format(64, 52)
export const formats: readonly Format[] = [SINGLE, DOUBLE]
/** Suffix of procedure names. */
export const suffix = (f: Format) => String(f.bits)

/** A number as a constant. */
export const real = (b: Builder, n: number, f: Format): Value => (f.bits === 32 ? b.constF32(n) : b.constF64(n))
/** A number in all lanes. */
export function reals(b: Builder, n: number, f: Format): Value {
  const lanes = f.bits === 32 ? new Float32Array(4).fill(n) : new Float64Array(2).fill(n)
  return b.constV128(new Uint8Array(lanes.buffer))
}
/** Bits in all lanes. */
export function pattern(b: Builder, bits: bigint, f: Format): Value {
  const lanes = f.bits === 32 ? new Uint32Array(4).fill(Number(bits)) : new BigUint64Array(2).fill(bits)
  return b.constV128(new Uint8Array(lanes.buffer))
}

/** Parameter n, bits of a format, as i64. */
export const parameterBits = (b: Builder, n: number, f: Format): Value =>
  f.bits === 32 ? b.toI64u(b.parameter(n, I32)) : b.parameter(n, I64)
/** i64 bits as the format's own integer type. */
export const asBits = (b: Builder, v: Value, f: Format): Value => (f.bits === 32 ? b.low(v) : v)
/** The number whose bits (of the format's own type) these are, and back. */
export const toFloat = (b: Builder, bits: Value, f: Format): Value =>
  b.op(f.bits === 32 ? 'f32.reinterpret_i32' : 'f64.reinterpret_i64', bits)
export const toBits = (b: Builder, x: Value, f: Format): Value =>
  b.op(f.bits === 32 ? 'i32.reinterpret_f32' : 'i64.reinterpret_f64', x)
/** Lane i of a vector as bits, and back. */
export const laneBits = (b: Builder, v: Value, i: number, f: Format): Value =>
  b.op(`${f.integers}.extract_lane`, v, -1, -1, i)
export const withLane = (b: Builder, v: Value, bits: Value, i: number, f: Format): Value =>
  b.op(`${f.integers}.replace_lane`, v, bits, -1, i)

// Classes; x is an i64, the answer i32 0 or 1.
export const magnitude = (b: Builder, x: Value, f: Format): Value => b.and(x, b.const64(f.sign - 1n))
export const isNotANumber = (b: Builder, x: Value, f: Format): Value => b.gtu(magnitude(b, x, f), b.const64(f.infinity))
export const isSignaling = (b: Builder, x: Value, f: Format): Value =>
  b.and(isNotANumber(b, x, f), b.eqz(b.and(x, b.const64(f.quiet))))
export const isInfinite = (b: Builder, x: Value, f: Format): Value => b.eq(magnitude(b, x, f), b.const64(f.infinity))
export const isZero = (b: Builder, x: Value, f: Format): Value => b.eqz(magnitude(b, x, f))
export const isDenormal = (b: Builder, x: Value, f: Format): Value =>
  b.ltu(b.sub(magnitude(b, x, f), b.const64(1n)), b.const64(f.smallestNormal - 1n))
export const signOf = (b: Builder, x: Value, f: Format): Value => b.and(x, b.const64(f.sign))

/** The default NaN: negative, quiet, no payload. */
export const defaultNaN = (b: Builder, f: Format): Value => b.const64(f.sign | f.infinity | f.quiet)

export const mxcsr = (b: Context): Value => b.state(MXCSR)
export const roundingControl = (b: Context): Value => b.and(b.shru(mxcsr(b), b.const(RC_SHIFT)), b.const(3))
/** Adds flags (i32) to those of the instruction. */
export function raise(b: Context, flags: Value) {
  b.setState(RAISED, b.or(b.state(RAISED), flags))
}
/** Adds a flag where the condition (0 or 1) holds. */
export function raiseIf(b: Context, condition: Value, flag: number) {
  raise(b, b.select(condition, b.const(flag), b.const(0)))
}
/** 1 in the mode almost all programs run in: to nearest, no flush to zero, denormals as they are. */
export const plainMode = (b: Context): Value => b.eqz(b.and(mxcsr(b), b.const(RC | DAZ | FTZ)))
/**
 * 1 when besides all exceptions are masked and PE is set: ordinary results change no flag then. Once it is 1 it stays so
 * until MXCSR is loaded; an older 0 is only slower.
 */
export const stickyMode = (b: Context): Value =>
  b.remembered('sticky', () => b.eq(b.and(mxcsr(b), b.const(0x1f80 | RC | DAZ | FTZ | PE)), b.const(0x1f80 | PE)))

/** An operand with DAZ done: 0 of its sign for a denormal when DAZ is set. */
export function denormalAsZero(b: Context, x: Value, f: Format): Value {
  const flush = b.and(isDenormal(b, x, f), b.ne(b.and(mxcsr(b), b.const(DAZ)), b.const(0)))
  return b.select(flush, signOf(b, x, f), x)
}
/** Returns from the procedure with the NaN answer when x (or else y) is a NaN; IE for a signaling one. */
export function returnNaN(b: Context, f: Format, x: Value, y: Value = x) {
  b.if(b.or(isNotANumber(b, x, f), isNotANumber(b, y, f)), () => {
    raiseIf(b, b.or(isSignaling(b, x, f), isSignaling(b, y, f)), IE)
    const nan = b.select(isNotANumber(b, x, f), x, y)
    b.return(asBits(b, b.or(nan, b.const64(f.quiet)), f))
  })
}
/** Returns the default NaN with IE when the condition holds. */
export function returnInvalid(b: Context, condition: Value, f: Format) {
  b.if(condition, () => {
    raise(b, b.const(IE))
    b.return(asBits(b, defaultNaN(b, f), f))
  })
}

/** A finite number other than 0: sig * 2^(e - bias - 62), bit 62 of sig set. All i64. */
export interface Unpacked {
  readonly e: Value
  readonly sig: Value
}
/** Takes a finite number other than 0 apart, denormal or not. */
export function unpack(b: Builder, x: Value, f: Format): Unpacked {
  const field = b.shru(magnitude(b, x, f), b.const64(BigInt(f.fraction)))
  const fraction = b.and(x, b.const64(f.smallestNormal - 1n))
  const denormal = b.eqz(field)
  const whole = b.select(denormal, fraction, b.or(fraction, b.const64(f.smallestNormal)))
  const shift = b.sub(b.op('i64.clz', whole), b.const64(1n))
  const e = b.add(b.add(field, b.toI64u(denormal)), b.const64(BigInt(62 - f.fraction)))
  return { e: b.sub(e, shift), sig: b.shl(whole, shift) }
}
/** x shifted right by n (i64, 0-63); what falls out stays as the lowest bit. */
export function shiftRightSticky(b: Builder, x: Value, n: Value): Value {
  const kept = b.shru(x, n)
  return b.or(kept, b.toI64u(b.ne(b.shl(kept, n), x)))
}
