// Flags of hot code: never stored while a block runs. What the last operation was stays known to the builder, so that
// conditions fold, and the carry vector is computed where somebody asks for it or where the block is left.
// Between blocks the state travels in four locals: result, a, b and a kind (semantics/flag-kinds.ts).

import { FLAG_AUX, FLAG_RESULT } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import { KIND_ADD, KIND_DEC, KIND_INC, KIND_LOGIC, KIND_RAW, KIND_SUB, kindOf } from '../semantics/flag-kinds.js'
import { ADD, Flags, LOGIC } from '../semantics/flags.js'
import type { HotContext } from './hot-context.js'

// Parameters of a region's tapes beyond the eight registers.
export const RESULT_LOCAL = 9
export const A_LOCAL = 10
export const B_LOCAL = 11
export const KIND_LOCAL = 12

/** The flags at one point of a block; kind -1 when they are what the block began with. */
export interface FlagState {
  readonly kind: number
  readonly result: Value
  readonly a: Value
  readonly b: Value
}

export class HotFlags extends Flags {
  state!: FlagState
  private zero: Value = -1

  constructor(private readonly context: HotContext) {
    super(context)
  }

  /** Begins a block whose flags are in the locals. */
  begin() {
    const b = this.context
    this.last = undefined
    this.zero = b.const(0)
    this.state = {
      kind: -1,
      result: b.parameter(RESULT_LOCAL, I32),
      a: b.parameter(A_LOCAL, I32),
      b: b.parameter(B_LOCAL, I32),
    }
  }

  override set(kind: number, size: number, result: Value, a: Value, y: Value, carried = false) {
    const b = this.context
    const r = b.signed(result, size)
    if (kind === LOGIC) {
      this.state = { kind: KIND_LOGIC, result: r, a: this.zero, b: this.zero }
      this.last = { kind, result: r, a: r, b: r }
      return
    }
    const x = b.signed(a, size)
    const z = b.signed(y, size)
    this.state = { kind: kindOf(kind === ADD ? KIND_ADD : KIND_SUB, size), result: r, a: x, b: z }
    this.last = carried ? undefined : { kind, result: r, a: x, b: z }
  }
  override setKeepingCarry(kind: number, size: number, result: Value, a: Value, _y: Value) {
    const b = this.context
    const carry = this.cf()
    this.state = {
      kind: kindOf(kind === ADD ? KIND_INC : KIND_DEC, size),
      result: b.signed(result, size),
      a: b.signed(a, size),
      b: carry,
    }
    this.last = undefined
  }
  override setResult(result: Value) {
    this.state = { kind: KIND_RAW, result, a: this.state.a, b: this.zero }
  }
  override setAux(make: () => Value) {
    this.state = { kind: KIND_RAW, result: this.state.result, a: make(), b: this.zero }
  }
  override result(): Value {
    return this.state.result
  }
  override aux(): Value {
    const b = this.context
    const { kind, result, a, b: y } = this.state
    if (kind === KIND_RAW) return a
    if (kind === KIND_LOGIC) return this.zero
    const base = kind & 15
    const size = kind >> 4
    let aux: Value
    if (kind === -1) aux = b.call('flags_aux', [b.parameter(KIND_LOCAL, I32), result, a, y])
    else if (base === KIND_ADD || base === KIND_SUB) aux = this.carries(base === KIND_ADD ? ADD : 1, size, result, a, y)
    else aux = this.withCarry(this.carries(base === KIND_INC ? ADD : 1, size, result, a, b.const(1)), y)
    // Computed once; a block entered with unknown flags knows them from here on.
    if (!b.inArm) this.state = { kind: KIND_RAW, result, a: aux, b: this.zero }
    return aux
  }
  override cf(): Value {
    const b = this.context
    const { kind, result, a, b: y } = this.state
    const base = kind & 15
    if (kind === -1) return b.call('flags_carry', [b.parameter(KIND_LOCAL, I32), result, a, y])
    if (base === KIND_LOGIC) return this.zero
    if (base === KIND_INC || base === KIND_DEC) return y
    if (base === KIND_SUB && this.last) return b.ltu(a, y)
    if (base === KIND_ADD && this.last) return b.ltu(result, a)
    return super.cf()
  }
  /** Writes the cells, for code outside this block that reads them. */
  override publish() {
    const b = this.context
    const aux = this.aux()
    b.storeOutside(FLAG_RESULT, this.state.result)
    b.storeOutside(FLAG_AUX, aux)
  }
  /** The cells were written by code outside this block. */
  override reload() {
    const b = this.context
    this.last = undefined
    this.state = { kind: KIND_RAW, result: b.loadOutside(FLAG_RESULT), a: b.loadOutside(FLAG_AUX), b: this.zero }
  }
}
