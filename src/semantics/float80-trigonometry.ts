// Sine, cosine and tangent (SDM vol. 2: FSIN, FCOS, FSINCOS, FPTAN). Arguments are reduced by the 66-bit pi that SDM
// vol. 1 8.3.8 gives, exactly; then Taylor's series in 128 bits.

import { SCRATCH } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64, VOID } from '../ir/types.js'
import {
  ALTERNATE,
  below,
  divide,
  isLess,
  multiply,
  normalize,
  ONE,
  select,
  series,
  shiftRight,
  subtract,
  type Wide,
  wide,
} from './float80-fixed.js'
import type { ProcedureSource } from './procedures.js'
import { cell, setCell } from './x87-state.js'

// What float80_reduce leaves: |r| as normalized fraction, its exponent, and the quadrant with the sign of r in bit 2.
const REDUCED = SCRATCH + 24
const REDUCED_EXPONENT = SCRATCH + 40
const QUADRANT = SCRATCH + 44

const BIAS = 0x3fff
/** (pi / 4)^2 is below 2^-this. */
const SQUARE_BITS = 0.69
/** Half of the 66-bit pi, in units of 2^-65. */
const HALF_PI = 0x3243f6a8885a308d3n
/** The first significand above pi / 4 with exponent -1. */
const QUARTER_PI = 0xc90fdaa22168c235n

function factorials(first: number, count: number): bigint[] {
  const out: bigint[] = []
  let f = BigInt(first)
  for (let n = 0; n < count; n++) {
    out.push((ONE + f / 2n) / f)
    const last = BigInt(first + 2 * n)
    f *= (last + 1n) * (last + 2n)
  }
  return out
}
/** 1/1!, 1/3!, 1/5! ... */
const sineCoefficients = factorials(1, 14)
/** 1, 1/2!, 1/4! ...: the first one is 0! */
const cosineCoefficients = [ONE, ...factorials(2, 14)]

interface Reduced {
  /** |r| / 2^exponent as a fraction with bit 127 set. */
  readonly r: Wide
  readonly exponent: Value
  readonly quadrant: Value
  readonly negative: Value
}
function reduced(b: Builder): Reduced {
  const packed = cell(b, QUADRANT)
  return {
    r: { hi: cell(b, REDUCED, 8), lo: cell(b, REDUCED + 8, 8) },
    exponent: cell(b, REDUCED_EXPONENT),
    quadrant: b.and(packed, b.const(3)),
    negative: b.shru(packed, b.const(2)),
  }
}
/** r^2 as a fraction. */
function square(b: Builder, { r, exponent }: Reduced): Wide {
  const absolute = shiftRight(b, r, b.neg(exponent))
  return multiply(b, absolute, absolute)
}

/** |sin r| or cos r as factor times 2^exponent. */
function sine(b: Builder, x: Reduced): { value: Wide; exponent: Value } {
  return {
    value: multiply(b, x.r, series(b, square(b, x), sineCoefficients, SQUARE_BITS, ALTERNATE)),
    exponent: x.exponent,
  }
}
function cosine(b: Builder, x: Reduced): { value: Wide; exponent: Value } {
  return { value: below(b, series(b, square(b, x), cosineCoefficients, SQUARE_BITS, ALTERNATE)), exponent: b.const(0) }
}

/** Rounds factor times 2^exponent, never exact, into the register at dst. */
export function deliver(b: Builder, dst: Value, sign: Value, value: Wide, exponent: Value) {
  const { x, places } = normalize(b, value)
  const e = b.sub(b.add(exponent, b.const(BIAS)), places)
  b.call('float80_round_extended', [dst, sign, e, x.hi, b.or(x.lo, b.const64(1n))])
}
const signBit = (b: Builder, flag: Value): Value => b.shl(b.and(flag, b.const(1)), b.const(15))

