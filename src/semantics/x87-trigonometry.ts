// FSIN, FCOS, FSINCOS and FPTAN (SDM vol. 2): the stack, special operands and C2; float80-trigonometry.ts computes.
// As on Intel's processors arguments below 2^-68 are their own sine and tangent, and their cosine is 1, whatever RC is; and
// tangents of arguments below 2^-33 are taken for a little less than the argument, or for the argument if it is a power of 2.

import { FPU_CONTROL, FPU_TOP, FPU_VALID } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, VOID } from '../ir/types.js'
import type { Semantics } from './context.js'
import {
  denormalOperand,
  exponentOf,
  isDenormal,
  isNotANumber,
  isUnsupported,
  isZero,
  normalized,
  signOf,
} from './float80-operand.js'
import { report } from './float80-round.js'
import type { ProcedureSource } from './procedures.js'
import {
  C1,
  C2,
  control,
  exponent,
  isValid,
  physical,
  remember,
  setCell,
  setRegister,
  setStatus,
  significand,
  slot,
  status,
  valid,
  waiting,
} from './x87-state.js'

const TOP_BIT = 1n << 63n
const BIAS = 0x3fff
/** Rounding control. */
const RC = 0xc00

function onStack(procedure: string): Semantics {
  return b => {
    waiting(b)
    remember(b)
    setStatus(b, b.and(status(b), b.const(~C2)))
    b.call(procedure, [])
  }
}

export const x87Trigonometry: Record<string, Semantics> = {
  fsin: onStack('x87_sine'),
  fcos: onStack('x87_cosine'),
  fsincos: onStack('x87_sine_cosine'),
  fptan: onStack('x87_tangent'),
}

interface Kind {
  /** What ST(0) and then a pushed register become for a zero: the zero itself, or one. */
  readonly ofZero: readonly ('zero' | 'one')[]
  /** Computes from the reduced argument, an angle of `e` and `sig` and a sign, into the registers. */
  readonly compute: (b: Builder, angle: Angle, slots: readonly Value[]) => void
  /** What else than being below 2^-68 makes the result independent of RC. */
  readonly exact?: (b: Builder, angle: Angle) => Value
}
interface Angle {
  readonly e: Value
  readonly sig: Value
  readonly sign: Value
}
const isBelow = (b: Builder, angle: Angle, power: number) => b.lts(angle.e, b.const(BIAS + power))

/** All four differ only in how many results there are and which. */
function ofAngle({ ofZero, compute, exact }: Kind): ProcedureSource {
  const pushes = ofZero.length === 2
  return {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      const register = physical(b, b.const(0))
      const pushed = physical(b, b.const(7))
      const filled = isValid(b, register)
      const slots = [slot(b, register), slot(b, pushed)].slice(0, ofZero.length)
      /** Makes the pushed register ST(0). */
      const push = () => {
        if (!pushes) return
        setCell(b, FPU_VALID, b.or(valid(b), b.shl(b.const(1), pushed)))
        setCell(b, FPU_TOP, pushed)
      }
      const occupied = pushes ? isValid(b, pushed) : b.const(0)
      b.if(b.or(occupied, b.eqz(filled)), () => {
        const overflow = b.and(occupied, filled)
        const masked = b.call('x87_stack_fault', [register, overflow])
        if (pushes)
          b.if(masked, () => {
            b.call('x87_stack_fault', [pushed, overflow])
            push()
          })
        b.return(masked)
      })
      const x = { sig: significand(b, slots[0]!), se: exponent(b, slots[0]!) }
      /** The same answer in all registers, from a procedure that may refuse. */
      const all = (callee: string, args: Value[]) => {
        slots.forEach(at => {
          b.if(b.eqz(b.call(callee, [at, ...args])), () => b.return(b.const(0)))
        })
        push()
        b.return(b.const(1))
      }
      b.if(isNotANumber(b, x), () => all('float80_nan', [x.sig, x.se, x.sig, x.se]))
      b.if(b.or(isUnsupported(b, x), b.eq(exponentOf(b, x.se), b.const(0x7fff))), () => all('float80_invalid', []))
      b.if(isZero(b, x), () => {
        report(b, b.const(0), b.const(0))
        slots.forEach((at, i) => {
          if (ofZero[i] === 'one') setRegister(b, at, b.const64(TOP_BIT), b.const(BIAS))
          else setRegister(b, at, x.sig, x.se)
        })
        push()
        b.return(b.const(1))
      })
      denormalOperand(b, isDenormal(b, x))
      b.if(b.geu(exponentOf(b, x.se), b.const(BIAS + 63)), () => {
        setStatus(b, b.or(b.and(status(b), b.const(~C1)), b.const(C2)))
        b.return(b.const(0))
      })
      const angle = { ...normalized(b, x), sign: signOf(b, x.se) }
      b.call('float80_reduce', [angle.sig, angle.e], VOID)
      const tiny = isBelow(b, angle, -68)
      const toNearest = exact ? b.or(tiny, exact(b, angle)) : tiny
      const before = control(b)
      b.if(toNearest, () => setCell(b, FPU_CONTROL, b.and(before, b.const(~RC)), 2))
      compute(b, angle, slots)
      b.if(toNearest, () => {
        setCell(b, FPU_CONTROL, before, 2)
        setStatus(b, b.and(status(b), b.const(~C1)))
      })
      push()
      b.return(b.const(1))
    },
  }
}

const sine = (b: Builder, sign: Value, at: Value, turn: number) =>
  b.call('float80_sine', [at, sign, b.const(turn)], VOID)

export const trigonometryStackProcedures: Record<string, ProcedureSource> = {
  x87_sine: ofAngle({
    ofZero: ['zero'],
    compute: (b, { sign }, slots) => {
      sine(b, sign, slots[0]!, 0)
    },
  }),
  x87_cosine: ofAngle({
    ofZero: ['one'],
    compute: (b, { sign }, slots) => {
      sine(b, sign, slots[0]!, 1)
    },
  }),
  x87_sine_cosine: ofAngle({
    ofZero: ['zero', 'one'],
    compute: (b, { sign }, slots) => {
      sine(b, sign, slots[0]!, 0)
      sine(b, sign, slots[1]!, 1) // C1 is that of the cosine
    },
  }),
  x87_tangent: ofAngle({
    ofZero: ['zero', 'one'],
    exact: (b, angle) => b.and(isBelow(b, angle, -32), b.eq(angle.sig, b.const64(TOP_BIT))),
    compute: (b, angle, slots) => {
      b.if(
        isBelow(b, angle, -33),
        () => sine(b, angle.sign, slots[0]!, 0),
        () => b.call('float80_tangent', [slots[0]!, angle.sign], VOID),
      )
      setRegister(b, slots[1]!, b.const64(TOP_BIT), b.const(BIAS))
    },
  }),
}
