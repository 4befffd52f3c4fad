// Integer addition, subtraction and comparison (SDM vol. 2: ADC, ADD, CMP, DEC, INC, NEG, SBB, SUB, XADD, CMPXCHG).

import type { Value } from '../ir/tape.js'
import type { Context, Semantics } from './context.js'
import { ADD, SUB } from './flags.js'

/** dst = dst op src with all flags; `store` false for CMP. */
function binary(kind: number, compute: (b: Context, x: Value, y: Value) => Value, store = true): Semantics {
  return (b, form) => {
    const x = store ? b.readForWrite(0) : b.read(0)
    const y = b.read(1)
    const result = compute(b, x, y)
    if (store) b.write(0, result)
    b.flags.set(kind, form.size, result, x, y)
  }
}

function step(kind: number): Semantics {
  return (b, form) => {
    const x = b.readForWrite(0)
    const one = b.const(1)
    const result = kind === ADD ? b.add(x, one) : b.sub(x, one)
    b.write(0, result)
    b.flags.setKeepingCarry(kind, form.size, result, x, one)
  }
}

export const arith: Record<string, Semantics> = {
  add: binary(ADD, (b, x, y) => b.add(x, y)),
  adc: binary(ADD, (b, x, y) => b.add(b.add(x, y), b.flags.cf())),
  sub: binary(SUB, (b, x, y) => b.sub(x, y)),
  sbb: binary(SUB, (b, x, y) => b.sub(b.sub(x, y), b.flags.cf())),
  cmp: binary(SUB, (b, x, y) => b.sub(x, y), false),
  inc: step(ADD),
  dec: step(SUB),
  neg: (b, form) => {
    const x = b.readForWrite(0)
    const result = b.neg(x)
    b.write(0, result)
    b.flags.set(SUB, form.size, result, b.const(0), x)
  },
}
