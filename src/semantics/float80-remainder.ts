// 80-bit partial remainders (SDM vol. 2: FPREM, truncating, and FPREM1, to nearest as in IEEE 754). With exponents less
// than 64 apart one execution completes; otherwise it takes off a multiple of 32 places and sets C2. Precision control
// does not concern them.

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { divideWide } from './float80-divide.js'
import {
  denormalOperand,
  invalid,
  isDenormal,
  isInfinite,
  isZero,
  normalized,
  type Operand,
  signOf,
  sortOutNaNs,
} from './float80-operand.js'
import type { ProcedureSource } from './procedures.js'
import { C0, C1, C2, C3, setRegister, setStatus, status } from './x87-state.js'

/** C2 = 0, and the low three bits of the quotient in C0 (bit 2), C3 (bit 1) and C1 (bit 0). */
function setQuotient(b: Builder, q: Value) {
  const bit = (n: number, to: number) => b.shl(b.and(b.shru(q, b.const(n)), b.const(1)), b.const(to))
  const conditions = b.or(b.or(bit(2, 8), bit(1, 14)), bit(0, 9))
  setStatus(b, b.or(b.and(status(b), b.const(~(C0 | C1 | C2 | C3))), conditions))
}

function remainder(toNearest: boolean): ProcedureSource {
  return {
    params: [I32, I64, I32, I64, I32],
    result: I32,
    faults: false,
    build: b => {
      const dst = b.parameter(0, I32)
      const x: Operand = { sig: b.parameter(1, I64), se: b.parameter(2, I32) }
      const y: Operand = { sig: b.parameter(3, I64), se: b.parameter(4, I32) }
      sortOutNaNs(b, dst, x, y)
      b.if(b.or(isInfinite(b, x), isZero(b, y)), () => invalid(b, dst))
      denormalOperand(b, b.or(isDenormal(b, x), isDenormal(b, y)))
      const unchanged = () => {
        setQuotient(b, b.const(0))
        // A pseudo-denormal becomes the normal number that it is.
        const pseudo = b.and(b.eqz(b.and(x.se, b.const(0x7fff))), b.lts(x.sig, b.const64(0n)))
        setRegister(b, dst, x.sig, b.or(x.se, pseudo))
        b.return(b.const(1))
      }
      b.if(b.or(isInfinite(b, y), isZero(b, x)), unchanged)
      const [nx, ny] = [normalized(b, x), normalized(b, y)]
      const distance = b.sub(nx.e, ny.e)
      const sign = b.variable(signOf(b, x.se))
      const rest = b.variable(nx.sig)
      const quotient = b.variable(b.const(0))
      const e = b.variable(nx.e)
      b.if(
        b.lts(distance, b.const(0)),
        () => {
          // |x| < |y|: to nearest, x may be more than half of y when the exponents are neighbours.
          if (toNearest)
            b.if(b.and(b.eq(distance, b.const(-1)), b.gtu(nx.sig, ny.sig)), () => {
              b.set(rest, b.sub(b.shl(ny.sig, b.const64(1n)), nx.sig))
              b.set(sign, b.xor(b.get(sign), b.const(0x8000)))
              b.set(quotient, b.const(1))
            })
        },
        () => {
          const complete = b.lts(distance, b.const(64))
          const places = b.select(complete, distance, b.or(b.and(distance, b.const(31)), b.const(32)))
          const n = b.toI64u(places)
          const first = b.geu(nx.sig, ny.sig)
          const r = b.select(first, b.sub(nx.sig, ny.sig), nx.sig)
          const hi = b.select(b.eqz(places), b.const64(0n), b.shru(r, b.sub(b.const64(64n), n)))
          const divided = divideWide(b, hi, b.shl(r, n), ny.sig)
          b.set(rest, divided.remainder)
          b.set(e, b.sub(nx.e, places))
          const q = b.add(b.low(divided.quotient), b.low(b.shl(b.toI64u(first), n)))
          b.set(quotient, q)
          if (toNearest) {
            const other = b.sub(ny.sig, divided.remainder)
            const odd = b.and(q, b.const(1))
            const above = b.or(b.gtu(divided.remainder, other), b.and(b.eq(divided.remainder, other), odd))
            b.if(b.and(complete, above), () => {
              b.set(rest, other)
              b.set(sign, b.xor(b.get(sign), b.const(0x8000)))
              b.set(quotient, b.add(q, b.const(1)))
            })
          }
        },
      )
      b.if(
        b.eqz(b.get(rest)),
        () => setRegister(b, dst, b.get(rest), signOf(b, x.se)),
        () => {
          const lead = b.op('i64.clz', b.get(rest))
          const exponent = b.sub(b.get(e), b.low(lead))
          b.call('float80_round_extended', [dst, b.get(sign), exponent, b.shl(b.get(rest), lead), b.const64(0n)])
        },
      )
      b.if(
        b.gts(distance, b.const(63)),
        () => setStatus(b, b.or(b.and(status(b), b.const(~(C0 | C1 | C2 | C3))), b.const(C2))),
        () => setQuotient(b, b.get(quotient)),
      )
      b.return(b.const(1))
    },
  }
}

export const remainderProcedures: Record<string, ProcedureSource> = {
  float80_remainder: remainder(false),
  float80_remainder_nearest: remainder(true),
}
