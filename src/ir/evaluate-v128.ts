// The v128 operators of the IR as functions on Uint8Array(16), lane 0 first: what each WebAssembly vector instruction
// does (WebAssembly core specification, section 4.3.6). Operands are never changed in place. Most are made from an
// operation on one lane and a way to see the bytes as lanes.

import type { Operation } from './evaluate.js'
import { floatVectorOperators } from './evaluate-v128-float.js'

const bytewise = (f: (x: number, y: number) => number) => (x: Uint8Array, y: Uint8Array) => x.map((v, i) => f(v, y[i]!))

/** A lane type: how many, and how to read and write one. */
interface Shape {
  readonly lanes: number
  readonly bits: number
  get(v: Uint8Array, lane: number): bigint
  set(v: Uint8Array, lane: number, x: bigint): void
}
const shape = (bits: number): Shape => ({
  lanes: 128 / bits,
  bits,
  get(v, lane) {
    let x = 0n
    for (let i = bits / 8 - 1; i >= 0; i--) x = (x << 8n) | BigInt(v[(lane * bits) / 8 + i]!)
    return x
  },
  set(v, lane, x) {
    for (let i = 0; i < bits / 8; i++) v[(lane * bits) / 8 + i] = Number((x >> BigInt(8 * i)) & 0xffn)
  },
})
const shapes: readonly (readonly [string, Shape])[] = [
  ['i8x16', shape(8)],
  ['i16x8', shape(16)],
  ['i32x4', shape(32)],
  ['i64x2', shape(64)],
]
const signed = (s: Shape, x: bigint) => BigInt.asIntN(s.bits, x)

/** A vector of which each lane is made by its number. */
function build(s: Shape, lane: (i: number) => bigint): Uint8Array {
  const out = new Uint8Array(16)
  for (let i = 0; i < s.lanes; i++) s.set(out, i, lane(i))
  return out
}
const clamp = (x: bigint, low: bigint, high: bigint) => (x < low ? low : x > high ? high : x)
const bool = (x: boolean) => (x ? -1n : 0n)

type Lanes = (x: bigint, y: bigint) => bigint
/** Lane by lane on zero-extended values. */
const unsignedLanes = (s: Shape, f: Lanes) => (x: Uint8Array, y: Uint8Array) =>
  build(s, i => f(s.get(x, i), s.get(y, i)))
/** Lane by lane on sign-extended values. */
const signedLanes = (s: Shape, f: Lanes) => (x: Uint8Array, y: Uint8Array) =>
  build(s, i => f(signed(s, s.get(x, i)), signed(s, s.get(y, i))))

const clampHigh: Lanes = (x, y) => clamp(x, x, y)
const clampLow: Lanes = (x, y) => clamp(x, y, x)

