// The six arithmetic flags, lazily. Two cells hold them: RESULT (sign-extended; gives ZF, SF, PF) and AUX, the vector of
// carries: bit 31 is CF, bit 31 xor bit 30 is OF, bit 3 is AF. Two corrections make every combination possible:
// bit 0 of AUX inverts SF, and bits 8-15 are xored into the byte whose parity is PF.
// Where the builder still knows the operands of the last operation, conditions fold to one comparison.

import { FLAG_AUX, FLAG_RESULT } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'

export const ADD = 0 // also ADC
export const SUB = 1 // also SBB, CMP, NEG (a = 0)
export const LOGIC = 2 // CF = OF = AF = 0

/** The last operation that set all flags, while its operands are still at hand. Operands are sign-extended. */
export interface Last {
  readonly kind: number
  readonly result: Value
  readonly a: Value
  readonly b: Value
}

/** Bits of EFLAGS that are kept in the two cells: CF PF AF ZF SF OF. */
export const ARITHMETIC = 0x8d5

export class Flags {
  /** Known only inside one stretch of code; engines clear it where control joins. */
  last: Last | undefined

  constructor(private readonly b: Context) {}

  /**
   * Sets all six flags from an operation of `size` bytes. Operands may have anything above `size`. `carried`: the result
   * has a carry or borrow in, so that a comparison of the operands alone says nothing.
   */
  set(kind: number, size: number, result: Value, a: Value, y: Value, carried = false) {
    const b = this.b
    const r = b.signed(result, size)
    this.setResult(r)
    if (kind === LOGIC) this.setAux(() => b.const(0))
    else this.setAux(() => this.carries(kind, size, r, a, y))
    if (carried) this.last = undefined
    else
      this.last =
        kind === LOGIC
          ? { kind, result: r, a: r, b: r }
          : { kind, result: r, a: b.signed(a, size), b: b.signed(y, size) }
  }
  /** As `set`, but CF keeps its value (INC, DEC). */
  setKeepingCarry(kind: number, size: number, result: Value, a: Value, y: Value) {
    const b = this.b
    const carry = this.cf()
    const r = b.signed(result, size)
    const aux = this.carries(kind, size, r, a, y)
    this.setResult(r)
    this.setAux(() => this.withCarry(aux, carry))
    this.last = undefined
  }
  /** Sets SF ZF PF from the result, and CF, OF, AF from values that are 0 or 1. */
  setFrom(size: number, result: Value, cf: Value, of: Value, af: Value = this.b.const(0)) {
    const b = this.b
    this.setResult(b.signed(result, size))
    this.setAux(() => this.pack(cf, of, af))
    this.last = undefined
  }
  /** As `setFrom` where the condition (0 or 1) holds; else all flags keep their values. */
  setFromIf(condition: Value, size: number, result: Value, cf: Value, of: Value, af: Value = this.b.const(0)) {
    const b = this.b
    const known = b.known(condition)
    if (known === 0) return
    if (known !== undefined) return this.setFrom(size, result, cf, of, af)
    const aux = this.aux()
    this.setResult(b.select(condition, b.signed(result, size), this.result()))
    this.setAux(() => b.select(condition, this.pack(cf, of, af), aux))
    this.last = undefined
  }
  /** Sets CF and OF where the condition (0 or 1) holds; the others keep their values. */
  setCarryOverflowIf(condition: Value, cf: Value, of: Value) {
    const b = this.b
    if (b.known(condition) === 0) return
    const aux = this.aux()
    this.setAux(() => b.select(condition, b.or(b.and(aux, b.const(0x3fffffff)), this.pack(cf, of, b.const(0))), aux))
    this.last = undefined
  }
  /** Sets ZF alone; the others keep their values. */
  setZero(zf: Value) {
    const b = this.b
    this.setWord(b.or(b.and(this.word(), b.const(ARITHMETIC & ~0x40)), b.shl(zf, b.const(6))))
  }
  /** Sets all six from a comparison of numbers: 0 greater, 1 less (CF), 2 equal (ZF), 3 unordered (ZF, PF, CF). */
  setComparison(code: Value) {
    const b = this.b
    const carry = b.mul(b.and(code, b.const(1)), b.const(0xc0000000))
    const evenParity = b.shl(b.eq(code, b.const(2)), b.const(8))
    this.setResult(b.xor(b.shru(code, b.const(1)), b.const(1)))
    this.setAux(() => b.or(carry, evenParity))
    this.last = undefined
  }
  /** To be called before code outside this tape (helper, procedure) reads the flags' cells. */
  publish() {}
  /** To be called after code outside this tape, or one arm of an `if`, may have written the flags' cells. */
  reload() {
    this.last = undefined
  }
  /** Sets CF alone; the others keep their values. */
  setCarry(cf: Value) {
    const aux = this.aux()
    this.setAux(() => this.withCarry(aux, cf))
    this.last = undefined
  }
  /** Sets all six from a word with EFLAGS' layout. */
  setWord(word: Value) {
    const b = this.b
    const bit = (n: number) => b.and(b.shru(word, b.const(n)), b.const(1))
    this.setResult(b.shl(b.xor(bit(6), b.const(1)), b.const(8)))
    const delta = b.or(b.shl(b.xor(bit(2), b.const(1)), b.const(8)), bit(7))
    const aux = b.or(this.pack(bit(0), bit(11), bit(4)), delta)
    this.setAux(() => aux)
    this.last = undefined
  }
  private pack(cf: Value, of: Value, af: Value): Value {
    const b = this.b
    const high = b.or(b.shl(cf, b.const(31)), b.shl(b.xor(cf, of), b.const(30)))
    return b.or(high, b.shl(af, b.const(3)))
  }
  /** Replaces bit 31 and moves bit 30 with it, so that OF stays. */
  withCarry(aux: Value, cf: Value): Value {
    const b = this.b
    const change = b.xor(b.shru(aux, b.const(31)), cf)
    return b.xor(aux, b.mul(change, b.const(0xc0000000)))
  }
  /** The vector of carries or borrows, moved so that the operand's top bit is bit 31. */
  carries(kind: number, size: number, result: Value, a: Value, y: Value): Value {
    const b = this.b
    const vector =
      kind === ADD
        ? b.or(b.and(a, y), b.and(b.or(a, y), b.not(result)))
        : b.or(b.and(b.not(a), y), b.and(b.not(b.xor(a, y)), result))
    if (size === 4) return b.and(vector, b.const(0xc0000008))
    return b.or(b.and(b.shl(vector, b.const(32 - 8 * size)), b.const(0xc0000000)), b.and(vector, b.const(8)))
  }

