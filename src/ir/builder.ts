// Builds tapes: one method an operation, typed by its operands, with constant folding where it is free.
// Knows no x86. Semantics use it through semantics/context.ts.

import {
  BREAK,
  CALL,
  CONST,
  CONST_WIDE,
  COPY,
  ELSE,
  END,
  FILL,
  FIRST_OPERATOR,
  GET_VARIABLE,
  GUEST_LOAD,
  GUEST_STORE,
  HELPER,
  IF,
  JUMP,
  JUMP_TARGET,
  LOAD,
  LOOP,
  MARK,
  NONE,
  PARAMETER,
  RAISE,
  RETURN,
  SET_VARIABLE,
  STOP,
  STORE,
  Tape,
  type Value,
  WIDTH_SIGNED,
} from './tape.js'
import { F32, F64, I32, I64, operatorNumber, operators, type Type, V128, VOID } from './types.js'

const prefixOf = ['', 'i32', 'i64', 'f32', 'f64', 'v128']
const cache = new Map<string, number>()
const number = (name: string) => {
  const known = cache.get(name)
  if (known !== undefined) return known
  const found = operatorNumber(name)
  cache.set(name, found)
  return found
}
/** Operator numbers of a name for each type, so that b.add(x, y) needs no string work. */
const family = (name: string) =>
  [0, I32, I64, F32, F64, V128].map(t => {
    try {
      return number(`${prefixOf[t]}.${name}`)
    } catch {
      return -1
    }
  })
const [ADD, SUB, MUL, AND, OR, XOR, SHL, SHR_U, SHR_S, ROTL, ROTR] = 'add sub mul and or xor shl shr_u shr_s rotl rotr'
  .split(' ')
  .map(family) as number[][] as [
  number[],
  number[],
  number[],
  number[],
  number[],
  number[],
  number[],
  number[],
  number[],
  number[],
  number[],
]
const [EQ, NE, LT_S, LT_U, GT_S, GT_U, LE_S, LE_U, GE_S, GE_U, EQZ] =
  'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u eqz'.split(' ').map(family) as number[][] as [
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
    number[],
  ]
const SELECT = family('select')
const EXTEND8 = family('extend8_s')
const EXTEND16 = family('extend16_s')

/** What folding two i32 constants gives, for the operators that semantics fold on. */
const fold = new Map<number, (x: number, y: number) => number>([
  [ADD[I32]!, (x, y) => (x + y) | 0],
  [SUB[I32]!, (x, y) => (x - y) | 0],
  [MUL[I32]!, Math.imul],
  [AND[I32]!, (x, y) => x & y],
  [OR[I32]!, (x, y) => x | y],
  [XOR[I32]!, (x, y) => x ^ y],
  [SHL[I32]!, (x, y) => x << y],
  [SHR_U[I32]!, (x, y) => (x >>> y) | 0],
  [SHR_S[I32]!, (x, y) => x >> y],
  [EQ[I32]!, (x, y) => Number(x === y)],
  [NE[I32]!, (x, y) => Number(x !== y)],
  [LT_S[I32]!, (x, y) => Number(x < y)],
  [LT_U[I32]!, (x, y) => Number(x >>> 0 < y >>> 0)],
  [GT_S[I32]!, (x, y) => Number(x > y)],
  [GT_U[I32]!, (x, y) => Number(x >>> 0 > y >>> 0)],
  [LE_U[I32]!, (x, y) => Number(x >>> 0 <= y >>> 0)],
  [GE_U[I32]!, (x, y) => Number(x >>> 0 >= y >>> 0)],
])

export class Builder {
  tape = new Tape()

  // Constants.
  /** An i32 constant. */
  const(n: number): Value {
    return this.tape.push(CONST, I32, NONE, NONE, NONE, n | 0)
  }
  const64(n: bigint): Value {
    this.tape.wide.push(BigInt.asIntN(64, n))
    return this.tape.push(CONST_WIDE, I64, NONE, NONE, NONE, this.tape.wide.length - 1)
  }
  constF32(n: number): Value {
    this.tape.wide.push(n)
    return this.tape.push(CONST_WIDE, F32, NONE, NONE, NONE, this.tape.wide.length - 1)
  }
  constF64(n: number): Value {
    this.tape.wide.push(n)
    return this.tape.push(CONST_WIDE, F64, NONE, NONE, NONE, this.tape.wide.length - 1)
  }
  /** 16 bytes, lane 0 first. */
  constV128(bytes: Uint8Array): Value {
    this.tape.wide.push(bytes)
    return this.tape.push(CONST_WIDE, V128, NONE, NONE, NONE, this.tape.wide.length - 1)
  }
  /** The i32 constant a value is known to be, or undefined. */
  known(v: Value): number | undefined {
    return this.tape.constant(v)
  }
  typeOf(v: Value): Type {
    return this.tape.type[v]!
  }

