// What an 80386 does otherwise than its successors, as others measured it on a 386EX in real mode (SingleStepTests/80386):
// byte shifts by 16 and 24, double shifts of words, PUSHA and POPA that fault half-way, the upper half of ESP after POPAD,
// ENTER, AAM 0, IDIV of bytes that overflow, flags of CMPS and SCAS repeated up to a fault, undefined flags of SHLD, SHRD,
// BT and its kin, BSF and BSR, SHL and SHR, of decimal adjustment. A scaled base: isa/decode.ts. What a fault leaves and what is undefined is so in segments
// with limits; flat code is as on the successors.

import { EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP, GENERATION } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'

/** 1 on an 80386. */
export const isI386 = (b: Context) => b.eq(b.state(GENERATION), b.const(3))

/** The image of PUSHA from its lowest address on. */
export const IMAGE = [EDI, ESI, EBP, ESP, EBX, EDX, ECX, EAX]

/** The count by which CF of SHL and SHR is found: bytes shifted by 16 or 24 have the carry of a shift by 8. */
export function carryCount(b: Context, count: Value, size: number): Value {
  const known = b.known(count)
  if (size !== 1 || (known !== undefined && known !== 16 && known !== 24)) return count
  const whole = b.and(b.eqz(b.and(count, b.const(7))), isI386(b))
  return b.select(b.and(whole, b.gtu(count, b.const(8))), b.const(8), count)
}

/**
 * AAA, AAS, DAA, DAS and AAD leave the flags of adding to AL, or of subtracting from it: AAA and AAS those of the sum before
 * its upper half is cleared, DAA and DAS OF, AAD all of them. Measured on a 386SX (the 80386 test ROM of IBMulator).
 * @param ax its lowest byte is what AL was
 * @param sum the byte that AL became; CF and AF are those of the sum where they are not given
 */
export function flagsOfAdjustment(b: Context, ax: Value, sum: Value, adds: boolean, given?: { cf: Value; af: Value }) {
  if (b.form.flat) return
  b.if(isI386(b), () => {
    const [whole, part] = adds ? [sum, ax] : [ax, sum]
    const other = b.sub(whole, part)
    const bit = (x: Value, n: number) => b.and(b.shru(x, b.const(n)), b.const(1))
    const of = bit(b.and(b.xor(part, whole), b.xor(other, whole)), 7)
    const cf = given?.cf ?? b.ltu(b.mask(whole, 1), b.mask(part, 1))
    const af = given?.af ?? bit(b.xor(b.xor(part, other), whole), 4)
    b.flags.setFrom(1, sum, cf, of, af)
  })
}

/** AAM 0 leaves SF, ZF and PF of half of AL to the handler. */
export function flagsOfDivisionByZero(b: Context) {
  if (b.form.flat) return
  b.if(isI386(b), () => {
    const carry = b.flags.cf()
    const overflow = b.flags.of()
    const adjust = b.flags.af()
    b.flags.setFrom(1, b.shru(b.reg(EAX, 1), b.const(1)), carry, overflow, adjust)
  })
}

/**
 * IDIV of AX by a byte: negative quotients for which the divider misses that they do not fit. The quotient is then -128,
 * and the remainder what |AX| is above 128 * (|divisor| + 128), with the sign of AX.
 */
export function missedOverflow(b: Context, dividend: Value, divisor: Value): { missed: Value; remainder: Value } {
  const zero = b.const(0)
  const magnitude = (x: Value) => b.select(b.lts(x, zero), b.sub(zero, x), x)
  const by = magnitude(divisor)
  const above = b.sub(magnitude(dividend), b.mul(b.add(by, b.const(128)), b.const(128)))
  const negative = b.lts(b.xor(dividend, divisor), zero)
  // Unsigned: not below 0 either.
  const missed = b.and(b.and(negative, b.ltu(above, by)), isI386(b))
  return { missed, remainder: b.select(b.lts(dividend, zero), b.sub(zero, above), above) }
}

/** OF of BT, BTS, BTR and BTC: that of the operand rotated until the bit was next. */
export function bitTestOverflow(b: Context, x: Value, bit: Value, size: number): Value {
  const wide = size === 4 ? x : b.mul(x, b.const(0x10001))
  const turned = b.rotr(wide, b.sub(bit, b.const(2)))
  return b.and(b.xor(turned, b.shru(turned, b.const(1))), b.const(1))
}

/** The flags of BSF (up) and BSR as a word: those of 0 - x, and of the steps of the search. */
export function scanFlags(b: Context, x: Value, size: number, up: boolean): Value {
  const one = b.const(1)
  const bitOf = (v: Value, n: number) => b.and(b.shru(v, b.const(n)), one)
  const parity = (v: Value) => b.eqz(b.and(b.op('i32.popcnt', v), one))
  const top = 8 * size - 1
  const negated = b.sub(b.const(0), x)
  const word = (cf: Value, of: Value) => {
    const low = b.or(cf, b.shl(parity(b.and(negated, b.const(0xff))), b.const(2)))
    const adjust = b.shl(b.ne(b.and(x, b.const(0xf)), b.const(0)), b.const(4))
    return b.or(b.or(low, adjust), b.or(b.shl(bitOf(negated, top), b.const(7)), b.shl(of, b.const(11))))
  }
  const none = b.const(0x44) // ZF and PF
  if (up) {
    const index = b.shl(parity(b.op('i32.ctz', x)), b.const(2))
    return b.select(x, b.select(b.and(x, one), word(bitOf(x, 1), bitOf(x, top)), index), none)
  }
  // The bit that was found moved to the top: the two after it are next below.
  const found = b.shl(x, b.op('i32.clz', x))
  const [next, second] = [bitOf(found, 30), bitOf(found, 29)]
  return b.select(x, word(next, b.or(b.xor(next, second), b.eq(x, one))), none)
}
