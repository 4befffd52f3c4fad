// 80-bit multiplication (SDM vol. 2, FMUL with its table of special operands).

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import {
  answer,
  denormalOperand,
  exponentOf,
  invalid,
  isDenormal,
  isInfinite,
  isNormal,
  isZero,
  normalized,
  operandPair,
  PAIR_PARAMETERS,
  signOfPair,
  sortOutNaNs,
} from './float80-operand.js'
import { finish } from './float80-round.js'
import type { ProcedureSource } from './procedures.js'

const TOP_BIT = 1n << 63n

/** The 128-bit product of two unsigned i64. */
export function multiplyWide(b: Builder, x: Value, y: Value): { hi: Value; lo: Value } {
  const n32 = b.const64(32n)
  const mask = b.const64(0xffffffffn)
  const [x0, x1, y0, y1] = [b.and(x, mask), b.shru(x, n32), b.and(y, mask), b.shru(y, n32)]
  const low = b.mul(x0, y0)
  const cross = b.add(b.mul(x1, y0), b.shru(low, n32))
  const middle = b.add(b.mul(x0, y1), b.and(cross, mask))
  const hi = b.add(b.add(b.mul(x1, y1), b.shru(cross, n32)), b.shru(middle, n32))
  return { hi, lo: b.or(b.shl(middle, n32), b.and(low, mask)) }
}

/** Product of significands with bit 63 set and exponents x.e, y.e into `dst`; returns 1. */
function product(b: Builder, dst: Value, sign: Value, x: { e: Value; sig: Value }, y: { e: Value; sig: Value }) {
  const { hi, lo } = multiplyWide(b, x.sig, y.sig)
  // The product has its first bit at 127 or 126.
  const large = b.lts(hi, b.const64(0n))
  const one = b.toI64u(b.eqz(large))
  const first = b.or(b.shl(hi, one), b.and(b.shru(lo, b.const64(63n)), one))
  const e = b.add(b.add(b.add(x.e, y.e), b.const(-0x3fff)), large)
  finish(b, dst, sign, e, first, b.shl(lo, one))
}

export const multiplyProcedures: Record<string, ProcedureSource> = {
  /** (dst, x, y): register at dst = x * y. 1, or 0 when an unmasked exception forbids the result. */
  float80_multiply: {
    params: PAIR_PARAMETERS,
    result: I32,
    faults: false,
    build: b => {
      const { dst, x, y } = operandPair(b)
      const sign = signOfPair(b, x, y)
      b.if(b.eqz(b.and(isNormal(b, x), isNormal(b, y))), () =>
        b.return(b.call('float80_multiply_special', [dst, x.sig, x.se, y.sig, y.se])),
      )
      product(b, dst, sign, { e: exponentOf(b, x.se), sig: x.sig }, { e: exponentOf(b, y.se), sig: y.sig })
    },
  },
  float80_multiply_special: {
    params: PAIR_PARAMETERS,
    result: I32,
    faults: false,
    build: b => {
      const { dst, x, y } = operandPair(b)
      const sign = signOfPair(b, x, y)
      sortOutNaNs(b, dst, x, y)
      const infinite = b.or(isInfinite(b, x), isInfinite(b, y))
      const zero = b.or(isZero(b, x), isZero(b, y))
      b.if(b.and(infinite, zero), () => invalid(b, dst))
      denormalOperand(b, b.or(isDenormal(b, x), isDenormal(b, y)))
      b.if(infinite, () => answer(b, dst, b.const64(TOP_BIT), b.or(sign, b.const(0x7fff))))
      b.if(zero, () => answer(b, dst, b.const64(0n), sign))
      product(b, dst, sign, normalized(b, x), normalized(b, y))
    },
  },
}
