// One WebAssembly instruction as a function, by a module of its own: the oracle for the IR's operators.
// Arguments and result pass through memory, so that every value type works alike.

import type { Datum } from '../../src/ir/evaluate.js'
import { F32, F64, I32, I64, type Operator, V128 } from '../../src/ir/types.js'

/** The part of the WebAssembly namespace that is used here; the compiler's ES library does not declare it. */
interface Namespace {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: unknown }
  RuntimeError: new () => Error
}
const { Module, Instance, RuntimeError } = (globalThis as unknown as { WebAssembly: Namespace }).WebAssembly
/** What an instruction that traps throws. */
export const Trap = RuntimeError

const load: Record<number, number[]> = {
  [I32]: [0x28, 2],
  [I64]: [0x29, 3],
  [F32]: [0x2a, 2],
  [F64]: [0x2b, 3],
  [V128]: [0xfd, 0, 4],
}
const store: Record<number, number[]> = {
  [I32]: [0x36, 2],
  [I64]: [0x37, 3],
  [F32]: [0x38, 2],
  [F64]: [0x39, 3],
  [V128]: [0xfd, 11, 4],
}

function opcodes(): Map<string, number[]> {
  const map = new Map<string, number[]>()
  const from = (first: number, prefix: string, names: string) => {
    for (const [i, n] of names.split(' ').entries()) map.set(`${prefix}.${n}`, [first + i])
  }
  const integerCompare = 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'
  const integer = 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'
  const float = 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'
  from(0x45, 'i32', integerCompare)
  from(0x50, 'i64', integerCompare)
  from(0x5b, 'f32', 'eq ne lt gt le ge')
  from(0x61, 'f64', 'eq ne lt gt le ge')
  from(0x67, 'i32', integer)
  from(0x79, 'i64', integer)
  from(0x8b, 'f32', float)
  from(0x99, 'f64', float)
  from(0xa7, 'i32', 'wrap_i64')
  from(0xac, 'i64', 'extend_i32_s extend_i32_u')
  from(0xb2, 'f32', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64')
  from(0xb7, 'f64', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32')
  map.set('i32.reinterpret_f32', [0xbc]).set('i64.reinterpret_f64', [0xbd])
  map.set('f32.reinterpret_i32', [0xbe]).set('f64.reinterpret_i64', [0xbf])
  from(0xc0, 'i32', 'extend8_s extend16_s')
  from(0xc2, 'i64', 'extend8_s extend16_s extend32_s')
  for (const [i, n] of ['i32.trunc_sat_f32', 'i32.trunc_sat_f64', 'i64.trunc_sat_f32', 'i64.trunc_sat_f64'].entries())
    map.set(`${n}_s`, [0xfc, 2 * i]).set(`${n}_u`, [0xfc, 2 * i + 1])
  for (const t of ['i32', 'i64', 'f32', 'f64', 'v128']) map.set(`${t}.select`, [0x1b])
  return map
}
const codes = opcodes()

function write(view: DataView, at: number, type: number, v: Datum) {
  if (type === I32) view.setInt32(at, v as number, true)
  else if (type === I64) view.setBigInt64(at, v as bigint, true)
  else if (type === F32) view.setFloat32(at, v as number, true)
  else if (type === F64) view.setFloat64(at, v as number, true)
  else new Uint8Array(view.buffer).set(v as Uint8Array, at)
}
function read(view: DataView, at: number, type: number): Datum {
  if (type === I32) return view.getInt32(at, true)
  if (type === I64) return view.getBigInt64(at, true)
  if (type === F32) return view.getFloat32(at, true)
  if (type === F64) return view.getFloat64(at, true)
  return new Uint8Array(view.buffer).slice(at, at + 16)
}

/**
 * The instruction as a function. `encoding` is its opcode where it is not a scalar one; a lane goes behind it.
 * The function throws Trap where the instruction traps.
 */
export function wasmOperator(operator: Operator, encoding = codes.get(operator.name), lane = 0) {
  if (!encoding) throw new Error(`no opcode is known for ${operator.name}`)
  const slot = (i: number) => 16 * i
  const body = [0x41, 0] // address of the result
  for (const [i, t] of operator.params.entries()) body.push(0x41, 0, ...load[t]!, slot(i))
  body.push(...encoding, ...(operator.lane ? [lane] : []), ...store[operator.result]!, slot(3), 0x0b)
  const section = (id: number, bytes: number[]) => [id, bytes.length, ...bytes]
  const bytes = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, 0x60, 0, 0]),
    section(3, [1, 0]),
    section(5, [1, 0, 1]),
    section(7, [2, 1, 0x66, 0, 0, 1, 0x6d, 2, 0]),
    section(10, [1, body.length + 1, 0, ...body]),
  ].flat()
  const instance = new Instance(new Module(new Uint8Array(bytes)))
  const { f, m } = instance.exports as { f: () => void; m: { buffer: ArrayBuffer } }
  const view = new DataView(m.buffer)
  return (...args: Datum[]): Datum => {
    for (const [i, t] of operator.params.entries()) write(view, slot(i), t, args[i]!)
    f()
    return read(view, slot(3), operator.result)
  }
}