  /** Any operator by its WebAssembly name; `lane` for the operators that have one. */
  op(name: string, x: Value, y: Value = NONE, z: Value = NONE, lane = 0): Value {
    return this.pure(number(name), x, y, z, lane)
  }
  /** Sixteen bytes chosen by number from x (0-15) and y (16-31). */
  shuffle(x: Value, y: Value, lanes: readonly number[]): Value {
    return this.op('i8x16.shuffle', x, y, this.constV128(Uint8Array.from(lanes)))
  }
  private pure(n: number, x: Value, y: Value = NONE, z: Value = NONE, lane = 0): Value {
    return this.tape.push(n + FIRST_OPERATOR, operators[n]!.result, x, y, z, lane)
  }
  private binary(f: number[], x: Value, y: Value): Value {
    const tape = this.tape
    const n = f[tape.type[x]!]!
    if (tape.op[x] === CONST && tape.op[y] === CONST) {
      const f2 = fold.get(n)
      if (f2) return this.const(f2(tape.imm[x]!, tape.imm[y]!))
    }
    return this.pure(n, x, y)
  }
  /** True when y is the i32 constant n. */
  private is(y: Value, n: number) {
    return this.tape.op[y] === CONST && this.tape.imm[y] === n
  }

  // Arithmetic on i32, i64, f32, f64 by the type of the first operand.
  add(x: Value, y: Value): Value {
    return this.is(y, 0) ? x : this.is(x, 0) ? y : this.binary(ADD, x, y)
  }
  sub(x: Value, y: Value): Value {
    return this.is(y, 0) ? x : this.binary(SUB, x, y)
  }
  mul(x: Value, y: Value): Value {
    return this.binary(MUL, x, y)
  }
  and(x: Value, y: Value): Value {
    if (this.is(y, -1)) return x
    return this.is(y, 0) ? y : this.binary(AND, x, y)
  }
  or(x: Value, y: Value): Value {
    return this.is(y, 0) ? x : this.is(x, 0) ? y : this.binary(OR, x, y)
  }
  xor(x: Value, y: Value): Value {
    return this.is(y, 0) ? x : this.binary(XOR, x, y)
  }
  not(x: Value): Value {
    return this.typeOf(x) === I64 ? this.xor(x, this.const64(-1n)) : this.xor(x, this.const(-1))
  }
  neg(x: Value): Value {
    return this.typeOf(x) === I64 ? this.sub(this.const64(0n), x) : this.sub(this.const(0), x)
  }
  /** Shifts take the count in the operand's own type, modulo its bits. */
  shl(x: Value, y: Value): Value {
    return this.is(y, 0) ? x : this.binary(SHL, x, y)
  }
  shru(x: Value, y: Value): Value {
    return this.is(y, 0) ? x : this.binary(SHR_U, x, y)
  }
  shrs(x: Value, y: Value): Value {
    return this.is(y, 0) ? x : this.binary(SHR_S, x, y)
  }
  rotl(x: Value, y: Value): Value {
    return this.binary(ROTL, x, y)
  }
  rotr(x: Value, y: Value): Value {
    return this.binary(ROTR, x, y)
  }
  extend8(x: Value): Value {
    const k = this.known(x)
    return k === undefined ? this.pure(EXTEND8[this.typeOf(x)]!, x) : this.const((k << 24) >> 24)
  }
  extend16(x: Value): Value {
    const k = this.known(x)
    return k === undefined ? this.pure(EXTEND16[this.typeOf(x)]!, x) : this.const((k << 16) >> 16)
  }
  toI64u(x: Value): Value {
    return this.op('i64.extend_i32_u', x)
  }
  toI64s(x: Value): Value {
    return this.op('i64.extend_i32_s', x)
  }
  /** Low half of an i64. */
  low(x: Value): Value {
    return this.op('i32.wrap_i64', x)
  }
  /** High half of an i64 as i32. */
  high(x: Value): Value {
    return this.low(this.shru(x, this.const64(32n)))
  }

  // Comparisons: i32 0 or 1. Operands i32 or i64.
  eq(x: Value, y: Value): Value {
    return this.binary(EQ, x, y)
  }
  ne(x: Value, y: Value): Value {
    return this.binary(NE, x, y)
  }
  lts(x: Value, y: Value): Value {
    return this.binary(LT_S, x, y)
  }
  ltu(x: Value, y: Value): Value {
    return this.binary(LT_U, x, y)
  }
  gts(x: Value, y: Value): Value {
    return this.binary(GT_S, x, y)
  }
  gtu(x: Value, y: Value): Value {
    return this.binary(GT_U, x, y)
  }
  les(x: Value, y: Value): Value {
    return this.binary(LE_S, x, y)
  }
  leu(x: Value, y: Value): Value {
    return this.binary(LE_U, x, y)
  }
  ges(x: Value, y: Value): Value {
    return this.binary(GE_S, x, y)
  }
  geu(x: Value, y: Value): Value {
    return this.binary(GE_U, x, y)
  }
  eqz(x: Value): Value {
    const k = this.known(x)
    return k === undefined ? this.pure(EQZ[this.typeOf(x)]!, x) : this.const(Number(k === 0))
  }
  /** condition (i32) != 0 ? x : y; both are evaluated. */
  select(condition: Value, x: Value, y: Value): Value {
    const k = this.known(condition)
    if (k !== undefined) return k ? x : y
    return this.pure(SELECT[this.typeOf(x)]!, x, y, condition)
  }

