// The scalar operators of the IR as functions: what each WebAssembly numeric instruction does (WebAssembly core
// specification, section 4.3), on numbers for i32, f32 and f64 and on BigInts in 64 signed bits for i64.
// Division by zero and overflowing signed division trap in WebAssembly; here they throw RangeError.

import type { Operation } from './evaluate.js'

type Numbers = (x: number, y: number) => number
type Bigs = (x: bigint, y: bigint) => bigint | number

const signed = (x: bigint) => BigInt.asIntN(64, x)
const unsigned = (x: bigint) => BigInt.asUintN(64, x)

function divisor<T extends number | bigint>(y: T): T {
  if (!y) throw new RangeError('the IR divides by zero')
  return y
}
function population(x: number): number {
  let count = 0
  for (let rest = x >>> 0; rest; rest &= rest - 1) count++
  return count
}
const trailing = (x: number) => (x === 0 ? 32 : 31 - Math.clz32(x & -x))
const lowWord = (x: bigint) => Number(BigInt.asIntN(32, x))
const highWord = (x: bigint) => Number(BigInt.asIntN(32, x >> 32n))

const i32: Record<string, Numbers> = {
  add: (x, y) => (x + y) | 0,
  sub: (x, y) => (x - y) | 0,
  mul: Math.imul,
  div_s: (x, y) => {
    if (x === -0x80000000 && y === -1) throw new RangeError('the IR divides with overflow')
    return (x / divisor(y)) | 0
  },
  div_u: (x, y) => ((x >>> 0) / divisor(y >>> 0)) | 0,
  rem_s: (x, y) => (x % divisor(y)) | 0,
  rem_u: (x, y) => ((x >>> 0) % divisor(y >>> 0)) | 0,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  shl: (x, y) => x << y,
  shr_s: (x, y) => x >> y,
  shr_u: (x, y) => (x >>> y) | 0,
  rotl: (x, y) => (x << y) | (x >>> -y),
  rotr: (x, y) => (x >>> y) | (x << -y),
  eq: (x, y) => +(x === y),
  ne: (x, y) => +(x !== y),
  lt_s: (x, y) => +(x < y),
  lt_u: (x, y) => +(x >>> 0 < y >>> 0),
  gt_s: (x, y) => +(x > y),
  gt_u: (x, y) => +(x >>> 0 > y >>> 0),
  le_s: (x, y) => +(x <= y),
  le_u: (x, y) => +(x >>> 0 <= y >>> 0),
  ge_s: (x, y) => +(x >= y),
  ge_u: (x, y) => +(x >>> 0 >= y >>> 0),
  eqz: x => +(x === 0),
  clz: x => Math.clz32(x),
  ctz: trailing,
  popcnt: population,
  extend8_s: x => (x << 24) >> 24,
  extend16_s: x => (x << 16) >> 16,
}

const i64: Record<string, Bigs> = {
  add: (x, y) => signed(x + y),
  sub: (x, y) => signed(x - y),
  mul: (x, y) => signed(x * y),
  div_s: (x, y) => {
    if (x === -(1n << 63n) && y === -1n) throw new RangeError('the IR divides with overflow')
    return signed(x / divisor(y))
  },
  div_u: (x, y) => signed(unsigned(x) / divisor(unsigned(y))),
  rem_s: (x, y) => signed(x % divisor(y)),
  rem_u: (x, y) => signed(unsigned(x) % divisor(unsigned(y))),
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  shl: (x, y) => signed(x << (y & 63n)),
  shr_s: (x, y) => x >> (y & 63n),
  shr_u: (x, y) => signed(unsigned(x) >> (y & 63n)),
  rotl: (x, y) => signed((x << (y & 63n)) | (unsigned(x) >> (-y & 63n))),
  rotr: (x, y) => signed((unsigned(x) >> (y & 63n)) | (x << (-y & 63n))),
  eq: (x, y) => +(x === y),
  ne: (x, y) => +(x !== y),
  lt_s: (x, y) => +(x < y),
  lt_u: (x, y) => +(unsigned(x) < unsigned(y)),
  gt_s: (x, y) => +(x > y),
  gt_u: (x, y) => +(unsigned(x) > unsigned(y)),
  le_s: (x, y) => +(x <= y),
  le_u: (x, y) => +(unsigned(x) <= unsigned(y)),
  ge_s: (x, y) => +(x >= y),
  ge_u: (x, y) => +(unsigned(x) >= unsigned(y)),
  eqz: x => +(x === 0n),
  clz: x => BigInt(highWord(x) ? Math.clz32(highWord(x)) : 32 + Math.clz32(lowWord(x))),
  ctz: x => BigInt(lowWord(x) ? trailing(lowWord(x)) : 32 + trailing(highWord(x))),
  popcnt: x => BigInt(population(lowWord(x)) + population(highWord(x))),
  extend8_s: x => BigInt.asIntN(8, x),
  extend16_s: x => BigInt.asIntN(16, x),
  extend32_s: x => BigInt.asIntN(32, x),
  extend_i32_s: x => BigInt(x),
  extend_i32_u: x => BigInt.asUintN(32, BigInt(x)),
}

