// Lowers a tape to WebAssembly code. Pure values with one use are placed where they are used, the others in locals;
// everything with an effect keeps its order. How guest memory is reached, how an instruction ends and what a CPU
// cell is are left to subclasses: that is all in which the cold and the hot engine differ.

import { FAULT } from '../cpu/layout.js'
import type { Tape, Value } from '../ir/tape.js'
import * as T from '../ir/tape.js'
import { F32, F64, I64, operators, SHUFFLE, VOID } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import { emitLoad, emitStore, type FunctionCode } from './function-code.js'

const encodings = operators.map(o => W.encodingOf(o.name))
const MATERIALISED = new Set([T.LOAD, T.GUEST_LOAD, T.GET_VARIABLE, T.CALL, T.HELPER])

/** What the cold and the hot engine share: walks a tape and emits its code. */
export abstract class Lowering {
  protected tape!: Tape
  private uses = new Int32Array(256)
  private place = new Int32Array(256)
  private born = new Int32Array(256) // loop depth at which the value's local was taken
  private variables: number[] = []
  private loops: number[] = [] // label of the block around each open loop
  private frames: number[] = [] // kind of each open tape frame: T.IF or T.LOOP
  protected args: Value[] = []

  constructor(protected f: FunctionCode) {}

  // What engines decide.
  protected abstract guestLoad(at: Value, address: Value, width: number, willWrite: boolean): void
  protected abstract guestStore(at: Value, address: Value, width: number, v: Value): void
  /** Emits the call itself; arguments are on the stack. */
  protected abstract invoke(kind: number, callee: string): void
  protected abstract ending(op: number, a: Value, imm: number, at: number): void
  /** Leaves because FAULT is set; the condition has been tested. */
  protected abstract faultExit(at: number): void
  protected parameterLocal(index: number): number {
    return index
  }
  protected mark(_n: number, _a: Value): void {}
  /** Values that must be at hand while an entry is emitted, beside its operands: what an exit stores. */
  protected held(_at: number): readonly Value[] | undefined {
    return undefined
  }
  /** The values of held() are at hand; the entry itself comes next. */
  protected hold(_at: number): void {}
  /** True between IF and its END. */
  protected get inArm(): boolean {
    return this.frames.length > 0
  }
  /** A parameter's local is about to change: keeps its value in another one where uses are left. */
  protected rescue(parameter: Value) {
    if (this.uses[parameter]! <= 0 || this.place[parameter]! >= 0) return
    this.f.get(this.parameterLocal(this.tape.imm[parameter]!))
    this.keep(parameter)
  }

  /** Emits the code of a whole tape into the function. */
  lower(tape: Tape) {
    this.tape = tape
    const n = tape.length
    if (this.uses.length < n) {
      this.uses = new Int32Array(n * 2)
      this.place = new Int32Array(n * 2)
      this.born = new Int32Array(n * 2)
    }
    this.uses.fill(0, 0, n)
    this.place.fill(-1, 0, n)
    this.countUses(n)
    this.variables = tape.variables.map(t => this.f.allocate(t))
    this.loops.length = 0
    for (let at = 0; at < n; at++) this.entry(at)
    for (const local of this.variables) this.f.release(local)
  }

  private countUses(n: number) {
    const { op, a, b, c, imm, calls } = this.tape
    const uses = this.uses
    for (let at = n - 1; at >= 0; at--) {
      const kind = op[at]!
      const held = this.held(at)
      if (held) for (const v of held) uses[v]!++
      if (kind >= T.FIRST_OPERATOR) {
        if (uses[at] === 0) continue // dead
        uses[a[at]!]!++
        if (b[at]! >= 0) uses[b[at]!]!++
        if (c[at]! >= 0) uses[c[at]!]!++
      } else if (kind === T.CALL || kind === T.HELPER) for (const v of calls[imm[at]!]!.args) uses[v]!++
      else if (kind === T.CONST || kind === T.CONST_WIDE || kind === T.PARAMETER) continue
      else {
        if (a[at]! >= 0) uses[a[at]!]!++
        if (kind === T.STORE || kind === T.GUEST_STORE || kind === T.COPY || kind === T.FILL) uses[c[at]!]!++
        if ((kind === T.COPY || kind === T.FILL) && b[at]! >= 0) uses[b[at]!]!++
      }
    }
  }