  // Control.
  /** Runs `then` when the condition (i32) is not 0, else `otherwise`. Values made inside do not leave: use variables. */
  if(condition: Value, then: () => void, otherwise?: () => void) {
    const k = this.known(condition)
    if (k !== undefined) {
      if (k) then()
      else otherwise?.()
      return
    }
    this.tape.push(IF, VOID, condition)
    then()
    if (otherwise) {
      this.tape.push(ELSE, VOID)
      otherwise()
    }
    this.tape.push(END, VOID)
  }
  /** Repeats the body until breakIf leaves it. */
  loop(body: () => void) {
    this.tape.push(LOOP, VOID)
    body()
    this.tape.push(END, VOID)
  }
  /** Leaves the innermost loop when the condition is not 0. */
  breakIf(condition: Value) {
    this.tape.push(BREAK, VOID, condition)
  }
  /** A mutable variable, set to `initial`. */
  variable(initial: Value): number {
    const v = this.tape.variables.length
    this.tape.variables.push(this.typeOf(initial))
    this.set(v, initial)
    return v
  }
  get(variable: number): Value {
    return this.tape.push(GET_VARIABLE, this.tape.variables[variable]!, NONE, NONE, NONE, variable)
  }
  set(variable: number, v: Value) {
    this.tape.push(SET_VARIABLE, VOID, v, NONE, NONE, variable)
  }
  /** condition ? then() : otherwise(), evaluating only one of them. */
  choose(condition: Value, then: () => Value, otherwise: () => Value): Value {
    const k = this.known(condition)
    if (k !== undefined) return k ? then() : otherwise()
    let out = -1
    this.if(
      condition,
      () => {
        out = this.variable(then())
      },
      () => this.set(out, otherwise()),
    )
    return this.get(out)
  }

  // The machine's own linear memory (CPU state, tables). width: 1, 2, 4 (i32, zero-extended), 8 (i64), 16 (v128); signed extends.
  loadAt(address: Value, offset: number, width: number, signed = false): Value {
    const type = width === 8 ? I64 : width === 16 ? V128 : I32
    return this.tape.push(LOAD, type, address, width | (signed ? WIDTH_SIGNED : 0), NONE, offset)
  }
  storeAt(address: Value, offset: number, width: number, v: Value) {
    this.tape.push(STORE, VOID, address, width, v, offset)
  }
  /** Copies bytes that do not overlap inside the machine's linear memory. */
  copy(destination: Value, source: Value, bytes: Value) {
    this.tape.push(COPY, VOID, destination, source, bytes)
  }
  fill(destination: Value, byte: Value, bytes: Value) {
    this.tape.push(FILL, VOID, destination, byte, bytes)
  }

  // Guest memory by linear address; may fault, which ends the instruction.
  guestLoad(linear: Value, width: number, willWrite = false): Value {
    const type = width === 8 ? I64 : width === 16 ? V128 : I32
    return this.tape.push(GUEST_LOAD, type, linear, width, NONE, willWrite ? 1 : 0)
  }
  guestStore(linear: Value, width: number, v: Value) {
    this.tape.push(GUEST_STORE, VOID, linear, width, v)
  }

  // Calls and ends.
  /** Calls a procedure written in IR; `result` VOID for none. */
  call(callee: string, args: Value[], result: Type = I32, faults = false): Value {
    this.tape.calls.push({ callee, args, faults })
    return this.tape.push(CALL, result, NONE, NONE, NONE, this.tape.calls.length - 1)
  }
  /** Calls a function of the embedder (TypeScript) with i32 arguments; result i32. */
  helper(callee: string, args: Value[] = [], faults = false): Value {
    this.tape.calls.push({ callee, args, faults })
    return this.tape.push(HELPER, I32, NONE, NONE, NONE, this.tape.calls.length - 1)
  }
  raise(vector: number, error?: Value) {
    this.tape.push(RAISE, VOID, error ?? NONE, NONE, NONE, vector)
  }
  jump(offset: Value) {
    this.tape.push(JUMP, VOID, offset)
  }
  jumpToTarget() {
    this.tape.push(JUMP_TARGET, VOID)
  }
  stop(reason: number) {
    this.tape.push(STOP, VOID, NONE, NONE, NONE, reason)
  }
  /** A place the embedder's lowering is told of, with a value or NONE. */
  mark(v: Value) {
    this.tape.push(MARK, VOID, v)
  }
  parameter(index: number, type: Type): Value {
    return this.tape.push(PARAMETER, type, NONE, NONE, NONE, index)
  }
  return(v: Value = NONE) {
    this.tape.push(RETURN, VOID, v)
  }
}