export const trigonometryProcedures: Record<string, ProcedureSource> = {
  /** (normalized significand, biased exponent below 3FFFH + 63): reduces |x| into -pi/4 .. pi/4. */
  float80_reduce: {
    params: [I64, I32],
    result: VOID,
    faults: false,
    build: b => {
      const sig = b.parameter(0, I64)
      const e = b.sub(b.parameter(1, I32), b.const(BIAS))
      const small = b.or(b.lts(e, b.const(-1)), b.and(b.eq(e, b.const(-1)), b.ltu(sig, b.const64(QUARTER_PI))))
      const put = (r: Wide, exponent: Value, packed: Value) => {
        setCell(b, REDUCED, r.hi, 8)
        setCell(b, REDUCED + 8, r.lo, 8)
        setCell(b, REDUCED_EXPONENT, exponent)
        setCell(b, QUADRANT, packed)
        b.return()
      }
      b.if(small, () => put({ hi: sig, lo: b.const64(0n) }, b.add(e, b.const(1)), b.const(0)))
      const divisor = wide(b, HALF_PI)
      const hi = b.variable(b.const64(0n))
      const lo = b.variable(sig)
      const quotient = b.variable(b.const(0))
      const left = b.variable(b.add(e, b.const(2)))
      b.loop(() => {
        b.breakIf(b.eqz(b.get(left)))
        const doubled = {
          hi: b.or(b.shl(b.get(hi), b.const64(1n)), b.shru(b.get(lo), b.const64(63n))),
          lo: b.shl(b.get(lo), b.const64(1n)),
        }
        const below = isLess(b, doubled, divisor)
        const next = select(b, below, doubled, subtract(b, doubled, divisor))
        b.set(hi, next.hi)
        b.set(lo, next.lo)
        b.set(quotient, b.or(b.shl(b.get(quotient), b.const(1)), b.eqz(below)))
        b.set(left, b.sub(b.get(left), b.const(1)))
      })
      const rest = { hi: b.get(hi), lo: b.get(lo) }
      const other = subtract(b, divisor, rest)
      const nearer = isLess(b, other, rest)
      const q = b.add(b.get(quotient), nearer)
      const { x, places } = normalize(b, select(b, nearer, other, rest))
      put(x, b.sub(b.const(63), places), b.or(b.and(q, b.const(3)), b.shl(nearer, b.const(2))))
    },
  },
  /** (dst, sign of x, quadrants to add): sine of the reduced argument, turned by quadrants, to the register. */
  float80_sine: {
    params: [I32, I32, I32],
    result: VOID,
    faults: false,
    build: b => {
      const [dst, xSign, turn] = [b.parameter(0, I32), b.parameter(1, I32), b.parameter(2, I32)]
      const x = reduced(b)
      // An odd function turned by one quadrant is even.
      const oddSign = b.select(turn, b.const(0), xSign)
      const quadrant = b.add(x.quadrant, turn)
      const turned = b.shru(b.and(quadrant, b.const(2)), b.const(1))
      b.if(
        b.and(quadrant, b.const(1)),
        () => {
          const { value, exponent } = cosine(b, x)
          deliver(b, dst, b.xor(oddSign, signBit(b, turned)), value, exponent)
        },
        () => {
          const { value, exponent } = sine(b, x)
          deliver(b, dst, b.xor(oddSign, signBit(b, b.xor(turned, x.negative))), below(b, value), exponent)
        },
      )
      b.return()
    },
  },
  /** (dst, sign of x): tangent of the reduced argument to the register. */
  float80_tangent: {
    params: [I32, I32],
    result: VOID,
    faults: false,
    build: b => {
      const [dst, xSign] = [b.parameter(0, I32), b.parameter(1, I32)]
      const x = reduced(b)
      const odd = b.and(x.quadrant, b.const(1))
      const [s, c] = [sine(b, x), cosine(b, x)]
      const [top, bottom] = [normalize(b, s.value), normalize(b, c.value)]
      const sineExponent = b.sub(s.exponent, top.places)
      const cosineExponent = b.neg(bottom.places)
      const over = select(b, odd, bottom.x, top.x)
      const under = select(b, odd, top.x, bottom.x)
      const difference = b.sub(sineExponent, cosineExponent)
      const quotient = divide(b, shiftRight(b, over, b.const(1)), under)
      // Half the quotient as a fraction is the quotient as a factor.
      deliver(
        b,
        dst,
        b.xor(xSign, signBit(b, b.xor(odd, x.negative))),
        quotient,
        b.select(odd, b.neg(difference), difference),
      )
      b.return()
    },
  },
}
