// x87 arithmetic (SDM vol. 2: FADD, FSUB, FSUBR, FMUL, FDIV, FDIVR with their popping and integer forms, FSQRT, FABS,
// FCHS). The procedures check the stack and call the 80-bit operations.

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { type Form, MEM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { addOperands } from './float80-add.js'
import { NEGATE, type Operand } from './float80-operand.js'
import { DOUBLE, SINGLE, WIDENED, widen } from './float80-widen.js'
import type { ProcedureSource } from './procedures.js'
import {
  C1,
  exponent,
  isValid,
  physical,
  pop,
  readRegister,
  remember,
  setRegister,
  setStatus,
  significand,
  slot,
  status,
  waiting,
} from './x87-state.js'

interface Operation {
  readonly callee: 'add' | 'multiply' | 'divide'
  /** The second operand is subtracted. */
  readonly negate?: true
  /** Source - destination, source / destination. */
  readonly reverse?: true
}

const operations: Record<string, Operation> = {
  add: { callee: 'add' },
  sub: { callee: 'add', negate: true },
  subr: { callee: 'add', negate: true, reverse: true },
  mul: { callee: 'multiply' },
  div: { callee: 'divide' },
  divr: { callee: 'divide', reverse: true },
}

/** dst = x op y with the stack registers x and y; gives 1 when the result was written. */
function ofRegisters(b: Context, name: string, x: Value, y: Value, dst: Value): Value {
  return b.call(`x87_${name}`, [x, y, dst])
}

/** ST(0) = ST(0) op memory. */
function ofMemory(b: Context, form: Form, name: string, integer: boolean) {
  const size = form.operands[0]!.size
  const offset = b.offset()
  const v = b.guestLoad(b.linear(offset, size, false), size)
  remember(b, offset)
  if (!integer) {
    b.call(`x87_${name}_${size === 8 ? 'double' : 'single'}`, [v])
    return
  }
  const sig = b.call('float80_from_integer', [b.toI64s(b.signed(v, size))], I64)
  b.call(`x87_${name}_value`, [sig, b.state(WIDENED)])
}

function arith(name: string, integer = false): Semantics {
  const reverse = operations[name]!.reverse
  const base = reverse ? name.slice(0, -1) : name
  return (b, form) => {
    waiting(b)
    if (form.operands[0]!.kind === MEM) return ofMemory(b, form, name, integer)
    remember(b)
    const [dst, src] = [b.field('dst'), b.field('src')]
    ofRegisters(b, base, reverse ? src : dst, reverse ? dst : src, dst)
  }
}

function arithPop(name: string): Semantics {
  const reverse = operations[name]!.reverse
  const base = reverse ? name.slice(0, -1) : name
  return b => {
    waiting(b)
    remember(b)
    const [dst, src] = [b.field('dst'), b.field('src')]
    pop(b, ofRegisters(b, base, reverse ? src : dst, reverse ? dst : src, dst))
  }
}

/** FABS and FCHS: no operand is invalid, and there is no rounding. */
function signOnly(change: (b: Context, se: Value) => Value): Semantics {
  return b => {
    waiting(b)
    remember(b)
    const register = physical(b, b.const(0))
    b.if(
      isValid(b, register),
      () => {
        const at = slot(b, register)
        setRegister(b, at, significand(b, at), change(b, exponent(b, at)))
        setStatus(b, b.and(status(b), b.const(~C1)))
      },
      () => {
        b.call('x87_stack_fault', [register, b.const(0)])
      },
    )
  }
}

export const x87Arith: Record<string, Semantics> = {
  fsqrt: b => {
    waiting(b)
    remember(b)
    b.call('x87_sqrt', [])
  },
  fabs: signOnly((b, se) => b.and(se, b.const(0x7fff))),
  fchs: signOnly((b, se) => b.xor(se, b.const(0x8000))),
}
for (const name of Object.keys(operations)) {
  x87Arith[`f${name}`] = arith(name)
  x87Arith[`f${name}p`] = arithPop(name)
  x87Arith[`fi${name}`] = arith(name, true)
}

/** Calls the 80-bit operation on x and y in the order the operation asks for and returns its answer. */
function compute(b: Builder, operation: Operation, dst: Value, x: Operand, y: Operand) {
  const [first, second] = operation.reverse ? [y, x] : [x, y]
  const se = operation.negate ? b.or(second.se, b.const(NEGATE)) : second.se
  if (operation.callee === 'add') addOperands(b, slot(b, dst), first, { sig: second.sig, se })
  else b.return(b.call(`float80_${operation.callee}`, [slot(b, dst), first.sig, first.se, second.sig, se]))
}

/** ST(0) op an operand from memory. */
function withST0(b: Builder, operation: Operation, y: () => Operand) {
  const register = physical(b, b.const(0))
  b.if(b.eqz(isValid(b, register)), () => b.return(b.call('x87_stack_fault', [register, b.const(0)])))
  compute(b, operation, register, readRegister(b, register), y())
}

function proceduresOf(name: string, operation: Operation): Record<string, ProcedureSource> {
  const procedure = (params: ProcedureSource['params'], build: ProcedureSource['build']): ProcedureSource => ({
    params,
    result: I32,
    faults: false,
    build,
  })
  const memory = {
    [`x87_${name}_double`]: procedure([I64], b => withST0(b, operation, () => widen(b, DOUBLE, b.parameter(0, I64)))),
    [`x87_${name}_single`]: procedure([I32], b => withST0(b, operation, () => widen(b, SINGLE, b.parameter(0, I32)))),
    [`x87_${name}_value`]: procedure([I64, I32], b =>
      withST0(b, operation, () => ({ sig: b.parameter(0, I64), se: b.parameter(1, I32) })),
    ),
  }
  if (operation.reverse) return memory
  return {
    ...memory,
    [`x87_${name}`]: procedure([I32, I32, I32], b => {
      const [x, y, dst] = [0, 1, 2].map(i => physical(b, b.parameter(i, I32))) as [Value, Value, Value]
      b.if(b.eqz(b.and(isValid(b, x), isValid(b, y))), () => b.return(b.call('x87_stack_fault', [dst, b.const(0)])))
      compute(b, operation, dst, readRegister(b, x), readRegister(b, y))
    }),
  }
}

export const arithProcedures: Record<string, ProcedureSource> = {
  x87_sqrt: {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      const register = physical(b, b.const(0))
      b.if(b.eqz(isValid(b, register)), () => b.return(b.call('x87_stack_fault', [register, b.const(0)])))
      const { sig, se } = readRegister(b, register)
      b.return(b.call('float80_sqrt', [slot(b, register), sig, se]))
    },
  },
}
for (const [name, operation] of Object.entries(operations))
  Object.assign(arithProcedures, proceduresOf(name, operation))
