// The last step of every x87 operation that computes: rounds an exact or sticky 128-bit significand to the precision
// and direction of the control word, packs it into a register and reports OE, UE, PE and C1 (SDM vol. 1 4.8.4, 4.9.1,
// 8.5). Tininess is found after rounding; unmasked overflow and underflow adjust the exponent by 24576.

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import type { ProcedureSource } from './procedures.js'
import { C1, control, OE, PE, setRegister, setStatus, status, summarize, UE } from './x87-state.js'

const TOP_BIT = 1n << 63n
/** What unmasked overflow and underflow take from and add to the exponent. */
const BIAS_ADJUST = 24576

/** Adds exception flags and C1 (0 or 1) to the status word, and ES where one of them is not masked. */
export function report(b: Builder, flags: Value, c1: Value) {
  const word = b.or(b.or(b.and(status(b), b.const(~C1)), flags), b.shl(c1, b.const(9)))
  setStatus(b, summarize(b, word, control(b)))
}

/**
 * Rounds hi:lo (bit 63 of hi set) with biased exponent e, any i32, and sign 0 or 8000H into the register at `dst`, and
 * returns 1 from the procedure. Rounding to nearest at 64 bits with PE masked is done on the spot.
 */
export function finish(b: Builder, dst: Value, sign: Value, e: Value, hi: Value, lo: Value) {
  const plain = b.eq(b.and(control(b), b.const(0xf20)), b.const(0x320))
  const inRange = b.ltu(b.sub(e, b.const(1)), b.const(0x7ffd))
  b.if(b.and(plain, inRange), () => {
    const up = b.gtu(lo, b.sub(b.const64(TOP_BIT), b.and(hi, b.const64(1n))))
    const rounded = b.add(hi, b.toI64u(up))
    const carry = b.eqz(rounded)
    const packed = b.or(rounded, b.shl(b.toI64u(carry), b.const64(63n)))
    setRegister(b, dst, packed, b.or(sign, b.add(e, carry)))
    const inexact = b.shl(b.ne(lo, b.const64(0n)), b.const(5))
    setStatus(b, b.or(b.or(b.and(status(b), b.const(~C1)), inexact), b.shl(up, b.const(9))))
    b.return(b.const(1))
  })
  b.return(b.call('float80_round', [dst, sign, e, hi, lo]))
}

interface Rounded {
  /** Significand, 0 when it was all ones and a carry left it. */
  readonly sum: Value
  readonly up: Value
  readonly inexact: Value
}

/** Rounds hi:lo at bit `cut` of hi (i64) in direction rc. */
function roundAt(b: Builder, sign: Value, rc: Value, cut: Value, hi: Value, lo: Value): Rounded {
  const ones = b.const64(-1n)
  const kept = b.and(hi, b.shl(ones, cut))
  const below = b.xor(hi, kept)
  const sticky = b.toI64u(b.ne(lo, b.const64(0n)))
  // Without a cut lo itself is the rest; with one, the cut bits and whether anything was below.
  const rest = b.select(b.eqz(cut), lo, b.or(b.shl(below, b.sub(b.const64(64n), cut)), sticky))
  const inexact = b.ne(rest, b.const64(0n))
  const odd = b.and(b.shru(kept, cut), b.const64(1n))
  const nearest = b.gtu(rest, b.sub(b.const64(TOP_BIT), odd))
  const away = b.select(sign, b.eq(rc, b.const(1)), b.eq(rc, b.const(2)))
  const up = b.select(rc, b.and(inexact, away), nearest)
  const sum = b.add(kept, b.shl(b.toI64u(up), cut))
  return { sum, up, inexact }
}

/** Shifts hi:lo right by s (i32, at least 1); what falls out stays as the lowest bit. */
function denormalize(b: Builder, hi: number, lo: number, s: Value) {
  const zero = b.const64(0n)
  const h = b.get(hi)
  const l = b.get(lo)
  const n = b.toI64u(s)
  const back = b.sub(b.const64(64n), n)
  const jam = (kept: Value, lost: Value) => b.or(kept, b.toI64u(b.ne(lost, zero)))
  b.if(
    b.ltu(s, b.const(64)),
    () => {
      b.set(lo, jam(b.or(b.shl(h, back), b.shru(l, n)), b.shl(l, back)))
      b.set(hi, b.shru(h, n))
    },
    () => {
      b.set(hi, zero)
      b.if(
        b.ltu(s, b.const(128)),
        () => {
          const within = b.sub(n, b.const64(64n))
          // A shift by exactly 64 loses nothing of hi.
          const lost = b.select(b.eqz(within), zero, b.shl(h, b.sub(b.const64(64n), within)))
          b.set(lo, jam(b.shru(h, within), b.or(lost, l)))
        },
        () => b.set(lo, b.const64(1n)),
      )
    },
  )
}

