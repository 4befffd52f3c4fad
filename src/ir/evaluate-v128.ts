// The v128 operators of the IR as functions on Uint8Array(16), lane 0 first: what each WebAssembly vector instruction
// does (WebAssembly core specification, section 4.3.6). Operands are never changed in place.

import type { Operation } from './evaluate.js'

const bytewise = (f: (x: number, y: number) => number) => (x: Uint8Array, y: Uint8Array) => x.map((v, i) => f(v, y[i]!))

/** Vector operators by WebAssembly name. */
export const vectorOperators: Record<string, Operation> = {
  'v128.and': bytewise((x, y) => x & y),
  'v128.andnot': bytewise((x, y) => x & ~y),
  'v128.or': bytewise((x, y) => x | y),
  'v128.xor': bytewise((x, y) => x ^ y),
  'v128.not': (x: Uint8Array) => x.map(v => ~v),
  'v128.select': (x: Uint8Array, y: Uint8Array, condition: number) => (condition ? x : y),
}
