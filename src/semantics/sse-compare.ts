// Comparisons, minimum and maximum of singles and doubles (SDM vol. 2: CMPPS ... CMPSD, MINPS ... MAXSD, COMISS, COMISD,
// UCOMISS, UCOMISD). Normal operands can raise nothing and are compared at once; the procedures take what is left.
// Minimum and maximum give the second operand when one is a NaN or both are 0.

import type { Value } from '../ir/tape.js'
import { I32, V128 } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import type { ProcedureSource } from './procedures.js'
import {
  asBits,
  DAZ,
  DE,
  denormalAsZero,
  type Format,
  formats,
  IE,
  isDenormal,
  isNotANumber,
  isSignaling,
  laneBits,
  mxcsr,
  parameterBits,
  pattern,
  raise,
  raiseIf,
  real,
  reals,
  SINGLE,
  suffix,
  toFloat,
} from './sse-format.js'
import { readAligned, ZERO_VECTOR, zeroExtended } from './sse-operand.js'
import { begin, commit } from './sse-round.js'
import { sse } from './sse-state.js'

const vectorOp = (b: Context, f: Format, name: string, x: Value, y?: Value) => b.op(`${f.shape}.${name}`, x, y)
const scalarOp = (b: Context, f: Format, name: string, x: Value, y?: Value) => b.op(`f${f.bits}.${name}`, x, y)

/** 1 when every lane of both vectors is normal or infinite. */
function normalVectors(b: Context, f: Format, x: Value, y: Value): Value {
  const normal = (v: Value) => vectorOp(b, f, 'le', reals(b, f.least, f), vectorOp(b, f, 'abs', v))
  return b.op(`${f.integers}.all_true`, b.and(normal(x), normal(y)))
}
/** 1 when both numbers are normal, infinite or 0. */
function normalNumbers(b: Context, f: Format, x: Value, y: Value): Value {
  const normal = (v: Value) =>
    b.or(scalarOp(b, f, 'ge', scalarOp(b, f, 'abs', v), real(b, f.least, f)), scalarOp(b, f, 'eq', v, real(b, 0, f)))
  return b.and(normal(x), normal(y))
}

/** Both operands of an instruction as vectors; of scalars all but the low lane is 0. */
function operands(b: Context, f: Format, scalar: boolean): [Value, Value] {
  const y = scalar ? zeroExtended(b, b.read(1), f.bits / 8) : readAligned(b, 1)
  return [scalar ? zeroExtended(b, b.read(0), f.bits / 8) : b.read(0), y]
}
const result = (b: Context, f: Format, scalar: boolean, v: Value) => b.write(0, scalar ? laneBits(b, v, 0, f) : v)

const extreme = (name: 'min' | 'max', f: Format, scalar: boolean) =>
  sse(b => {
    if (!scalar) {
      const [x, y] = operands(b, f, false)
      const exact = () => b.call(`sse_${name}${suffix(f)}`, [x, y], V128, true)
      b.write(
        0,
        b.choose(normalVectors(b, f, x, y), () => vectorOp(b, f, `p${name}`, y, x), exact),
      )
      return
    }
    const y = b.read(1)
    const x = b.read(0)
    const [p, q] = [toFloat(b, x, f), toFloat(b, y, f)]
    const exact = () => {
      const [v, w] = [zeroExtended(b, x, f.bits / 8), zeroExtended(b, y, f.bits / 8)]
      return laneBits(b, b.call(`sse_${name}${suffix(f)}`, [v, w], V128, true), 0, f)
    }
    const quick = () => b.select(scalarOp(b, f, name === 'min' ? 'lt' : 'gt', p, q), x, y)
    b.write(0, b.choose(normalNumbers(b, f, p, q), quick, exact))
  })

/** Lanes of all ones where predicate n holds between ordered numbers. */
function predicate(b: Context, f: Format, n: number, x: Value, y: Value): Value {
  const zero = b.constV128(ZERO_VECTOR)
  const made = [
    () => vectorOp(b, f, 'eq', x, y),
    () => vectorOp(b, f, 'lt', x, y),
    () => vectorOp(b, f, 'le', x, y),
    () => zero,
  ][n & 3]!()
  return n & 4 ? b.op('v128.not', made) : made
}
const compare = (f: Format, scalar: boolean) =>
  sse(b => {
    const [x, y] = operands(b, f, scalar)
    const selector = b.and(b.field('imm'), b.const(7))
    const k = b.known(selector)
    const exact = () => b.call(`sse_compare${suffix(f)}`, [x, y, selector], V128, true)
    if (k === undefined) return result(b, f, scalar, exact())
    const plain = scalar
      ? normalNumbers(b, f, toFloat(b, laneBits(b, x, 0, f), f), toFloat(b, laneBits(b, y, 0, f), f))
      : normalVectors(b, f, x, y)
    result(
      b,
      f,
      scalar,
      b.choose(plain, () => predicate(b, f, k, x, y), exact),
    )
  })

const compareToFlags = (f: Format, quiet: boolean) =>
  sse(b => {
    const y = b.read(1)
    const x = b.read(0)
    const [p, q] = [toFloat(b, x, f), toFloat(b, y, f)]
    const quick = () => b.or(scalarOp(b, f, 'lt', p, q), b.shl(scalarOp(b, f, 'eq', p, q), b.const(1)))
    const exact = () => b.call(`sse_order${suffix(f)}`, [x, y, b.const(quiet ? 1 : 0)], I32, true)
    b.flags.setComparison(b.choose(normalNumbers(b, f, p, q), quick, exact))
  })