  /** Puts a value on the stack. */
  push(v: Value) {
    const { tape, f } = this
    const kind = tape.op[v]!
    if (kind === T.CONST) {
      this.uses[v]!--
      return f.i32(tape.imm[v]!)
    }
    if (kind === T.CONST_WIDE) return this.wide(v)
    const local = this.place[v]!
    const left = --this.uses[v]!
    if (kind === T.PARAMETER && local < 0) return f.get(this.parameterLocal(tape.imm[v]!))
    if (local >= 0) {
      const ends = left === 0 && this.born[v] === this.loops.length
      f.get(local, ends)
      if (ends) f.release(local)
      return
    }
    this.operator(v)
  }
  private wide(v: Value) {
    const { f, tape } = this
    const value = tape.wide[tape.imm[v]!]!
    switch (tape.type[v]) {
      case I64:
        f.op(W.I64_CONST)
        return f.out.i64(value as bigint)
      case F32:
        f.op(W.F32_CONST)
        return f.out.f32(value as number)
      case F64:
        f.op(W.F64_CONST)
        return f.out.f64(value as number)
      default:
        f.op(W.PREFIX_SIMD)
        f.op(W.V128_CONST)
        return f.out.append(value as Uint8Array)
    }
  }
  private operator(v: Value) {
    const { tape, f } = this
    const n = tape.op[v]! - T.FIRST_OPERATOR
    this.push(tape.a[v]!)
    if (tape.b[v]! >= 0) this.push(tape.b[v]!)
    if (tape.c[v]! >= 0 && n !== SHUFFLE) this.push(tape.c[v]!)
    for (const byte of encodings[n]!) f.op(byte)
    if (operators[n]!.lane) f.op(tape.imm[v]!)
    if (n === SHUFFLE) f.out.append(tape.wide[tape.imm[tape.c[v]!]!] as Uint8Array)
  }
  /** Keeps what is on the stack as the value's local. */
  protected keep(v: Value) {
    const local = this.f.allocate(this.tape.type[v]!)
    this.place[v] = local
    this.born[v] = this.loops.length
    this.f.set(local)
  }
  /** Uses of the value that are still to come. */
  protected usesLeft(v: Value): number {
    return this.uses[v]!
  }
  /** Makes sure that a value can be pushed any number of times; `pushes` more uses are announced. */
  protected materialise(v: Value, pushes: number) {
    const kind = this.tape.op[v]!
    if (kind === T.CONST || kind === T.CONST_WIDE) return
    if (kind !== T.PARAMETER && this.place[v]! < 0) {
      this.operator(v)
      this.keep(v)
    }
    this.uses[v]! += pushes
  }

  private entry(at: number) {
    const held = this.held(at)
    if (held) {
      for (const v of held) this.materialise(v, 0)
      this.hold(at)
    }
    this.emit(at)
    if (held) for (const v of held) this.drop(v)
  }
  /** One use less, without putting the value on the stack. */
  private drop(v: Value) {
    const local = this.place[v]!
    if (--this.uses[v]! === 0 && local >= 0 && this.born[v] === this.loops.length) this.f.release(local)
  }
  /** Puts a value that is at hand on the stack, and counts no use. */
  protected peek(v: Value) {
    this.uses[v]!++
    this.push(v)
  }

  private emit(at: number) {
    const { tape, f } = this
    const kind = tape.op[at]!
    const a = tape.a[at]!
    if (kind >= T.FIRST_OPERATOR) {
      if (this.uses[at]! > 1) {
        this.operator(at)
        this.keep(at)
      }
      return
    }
    if (MATERIALISED.has(kind)) return this.materialised(at, kind)
    switch (kind) {
      case T.CONST:
      case T.CONST_WIDE:
      case T.PARAMETER:
        return
      case T.STORE:
        return this.store(at)
      case T.GUEST_STORE:
        return this.guestStore(at, a, tape.b[at]!, tape.c[at]!)
      case T.SET_VARIABLE:
        this.push(a)
        f.op(W.LOCAL_SET)
        return f.out.u32(this.variables[tape.imm[at]!]!)
      case T.IF:
        this.push(a)
        f.open(W.IF)
        this.frames.push(T.IF)
        return
      case T.ELSE:
        return f.op(W.ELSE)
      case T.LOOP:
        this.loops.push(f.open(W.BLOCK))
        f.open(W.LOOP)
        this.frames.push(T.LOOP)
        return
      case T.BREAK:
        this.push(a)
        return f.br(this.loops.at(-1)!, W.BR_IF)
      case T.END:
        if (this.frames.pop() === T.LOOP) {
          f.br(f.depth)
          f.close()
          this.loops.pop()
        }
        return f.close()
      case T.COPY:
      case T.FILL:
        this.push(a)
        this.push(tape.b[at]!)
        this.push(tape.c[at]!)
        f.op(W.PREFIX_FC)
        f.op(kind === T.COPY ? W.MEMORY_COPY : W.MEMORY_FILL)
        f.op(0)
        if (kind === T.COPY) f.op(0)
        return
      case T.MARK:
        return this.mark(tape.imm[at]!, a)
      case T.RETURN:
      case T.RAISE:
      case T.JUMP:
      case T.JUMP_TARGET:
      case T.STOP:
        return this.ending(kind, a, tape.imm[at]!, at)
      default:
        throw new Error(`tape entry ${kind} cannot be lowered`)
    }
  }

  private materialised(at: number, kind: number) {
    const { tape, f } = this
    const used = this.uses[at]! > 0
    if (kind === T.LOAD) {
      if (used) this.load(at)
      return
    }
    if (kind === T.GET_VARIABLE) {
      if (!used) return
      f.get(this.variables[tape.imm[at]!]!)
      return this.keep(at)
    }
    if (kind === T.GUEST_LOAD) {
      this.guestLoad(at, tape.a[at]!, tape.b[at]!, tape.imm[at] === 1)
    } else {
      const { callee, args, faults } = tape.calls[tape.imm[at]!]!
      this.args = args as Value[]
      for (const v of args) this.push(v)
      this.invoke(kind, callee)
      if (faults) this.testFault(at)
    }
    if (tape.type[at] === VOID) return
    if (used) this.keep(at)
    else f.op(W.DROP)
  }
  /** A load of the machine's memory; hot code overrides it for cells it keeps in locals. */
  protected load(at: Value) {
    const { tape, f } = this
    this.push(tape.a[at]!)
    emitLoad(f, tape.b[at]!, tape.imm[at]!)
    this.keep(at)
  }
  protected store(at: Value) {
    const { tape, f } = this
    this.push(tape.a[at]!)
    this.push(tape.c[at]!)
    emitStore(f, tape.b[at]!, tape.imm[at]!)
  }
  protected testFault(at: number) {
    const { f } = this
    f.cell(FAULT)
    f.openUnlikely()
    this.faultExit(at)
    f.close()
  }
}
