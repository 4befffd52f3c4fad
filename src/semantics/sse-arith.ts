// Addition, subtraction, multiplication, division and square root of singles and doubles, scalar and packed (SDM vol. 2:
// ADDPS ... SQRTSD). The operator runs at once, and its result stands where it cannot change a flag: all exceptions
// masked, PE already set, rounding to nearest, operands and result normal. Else the exact procedures compute again.

import type { Value } from '../ir/tape.js'
import { V128 } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import type { ProcedureSource } from './procedures.js'
import {
  DOUBLE,
  type Format,
  formats,
  laneBits,
  real,
  reals,
  SINGLE,
  stickyMode,
  suffix,
  toBits,
  toFloat,
  withLane,
} from './sse-format.js'
import { readAligned } from './sse-operand.js'
import { begin, commit } from './sse-round.js'
import { sse } from './sse-state.js'

interface Arithmetic {
  readonly name: string
  /** WebAssembly's operator. */
  readonly operator: string
  readonly unary: boolean
  /** The exact procedure of one number, without its width. */
  readonly exact: string
  /** A third argument of it: the sign bit flips the second operand. */
  readonly flip?: boolean
}
const arithmetic: readonly Arithmetic[] = [
  { name: 'add', operator: 'add', unary: false, exact: 'sum', flip: false },
  { name: 'sub', operator: 'sub', unary: false, exact: 'sum', flip: true },
  { name: 'mul', operator: 'mul', unary: false, exact: 'multiply' },
  { name: 'div', operator: 'div', unary: false, exact: 'divide' },
  { name: 'sqrt', operator: 'sqrt', unary: true, exact: 'root' },
]

/** 1 when all operands and the result are normal, the result above the least normal number. */
function normalScalar(b: Context, f: Format, result: Value, operands: readonly Value[]): Value {
  const op = (name: string, x: Value, y?: Value) => b.op(`f${f.bits}.${name}`, x, y)
  const size = op('abs', result)
  const inside = b.and(op('gt', size, real(b, f.least, f)), op('le', size, real(b, f.most, f)))
  return operands.reduce((ok, x) => b.and(ok, op('ge', op('abs', x), real(b, f.least, f))), inside)
}
/** The same for all lanes. A NaN among operands shows in the result. */
function normalPacked(b: Context, f: Format, result: Value, operands: readonly Value[]): Value {
  const op = (name: string, x: Value, y?: Value) => b.op(`${f.shape}.${name}`, x, y)
  const size = op('abs', result)
  const smallest = operands.reduce((v, x) => op('pmin', v, op('abs', x)), size)
  const inside = b.and(op('lt', reals(b, f.least, f), smallest), op('le', size, reals(b, f.most, f)))
  return b.op(`${f.integers}.all_true`, inside)
}

/** Reads a scalar operand as bits of the format. */
const scalar = (f: Format, { name, operator, unary }: Arithmetic) =>
  sse(b => {
    const y = b.read(1)
    const bits = unary ? [y] : [b.read(0), y]
    const numbers = bits.map(v => toFloat(b, v, f))
    const result = b.op(`f${f.bits}.${operator}`, numbers[0]!, numbers[1])
    const plain = b.and(stickyMode(b), normalScalar(b, f, result, numbers))
    const exact = () => b.call(`sse_${name}s${suffix(f)}`, bits, f.integer, true)
    b.write(
      0,
      b.choose(plain, () => toBits(b, result, f), exact),
    )
  })

const packed = (f: Format, { name, operator, unary }: Arithmetic) =>
  sse(b => {
    const y = readAligned(b, 1)
    const operands = unary ? [y] : [b.read(0), y]
    const result = b.op(`${f.shape}.${operator}`, operands[0]!, operands[1])
    const plain = b.and(stickyMode(b), normalPacked(b, f, result, operands))
    const exact = () => b.call(`sse_${name}p${suffix(f)}`, operands, V128, true)
    b.write(
      0,
      b.choose(plain, () => result, exact),
    )
  })

/** One number by its exact procedure. */
function exactly(b: Context, f: Format, { exact, flip }: Arithmetic, bits: readonly Value[]): Value {
  const args = [...bits]
  if (flip !== undefined) {
    const sign = flip ? f.sign : 0n
    args.push(f.bits === 32 ? b.const(Number(sign)) : b.const64(sign))
  }
  return b.call(`sse_${exact}${suffix(f)}`, args, f.integer)
}

const scalarProcedure = (f: Format, a: Arithmetic): ProcedureSource => ({
  params: a.unary ? [f.integer] : [f.integer, f.integer],
  result: f.integer,
  faults: true,
  build: b => {
    begin(b)
    const operands = [b.parameter(0, f.integer)]
    if (!a.unary) operands.push(b.parameter(1, f.integer))
    const result = exactly(b, f, a, operands)
    commit(b)
    b.return(result)
  },
})
const packedProcedure = (f: Format, a: Arithmetic): ProcedureSource => ({
  params: a.unary ? [V128] : [V128, V128],
  result: V128,
  faults: true,
  build: b => {
    begin(b)
    const operands = [b.parameter(0, V128)]
    if (!a.unary) operands.push(b.parameter(1, V128))
    let result = operands[0]!
    for (let i = 0; i < f.lanes; i++) {
      const bits = operands.map(v => laneBits(b, v, i, f))
      result = withLane(b, result, exactly(b, f, a, bits), i, f)
    }
    commit(b)
    b.return(result)
  },
})

export const sseArith: Record<string, Semantics> = {}
export const sseArithProcedures: Record<string, ProcedureSource> = {}
for (const a of arithmetic) {
  sseArith[`${a.name}ss`] = scalar(SINGLE, a)
  sseArith[`${a.name}sd`] = scalar(DOUBLE, a)
  sseArith[`${a.name}ps`] = packed(SINGLE, a)
  sseArith[`${a.name}pd`] = packed(DOUBLE, a)
  for (const f of formats) {
    sseArithProcedures[`sse_${a.name}s${suffix(f)}`] = scalarProcedure(f, a)
    sseArithProcedures[`sse_${a.name}p${suffix(f)}`] = packedProcedure(f, a)
  }
}
