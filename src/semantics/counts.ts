// Counting by translated code: cells of cpu/layout.ts that hold an f64.

import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'

/** Adds one to the count at an address; `n` is the number of the count in an array of them. */
export function countOne(b: Context, counts: number, n: Value = b.const(0)) {
  const at = b.shl(n, b.const(3))
  const count = b.op('f64.add', b.op('f64.reinterpret_i64', b.loadAt(at, counts, 8)), b.constF64(1))
  b.storeAt(at, counts, 8, b.op('i64.reinterpret_f64', count))
}
