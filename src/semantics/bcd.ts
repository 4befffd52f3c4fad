// Decimal adjustment (SDM vol. 2: AAA, AAS, AAM, AAD, DAA, DAS). Flags that the manual leaves undefined: SF, ZF and PF
// follow AL in AAA and AAS, OF is cleared, and so are CF and AF in AAM and AAD. An 80386 differs (i386.ts).

import { EAX } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import type { Context, Semantics } from './context.js'
import { flagsOfAdjustment, flagsOfDivisionByZero } from './i386.js'

const DE = 0

/** AAA and AAS: `step` is what AX is adjusted by. */
const unpacked =
  (step: number): Semantics =>
  b => {
    const ax = b.reg(EAX, 2)
    const low = b.and(ax, b.const(0xf))
    const adjust = b.or(b.gtu(low, b.const(9)), b.flags.af())
    const adjusted = b.add(ax, b.select(adjust, b.const(step), b.const(0)))
    b.setReg(EAX, 2, b.and(adjusted, b.const(0xff0f)))
    b.flags.setFrom(1, b.and(adjusted, b.const(0xf)), adjust, b.const(0), adjust)
    flagsOfAdjustment(b, ax, b.mask(adjusted, 1), step > 0, { cf: adjust, af: adjust })
  }

/** DAA and DAS: `apply` adds or subtracts 6 and 60h. */
const packed =
  (apply: (b: Context, x: Value, y: Value) => Value, borrows: boolean): Semantics =>
  b => {
    const al = b.reg(EAX, 1)
    const carry = b.flags.cf()
    const low = b.or(b.gtu(b.and(al, b.const(0xf)), b.const(9)), b.flags.af())
    const high = b.or(b.gtu(al, b.const(0x99)), carry)
    const once = apply(b, al, b.select(low, b.const(6), b.const(0)))
    const result = b.mask(apply(b, once, b.select(high, b.const(0x60), b.const(0))), 1)
    // A borrow of the first step, which DAS reports where the second one does not happen.
    const borrow = borrows ? b.and(low, b.ltu(al, b.const(6))) : b.const(0)
    b.setReg(EAX, 1, result)
    const cf = b.or(high, borrow)
    b.flags.setFrom(1, result, cf, b.const(0), low)
    flagsOfAdjustment(b, al, result, !borrows, { cf, af: low })
  }

const aam: Semantics = b => {
  const base = b.read(0)
  b.if(b.eqz(base), () => {
    flagsOfDivisionByZero(b)
    b.raise(DE)
  })
  const al = b.reg(EAX, 1)
  const low = b.op('i32.rem_u', al, base)
  b.setReg(EAX, 2, b.or(b.shl(b.op('i32.div_u', al, base), b.const(8)), low))
  b.flags.setFrom(1, low, b.const(0), b.const(0))
}

const aad: Semantics = b => {
  const ax = b.reg(EAX, 2)
  const low = b.and(b.add(ax, b.mul(b.shru(ax, b.const(8)), b.read(0))), b.const(0xff))
  b.setReg(EAX, 2, low)
  b.flags.setFrom(1, low, b.const(0), b.const(0))
  flagsOfAdjustment(b, ax, low, true)
}

export const bcd: Record<string, Semantics> = {
  aaa: unpacked(0x106),
  aas: unpacked(-0x106),
  daa: packed((b, x, y) => b.add(x, y), false),
  das: packed((b, x, y) => b.sub(x, y), true),
  aam,
  aad,
}
