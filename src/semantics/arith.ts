// Integer addition, subtraction and comparison (SDM vol. 2: ADC, ADD, CMP, DEC, INC, NEG, SBB, SUB, XADD, CMPXCHG, CMPXCHG8B).

import { EAX, EBX, ECX, EDX } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { MEM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { ADD, SUB } from './flags.js'

interface Options {
  /** False for CMP. */
  readonly store?: boolean
  /** The result depends on CF. */
  readonly carried?: boolean
}

/** dst = dst op src with all flags. */
function binary(
  kind: number,
  compute: (b: Context, x: Value, y: Value) => Value,
  { store = true, carried = false }: Options = {},
): Semantics {
  return (b, form) => {
    const x = store ? b.readForWrite(0) : b.read(0)
    const y = b.read(1)
    const result = compute(b, x, y)
    if (store) b.write(0, result)
    b.flags.set(kind, form.size, result, x, y, carried)
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

/** Exchanges and adds. The register is written first where both operands are registers: they may be the same one. */
const xadd: Semantics = (b, form) => {
  const x = b.readForWrite(0)
  const y = b.read(1)
  const result = b.add(x, y)
  const inMemory = form.operands[0]!.kind === MEM
  if (inMemory) b.write(0, result)
  b.write(1, x)
  if (!inMemory) b.write(0, result)
  b.flags.set(ADD, form.size, result, x, y)
}

/** The destination is written in both cases, as the bus sees it. */
const cmpxchg: Semantics = (b, form) => {
  const { size } = form
  const old = b.readForWrite(0)
  const accumulator = b.reg(EAX, size)
  const equal = b.eq(accumulator, old)
  const stored = b.select(equal, b.read(1), old)
  const inMemory = form.operands[0]!.kind === MEM
  if (inMemory) b.write(0, stored)
  b.setReg(EAX, size, old)
  if (!inMemory) b.write(0, stored)
  b.flags.set(SUB, size, b.sub(accumulator, old), accumulator, old)
}

const pair = (b: Context, high: number, low: number) =>
  b.or(b.shl(b.toI64u(b.reg(high)), b.const64(32n)), b.toI64u(b.reg(low)))

const cmpxchg8b: Semantics = b => {
  const old = b.readForWrite(0)
  const equal = b.eq(old, pair(b, EDX, EAX))
  b.write(0, b.select(equal, pair(b, ECX, EBX), old))
  b.setReg(EAX, 4, b.low(old))
  b.setReg(EDX, 4, b.high(old))
  b.flags.setZero(equal)
}

export const arith: Record<string, Semantics> = {
  add: binary(ADD, (b, x, y) => b.add(x, y)),
  adc: binary(ADD, (b, x, y) => b.add(b.add(x, y), b.flags.cf()), { carried: true }),
  sub: binary(SUB, (b, x, y) => b.sub(x, y)),
  sbb: binary(SUB, (b, x, y) => b.sub(b.sub(x, y), b.flags.cf()), { carried: true }),
  cmp: binary(SUB, (b, x, y) => b.sub(x, y), { store: false }),
  xadd,
  cmpxchg,
  cmpxchg8b,
  inc: step(ADD),
  dec: step(SUB),
  neg: (b, form) => {
    const x = b.readForWrite(0)
    const result = b.neg(x)
    b.write(0, result)
    b.flags.set(SUB, form.size, result, b.const(0), x)
  },
}
