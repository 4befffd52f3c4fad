// Integer multiplication and division (SDM vol. 2: MUL, IMUL, DIV, IDIV). SF, ZF and PF of products, undefined by the
// manual, follow the low half; division leaves the flags alone. #DE comes before any change.

import { EAX, EDX } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import type { Context, Semantics } from './context.js'
import { missedOverflow } from './i386.js'

const DE = 0
const AH = 4

/** Writes a product of 32 bits or less to AX or DX:AX. */
function storeNarrow(b: Context, product: Value, size: number) {
  b.setReg(EAX, 2, product)
  if (size === 2) b.setReg(EDX, 2, b.shru(product, b.const(16)))
}

const mul: Semantics = (b, { size }) => {
  const x = b.reg(EAX, size)
  const y = b.read(0)
  if (size === 4) {
    const product = b.mul(b.toI64u(x), b.toI64u(y))
    const low = b.low(product)
    const high = b.high(product)
    b.setReg(EAX, 4, low)
    b.setReg(EDX, 4, high)
    const large = b.ne(high, b.const(0))
    return b.flags.setFrom(4, low, large, large)
  }
  const product = b.mul(x, y)
  storeNarrow(b, product, size)
  const large = b.ne(b.shru(product, b.const(8 * size)), b.const(0))
  b.flags.setFrom(size, product, large, large)
}

/** CF and OF of a signed product: its low half does not say it all. */
const overflows = (b: Context, x: Value, y: Value) => {
  const product = b.mul(b.toI64s(x), b.toI64s(y))
  return b.ne(product, b.op('i64.extend32_s', product))
}

const imul: Semantics = (b, { size, operands }) => {
  if (operands.length === 1) return imulWide(b, size)
  const first = operands.length === 3 ? 1 : 0
  const x = b.signed(b.read(first), size)
  const y = b.signed(b.read(first + 1), size)
  const product = b.mul(x, y)
  b.write(0, product)
  const large = size === 4 ? overflows(b, x, y) : b.ne(product, b.signed(product, size))
  b.flags.setFrom(size, product, large, large)
}
function imulWide(b: Context, size: number) {
  const x = b.signedReg(EAX, size)
  const y = b.signed(b.read(0), size)
  if (size === 4) {
    const product = b.mul(b.toI64s(x), b.toI64s(y))
    const low = b.low(product)
    const high = b.high(product)
    b.setReg(EAX, 4, low)
    b.setReg(EDX, 4, high)
    const large = b.ne(high, b.shrs(low, b.const(31)))
    return b.flags.setFrom(4, low, large, large)
  }
  const product = b.mul(x, y)
  storeNarrow(b, product, size)
  const large = b.ne(product, b.signed(product, size))
  b.flags.setFrom(size, product, large, large)
}

/** Writes quotient and remainder to AL and AH, AX and DX, or EAX and EDX. */
function storeQuotient(b: Context, size: number, quotient: Value, remainder: Value) {
  b.setReg(EAX, size, quotient)
  b.setReg(size === 1 ? AH : EDX, size, remainder)
}
/** The dividend of 8- and 16-bit divisions: AX or DX:AX. */
const narrowDividend = (b: Context, size: number) =>
  size === 1 ? b.reg(EAX, 2) : b.or(b.shl(b.reg(EDX, 2), b.const(16)), b.reg(EAX, 2))
const wideDividend = (b: Context) => b.or(b.shl(b.toI64u(b.reg(EDX)), b.const64(32n)), b.toI64u(b.reg(EAX)))

const div: Semantics = (b, { size }) => {
  const divisor = b.read(0)
  // The quotient fits exactly if the dividend's high half is below the divisor; 0 never is.
  b.if(b.leu(divisor, b.reg(size === 1 ? AH : EDX, size)), () => b.raise(DE))
  if (size === 4) {
    const dividend = wideDividend(b)
    const by = b.toI64u(divisor)
    const quotient = b.low(b.op('i64.div_u', dividend, by))
    return storeQuotient(b, 4, quotient, b.low(b.op('i64.rem_u', dividend, by)))
  }
  const dividend = narrowDividend(b, size)
  const quotient = b.op('i32.div_u', dividend, divisor)
  storeQuotient(b, size, quotient, b.op('i32.rem_u', dividend, divisor))
}

const idiv: Semantics = (b, { size }) => {
  const divisor = b.signed(b.read(0), size)
  if (size === 4) {
    const dividend = wideDividend(b)
    const smallest = b.eq(dividend, b.const64(-(1n << 63n)))
    b.if(b.or(b.eqz(divisor), b.and(smallest, b.eq(divisor, b.const(-1)))), () => b.raise(DE))
    const by = b.toI64s(divisor)
    const quotient = b.op('i64.div_s', dividend, by)
    b.if(b.ne(quotient, b.op('i64.extend32_s', quotient)), () => b.raise(DE))
    return storeQuotient(b, 4, b.low(quotient), b.low(b.op('i64.rem_s', dividend, by)))
  }
  const dividend = size === 1 ? b.extend16(narrowDividend(b, 1)) : narrowDividend(b, 2)
  const smallest = b.eq(dividend, b.const(-0x80000000))
  b.if(b.or(b.eqz(divisor), b.and(smallest, b.eq(divisor, b.const(-1)))), () => b.raise(DE))
  const quotient = b.op('i32.div_s', dividend, divisor)
  const remainder = b.op('i32.rem_s', dividend, divisor)
  const overflow = b.ne(quotient, b.signed(quotient, size))
  if (size === 2) {
    b.if(overflow, () => b.raise(DE))
    return storeQuotient(b, size, quotient, remainder)
  }
  const small = missedOverflow(b, dividend, divisor)
  b.if(b.and(overflow, b.eqz(small.missed)), () => b.raise(DE))
  storeQuotient(b, size, b.select(overflow, b.const(-128), quotient), b.select(overflow, small.remainder, remainder))
}

export const muldiv: Record<string, Semantics> = { mul, imul, div, idiv }
