// x87 stores (SDM vol. 2: FST, FSTP, FIST, FISTP, FBSTP). The status word changes only once the bits are in memory, so
// that a page fault leaves no trace.

import { FPU_VALID } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { MEM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { NARROWED, SUPPRESSED } from './float80-narrow.js'
import { INDEFINITE, INDEFINITE_EXPONENT, isNormal } from './float80-operand.js'
import type { ProcedureSource } from './procedures.js'
import {
  C1,
  control,
  exponent,
  isValid,
  physical,
  pop,
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

/** Stores bits under the outcome that their procedure noted, then takes over its status and pops. */
function commit(b: Context, store: () => void, outcome: Value, alsoPop: boolean) {
  const stored = b.eqz(b.and(outcome, b.const(SUPPRESSED)))
  b.if(stored, store)
  setStatus(b, outcome)
  if (alsoPop) pop(b, stored)
}

function toMemory(b: Context, size: number, procedure: string, alsoPop: boolean) {
  const offset = b.offset()
  const bits = b.call(procedure, [], I64)
  // Loaded before the store, which may use the scratch area.
  const outcome = b.state(NARROWED)
  const high = b.state(NARROWED + 4)
  commit(
    b,
    () => {
      if (size !== 10) return b.guestStore(b.linear(offset, size, true), size, size === 8 ? bits : b.low(bits))
      // Ask for all bytes, the first ones first, so that a fault comes before anything is written.
      const linear = b.linear(offset, 8, true)
      const upper = b.linear(b.partOffset(offset, 8), 2, true)
      b.guestLoad(linear, 8, true)
      b.guestLoad(upper, 2, true)
      b.guestStore(linear, 8, bits)
      b.guestStore(upper, 2, high)
    },
    outcome,
    alsoPop,
  )
  remember(b, offset)
}

const fst =
  (alsoPop: boolean): Semantics =>
  (b, form) => {
    waiting(b)
    const { kind, size } = form.operands[0]!
    if (kind === MEM)
      return toMemory(b, size, `x87_get_${size === 10 ? 'extended' : size === 8 ? 'double' : 'single'}`, alsoPop)
    remember(b)
    const stored = b.call('x87_store_register', [b.field('dst')])
    if (alsoPop) pop(b, stored)
  }
const fist =
  (alsoPop: boolean): Semantics =>
  (b, form) => {
    waiting(b)
    const size = form.operands[0]!.size
    toMemory(b, size, `x87_get_integer_${8 * size}`, alsoPop)
  }

export const x87Store: Record<string, Semantics> = {
  fst: fst(false),
  fstp: fst(true),
  /** D9 /3: no exceptions; from an empty register nothing is stored. */
  fstpnce: b => {
    waiting(b)
    remember(b)
    b.if(isValid(b, physical(b, b.const(0))), () => {
      b.call('x87_store_register', [b.field('dst')])
    })
    setStatus(b, b.and(status(b), b.const(~C1)))
    pop(b, b.const(1))
  },
  fist: fist(false),
  fistp: fist(true),
  fbstp: b => {
    waiting(b)
    toMemory(b, 10, 'x87_get_decimal', true)
  },
}

const TOP_BIT = 1n << 63n

/** ST(0) as bits, or the format's indefinite when it is empty. */
function get(indefinite: bigint, convert: (b: Builder, sig: Value, se: Value) => void, high = 0): ProcedureSource {
  return {
    params: [],
    result: I64,
    faults: false,
    build: b => {
      const register = physical(b, b.const(0))
      b.if(b.eqz(isValid(b, register)), () => {
        b.call('float80_store_underflow', [])
        if (high) setCell(b, NARROWED + 4, b.const(high))
        b.return(b.const64(indefinite))
      })
      const at = slot(b, register)
      convert(b, significand(b, at), exponent(b, at))
    },
  }
}

/** Notes a store that needs no more than PE and C1 in the status word. */
function noteInexact(b: Builder, inexact: Value, up: Value) {
  const flags = b.or(b.shl(inexact, b.const(5)), b.shl(up, b.const(9)))
  setCell(b, NARROWED, b.or(b.and(status(b), b.const(~C1)), flags))
}

/** A float that rounds to nearest inside the normal range, PE masked, is made here; everything else by a call. */
function getFloat(name: string, fractionBits: number, exponentMask: number, bias: number, indefinite: bigint) {
  const cut = BigInt(63 - fractionBits)
  return get(indefinite, (b, sig, se) => {
    const e = b.sub(b.and(se, b.const(0x7fff)), b.const(bias))
    const inRange = b.ltu(b.sub(e, b.const(1)), b.const(exponentMask - 2))
    const plain = b.eqz(b.and(b.xor(control(b), b.const(0x20)), b.const(0xc20)))
    b.if(b.and(b.and(inRange, plain), isNormal(b, { sig, se })), () => {
      const whole = b.shru(sig, b.const64(cut))
      const rest = b.shl(sig, b.const64(64n - cut))
      const up = b.gtu(rest, b.sub(b.const64(TOP_BIT), b.and(whole, b.const64(1n))))
      noteInexact(b, b.ne(rest, b.const64(0n)), up)
      const sign = b.shl(b.shru(se, b.const(15)), b.const(31))
      const signBit = b.toI64u(sign)
      const field = b.shl(b.toI64u(b.sub(e, b.const(1))), b.const64(BigInt(fractionBits)))
      const magnitude = b.add(b.add(field, whole), b.toI64u(up))
      b.return(b.or(magnitude, fractionBits === 52 ? b.shl(signBit, b.const64(32n)) : signBit))
    })
    b.return(b.call(name, [sig, se], I64))
  })
}

const getInteger = (bits: number) =>
  get(1n << BigInt(bits - 1), (b, sig, se) => b.return(b.call('float80_to_integer', [sig, se, b.const(bits)], I64)))

export const storeProcedures: Record<string, ProcedureSource> = {
  x87_get_single: getFloat('float80_to_single', 23, 0xff, 0x3fff - 127, 0xffc00000n),
  x87_get_double: getFloat('float80_to_double', 52, 0x7ff, 0x3fff - 1023, 0xfff8000000000000n),
  x87_get_extended: get(
    INDEFINITE,
    (b, sig, se) => {
      noteInexact(b, b.const(0), b.const(0))
      setCell(b, NARROWED + 4, se)
      b.return(sig)
    },
    INDEFINITE_EXPONENT,
  ),
  x87_get_integer_16: getInteger(16),
  x87_get_integer_32: getInteger(32),
  x87_get_integer_64: getInteger(64),
  x87_get_decimal: get(
    INDEFINITE,
    (b, sig, se) => b.return(b.call('float80_to_decimal', [sig, se], I64)),
    INDEFINITE_EXPONENT,
  ),
  /** FST ST(i): 1 when ST(i) was written. */
  x87_store_register: {
    params: [I32],
    result: I32,
    faults: false,
    build: b => {
      const source = physical(b, b.const(0))
      const target = physical(b, b.parameter(0, I32))
      b.if(b.eqz(isValid(b, source)), () => b.return(b.call('x87_stack_fault', [target, b.const(0)])))
      const at = slot(b, source)
      setRegister(b, slot(b, target), significand(b, at), exponent(b, at))
      setCell(b, FPU_VALID, b.or(valid(b), b.shl(b.const(1), target)))
      setStatus(b, b.and(status(b), b.const(~C1)))
      b.return(b.const(1))
    },
  },
}
