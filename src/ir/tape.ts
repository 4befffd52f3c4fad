// A tape: straight IR code in typed arrays, the product of the builder and the input of every engine.
// A value is the index of the entry that makes it (SSA). Control is structured: IF/ELSE/END and LOOP/BREAK/END.
// Entries in order of effect; pure operators may be evaluated wherever their operands are known.
import { I32, type Type } from './types.js'

/** Index of the tape entry that makes the value. */
export type Value = number
export const NONE: Value = -1

// Kinds of entry. Numbers below FIRST_OPERATOR are these; from there on they are operators (types.ts).
export const CONST = 1 // imm: i32 value
export const CONST_WIDE = 2 // imm: index into wide[] (bigint for i64, number for f32 and f64, Uint8Array(16) for v128)
export const LOAD = 3 // a: address in the machine's linear memory, imm: offset, b: width (see WIDTH_*)
export const STORE = 4 // a: address, c: value, imm: offset, b: width
export const GUEST_LOAD = 5 // a: linear address, b: width, imm: 1 when the same bytes will be written (write intent)
export const GUEST_STORE = 6 // a: linear address, b: width, c: value
export const IF = 7 // a: condition (i32)
export const ELSE = 8
export const END = 9
export const LOOP = 10 // body repeats until a BREAK
export const BREAK = 11 // a: condition; leaves the innermost loop
export const GET_VARIABLE = 12 // imm: variable
export const SET_VARIABLE = 13 // imm: variable, a: value
export const CALL = 14 // imm: index into calls[]; the callee is a procedure written in IR
export const HELPER = 15 // imm: index into calls[]; the callee is a function of the embedder
export const RAISE = 16 // a: error code; imm: vector. Ends the instruction with an exception
export const JUMP = 17 // a: offset to go on at. Ends the instruction
export const JUMP_TARGET = 18 // ends the instruction at its own direct branch target
export const STOP = 19 // imm: reason. Ends the instruction, leaves the engine afterwards
export const COPY = 20 // a, b: destination and source address in linear memory, c: bytes (regions may not overlap)
export const FILL = 21 // a: destination, b: byte, c: bytes
export const PARAMETER = 22 // imm: index; only in procedures
export const RETURN = 23 // a: value or NONE; only in procedures
export const MARK = 24 // imm: a number the embedder understands; no effect of its own
export const FIRST_OPERATOR = 32

// Widths of LOAD, STORE, GUEST_LOAD and GUEST_STORE: bytes; sign-extending loads add WIDTH_SIGNED.
export const WIDTH_SIGNED = 0x80

/** A call on a tape. `faults`: it may end the instruction with an exception, tested after the call. */
export interface Call {
  readonly callee: string
  readonly args: readonly Value[]
  readonly faults: boolean
}

/** Growable IR code. Reused from block to block: `clear` keeps the storage. */
export class Tape {
  op = new Uint16Array(256)
  type = new Uint8Array(256)
  a = new Int32Array(256)
  b = new Int32Array(256)
  c = new Int32Array(256)
  imm = new Int32Array(256)
  length = 0
  wide: (bigint | number | Uint8Array)[] = []
  calls: Call[] = []
  variables: Type[] = []

  clear() {
    this.length = 0
    this.wide.length = 0
    this.calls.length = 0
    this.variables.length = 0
  }

  push(op: number, type: Type, a: number = NONE, b: number = NONE, c: number = NONE, imm = 0): Value {
    const at = this.length
    if (at === this.op.length) this.grow()
    this.op[at] = op
    this.type[at] = type
    this.a[at] = a
    this.b[at] = b
    this.c[at] = c
    this.imm[at] = imm
    this.length = at + 1
    return at
  }

  private grow() {
    const bigger = <T extends Uint8Array | Uint16Array | Int32Array>(old: T): T => {
      const next = new (old.constructor as new (n: number) => T)(old.length * 2)
      next.set(old)
      return next
    }
    this.op = bigger(this.op)
    this.type = bigger(this.type)
    this.a = bigger(this.a)
    this.b = bigger(this.b)
    this.c = bigger(this.c)
    this.imm = bigger(this.imm)
  }

  /** The i32 constant a value is, or undefined. */
  constant(v: Value): number | undefined {
    return this.op[v] === CONST && this.type[v] === I32 ? this.imm[v]! : undefined
  }
}

/** A procedure: IR that other IR calls by name. Result is one value or nothing (VOID). */
export interface Procedure {
  readonly name: string
  readonly params: readonly Type[]
  readonly result: Type
  readonly faults: boolean
  readonly tape: Tape
}
