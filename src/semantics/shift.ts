// Shifts and rotates (SDM vol. 2: SAL/SHL, SHR, SAR, ROL, ROR, RCL, RCR, SHLD, SHRD). Counts are taken modulo 32; a
// count of 0 changes no flag. Where the manual leaves OF undefined (counts above 1) it follows the formula of count 1,
// AF is cleared by shifts, and 16-bit double shifts by more than 16 go on round the operands, as processors do; the
// 80386 differs (i386.ts).

import type { Value } from '../ir/tape.js'
import type { Context, Semantics } from './context.js'
import { carryCount, isI386 } from './i386.js'

/** The count, 0-31. */
const countOf = (b: Context, operand: number) => b.and(b.read(operand), b.const(31))
const bit = (b: Context, x: Value, n: number) => b.and(b.shru(x, b.const(n)), b.const(1))
/** The two top bits of a result differ: OF of right shifts and rotates. */
const topsDiffer = (b: Context, x: Value, size: number) => b.xor(bit(b, x, 8 * size - 1), bit(b, x, 8 * size - 2))
/** The top bit of a result differs from the carry: OF of left shifts and rotates. */
const topAndCarry = (b: Context, x: Value, size: number, cf: Value) => b.xor(bit(b, x, 8 * size - 1), cf)

/** What a shift gives: the result, and CF as 0 or 1 for counts that are not 0. */
interface Shifted {
  readonly result: Value
  readonly cf: Value
  readonly of: Value
}

/** `adjusts`: an 80386 sets AF. */
const shift =
  (compute: (b: Context, x: Value, count: Value, size: number) => Shifted, adjusts = false): Semantics =>
  (b, { size, flat }) => {
    const x = b.readForWrite(0)
    const count = countOf(b, 1)
    const { result, cf, of } = compute(b, x, count, size)
    b.write(0, result)
    b.flags.setFromIf(b.ne(count, b.const(0)), size, result, cf, of, adjusts && !flat ? isI386(b) : b.const(0))
  }

const shl = shift((b, x, count, size) => {
  const wide = b.shl(x, count)
  const by = carryCount(b, count, size)
  const out = by === count ? wide : b.shl(x, by)
  const cf = size === 4 ? b.and(b.shru(x, b.sub(b.const(32), count)), b.const(1)) : bit(b, out, 8 * size)
  const result = b.mask(wide, size)
  return { result, cf, of: topAndCarry(b, result, size, cf) }
}, true)
const shr = shift((b, x, count, size) => {
  const result = b.shru(x, count)
  const cf = b.and(b.shru(x, b.sub(carryCount(b, count, size), b.const(1))), b.const(1))
  return { result, cf, of: topsDiffer(b, result, size) }
}, true)
const sar = shift((b, x, count, size) => {
  const extended = b.signed(x, size)
  const cf = b.and(b.shrs(extended, b.sub(count, b.const(1))), b.const(1))
  return { result: b.mask(b.shrs(extended, count), size), cf, of: b.const(0) }
})

const rotate =
  (compute: (b: Context, x: Value, count: Value, size: number) => Shifted): Semantics =>
  (b, { size }) => {
    const x = b.readForWrite(0)
    const count = countOf(b, 1)
    const { result, cf, of } = compute(b, x, count, size)
    b.write(0, result)
    b.flags.setCarryOverflowIf(b.ne(count, b.const(0)), cf, of)
  }
/** A byte or word repeated to 32 bits, so that it can be rotated as a doubleword. */
const repeated = (b: Context, x: Value, size: number) =>
  size === 4 ? x : b.mul(x, b.const(size === 1 ? 0x01010101 : 0x00010001))

const rol = rotate((b, x, count, size) => {
  const result = b.mask(b.rotl(repeated(b, x, size), count), size)
  const cf = b.and(result, b.const(1))
  return { result, cf, of: topAndCarry(b, result, size, cf) }
})
const ror = rotate((b, x, count, size) => {
  const result = b.mask(b.rotr(repeated(b, x, size), count), size)
  return { result, cf: bit(b, result, 8 * size - 1), of: topsDiffer(b, result, size) }
})