  // Cells; a hot engine overrides these to keep them out of memory.
  setResult(result: Value) {
    this.b.setState(FLAG_RESULT, result)
  }
  setAux(make: () => Value) {
    this.b.setState(FLAG_AUX, make())
  }
  aux(): Value {
    return this.b.state(FLAG_AUX)
  }
  result(): Value {
    return this.b.state(FLAG_RESULT)
  }

  // Flags as 0 or 1.
  cf(): Value {
    const b = this.b
    const last = this.last
    if (last?.kind === LOGIC) return b.const(0)
    return b.shru(this.aux(), b.const(31))
  }
  zf(): Value {
    return this.b.eqz(this.result())
  }
  sf(): Value {
    const b = this.b
    if (this.last) return b.shru(this.last.result, b.const(31))
    return b.xor(b.shru(this.result(), b.const(31)), b.and(this.aux(), b.const(1)))
  }
  of(): Value {
    const b = this.b
    const aux = this.aux()
    return b.shru(b.xor(aux, b.shl(aux, b.const(1))), b.const(31))
  }
  af(): Value {
    const b = this.b
    return b.and(b.shru(this.aux(), b.const(3)), b.const(1))
  }
  pf(): Value {
    const b = this.b
    const byte = b.and(b.xor(this.result(), b.shru(this.aux(), b.const(8))), b.const(0xff))
    return b.xor(b.and(b.op('i32.popcnt', byte), b.const(1)), b.const(1))
  }
  /** The six flags in EFLAGS' layout. */
  word(): Value {
    const b = this.b
    const at = (v: Value, n: number) => b.shl(v, b.const(n))
    const low = b.or(b.or(this.cf(), at(this.pf(), 2)), b.or(at(this.af(), 4), at(this.zf(), 6)))
    return b.or(low, b.or(at(this.sf(), 7), at(this.of(), 11)))
  }

  /** Condition code 0-15 (O NO B AE E NE BE A S NS P NP L GE LE G) as i32: 1 when it holds, else 0. */
  condition(code: number): Value {
    const b = this.b
    if (code & 1) return this.negate(code & 14)
    const last = this.last
    if (last?.kind === SUB) {
      if (code === 2) return b.ltu(last.a, last.b)
      if (code === 4) return b.eq(last.a, last.b)
      if (code === 6) return b.leu(last.a, last.b)
      if (code === 12) return b.lts(last.a, last.b)
      if (code === 14) return b.les(last.a, last.b)
    }
    if (last?.kind === LOGIC) {
      if (code === 0 || code === 2) return b.const(0)
      if (code === 6) return this.zf()
      if (code === 12) return b.shru(last.result, b.const(31))
      if (code === 14) return b.les(last.result, b.const(0))
    }
    switch (code) {
      case 0:
        return this.of()
      case 2:
        return this.cf()
      case 4:
        return this.zf()
      case 6:
        return b.or(this.cf(), this.zf())
      case 8:
        return this.sf()
      case 10:
        return this.pf()
      case 12:
        return b.xor(this.sf(), this.of())
      default:
        return b.or(this.zf(), b.xor(this.sf(), this.of()))
    }
  }
  private negate(code: number): Value {
    return this.b.eqz(this.condition(code))
  }
}
