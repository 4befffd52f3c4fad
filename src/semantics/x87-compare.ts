// x87 comparison and inspection (SDM vol. 2: FCOM, FUCOM, FICOM, FCOMI, FUCOMI with their popping forms, FTST, FXAM,
// FCMOVcc, FXCH).

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { MEM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import {
  isDenormal,
  isNotANumber,
  isSignaling,
  isUnsupported,
  normalized,
  type Operand,
  signOf,
} from './float80-operand.js'
import { report } from './float80-round.js'
import { DOUBLE, SINGLE, WIDENED, widen } from './float80-widen.js'
import type { ProcedureSource } from './procedures.js'
import {
  C0,
  C1,
  C2,
  C3,
  CONDITIONS,
  control,
  DE,
  IE,
  isValid,
  physical,
  pop,
  readRegister,
  remember,
  SF,
  setRegister,
  setStatus,
  slot,
  status,
  waiting,
} from './x87-state.js'

// What the comparing procedures return: the outcome in the places of EFLAGS, and STOPPED when an unmasked exception
// forbids the pop. The outcome is reported even then.
const CF = 0x01
const PF = 0x04
const ZF = 0x40
const UNORDERED = ZF | PF | CF
const STOPPED = 0x100

/** Puts an outcome into C0, C2 and C3. */
function setConditions(b: Builder, outcome: Value) {
  const conditions = b.shl(b.and(outcome, b.const(UNORDERED)), b.const(8))
  setStatus(b, b.or(b.and(status(b), b.const(~(C0 | C2 | C3))), conditions))
}
const goesOn = (b: Builder, outcome: Value): Value => b.eqz(b.and(outcome, b.const(STOPPED)))

/** The second operand of a comparison: ST(1), ST(i) or memory. */
function compareWith(b: Context, quiet: boolean, integer: boolean): Value {
  const operands = b.form.operands
  const last = operands[operands.length - 1]
  waiting(b)
  if (last?.kind === MEM) {
    const offset = b.offset()
    const v = b.guestLoad(b.linear(offset, last.size, false), last.size)
    remember(b, offset)
    if (integer) {
      const sig = b.call('float80_from_integer', [b.toI64s(b.signed(v, last.size))], I64)
      return b.call('x87_compare_value', [sig, b.state(WIDENED)])
    }
    return b.call(last.size === 8 ? 'x87_compare_double' : 'x87_compare_single', [v])
  }
  remember(b)
  const other = operands.length === 2 ? b.field('src') : operands.length === 1 ? b.field('dst') : b.const(1)
  return b.call('x87_compare', [other, b.const(quiet ? 1 : 0)])
}

function compare(pops: number, { quiet = false, integer = false } = {}): Semantics {
  return b => {
    const outcome = compareWith(b, quiet, integer)
    setConditions(b, outcome)
    for (let i = 0; i < pops; i++) pop(b, goesOn(b, outcome))
  }
}
function compareToFlags(alsoPop: boolean, quiet: boolean): Semantics {
  return b => {
    const before = status(b)
    const outcome = compareWith(b, quiet, false)
    // Processors leave C1 alone but for a stack underflow, although the manual has it cleared.
    const filled = b.and(isValid(b, physical(b, b.const(0))), isValid(b, physical(b, b.field('src'))))
    setStatus(b, b.or(status(b), b.select(filled, b.and(before, b.const(C1)), b.const(0))))
    b.flags.setWord(b.and(outcome, b.const(UNORDERED)))
    if (alsoPop) pop(b, goesOn(b, outcome))
  }
}

/** FCMOVcc by an EFLAGS condition code; both registers must hold values. */
function move(code: number): Semantics {
  return b => {
    waiting(b)
    remember(b)
    b.call('x87_move', [b.field('src'), b.ne(b.flags.condition(code), b.const(0))])
  }
}

export const x87Compare: Record<string, Semantics> = {
  fcom: compare(0),
  fcomp: compare(1),
  fcompp: compare(2),
  fucom: compare(0, { quiet: true }),
  fucomp: compare(1, { quiet: true }),
  fucompp: compare(2, { quiet: true }),
  ficom: compare(0, { integer: true }),
  ficomp: compare(1, { integer: true }),
  fcomi: compareToFlags(false, false),
  fcomip: compareToFlags(true, false),
  fucomi: compareToFlags(false, true),
  fucomip: compareToFlags(true, true),
  ftst: b => {
    waiting(b)
    remember(b)
    setConditions(b, b.call('x87_compare_value', [b.const64(0n), b.const(0)]))
  },
  fxam: b => {
    waiting(b)
    remember(b)
    setStatus(b, b.or(b.and(status(b), b.const(~CONDITIONS)), b.call('x87_examine', [])))
  },
  fxch: b => {
    waiting(b)
    remember(b)
    b.call('x87_exchange', [b.form.operands.length === 2 ? b.field('src') : b.field('dst')])
  },
  fcmovb: move(2),
  fcmovnb: move(3),
  fcmove: move(4),
  fcmovne: move(5),
  fcmovbe: move(6),
  fcmovnbe: move(7),
  fcmovu: move(10),
  fcmovnu: move(11),
}

/** STOPPED when the exception is not masked, else 0. */
const stopped = (b: Builder, bit: number): Value =>
  b.select(b.and(control(b), b.const(bit)), b.const(0), b.const(STOPPED))

/** Compares in a procedure and returns the outcome. */
function ordered(b: Builder, x: Operand, y: Operand, quiet: Value) {
  const bad = b.or(b.or(isUnsupported(b, x), isNotANumber(b, x)), b.or(isUnsupported(b, y), isNotANumber(b, y)))
  b.if(bad, () => {
    const signals = b.or(b.or(isUnsupported(b, x), isSignaling(b, x)), b.or(isUnsupported(b, y), isSignaling(b, y)))
    const raises = b.or(signals, b.eqz(quiet))
    report(b, b.select(raises, b.const(IE), b.const(0)), b.const(0))
    b.return(b.or(b.const(UNORDERED), b.select(raises, stopped(b, IE), b.const(0))))
  })
  const stop = b.variable(b.const(0))
  b.if(
    b.or(isDenormal(b, x), isDenormal(b, y)),
    () => {
      report(b, b.const(DE), b.const(0))
      b.set(stop, stopped(b, DE))
    },
    () => setStatus(b, b.and(status(b), b.const(~C1))),
  )
  // Exponents of normalized numbers order magnitudes; a zero is below all of them.
  const [nx, ny] = [normalized(b, x), normalized(b, y)]
  const least = b.const(-0x10000)
  const [ex, ey] = [b.select(b.eqz(x.sig), least, nx.e), b.select(b.eqz(y.sig), least, ny.e)]
  const sameE = b.eq(ex, ey)
  const equal = b.and(sameE, b.eq(nx.sig, ny.sig))
  const smaller = b.or(b.lts(ex, ey), b.and(sameE, b.ltu(nx.sig, ny.sig)))
  const [sx, sy] = [signOf(b, x.se), signOf(b, y.se)]
  const bothZero = b.eqz(b.op('i64.or', x.sig, y.sig))
  const sameSign = b.eq(sx, sy)
  const less = b.select(sameSign, b.and(b.xor(smaller, b.ne(sx, b.const(0))), b.eqz(equal)), b.ne(sx, b.const(0)))
  const same = b.or(b.and(sameSign, equal), bothZero)
  b.return(b.or(b.get(stop), b.select(same, b.const(ZF), b.select(less, b.const(CF), b.const(0)))))
}

function emptyOperand(b: Builder, filled: Value) {
  b.if(b.eqz(filled), () => {
    report(b, b.const(IE | SF), b.const(0))
    b.return(b.or(b.const(UNORDERED), stopped(b, IE)))
  })
}

const procedure = (params: ProcedureSource['params'], build: ProcedureSource['build']): ProcedureSource => ({
  params,
  result: I32,
  faults: false,
  build,
})
/** ST(0) against an operand from memory, not quiet. */
const compareMemory = (param: typeof I32, y: (b: Builder) => Operand): ProcedureSource =>
  procedure(param === I64 ? [I64] : [I32], b => {
    const register = physical(b, b.const(0))
    emptyOperand(b, isValid(b, register))
    ordered(b, readRegister(b, register), y(b), b.const(0))
  })

export const compareProcedures: Record<string, ProcedureSource> = {
  /** (i, quiet): ST(0) against ST(i). */
  x87_compare: procedure([I32, I32], b => {
    const [x, y] = [physical(b, b.const(0)), physical(b, b.parameter(0, I32))]
    emptyOperand(b, b.and(isValid(b, x), isValid(b, y)))
    ordered(b, readRegister(b, x), readRegister(b, y), b.parameter(1, I32))
  }),
  x87_compare_double: compareMemory(I64, b => widen(b, DOUBLE, b.parameter(0, I64))),
  x87_compare_single: compareMemory(I32, b => widen(b, SINGLE, b.parameter(0, I32))),
  x87_compare_value: {
    ...compareMemory(I64, b => ({ sig: b.parameter(0, I64), se: b.parameter(1, I32) })),
    params: [I64, I32],
  },
  /** Class of ST(0) as C3 C2 C0, and its sign as C1, also of an empty register. */
  x87_examine: procedure([], b => {
    const register = physical(b, b.const(0))
    const x = readRegister(b, register)
    const e = b.and(x.se, b.const(0x7fff))
    const sign = b.shl(b.shru(x.se, b.const(15)), b.const(9))
    const infinite = b.eq(x.sig, b.const64(1n << 63n))
    const small = b.select(b.eqz(x.sig), b.const(C3), b.const(C3 | C2))
    const large = b.select(infinite, b.const(C2 | C0), b.const(C0))
    const finite = b.select(b.eqz(e), small, b.const(C2))
    const kind = b.select(b.eq(e, b.const(0x7fff)), large, finite)
    const supported = b.select(isUnsupported(b, x), b.const(0), kind)
    b.return(b.or(sign, b.select(isValid(b, register), supported, b.const(C3 | C0))))
  }),
  /** (i, condition): ST(0) = ST(i) if the condition is 1. */
  x87_move: procedure([I32, I32], b => {
    const [x, y] = [physical(b, b.const(0)), physical(b, b.parameter(0, I32))]
    b.if(b.eqz(b.and(isValid(b, x), isValid(b, y))), () => b.return(b.call('x87_stack_fault', [x, b.const(0)])))
    b.if(b.parameter(1, I32), () => {
      const { sig, se } = readRegister(b, y)
      setRegister(b, slot(b, x), sig, se)
    })
    b.return(b.const(1))
  }),
  /** (i): exchanges ST(0) and ST(i); empty ones become the indefinite first when that is masked. */
  x87_exchange: procedure([I32], b => {
    const [x, y] = [physical(b, b.const(0)), physical(b, b.parameter(0, I32))]
    b.if(
      b.and(isValid(b, x), isValid(b, y)),
      () => setStatus(b, b.and(status(b), b.const(~C1))),
      () => {
        for (const register of [x, y])
          b.if(b.eqz(isValid(b, register)), () =>
            b.if(b.eqz(b.call('x87_stack_fault', [register, b.const(0)])), () => b.return(b.const(0))),
          )
      },
    )
    const [a, c] = [readRegister(b, x), readRegister(b, y)]
    setRegister(b, slot(b, x), c.sig, c.se)
    setRegister(b, slot(b, y), a.sig, a.se)
    b.return(b.const(1))
  }),
}
