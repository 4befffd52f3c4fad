// Words of the x87 state and the small pieces of IR that all x87 semantics share: status bits, the stack, and the
// checks before an instruction (SDM vol. 1 ch. 8; vol. 3 2.5 for CR0.EM, MP, TS and NE).

import {
  CR0,
  CS,
  FPU_CONTROL,
  FPU_CS,
  FPU_DP,
  FPU_DS,
  FPU_IP,
  FPU_REGISTER,
  FPU_STATUS,
  FPU_TOP,
  FPU_VALID,
  MODE,
  SEG_SELECTOR,
  SEGMENT,
  segmentCell,
} from '../cpu/layout.js'
import { MODE_NO_FPU } from '../cpu/mode.js'
import { STOP_TRANSFER } from '../cpu/stops.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { VOID } from '../ir/types.js'
import type { Context } from './context.js'
import type { ProcedureSource } from './procedures.js'

// Status word. The six exception flags have the same bits as their masks in the control word.
export const IE = 0x01
export const DE = 0x02
export const ZE = 0x04
export const OE = 0x08
export const UE = 0x10
export const PE = 0x20
export const SF = 0x40
export const ES = 0x80
export const C0 = 0x100
export const C1 = 0x200
export const C2 = 0x400
export const C3 = 0x4000
export const BUSY = 0x8000
export const CONDITIONS = C0 | C1 | C2 | C3

/** What FNINIT puts into the control word: all exceptions masked, 64-bit precision, to nearest. */
export const CONTROL_INITIAL = 0x37f
/** Bits of the control word that can be written; bit 6 always reads as 1. */
export const CONTROL_WRITABLE = 0x1f3f

const CR0_MP = 0x2
const CR0_EM = 0x4
const CR0_TS = 0x8
const CR0_NE = 0x20

export const cell = (b: Builder, address: number, width = 4): Value => b.loadAt(b.const(0), address, width)
export const setCell = (b: Builder, address: number, v: Value, width = 4) => b.storeAt(b.const(0), address, width, v)
export const status = (b: Builder): Value => cell(b, FPU_STATUS, 2)
export const setStatus = (b: Builder, v: Value) => setCell(b, FPU_STATUS, v, 2)
export const control = (b: Builder): Value => cell(b, FPU_CONTROL, 2)
export const top = (b: Builder): Value => cell(b, FPU_TOP)
export const valid = (b: Builder): Value => cell(b, FPU_VALID)

/** Number of the physical register that is ST(i). */
export const physical = (b: Builder, i: Value): Value => b.and(b.add(top(b), i), b.const(7))
/** Address of a physical register's significand is FPU_REGISTER + this. */
export const slot = (b: Builder, register: Value): Value => b.shl(register, b.const(4))
/** i32 1 when the physical register holds a value. */
export const isValid = (b: Builder, register: Value): Value => b.and(b.shru(valid(b), register), b.const(1))
export const significand = (b: Builder, at: Value): Value => b.loadAt(at, FPU_REGISTER, 8)
/** Sign (bit 15) and biased exponent. */
export const exponent = (b: Builder, at: Value): Value => b.loadAt(at, FPU_REGISTER + 8, 2)
/** Writes significand, sign and exponent at an address that `slot` gave. */
export function setRegister(b: Builder, at: Value, sig: Value, signExponent: Value) {
  b.storeAt(at, FPU_REGISTER, 8, sig)
  b.storeAt(at, FPU_REGISTER + 8, 2, signExponent)
}

/** A physical register as operand of the 80-bit operations. */
export function readRegister(b: Builder, register: Value): { sig: Value; se: Value } {
  const at = slot(b, register)
  return { sig: significand(b, at), se: exponent(b, at) }
}

/** Empties ST(0) and raises TOP when `amount` is 1; does nothing when it is 0. */
export function pop(b: Builder, amount: Value) {
  const t = top(b)
  setCell(b, FPU_VALID, b.and(valid(b), b.not(b.shl(amount, t))))
  setCell(b, FPU_TOP, b.and(b.add(t, amount), b.const(7)))
}

/** Sets ES and B in a status word (without them) when an exception in it is not masked. */
export function summarize(b: Builder, word: Value, controlWord: Value): Value {
  const open = b.and(b.and(word, b.not(controlWord)), b.const(0x3f))
  return b.select(open, b.or(word, b.const(ES | BUSY)), b.and(word, b.const(~(ES | BUSY))))
}

const unavailable = (b: Context): Value => b.and(b.state(MODE), b.const(MODE_NO_FPU))

/** #NM when CR0.EM or CR0.TS is set: before every x87 instruction but WAIT. */
export function available(b: Context) {
  b.if(unavailable(b), () => b.raise(7))
}

/**
 * Before an instruction that waits: #NM as above; with an unmasked exception pending #MF, or, with CR0.NE clear, the
 * line to the interrupt controller. The instruction starts again once, so that the interrupt comes before it; when it
 * is not taken the exception is ignored (helper fpu_error: 1 when the line was up already).
 */
export function waiting(b: Context) {
  b.if(b.or(unavailable(b), b.and(b.state(FPU_STATUS, 2), b.const(ES))), () =>
    b.rare(() => {
      b.call('x87_blocked', [], VOID, true)
      reportError(b)
    }),
  )
}

/** As `waiting`, for WAIT itself: only CR0.MP and CR0.TS together raise #NM. */
export function waitInstruction(b: Context) {
  const both = b.const(CR0_MP | CR0_TS)
  b.if(b.eq(b.and(b.state(CR0), both), both), () => b.raise(7))
  b.if(b.and(b.state(FPU_STATUS, 2), b.const(ES)), () =>
    b.rare(() => {
      b.if(b.and(b.state(CR0), b.const(CR0_NE)), () => b.raise(16))
      reportError(b)
    }),
  )
}

function reportError(b: Context) {
  b.publishEip()
  b.if(b.eqz(b.helper('fpu_error')), () => b.stop(STOP_TRANSFER))
}

/** Notes the instruction's address (and its memory operand's offset) in the x87 pointers. */
export function remember(b: Context, operandOffset?: Value) {
  b.setState(FPU_IP, b.field('eip'))
  b.setState(FPU_CS, b.state(segmentCell(CS, SEG_SELECTOR)))
  if (operandOffset === undefined) return
  b.setState(FPU_DP, operandOffset)
  b.setState(FPU_DS, b.loadAt(b.shl(b.field('segment'), b.const(5)), SEGMENT + SEG_SELECTOR, 4))
}

export const stateProcedures: Record<string, ProcedureSource> = {
  /** #NM, or #MF when CR0.NE is set; returns when neither is due. */
  x87_blocked: {
    params: [],
    result: VOID,
    faults: true,
    build: b => {
      b.if(b.and(cell(b, CR0), b.const(CR0_EM | CR0_TS)), () => b.raise(7))
      b.if(b.and(cell(b, CR0), b.const(CR0_NE)), () => b.raise(16))
      b.return()
    },
  },
}
