// The last step of an exact SSE operation: rounds to single or double in MXCSR's direction and reports OE, UE and PE
// (SDM vol. 1, 4.8.4, 4.9.1, 10.2.3.3, 11.5.2). Tininess is found after rounding. Then what the flags of a whole
// instruction lead to: MXCSR changes, and an exception that is not masked is raised.

import { MXCSR } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { I64, VOID } from '../ir/types.js'
import type { Context } from './context.js'
import type { ProcedureSource } from './procedures.js'
import {
  DE,
  type Format,
  FTZ,
  formats,
  IE,
  MASK_SHIFT,
  mxcsr,
  OE,
  PE,
  RAISED,
  raise,
  roundingControl,
  shiftRightSticky,
  suffix,
  UE,
  type Unpacked,
  ZE,
} from './sse-format.js'

/** Rounds a number and returns its bits (i64). sig is any i64 but 0, read unsigned; its lowest bit may be sticky. */
export const round = (b: Context, f: Format, sign: Value, { e, sig }: Unpacked): Value =>
  b.call(`sse_round${suffix(f)}`, [sign, e, sig], I64)

interface Kept {
  readonly sum: Value
  readonly inexact: Value
}

function roundProcedure(f: Format): ProcedureSource {
  const cut = BigInt(63 - f.fraction)
  const greatest = BigInt(2 * f.bias)
  /** Drops the lowest `cut` bits. */
  const roundAt = (b: Context, sign: Value, rc: Value, sig: Value): Kept => {
    const kept = b.shru(sig, b.const64(cut))
    const rest = b.and(sig, b.const64((1n << cut) - 1n))
    const inexact = b.ne(rest, b.const64(0n))
    const odd = b.and(kept, b.const64(1n))
    const nearest = b.gtu(rest, b.sub(b.const64(1n << (cut - 1n)), odd))
    const away = b.eq(rc, b.select(b.eqz(sign), b.const(2), b.const(1)))
    const up = b.select(rc, b.and(inexact, away), nearest)
    return { sum: b.add(kept, b.toI64u(up)), inexact }
  }
  return {
    params: [I64, I64, I64],
    result: I64,
    faults: false,
    build: b => {
      const [sign, given] = [b.parameter(0, I64), b.parameter(2, I64)]
      const control = mxcsr(b)
      const rc = roundingControl(b)
      const shift = b.op('i64.clz', given)
      const sig = b.shl(given, shift)
      // sig has bit 63 set now; e is the exponent field it would have.
      const e = b.sub(b.add(b.parameter(1, I64), b.const64(1n)), shift)
      const { sum, inexact } = roundAt(b, sign, rc, sig)
      const carry = b.shru(sum, b.const64(BigInt(f.fraction + 1)))
      const field = b.add(e, carry)
      const precision = b.select(inexact, b.const(PE), b.const(0))
      b.if(b.lts(field, b.const64(1n)), () => {
        b.if(b.eqz(b.and(control, b.const(UE << MASK_SHIFT))), () => {
          raise(b, b.or(precision, b.const(UE)))
          b.return(sign)
        })
        b.if(b.and(control, b.const(FTZ)), () => {
          raise(b, b.const(UE | PE))
          b.return(sign)
        })
        const distance = b.sub(b.const64(1n), e)
        const within = b.select(b.gts(distance, b.const64(63n)), b.const64(63n), distance)
        const tiny = roundAt(b, sign, rc, shiftRightSticky(b, sig, within))
        raise(b, b.select(tiny.inexact, b.const(UE | PE), b.const(0)))
        b.return(b.or(sign, tiny.sum))
      })
      b.if(b.gts(field, b.const64(greatest)), () => {
        raise(b, b.or(precision, b.select(b.and(control, b.const(OE << MASK_SHIFT)), b.const(OE | PE), b.const(OE))))
        const away = b.eq(rc, b.select(b.eqz(sign), b.const(2), b.const(1)))
        const infinite = b.or(b.eqz(rc), away)
        b.return(b.or(sign, b.sub(b.const64(f.infinity), b.toI64u(b.eqz(infinite)))))
      })
      raise(b, precision)
      const fraction = b.and(sum, b.const64(f.smallestNormal - 1n))
      b.return(b.or(b.or(sign, b.shl(field, b.const64(BigInt(f.fraction)))), fraction))
    },
  }
}

/** Begins an instruction whose flags are collected. */
export function begin(b: Context) {
  b.setState(RAISED, b.const(0))
}
/** Ends it: may raise #XM. Nothing but MXCSR may have been changed before. */
export function commit(b: Context) {
  b.call('sse_commit', [], VOID, true)
}

const BEFORE = IE | DE | ZE

export const sseRoundProcedures: Record<string, ProcedureSource> = {
  /** Adds the collected flags to MXCSR; of an instruction that is stopped before it computes only IE, DE and ZE. */
  sse_commit: {
    params: [],
    result: VOID,
    faults: true,
    build: b => {
      const raised = b.state(RAISED)
      const control = mxcsr(b)
      const open = b.and(raised, b.not(b.shru(control, b.const(MASK_SHIFT))))
      b.setState(MXCSR, b.or(control, b.select(b.and(open, b.const(BEFORE)), b.and(raised, b.const(BEFORE)), raised)))
      b.if(open, () => b.call('sse_exception', [], VOID, true))
      b.return()
    },
  },
}
for (const f of formats) sseRoundProcedures[`sse_round${suffix(f)}`] = roundProcedure(f)