/** To the nearest integer, ties to even; the sign of zero is kept. */
function nearest(x: number): number {
  if (!(Math.abs(x) < 2 ** 52)) return x
  const away = x < 0 || Object.is(x, -0) ? -(2 ** 52) : 2 ** 52
  const rounded = x + away - away
  return rounded === 0 && away < 0 ? -0 : rounded
}
const negative = (x: number) => x < 0 || Object.is(x, -0)

const floats: Record<string, Numbers> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  min: (x, y) => Math.min(x, y),
  max: (x, y) => Math.max(x, y),
  copysign: (x, y) => (negative(x) === negative(y) ? x : -x),
  abs: Math.abs,
  neg: x => -x,
  ceil: Math.ceil,
  floor: Math.floor,
  trunc: Math.trunc,
  nearest,
  sqrt: Math.sqrt,
}
const comparisons: Record<string, Numbers> = {
  eq: (x, y) => +(x === y),
  ne: (x, y) => +(x !== y),
  lt: (x, y) => +(x < y),
  gt: (x, y) => +(x > y),
  le: (x, y) => +(x <= y),
  ge: (x, y) => +(x >= y),
}

/** Integer to f32 with one rounding: digits beyond a double's 53 are folded into a sticky bit first. */
function bigToF32(x: bigint): number {
  const magnitude = x < 0n ? -x : x
  if (magnitude < 1n << 53n) return Math.fround(Number(x))
  const kept = (magnitude >> 11n) << 11n
  const sticky = kept === magnitude ? kept : kept | (1n << 11n)
  return Math.fround(x < 0n ? -Number(sticky) : Number(sticky))
}
const saturate = (x: number, low: number, high: number) =>
  Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, low), high)) | 0
function saturateBig(x: number, low: bigint, high: bigint): bigint {
  if (Number.isNaN(x)) return 0n
  if (x <= Number(low)) return signed(low)
  return signed(x >= Number(high) ? high : BigInt(Math.trunc(x)))
}
const scratch = new DataView(new ArrayBuffer(8))

const conversions: Record<string, (x: never) => number | bigint> = {
  'i32.wrap_i64': lowWord,
  'f32.convert_i32_s': (x: number) => Math.fround(x),
  'f32.convert_i32_u': (x: number) => Math.fround(x >>> 0),
  'f32.convert_i64_s': bigToF32,
  'f32.convert_i64_u': (x: bigint) => bigToF32(unsigned(x)),
  'f64.convert_i32_s': (x: number) => x,
  'f64.convert_i32_u': (x: number) => x >>> 0,
  'f64.convert_i64_s': (x: bigint) => Number(x),
  'f64.convert_i64_u': (x: bigint) => Number(unsigned(x)),
  'f32.demote_f64': (x: number) => Math.fround(x),
  'f64.promote_f32': (x: number) => x,
  'i32.reinterpret_f32': (x: number) => {
    scratch.setFloat32(0, x)
    return scratch.getInt32(0)
  },
  'f32.reinterpret_i32': (x: number) => {
    scratch.setInt32(0, x)
    return scratch.getFloat32(0)
  },
  'i64.reinterpret_f64': (x: number) => {
    scratch.setFloat64(0, x)
    return scratch.getBigInt64(0)
  },
  'f64.reinterpret_i64': (x: bigint) => {
    scratch.setBigInt64(0, x)
    return scratch.getFloat64(0)
  },
  'i32.trunc_sat_f32_s': (x: number) => saturate(x, -0x80000000, 0x7fffffff),
  'i32.trunc_sat_f32_u': (x: number) => saturate(x, 0, 0xffffffff),
  'i32.trunc_sat_f64_s': (x: number) => saturate(x, -0x80000000, 0x7fffffff),
  'i32.trunc_sat_f64_u': (x: number) => saturate(x, 0, 0xffffffff),
  'i64.trunc_sat_f64_s': (x: number) => saturateBig(x, -(1n << 63n), (1n << 63n) - 1n),
  'i64.trunc_sat_f64_u': (x: number) => saturateBig(x, 0n, (1n << 64n) - 1n),
}

/** Scalar operators by WebAssembly name. */
export const scalarOperators: Record<string, Operation> = { ...conversions }
const under = (prefix: string, table: Record<string, (x: never, y: never) => number | bigint>) => {
  for (const [name, f] of Object.entries(table)) scalarOperators[`${prefix}.${name}`] = f
}
under('i32', i32)
under('i64', i64)
under('f64', floats)
for (const [name, f] of Object.entries(floats))
  scalarOperators[`f32.${name}`] = (x: number, y: number) => Math.fround(f(x, y))
under('f32', comparisons)
under('f64', comparisons)
for (const type of ['i32', 'i64', 'f32', 'f64'])
  scalarOperators[`${type}.select`] = (x: number, y: number, condition: number) => (condition ? x : y)
