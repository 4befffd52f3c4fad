// The floating-point v128 operators of the IR (WebAssembly core specification, sections 4.3.3 and 4.3.6). As with the
// scalar ones, what NaN an arithmetic operator makes is not defined; absolute value, negation, PMIN and PMAX work on bits.

import type { Operation } from './evaluate.js'

interface FloatShape {
  readonly name: string
  readonly lanes: number
  get(v: DataView, lane: number): number
  set(v: DataView, lane: number, x: number): void
}
const view = (v: Uint8Array) => new DataView(v.buffer, v.byteOffset, 16)
const f32x4: FloatShape = {
  name: 'f32x4',
  lanes: 4,
  get: (v, lane) => v.getFloat32(4 * lane, true),
  set: (v, lane, x) => v.setFloat32(4 * lane, x, true),
}
const f64x2: FloatShape = {
  name: 'f64x2',
  lanes: 2,
  get: (v, lane) => v.getFloat64(8 * lane, true),
  set: (v, lane, x) => v.setFloat64(8 * lane, x, true),
}

function build(s: FloatShape, lane: (i: number) => number): Uint8Array {
  const out = new Uint8Array(16)
  for (let i = 0; i < s.lanes; i++) s.set(view(out), i, lane(i))
  return out
}
/** Chooses whole lanes of x or y, bits and all. */
function choose(s: FloatShape, x: Uint8Array, y: Uint8Array, takeY: (x: number, y: number) => boolean): Uint8Array {
  const out = x.slice()
  const bytes = 16 / s.lanes
  for (let i = 0; i < s.lanes; i++)
    if (takeY(s.get(view(x), i), s.get(view(y), i))) out.set(y.subarray(i * bytes, (i + 1) * bytes), i * bytes)
  return out
}
function nearest(x: number): number {
  const down = Math.floor(x)
  const rest = x - down
  const rounded = rest < 0.5 ? down : rest > 0.5 ? down + 1 : down % 2 === 0 ? down : down + 1
  return Number.isFinite(x) ? (rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded) : x
}
const saturate = (x: number) => (Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, -0x80000000), 0x7fffffff)) | 0)

function operatorsOf(s: FloatShape): Record<string, Operation> {
  const two = (f: (x: number, y: number) => number) => (x: Uint8Array, y: Uint8Array) =>
    build(s, i => f(s.get(view(x), i), s.get(view(y), i)))
  const one = (f: (x: number) => number) => (x: Uint8Array) => build(s, i => f(s.get(view(x), i)))
  const compare = (f: (x: number, y: number) => boolean) => (x: Uint8Array, y: Uint8Array) => {
    const bytes = 16 / s.lanes
    return x.map((_, i) => {
      const lane = Math.floor(i / bytes)
      return f(s.get(view(x), lane), s.get(view(y), lane)) ? 0xff : 0
    })
  }
  const top = (i: number) => (i % (16 / s.lanes) === 16 / s.lanes - 1 ? 0x80 : 0)
  const table: Record<string, Operation> = {
    add: two((x, y) => x + y),
    sub: two((x, y) => x - y),
    mul: two((x, y) => x * y),
    div: two((x, y) => x / y),
    sqrt: one(Math.sqrt),
    nearest: one(nearest),
    abs: (x: Uint8Array) => x.map((v, i) => v & ~top(i)),
    neg: (x: Uint8Array) => x.map((v, i) => v ^ top(i)),
    eq: compare((x, y) => x === y),
    ne: compare((x, y) => x !== y),
    lt: compare((x, y) => x < y),
    le: compare((x, y) => x <= y),
    pmin: (x: Uint8Array, y: Uint8Array) => choose(s, x, y, (a, b) => b < a),
    pmax: (x: Uint8Array, y: Uint8Array) => choose(s, x, y, (a, b) => a < b),
    splat: (x: number) => build(s, () => x),
    extract_lane: (x: Uint8Array, _y: never, _z: never, lane: number) => s.get(view(x), lane),
    replace_lane: (x: Uint8Array, v: number, _z: never, lane: number) => {
      const out = x.slice()
      s.set(view(out), lane, v)
      return out
    },
  }
  return Object.fromEntries(Object.entries(table).map(([n, f]) => [`${s.name}.${n}`, f]))
}

/** Two lanes become four, of which the upper two are 0. */
function lower(x: Uint8Array, put: (out: DataView, lane: number, v: number) => void): Uint8Array {
  const out = new Uint8Array(16)
  for (let i = 0; i < 2; i++) put(view(out), i, f64x2.get(view(x), i))
  return out
}

/** Floating-point vector operators by WebAssembly name. */
export const floatVectorOperators: Record<string, Operation> = {
  ...operatorsOf(f32x4),
  ...operatorsOf(f64x2),
  'f64x2.promote_low_f32x4': (x: Uint8Array) => build(f64x2, i => f32x4.get(view(x), i)),
  'f32x4.demote_f64x2_zero': (x: Uint8Array) => lower(x, (out, i, v) => out.setFloat32(4 * i, v, true)),
  'f32x4.convert_i32x4_s': (x: Uint8Array) => build(f32x4, i => view(x).getInt32(4 * i, true)),
  'f64x2.convert_low_i32x4_s': (x: Uint8Array) => build(f64x2, i => view(x).getInt32(4 * i, true)),
  'i32x4.trunc_sat_f64x2_s_zero': (x: Uint8Array) => lower(x, (out, i, v) => out.setInt32(4 * i, saturate(v), true)),
  'i32x4.trunc_sat_f32x4_s': (x: Uint8Array) => {
    const out = new Uint8Array(16)
    for (let i = 0; i < 4; i++) view(out).setInt32(4 * i, saturate(f32x4.get(view(x), i)), true)
    return out
  },
}
