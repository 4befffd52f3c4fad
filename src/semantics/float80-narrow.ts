// 80 bits to shorter formats: single, double, integers of 16, 32 and 64 bits, packed decimal (SDM vol. 1 4.8, 8.5;
// vol. 2, FST and FIST). A procedure returns the bits, and leaves in the scratch cell NARROWED the status word to set
// once the bits are in memory, with SUPPRESSED when an unmasked exception forbids the store.

import { SCRATCH } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import {
  exponentOf,
  isInfinite,
  isNotANumber,
  isSignaling,
  isUnsupported,
  isZero,
  normalized,
  type Operand,
  QUIET,
  signOf,
} from './float80-operand.js'
import type { ProcedureSource } from './procedures.js'
import { C1, control, IE, OE, PE, SF, setCell, status, summarize, UE } from './x87-state.js'

/** Status word after the last narrowing, and SUPPRESSED. */
export const NARROWED = SCRATCH + 8
export const SUPPRESSED = 0x10000
const TOP_BIT = 1n << 63n

/** Notes the outcome: exception flags, C1 (0 or 1) and, when `stops` (an i32, not 0), that nothing may be stored. */
function note(b: Builder, flags: Value, c1: Value, stops: Value) {
  const word = b.or(b.or(b.and(status(b), b.const(~C1)), flags), b.shl(c1, b.const(9)))
  const summary = summarize(b, word, control(b))
  setCell(b, NARROWED, b.or(summary, b.select(stops, b.const(SUPPRESSED), b.const(0))))
}
const unmasked = (b: Builder, bits: number): Value => b.and(b.xor(control(b), b.const(0x3f)), b.const(bits))

/** Notes an invalid operation and returns `indefinite`. */
function invalidResult(b: Builder, indefinite: bigint, flags = IE) {
  note(b, b.const(flags), b.const(0), unmasked(b, IE))
  b.return(b.const64(indefinite))
}

interface Rounding {
  readonly value: Value
  readonly up: Value
  readonly inexact: Value
}

/** sig shifted right by `shift` (i32, at least 0), rounded in the direction of the control word. */
export function shiftRounding(b: Builder, sig: Value, shift: Value, sign: Value): Rounding {
  const zero = b.const64(0n)
  const n = b.toI64u(shift)
  const whole = b.select(b.ltu(shift, b.const(64)), b.shru(sig, n), zero)
  const below = b.select(b.leu(shift, b.const(64)), b.shl(sig, b.sub(zero, n)), b.toI64u(b.ne(sig, zero)))
  const rest = b.select(b.eqz(shift), zero, below)
  const rc = b.and(b.shru(control(b), b.const(10)), b.const(3))
  const inexact = b.ne(rest, zero)
  const nearest = b.gtu(rest, b.sub(b.const64(TOP_BIT), b.and(whole, b.const64(1n))))
  const away = b.eq(rc, b.select(sign, b.const(1), b.const(2)))
  const up = b.select(rc, b.and(inexact, away), nearest)
  return { value: b.add(whole, b.toI64u(up)), up, inexact }
}

interface Target {
  readonly name: string
  readonly fractionBits: number
  readonly exponentMask: number
  readonly bias: number
  readonly indefinite: bigint
}
const targets: Target[] = [
  { name: 'single', fractionBits: 23, exponentMask: 0xff, bias: 0x3fff - 127, indefinite: 0xffc00000n },
  { name: 'double', fractionBits: 52, exponentMask: 0x7ff, bias: 0x3fff - 1023, indefinite: 0xfff8000000000000n },
]

/** (significand, sign and exponent): the bits of a float, in an i64. */
function toFloat(f: Target): ProcedureSource {
  const cut = 63 - f.fractionBits
  const top = BigInt(f.fractionBits)
  return {
    params: [I64, I32],
    result: I64,
    faults: false,
    build: b => {
      const x: Operand = { sig: b.parameter(0, I64), se: b.parameter(1, I32) }
      const zero = b.const(0)
      const sign = signOf(b, x.se)
      const signBit = b.shl(b.toI64u(sign), b.const64(BigInt(f.fractionBits + f.exponentMask.toString(2).length - 15)))
      const special = b.const64(BigInt(f.exponentMask) << top)
      const hidden = b.const64((1n << top) - 1n)
      b.if(isUnsupported(b, x), () => invalidResult(b, f.indefinite))
      b.if(isNotANumber(b, x), () => {
        const fraction = b.and(b.shru(b.or(x.sig, b.const64(QUIET)), b.const64(BigInt(cut))), hidden)
        const signals = isSignaling(b, x)
        note(b, b.select(signals, b.const(IE), zero), zero, b.select(signals, unmasked(b, IE), zero))
        b.return(b.or(b.or(signBit, special), fraction))
      })
      b.if(isInfinite(b, x), () => {
        note(b, zero, zero, zero)
        b.return(b.or(signBit, special))
      })
      b.if(isZero(b, x), () => {
        note(b, zero, zero, zero)
        b.return(signBit)
      })
      const number = normalized(b, x)
      const e = b.sub(number.e, b.const(f.bias))
      const unbounded = shiftRounding(b, number.sig, b.const(cut), sign)
      const carried = b.low(b.shru(unbounded.value, b.const64(top + 1n)))
      b.if(b.lts(b.add(e, carried), b.const(1)), () => {
        // Tiny. Shift further so that the exponent field is 0; a carry makes it 1 by itself.
        const distance = b.add(b.sub(b.const(1), e), b.const(cut))
        const shift = b.select(b.gtu(distance, b.const(100)), b.const(100), distance)
        const tiny = shiftRounding(b, number.sig, shift, sign)
        const stops = unmasked(b, UE)
        const flags = b.or(b.select(tiny.inexact, b.const(UE | PE), zero), b.select(stops, b.const(UE), zero))
        // An unmasked underflow stores nothing, and does not say what the store would have lost.
        note(b, b.select(stops, b.const(UE), flags), b.select(stops, zero, tiny.up), stops)
        b.return(b.or(signBit, tiny.value))
      })
      b.if(b.gts(b.add(e, carried), b.const(f.exponentMask - 1)), () => {
        const stops = unmasked(b, OE)
        const rc = b.and(b.shru(control(b), b.const(10)), b.const(3))
        const infinite = b.or(b.eqz(rc), b.eq(rc, b.select(sign, b.const(1), b.const(2))))
        note(b, b.select(stops, b.const(OE), b.const(OE | PE)), b.select(stops, zero, infinite), stops)
        const largest = b.const64((BigInt(f.exponentMask) << top) - 1n)
        b.return(b.or(signBit, b.select(infinite, special, largest)))
      })
      note(b, b.select(unbounded.inexact, b.const(PE), zero), unbounded.up, zero)
      // Adding the significand with its integer bit adds 1 to the exponent field, so one less goes in.
      const field = b.shl(b.toI64u(b.sub(e, b.const(1))), b.const64(top))
      b.return(b.or(signBit, b.add(field, unbounded.value)))
    },
  }
}

