// Bitwise logic (SDM vol. 2: AND, OR, XOR, TEST, NOT). CF and OF are cleared; AF, undefined there, is cleared too.

import type { Value } from '../ir/tape.js'
import type { Context, Semantics } from './context.js'
import { LOGIC } from './flags.js'

const binary =
  (compute: (b: Context, x: Value, y: Value) => Value, store = true): Semantics =>
  (b, form) => {
    const x = store ? b.readForWrite(0) : b.read(0)
    const y = b.read(1)
    const result = compute(b, x, y)
    if (store) b.write(0, result)
    b.flags.set(LOGIC, form.size, result, x, y)
  }

export const logic: Record<string, Semantics> = {
  and: binary((b, x, y) => b.and(x, y)),
  or: binary((b, x, y) => b.or(x, y)),
  xor: binary((b, x, y) => b.xor(x, y)),
  test: binary((b, x, y) => b.and(x, y), false),
  not: b => b.write(0, b.not(b.readForWrite(0))),
}
