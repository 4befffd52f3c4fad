// Shorter formats to 80 bits, always exact (SDM vol. 1 4.2.2, 4.8). A procedure returns the significand and leaves sign
// and exponent, with WAS_DENORMAL where it applies, in the scratch cell WIDENED. Signaling NaNs stay signaling.

import { SCRATCH } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { type Operand, WAS_DENORMAL } from './float80-operand.js'
import type { ProcedureSource } from './procedures.js'
import { cell, setCell } from './x87-state.js'

/** Sign and exponent of the last widened value. */
export const WIDENED = SCRATCH
const TOP_BIT = 1n << 63n

interface Format {
  readonly width: 4 | 8
  readonly fractionBits: number
  readonly exponentMask: number
  /** What to add to a normal number's exponent. */
  readonly bias: number
}
export const SINGLE: Format = { width: 4, fractionBits: 23, exponentMask: 0xff, bias: 0x3fff - 127 }
export const DOUBLE: Format = { width: 8, fractionBits: 52, exponentMask: 0x7ff, bias: 0x3fff - 1023 }

function fields(b: Builder, f: Format, v: Value): { sign: Value; e: Value; fraction: Value } {
  const high = f.width === 8 ? b.high(v) : v
  const wide = f.width === 8 ? v : b.toI64u(v)
  return {
    sign: b.and(b.shru(high, b.const(16)), b.const(0x8000)),
    e: b.and(b.shru(high, b.const(f.width === 8 ? 20 : 23)), b.const(f.exponentMask)),
    fraction: b.shl(wide, b.const64(BigInt(63 - f.fractionBits))),
  }
}

/** Widens a number of the format; the common case is computed in place, zero, denormals and NaNs by a call. */
export function widen(b: Builder, f: Format, v: Value): Operand {
  const { sign, e, fraction } = fields(b, f, v)
  const sig = b.variable(b.or(fraction, b.const64(TOP_BIT)))
  const se = b.variable(b.or(sign, b.add(e, b.const(f.bias))))
  b.if(b.geu(b.sub(e, b.const(1)), b.const(f.exponentMask - 1)), () => {
    b.set(sig, b.call(f === DOUBLE ? 'float80_from_double' : 'float80_from_single', [v], I64))
    b.set(se, cell(b, WIDENED))
  })
  return { sig: b.get(sig), se: b.get(se) }
}

function fromSpecial(f: Format): ProcedureSource {
  return {
    params: [f.width === 8 ? I64 : I32],
    result: I64,
    faults: false,
    build: b => {
      const { sign, e, fraction } = fields(b, f, b.parameter(0, f.width === 8 ? I64 : I32))
      // The bit left of the fraction is the exponent's lowest one.
      const bits = b.and(fraction, b.const64(TOP_BIT - 1n))
      b.if(e, () => {
        setCell(b, WIDENED, b.or(sign, b.const(0x7fff)))
        b.return(b.or(bits, b.const64(TOP_BIT)))
      })
      const lead = b.op('i64.clz', bits)
      const exponent = b.or(b.sub(b.const(f.bias + 1), b.low(lead)), b.const(WAS_DENORMAL))
      setCell(b, WIDENED, b.or(sign, b.select(b.eqz(bits), b.const(0), exponent)))
      b.return(b.shl(bits, lead))
    },
  }
}

export const widenProcedures: Record<string, ProcedureSource> = {
  float80_from_single: fromSpecial(SINGLE),
  float80_from_double: fromSpecial(DOUBLE),
  /** (signed i64) */
  float80_from_integer: {
    params: [I64],
    result: I64,
    faults: false,
    build: b => {
      const v = b.parameter(0, I64)
      const negative = b.lts(v, b.const64(0n))
      const magnitude = b.select(negative, b.neg(v), v)
      const lead = b.op('i64.clz', magnitude)
      const exponent = b.or(b.shl(negative, b.const(15)), b.sub(b.const(0x3fff + 63), b.low(lead)))
      setCell(b, WIDENED, b.select(b.eqz(v), b.const(0), exponent))
      b.return(b.shl(magnitude, lead))
    },
  },
}