/** (significand, sign and exponent, bits): two's complement of 16, 32 or 64 bits. */
const toInteger: ProcedureSource = {
  params: [I64, I32, I32],
  result: I64,
  faults: false,
  build: b => {
    const x: Operand = { sig: b.parameter(0, I64), se: b.parameter(1, I32) }
    const bits = b.toI64u(b.parameter(2, I32))
    const indefinite = b.shl(b.const64(1n), b.sub(bits, b.const64(1n)))
    const sign = signOf(b, x.se)
    const bad = () => {
      note(b, b.const(IE), b.const(0), unmasked(b, IE))
      b.return(indefinite)
    }
    const shift = b.sub(b.const(0x3fff + 63), exponentOf(b, x.se))
    // 2^64 and above, infinities and NaNs; then numbers without an integer bit.
    b.if(b.or(b.lts(shift, b.const(0)), isUnsupported(b, x)), bad)
    const { value, up, inexact } = shiftRounding(b, x.sig, shift, sign)
    // Rounding can carry out of 64 bits.
    const carried = b.and(b.eqz(value), up)
    const limit = b.sub(indefinite, b.toI64u(b.eqz(sign)))
    b.if(b.or(b.gtu(value, limit), b.and(carried, b.eqz(shift))), bad)
    note(b, b.select(inexact, b.const(PE), b.const(0)), up, b.const(0))
    b.return(b.select(sign, b.neg(value), value))
  },
}

/** (significand, sign and exponent): digits 0-15 of a packed decimal; digits 16 and 17 and the sign in NARROWED + 4. */
const toDecimal: ProcedureSource = {
  params: [I64, I32],
  result: I64,
  faults: false,
  build: b => {
    const x: Operand = { sig: b.parameter(0, I64), se: b.parameter(1, I32) }
    const sign = signOf(b, x.se)
    const bad = () => {
      note(b, b.const(IE), b.const(0), unmasked(b, IE))
      setCell(b, NARROWED + 4, b.const(0xffff))
      b.return(b.const64(QUIET | TOP_BIT))
    }
    const shift = b.sub(b.const(0x3fff + 63), exponentOf(b, x.se))
    b.if(b.or(b.lts(shift, b.const(0)), isUnsupported(b, x)), bad)
    const { value, up, inexact } = shiftRounding(b, x.sig, shift, sign)
    b.if(b.geu(value, b.const64(10n ** 18n)), bad)
    note(b, b.select(inexact, b.const(PE), b.const(0)), up, b.const(0))
    const ten = b.const64(10n)
    const rest = b.variable(value)
    const nextDigit = (): Value => {
      const v = b.get(rest)
      const q = b.op('i64.div_u', v, ten)
      b.set(rest, q)
      return b.sub(v, b.mul(q, ten))
    }
    const digits = b.variable(b.const64(0n))
    const left = b.variable(b.const(16))
    b.loop(() => {
      b.set(digits, b.or(b.shru(b.get(digits), b.const64(4n)), b.shl(nextDigit(), b.const64(60n))))
      b.set(left, b.sub(b.get(left), b.const(1)))
      b.breakIf(b.eqz(b.get(left)))
    })
    const last = b.low(b.or(nextDigit(), b.shl(nextDigit(), b.const64(4n))))
    setCell(b, NARROWED + 4, b.or(last, sign))
    b.return(b.get(digits))
  },
}

export const narrowProcedures: Record<string, ProcedureSource> = {
  float80_to_single: toFloat(targets[0]!),
  float80_to_double: toFloat(targets[1]!),
  float80_to_integer: toInteger,
  float80_to_decimal: toDecimal,
  /** Notes a stack underflow of a store; 1 when the indefinite is to be stored. */
  float80_store_underflow: {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      const stops = unmasked(b, IE)
      note(b, b.const(IE | SF), b.const(0), stops)
      b.return(b.eqz(stops))
    },
  },
}