interface Classified {
  /** Operands with DAZ done. */
  readonly x: Value
  readonly y: Value
  /** Lanes with a NaN, and with a signaling one. */
  readonly unordered: Value
  readonly signaling: Value
}
/** Looks at two vectors and reports DE for lanes without NaN. */
function classify(b: Context, f: Format, x: Value, y: Value): Classified {
  const zero = b.constV128(ZERO_VECTOR)
  const nan = (v: Value) => vectorOp(b, f, 'ne', v, v)
  const signaling = (v: Value) => b.and(nan(v), b.op(`${f.integers}.eq`, b.and(v, pattern(b, f.quiet, f)), zero))
  const denormal = (v: Value) =>
    b.and(vectorOp(b, f, 'lt', vectorOp(b, f, 'abs', v), reals(b, f.least, f)), vectorOp(b, f, 'ne', v, zero))
  const unordered = b.or(nan(x), nan(y))
  const flush = b.ne(b.and(mxcsr(b), b.const(DAZ)), b.const(0))
  const flushed = (v: Value) => b.and(denormal(v), b.select(flush, pattern(b, f.sign - 1n, f), zero))
  const meets = b.op('v128.andnot', b.or(denormal(x), denormal(y)), unordered)
  raiseIf(b, b.and(b.eqz(flush), any(b, f, meets)), DE)
  return {
    x: b.op('v128.andnot', x, flushed(x)),
    y: b.op('v128.andnot', y, flushed(y)),
    unordered,
    signaling: b.or(signaling(x), signaling(y)),
  }
}
const any = (b: Context, f: Format, lanes: Value) => b.ne(b.op(`${f.integers}.bitmask`, lanes), b.const(0))

const extremeProcedure = (name: 'min' | 'max', f: Format): ProcedureSource => ({
  params: [V128, V128],
  result: V128,
  faults: true,
  build: b => {
    begin(b)
    const { x, y, unordered } = classify(b, f, b.parameter(0, V128), b.parameter(1, V128))
    raiseIf(b, any(b, f, unordered), IE)
    commit(b)
    b.return(vectorOp(b, f, `p${name}`, y, x))
  },
})

const compareProcedure = (f: Format): ProcedureSource => ({
  params: [V128, V128, I32],
  result: V128,
  faults: true,
  build: b => {
    const selector = b.parameter(2, I32)
    begin(b)
    const { x, y, unordered, signaling } = classify(b, f, b.parameter(0, V128), b.parameter(1, V128))
    const kind = b.and(selector, b.const(3))
    // LT, LE and their opposites do not like quiet NaNs either.
    const strict = b.eq(b.shru(b.add(kind, b.const(1)), b.const(1)), b.const(1))
    raiseIf(b, any(b, f, b.select(strict, unordered, signaling)), IE)
    commit(b)
    const lessOr = b.select(b.and(kind, b.const(1)), predicate(b, f, 1, x, y), predicate(b, f, 2, x, y))
    const outer = b.select(kind, unordered, predicate(b, f, 0, x, y))
    const holds = b.select(strict, lessOr, outer)
    b.return(
      b.xor(
        holds,
        b.select(b.and(selector, b.const(4)), pattern(b, f.sign | (f.sign - 1n), f), b.constV128(ZERO_VECTOR)),
      ),
    )
  },
})

/** (x, y, quiet): 0 greater, 1 less, 2 equal, 3 unordered. */
const orderProcedure = (f: Format): ProcedureSource => ({
  params: [f.integer, f.integer, I32],
  result: I32,
  faults: true,
  build: b => {
    begin(b)
    const [x0, y0] = [parameterBits(b, 0, f), parameterBits(b, 1, f)]
    const signaling = b.or(isSignaling(b, x0, f), isSignaling(b, y0, f))
    b.if(b.or(isNotANumber(b, x0, f), isNotANumber(b, y0, f)), () => {
      raise(b, b.select(b.or(signaling, b.eqz(b.parameter(2, I32))), b.const(IE), b.const(0)))
      commit(b)
      b.return(b.const(3))
    })
    const [x, y] = [denormalAsZero(b, x0, f), denormalAsZero(b, y0, f)]
    raiseIf(b, b.or(isDenormal(b, x, f), isDenormal(b, y, f)), DE)
    commit(b)
    const [p, q] = [toFloat(b, asBits(b, x, f), f), toFloat(b, asBits(b, y, f), f)]
    b.return(b.or(scalarOp(b, f, 'lt', p, q), b.shl(scalarOp(b, f, 'eq', p, q), b.const(1))))
  },
})

export const sseCompare: Record<string, Semantics> = {}
export const sseCompareProcedures: Record<string, ProcedureSource> = {}
for (const f of formats) {
  const letter = f === SINGLE ? 's' : 'd'
  for (const scalar of [false, true]) {
    const type = `${scalar ? 's' : 'p'}${letter}`
    sseCompare[`min${type}`] = extreme('min', f, scalar)
    sseCompare[`max${type}`] = extreme('max', f, scalar)
    sseCompare[`cmp${type}`] = compare(f, scalar)
  }
  sseCompare[`comis${letter}`] = compareToFlags(f, false)
  sseCompare[`ucomis${letter}`] = compareToFlags(f, true)
  sseCompareProcedures[`sse_min${suffix(f)}`] = extremeProcedure('min', f)
  sseCompareProcedures[`sse_max${suffix(f)}`] = extremeProcedure('max', f)
  sseCompareProcedures[`sse_compare${suffix(f)}`] = compareProcedure(f)
  sseCompareProcedures[`sse_order${suffix(f)}`] = orderProcedure(f)
}
