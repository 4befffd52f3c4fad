// The angle of a point (SDM vol. 2: FPATAN) with both coordinates finite and not zero: the smaller coordinate over the
// larger one, the angle of the nearest eighth taken off, then the arctangent's series in 128 bits.

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64, VOID } from '../ir/types.js'
import {
  ALTERNATE,
  add,
  below,
  divide,
  isLess,
  isNothing,
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
import { deliver } from './float80-trigonometry.js'
import type { ProcedureSource } from './procedures.js'

/** 1, 1/3, 1/5 ... as factors. */
const coefficients = Array.from({ length: 14 }, (_, n) => ONE / BigInt(2 * n + 1))
/** Arctangents of 0, 1/8 ... 8/8 as factors. */
const angles = [
  0n,
  0x0feadd4d5617b6e32c897989f3e888efn,
  0x1f5b75f92c80dd62adb8f3debef442fdn,
  0x2dec3283c9bde11ce2a8c848b73f9121n,
  0x3b58ce0ac3769ed15bf9117b2f0ea341n,
  0x47802eaf7bfacfcdae41af0b32e21ba4n,
  0x525e3e8c9a7b84920cd43f9522bed64fn,
  0x5c029f15e118cf39e596d2a90852221fn,
  0x6487ed5110b4611a62633145c06e0e69n,
]
/** Pi with two bits before the point. */
const PI = 0xc90fdaa22168c234c4c6628b80dc1cd1n

/** What `quadrant` says of the point: |y| > |x|, and x < 0. */
export const STEEP = 1
export const LEFT = 2

/** Arctangent of S * 2^-n below 1/8: a factor times 2^-n. */
function arctangent(b: Builder, s: Wide, n: Value): Wide {
  const absolute = shiftRight(b, s, n)
  return below(b, multiply(b, s, series(b, multiply(b, absolute, absolute), coefficients, 7.9, ALTERNATE)))
}

export const arctangentProcedures: Record<string, ProcedureSource> = {
  /** (dst, sign of the result, quadrant, e and significand of the smaller, then of the larger coordinate), normalized. */
  float80_arctangent: {
    params: [I32, I32, I32, I32, I64, I32, I64],
    result: VOID,
    faults: false,
    build: b => {
      const [dst, sign, quadrant] = [b.parameter(0, I32), b.parameter(1, I32), b.parameter(2, I32)]
      const [smallSig, largeSig] = [b.parameter(4, I64), b.parameter(6, I64)]
      const d = b.sub(b.parameter(5, I32), b.parameter(3, I32))
      const zero = b.const64(0n)
      const n32 = b.const64(32n)
      const theta = { hi: b.variable(zero), lo: b.variable(zero) }
      const current = (): Wide => ({ hi: b.get(theta.hi), lo: b.get(theta.lo) })
      const set = ({ hi, lo }: Wide) => {
        b.set(theta.hi, hi)
        b.set(theta.lo, lo)
      }
      const small = { hi: smallSig, lo: zero }
      const large = { hi: largeSig, lo: zero }
      // Eighths in the ratio, to the nearest.
      const top = b.shru(largeSig, n32)
      const ratio = b.op(
        'i64.div_u',
        b.add(b.shl(b.shru(b.shru(smallSig, n32), b.toI64u(d)), b.const64(3n)), b.shru(top, b.const64(1n))),
        top,
      )
      const k = b.select(b.gtu(d, b.const(4)), zero, ratio)
      b.if(
        b.eqz(k),
        () => {
          const n = b.sub(d, b.const(1))
          const angle = arctangent(b, divide(b, shiftRight(b, small, b.const(1)), large), n)
          b.if(b.eqz(quadrant), () => {
            deliver(b, dst, sign, angle, b.neg(n))
            b.return()
          })
          set(shiftRight(b, angle, n))
        },
        () => {
          // (small - k/8 large) / (large + k/8 small), both halved.
          const eighths = { hi: b.shl(k, b.const64(60n)), lo: zero }
          const moved = shiftRight(b, small, d)
          const x = shiftRight(b, moved, b.const(1))
          const y = multiply(b, eighths, large)
          const negative = isLess(b, x, y)
          const over = select(b, negative, subtract(b, y, x), subtract(b, x, y))
          const under = normalize(b, add(b, shiftRight(b, large, b.const(1)), multiply(b, eighths, moved)))
          let angle = wide(b, angles[8]!)
          for (let i = 7; i > 0; i--) angle = select(b, b.eq(k, b.const64(BigInt(i))), wide(b, angles[i]!), angle)
          set(angle)
          b.if(b.eqz(isNothing(b, over)), () => {
            const { x: numerator, places } = normalize(b, over)
            const n = b.sub(b.sub(places, under.places), b.const(1))
            const part = arctangent(b, divide(b, shiftRight(b, numerator, b.const(1)), under.x), n)
            const small = shiftRight(b, part, n)
            set(select(b, negative, subtract(b, current(), small), add(b, current(), small)))
          })
        },
      )
      // Into the quadrant, with two bits before the point.
      set(shiftRight(b, current(), b.const(1)))
      b.if(b.and(quadrant, b.const(STEEP)), () => set(subtract(b, wide(b, PI >> 1n), current())))
      b.if(b.and(quadrant, b.const(LEFT)), () => set(subtract(b, wide(b, PI), current())))
      deliver(b, dst, sign, current(), b.const(1))
      b.return()
    },
  },
}
