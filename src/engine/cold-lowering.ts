// Lowering for the core module: handler functions (parameter 0 is the record), the inlined handlers of the run loop,
// and procedures. They differ in how an instruction ends.

import { EIP, FAULT, FAULT_ERROR, FAULT_HAS_ERROR, TLB_READ, TLB_WRITE } from '../cpu/layout.js'
import type { Procedure, Value } from '../ir/tape.js'
import * as T from '../ir/tape.js'
import { F32, F64, I32, I64, VOID } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import { emitGuestLoad, emitGuestStore, type SlowFunctions, type TableBase } from './access.js'
import type { FunctionCode } from './function-code.js'
import { Lowering } from './lower.js'
import { DONE_FAULT, DONE_JUMP, DONE_NEXT, DONE_STOP, DONE_TARGET } from './record.js'

const READ_TABLE: TableBase = { cell: TLB_READ }
const WRITE_TABLE: TableBase = { cell: TLB_WRITE }

/** Function indices that code of a module refers to. */
export interface Linkage {
  readonly slow: SlowFunctions
  readonly procedures: ReadonlyMap<string, number>
  readonly helpers: ReadonlyMap<string, number>
}

/** Emits FAULT cells of an exception; the error code is pushed by `error`, or there is none. */
export function emitRaise(f: FunctionCode, vector: number, error: (() => void) | undefined) {
  f.setCell(FAULT, () => f.i32(vector + 1))
  f.setCell(FAULT_ERROR, error ?? (() => f.i32(0)))
  f.setCell(FAULT_HAS_ERROR, () => f.i32(error ? 1 : 0))
}

abstract class ColdLowering extends Lowering {
  constructor(
    f: FunctionCode,
    private readonly linkage: Linkage,
  ) {
    super(f)
  }

  /** Address of an access in a local that may be read twice. */
  private address(v: Value): number {
    const { f } = this
    const local = f.allocate(I32)
    this.push(v)
    f.set(local)
    return local
  }
  protected guestLoad(at: Value, address: Value, width: number, willWrite: boolean) {
    const { f } = this
    const slow = willWrite ? this.linkage.slow.loadForWrite : this.linkage.slow.load
    const a = this.address(address)
    emitGuestLoad(f, a, width, willWrite ? WRITE_TABLE : READ_TABLE, () => this.slowAccess(at, slow.get(width)!))
    f.release(a)
  }
  protected guestStore(at: Value, address: Value, width: number, v: Value) {
    const { f } = this
    const a = this.address(address)
    this.materialise(v, 1)
    const value = () => this.push(v)
    const slow = this.linkage.slow.store.get(width)!
    emitGuestStore(f, a, width, WRITE_TABLE, value, () => this.slowAccess(at, slow))
    f.release(a)
  }
  private slowAccess(at: Value, slow: number) {
    this.f.call(slow)
    this.testFault(at)
  }
  protected invoke(kind: number, callee: string) {
    const index = (kind === T.CALL ? this.linkage.procedures : this.linkage.helpers).get(callee)
    if (index === undefined) throw new Error(`no ${kind === T.CALL ? 'procedure' : 'helper'} ${callee}`)
    this.f.call(index)
  }
  protected raise(vector: number, error: Value) {
    emitRaise(this.f, vector, error < 0 ? undefined : () => this.push(error))
  }
  protected storeEip(v: Value) {
    const { f } = this
    f.i32(0)
    this.push(v)
    f.memory(W.I32_STORE, EIP, 2)
  }
}

/** A handler as a function of its own: returns DONE_*. */
export class HandlerLowering extends ColdLowering {
  private leave(code: number) {
    this.f.i32(code)
    this.f.op(W.RETURN)
  }
  protected ending(op: number, a: Value, imm: number) {
    if (op === T.RAISE) {
      this.raise(imm, a)
      return this.leave(DONE_FAULT)
    }
    if (op === T.STOP) return this.leave(DONE_STOP + imm)
    if (op === T.JUMP_TARGET) return this.leave(DONE_TARGET)
    this.storeEip(a)
    this.leave(DONE_JUMP)
  }
  protected faultExit() {
    this.leave(DONE_FAULT)
  }
  /** Ends the function: the instruction is done. */
  finish() {
    this.f.i32(DONE_NEXT)
    this.f.op(W.END)
  }
}

/** Labels of the run loop that an inlined handler leaves to. */
export interface RunLabels {
  readonly jump: number
  readonly target: number
  readonly fault: number
  readonly stopped: number
  /** Local that takes the reason of a stop. */
  readonly reason: number
}

/** A handler inlined in the run loop. */
export class InlineLowering extends ColdLowering {
  constructor(
    f: FunctionCode,
    linkage: Linkage,
    private readonly labels: RunLabels,
  ) {
    super(f, linkage)
  }
  protected ending(op: number, a: Value, imm: number) {
    const { f, labels } = this
    if (op === T.RAISE) {
      this.raise(imm, a)
      f.br(labels.fault)
    } else if (op === T.STOP) {
      f.i32(imm)
      f.set(labels.reason)
      f.br(labels.stopped)
    } else if (op === T.JUMP_TARGET) f.br(labels.target)
    else {
      this.storeEip(a)
      f.br(labels.jump)
    }
  }
  protected override testFault(_at: number) {
    this.f.cell(FAULT)
    this.f.br(this.labels.fault, W.BR_IF)
  }
  protected faultExit() {
    this.f.br(this.labels.fault)
  }
}

/** A procedure: returns a value; after a fault any value, for the caller tests FAULT. */
export class ProcedureLowering extends ColdLowering {
  constructor(
    f: FunctionCode,
    linkage: Linkage,
    private readonly procedure: Procedure,
  ) {
    super(f, linkage)
  }
  protected ending(op: number, a: Value, imm: number) {
    if (op === T.RAISE) {
      this.raise(imm, a)
      return this.faultExit()
    }
    if (op !== T.RETURN) throw new Error(`procedure ${this.procedure.name} ends like an instruction`)
    if (a >= 0) this.push(a)
    this.f.op(W.RETURN)
  }
  protected faultExit() {
    this.zero()
    this.f.op(W.RETURN)
  }
  private zero() {
    const { f } = this
    const t = this.procedure.result
    if (t === I32) f.i32(0)
    else if (t === I64) {
      f.op(W.I64_CONST)
      f.op(0)
    } else if (t === F32 || t === F64) {
      f.op(t === F32 ? W.F32_CONST : W.F64_CONST)
      for (let i = 0; i < (t === F32 ? 4 : 8); i++) f.op(0)
    } else if (t !== VOID) {
      f.op(W.PREFIX_SIMD)
      f.op(W.V128_CONST)
      for (let i = 0; i < 16; i++) f.op(0)
    }
  }
  override lower(tape: Procedure['tape']) {
    super.lower(tape)
    this.zero()
    this.f.op(W.END)
  }
}
