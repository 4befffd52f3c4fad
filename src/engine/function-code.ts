// The code of one WebAssembly function in the making: its bytes, its locals (reused by type), the depth of open blocks
// and the few instruction sequences that every lowering needs. Encodings: WebAssembly core specification, section 5.4.

import * as T from '../ir/tape.js'
import type { Type } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import { Writer } from '../wasm/writer.js'

/** Encoding of the WebAssembly type that holds values of an IR type. */
export const wasmType = (t: Type) => [W.TYPE_VOID, W.TYPE_I32, W.TYPE_I64, W.TYPE_F32, W.TYPE_F64, W.TYPE_V128][t]!

/** Code of one function in the making: its bytes, its locals and the depth of open blocks. */
export class FunctionCode {
  readonly out = new Writer(4096)
  readonly localTypes: number[] = []
  /** Of branches: offset, and 1 where it is likely, 0 where it is not (wasm/module.ts). */
  readonly hints: number[] = []
  private readonly free: number[][] = [[], [], [], [], [], []]
  depth = 0
  /** Where the last `local.set` was written, so that a `local.get` right behind it can take the value from the stack. */
  private setAt = -1
  private setLocal = -1

  constructor(readonly params: readonly Type[]) {}

  allocate(t: Type): number {
    const reused = this.free[t]!.pop()
    if (reused !== undefined) return reused
    this.localTypes.push(t)
    return this.params.length + this.localTypes.length - 1
  }
  release(local: number) {
    this.free[this.localTypes[local - this.params.length]!]!.push(local)
  }
  /** Locals as the module builder wants them. */
  locals(): [number, number][] {
    const runs: [number, number][] = []
    for (const t of this.localTypes) {
      const last = runs.at(-1)
      if (last && last[1] === wasmType(t)) last[0]++
      else runs.push([1, wasmType(t)])
    }
    return runs
  }
  op(b: number) {
    this.out.byte(b)
  }
  i32(n: number) {
    this.out.byte(W.I32_CONST)
    this.out.i32(n)
  }
  get(local: number, last = false) {
    if (this.setAt >= 0 && this.setLocal === local && this.out.length === this.setAt + this.setBytes(local)) {
      if (last) this.out.length = this.setAt
      else this.out.bytes[this.setAt] = W.LOCAL_TEE
      this.setAt = -1
      return
    }
    this.out.byte(W.LOCAL_GET)
    this.out.u32(local)
  }
  private setBytes(local: number) {
    return local < 0x80 ? 2 : local < 0x4000 ? 3 : 4
  }
  set(local: number) {
    this.setAt = this.out.length
    this.setLocal = local
    this.out.byte(W.LOCAL_SET)
    this.out.u32(local)
  }
  tee(local: number) {
    this.out.byte(W.LOCAL_TEE)
    this.out.u32(local)
  }
  memory(op: number, offset: number, align = 0) {
    this.out.byte(op)
    this.out.u32(align)
    this.out.u32(offset)
  }
  simdMemory(op: number, offset: number) {
    this.out.byte(W.PREFIX_SIMD)
    this.out.byte(op)
    this.out.u32(0)
    this.out.u32(offset)
  }
  /** i32 cell at a fixed address, on the stack. */
  cell(address: number) {
    this.i32(0)
    this.memory(W.I32_LOAD, address, 2)
  }
  /** Stores what `value` puts on the stack in the i32 cell at a fixed address. */
  setCell(address: number, value: () => void) {
    this.i32(0)
    value()
    this.memory(W.I32_STORE, address, 2)
  }
  /** Opens a block, loop or if; returns the label that `br` takes. */
  open(op: number, type: number = W.TYPE_VOID): number {
    this.out.byte(op)
    this.out.byte(type)
    return ++this.depth
  }
  /** Opens an `if` whose condition nearly always holds. */
  openLikely(type: number = W.TYPE_VOID): number {
    this.hints.push(this.out.length, 1)
    return this.open(W.IF, type)
  }
  /** Opens an `if` whose condition hardly ever holds. */
  openUnlikely(type: number = W.TYPE_VOID): number {
    this.hints.push(this.out.length, 0)
    return this.open(W.IF, type)
  }
  close() {
    this.out.byte(W.END)
    this.depth--
  }
  br(label: number, op: number = W.BR) {
    this.out.byte(op)
    this.out.u32(this.depth - label)
  }
  /** Branches if the condition holds, which it hardly ever does. */
  brUnlikely(label: number) {
    this.hints.push(this.out.length, 0)
    this.br(label, W.BR_IF)
  }
  returnCall(index: number) {
    this.out.byte(W.RETURN_CALL)
    this.out.u32(index)
  }
  call(index: number) {
    this.out.byte(W.CALL)
    this.out.u32(index)
  }
}

/** Loads of the machine's memory by width and signedness. */
export function emitLoad(f: FunctionCode, width: number, offset: number) {
  switch (width) {
    case 1:
      return f.memory(W.I32_LOAD8_U, offset)
    case 2:
      return f.memory(W.I32_LOAD16_U, offset)
    case 4:
      return f.memory(W.I32_LOAD, offset)
    case 8:
      return f.memory(W.I64_LOAD, offset)
    case 16:
      return f.simdMemory(W.V128_LOAD, offset)
    case 1 | T.WIDTH_SIGNED:
      return f.memory(W.I32_LOAD8_S, offset)
    case 2 | T.WIDTH_SIGNED:
      return f.memory(W.I32_LOAD16_S, offset)
    default:
      throw new Error(`no load of width ${width}`)
  }
}

/** Stores to the machine's memory by width. */
export function emitStore(f: FunctionCode, width: number, offset: number) {
  switch (width) {
    case 1:
      return f.memory(W.I32_STORE8, offset)
    case 2:
      return f.memory(W.I32_STORE16, offset)
    case 4:
      return f.memory(W.I32_STORE, offset)
    case 8:
      return f.memory(W.I64_STORE, offset)
    case 16:
      return f.simdMemory(W.V128_STORE, offset)
    default:
      throw new Error(`no store of width ${width}`)
  }
}