/** Rotates operand and carry, 8 * size + 1 bits, to the left (or right) by count. */
function throughCarry(b: Context, x: Value, count: Value, size: number, left: boolean): { result: Value; cf: Value } {
  if (size === 4) {
    const bits = b.or(b.shl(b.toI64u(b.flags.cf()), b.const64(32n)), b.toI64u(x))
    const by = b.toI64u(count)
    const back = b.sub(b.const64(33n), by)
    const turned = left ? b.or(b.shl(bits, by), b.shru(bits, back)) : b.or(b.shru(bits, by), b.shl(bits, back))
    return { result: b.low(turned), cf: b.and(b.high(turned), b.const(1)) }
  }
  const width = 8 * size + 1
  const bits = b.or(b.shl(b.flags.cf(), b.const(width - 1)), x)
  const by = b.op('i32.rem_u', count, b.const(width))
  const back = b.sub(b.const(width), by)
  const turned = left ? b.or(b.shl(bits, by), b.shru(bits, back)) : b.or(b.shru(bits, by), b.shl(bits, back))
  return { result: b.mask(turned, size), cf: bit(b, turned, width - 1) }
}
const rcl = rotate((b, x, count, size) => {
  const { result, cf } = throughCarry(b, x, count, size, true)
  return { result, cf, of: topAndCarry(b, result, size, cf) }
})
const rcr = rotate((b, x, count, size) => {
  const { result, cf } = throughCarry(b, x, count, size, false)
  return { result, cf, of: topsDiffer(b, result, size) }
})

/** SHLD and SHRD of words: x:y:x shifted as 48 bits; from an 80386, more than 16 bring y once more. */
function doubleWord(b: Context, x: Value, y: Value, count: Value, left: boolean): Shifted {
  const by = b.toI64u(count)
  const far = b.select(isI386(b), y, x)
  const [low, top] = left ? [far, x] : [x, far]
  const bits = b.or(b.toI64u(b.or(b.shl(y, b.const(16)), low)), b.shl(b.toI64u(top), b.const64(32n)))
  if (left) {
    const high = b.high(b.shl(bits, by))
    const result = b.mask(high, 2)
    const cf = bit(b, high, 16)
    return { result, cf, of: topAndCarry(b, result, 2, cf) }
  }
  const result = b.mask(b.low(b.shru(bits, by)), 2)
  const cf = b.and(b.low(b.shru(bits, b.sub(by, b.const64(1n)))), b.const(1))
  return { result, cf, of: topsDiffer(b, result, 2) }
}
function doubleLong(b: Context, x: Value, y: Value, count: Value, left: boolean): Shifted {
  const one = b.const(1)
  const back = b.xor(count, b.const(31)) // 31 - count: with one shift more, 32 - count that may be 32
  if (left) {
    const result = b.or(b.shl(x, count), b.shru(b.shru(y, one), back))
    const cf = b.and(b.shru(x, b.sub(b.const(32), count)), one)
    return { result, cf, of: topAndCarry(b, result, 4, cf) }
  }
  const result = b.or(b.shru(x, count), b.shl(b.shl(y, one), back))
  return { result, cf: b.and(b.shru(x, b.sub(count, one)), one), of: topsDiffer(b, result, 4) }
}
const double =
  (left: boolean): Semantics =>
  (b, { size, flat }) => {
    const x = b.readForWrite(0)
    const y = b.read(1)
    const count = countOf(b, 2)
    const { result, cf, of } = (size === 2 ? doubleWord : doubleLong)(b, x, y, count, left)
    b.write(0, result)
    b.flags.setFromIf(b.ne(count, b.const(0)), size, result, cf, of, flat ? b.const(0) : isI386(b))
  }

export const shifts: Record<string, Semantics> = {
  shl,
  shr,
  sar,
  rol,
  ror,
  rcl,
  rcr,
  shld: double(true),
  shrd: double(false),
}