/** (dst, sign, e, hi, lo): as `finish`, for every direction and range. Always 1. */
function round(precisionControl: boolean): ProcedureSource {
  return {
    params: [I32, I32, I32, I64, I64],
    result: I32,
    faults: false,
    build: b => {
      const [dst, sign, e] = [b.parameter(0, I32), b.parameter(1, I32), b.parameter(2, I32)]
      const [hi, lo] = [b.variable(b.parameter(3, I64)), b.variable(b.parameter(4, I64))]
      const word = control(b)
      const pc = b.and(b.shru(word, b.const(8)), b.const(3))
      const rc = b.and(b.shru(word, b.const(10)), b.const(3))
      const cut53 = b.select(b.eq(pc, b.const(2)), b.const64(11n), b.const64(0n))
      const cut = precisionControl ? b.select(pc, cut53, b.const64(40n)) : b.const64(0n)
      const flags = b.variable(b.const(0))
      const exponent = b.variable(e)
      const denormal = b.variable(b.const(0))

      /** What is out of range even with an adjusted exponent (FSCALE) becomes zero or infinite. */
      const beyond = (sig: Value, se: Value, flag: number) => {
        setRegister(b, dst, sig, se)
        report(b, b.const(flag | PE), b.const(Number(flag === OE)))
        b.return(b.const(1))
      }
      const unbounded = roundAt(b, sign, rc, cut, b.get(hi), b.get(lo))
      b.if(b.lts(b.add(e, b.eqz(unbounded.sum)), b.const(1)), () => {
        b.if(
          b.and(word, b.const(UE)),
          () => {
            denormalize(b, hi, lo, b.sub(b.const(1), e))
            b.set(exponent, b.const(0))
            b.set(denormal, b.const(1))
          },
          () => {
            const adjusted = b.add(e, b.const(BIAS_ADJUST))
            b.if(b.lts(adjusted, b.const(0)), () => beyond(b.const64(0n), sign, UE))
            b.set(exponent, adjusted)
            b.set(flags, b.const(UE))
          },
        )
      })
      const { sum, up, inexact } = roundAt(b, sign, rc, cut, b.get(hi), b.get(lo))
      b.if(b.get(denormal), () => {
        // The exponent field of a denormal is 0, and 1 when rounding has filled bit 63.
        setRegister(b, dst, sum, b.or(sign, b.low(b.shru(sum, b.const64(63n)))))
        report(b, b.select(inexact, b.const(UE | PE), b.const(0)), up)
        b.return(b.const(1))
      })
      const carry = b.eqz(sum)
      const packed = b.or(sum, b.shl(b.toI64u(carry), b.const64(63n)))
      b.set(exponent, b.add(b.get(exponent), carry))
      b.set(flags, b.or(b.get(flags), b.select(inexact, b.const(PE), b.const(0))))
      b.if(b.gts(b.get(exponent), b.const(0x7ffe)), () => {
        b.if(b.and(word, b.const(OE)), () => {
          const away = b.eq(rc, b.select(sign, b.const(1), b.const(2)))
          const infinite = b.or(b.eqz(rc), away)
          const largest = b.shl(b.const64(-1n), cut)
          setRegister(
            b,
            dst,
            b.select(infinite, b.const64(TOP_BIT), largest),
            b.or(sign, b.add(b.const(0x7ffe), infinite)),
          )
          report(b, b.const(OE | PE), infinite)
          b.return(b.const(1))
        })
        const adjusted = b.sub(b.get(exponent), b.const(BIAS_ADJUST))
        b.if(b.gts(adjusted, b.const(0x7ffe)), () => beyond(b.const64(TOP_BIT), b.or(sign, b.const(0x7fff)), OE))
        b.set(exponent, adjusted)
        b.set(flags, b.or(b.get(flags), b.const(OE)))
      })
      setRegister(b, dst, packed, b.or(sign, b.get(exponent)))
      report(b, b.get(flags), up)
      b.return(b.const(1))
    },
  }
}

export const roundProcedures: Record<string, ProcedureSource> = {
  float80_round: round(true),
  /** For the operations that precision control does not concern. */
  float80_round_extended: round(false),
}