function common(name: string, s: Shape): Record<string, Operation> {
  const bits = BigInt(s.bits)
  const count = (n: number) => BigInt(n & (s.bits - 1))
  const table: Record<string, Operation> = {
    add: unsignedLanes(s, (x, y) => x + y),
    sub: unsignedLanes(s, (x, y) => x - y),
    mul: unsignedLanes(s, (x, y) => x * y),
    eq: unsignedLanes(s, (x, y) => bool(x === y)),
    ne: unsignedLanes(s, (x, y) => bool(x !== y)),
    neg: (x: Uint8Array) => build(s, i => -s.get(x, i)),
    shl: (x: Uint8Array, n: number) => build(s, i => s.get(x, i) << count(n)),
    shr_u: (x: Uint8Array, n: number) => build(s, i => s.get(x, i) >> count(n)),
    shr_s: (x: Uint8Array, n: number) => build(s, i => signed(s, s.get(x, i)) >> count(n)),
    gt_s: signedLanes(s, (x, y) => bool(x > y)),
    gt_u: unsignedLanes(s, (x, y) => bool(x > y)),
    lt_s: signedLanes(s, (x, y) => bool(x < y)),
    lt_u: unsignedLanes(s, (x, y) => bool(x < y)),
    min_s: signedLanes(s, clampHigh),
    min_u: unsignedLanes(s, clampHigh),
    max_s: signedLanes(s, clampLow),
    max_u: unsignedLanes(s, clampLow),
    add_sat_s: signedLanes(s, (x, y) => clamp(x + y, -(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n)),
    sub_sat_s: signedLanes(s, (x, y) => clamp(x - y, -(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n)),
    add_sat_u: unsignedLanes(s, (x, y) => clamp(x + y, 0n, (1n << bits) - 1n)),
    sub_sat_u: unsignedLanes(s, (x, y) => clamp(x - y, 0n, (1n << bits) - 1n)),
    avgr_u: unsignedLanes(s, (x, y) => (x + y + 1n) >> 1n),
    all_true: (x: Uint8Array) => {
      for (let i = 0; i < s.lanes; i++) if (!s.get(x, i)) return 0
      return 1
    },
    bitmask: (x: Uint8Array) => {
      let mask = 0
      for (let i = 0; i < s.lanes; i++) mask |= Number(s.get(x, i) >> (bits - 1n)) << i
      return mask
    },
  }
  if (s.bits === 64) {
    table.splat = (x: bigint) => build(s, () => x)
    table.extract_lane = (x: Uint8Array, _y: never, _z: never, lane: number) => signed(s, s.get(x, lane))
  } else {
    table.splat = (x: number) => build(s, () => BigInt(x))
    table[s.bits === 32 ? 'extract_lane' : 'extract_lane_u'] = (x: Uint8Array, _y: never, _z: never, lane: number) =>
      Number(s.get(x, lane)) | 0
  }
  table.replace_lane = (x: Uint8Array, v: number | bigint, _z: never, lane: number) => {
    const out = x.slice()
    s.set(out, lane, BigInt(v))
    return out
  }
  return Object.fromEntries(Object.entries(table).map(([n, f]) => [`${name}.${n}`, f]))
}

/** What joins or splits lanes: from a shape to the next wider one, or back. */
function between(narrowName: string, narrow: Shape, wideName: string, wide: Shape): Record<string, Operation> {
  const half = narrow.lanes / 2
  const bits = BigInt(narrow.bits)
  const narrowed = (low: bigint, high: bigint) => (x: Uint8Array, y: Uint8Array) =>
    build(narrow, i => clamp(signed(wide, wide.get(i < half ? x : y, i % half)), low, high))
  const product = (first: number, extend: (x: bigint) => bigint) => (x: Uint8Array, y: Uint8Array) =>
    build(wide, i => extend(narrow.get(x, first + i)) * extend(narrow.get(y, first + i)))
  const asSigned = (x: bigint) => signed(narrow, x)
  const same = (x: bigint) => x
  return {
    [`${narrowName}.narrow_${wideName}_s`]: narrowed(-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n),
    [`${narrowName}.narrow_${wideName}_u`]: narrowed(0n, (1n << bits) - 1n),
    [`${wideName}.extmul_low_${narrowName}_s`]: product(0, asSigned),
    [`${wideName}.extmul_high_${narrowName}_s`]: product(half, asSigned),
    [`${wideName}.extmul_low_${narrowName}_u`]: product(0, same),
    [`${wideName}.extmul_high_${narrowName}_u`]: product(half, same),
    [`${wideName}.extadd_pairwise_${narrowName}_u`]: (x: Uint8Array) =>
      build(wide, i => narrow.get(x, 2 * i) + narrow.get(x, 2 * i + 1)),
    [`${wideName}.dot_${narrowName}_s`]: (x: Uint8Array, y: Uint8Array) =>
      build(
        wide,
        i =>
          asSigned(narrow.get(x, 2 * i)) * asSigned(narrow.get(y, 2 * i)) +
          asSigned(narrow.get(x, 2 * i + 1)) * asSigned(narrow.get(y, 2 * i + 1)),
      ),
  }
}

/** Vector operators by WebAssembly name. */
export const vectorOperators: Record<string, Operation> = {
  'v128.and': bytewise((x, y) => x & y),
  'v128.andnot': bytewise((x, y) => x & ~y),
  'v128.or': bytewise((x, y) => x | y),
  'v128.xor': bytewise((x, y) => x ^ y),
  'v128.not': (x: Uint8Array) => x.map(v => ~v),
  'v128.select': (x: Uint8Array, y: Uint8Array, condition: number) => (condition ? x : y),
  'i8x16.swizzle': (x: Uint8Array, lanes: Uint8Array) => lanes.map(n => (n < 16 ? x[n]! : 0)),
  'i8x16.shuffle': (x: Uint8Array, y: Uint8Array, lanes: Uint8Array) => lanes.map(n => (n < 16 ? x[n]! : y[n - 16]!)),
  ...floatVectorOperators,
}
for (const [name, s] of shapes) Object.assign(vectorOperators, common(name, s))
for (let i = 0; i < 3; i++) Object.assign(vectorOperators, between(...shapes[i]!, ...shapes[i + 1]!))
