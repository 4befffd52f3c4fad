// Static binding for hot code: operands are the constants of a decoded record, general registers and flags are values
// that are handed from instruction to instruction. Where an instruction may leave the block a snapshot says what the
// registers and flags are then. An instruction that cannot be expressed so is refused and stays with the cold engine.

import * as L from '../cpu/layout.js'
import { CONST, MARK, NONE, type Tape, type Value } from '../ir/tape.js'
import { I32, type Type, VOID } from '../ir/types.js'
import type { Form } from '../isa/form.js'
import { Context, type Field, type Repetition } from '../semantics/context.js'
import type { Flags } from '../semantics/flags.js'
import { linearInOpen } from '../semantics/segments.js'
import { stringProcedures } from '../semantics/string-procedures.js'
import { type FlagState, HotFlags } from './hot-flags.js'
import { HotVectors, isVector } from './hot-vectors.js'
import * as R from './record.js'

/** State of the block before one instruction (exceptions) or behind it (`completed`). */
export interface Snapshot {
  readonly registers: readonly Value[]
  readonly flags: FlagState
  /** Position of the instruction in its block. */
  readonly index: number
  readonly record: number
  readonly next: number
  /** All values of the snapshot but constants and parameters in their own places. */
  readonly values: readonly Value[]
}

/** How the last instruction of a block goes on. */
export type Ending =
  | { readonly kind: 'next' }
  | { readonly kind: 'target'; readonly condition: Value | undefined }
  | { readonly kind: 'jump'; readonly offset: Value }

const GPR_END = L.GPR + 32
/** Local that counts down what may still retire. */
export const BUDGET_LOCAL = 8
/** MARK: so many instructions have retired that their block does not charge. */
export const RETIRED = 1

export class HotContext extends Context {
  override readonly flags: HotFlags & Flags = new HotFlags(this)
  registers: Value[] = []
  /** By tape entry: the snapshot that holds there. */
  readonly snapshots = new Map<number, Snapshot>()
  /** What the locals hold when the block begins, by local (8 is the budget), and the same the other way round. */
  entry: Value[] = []
  entryFlags: FlagState | undefined
  readonly parameters = new Map<number, Value>()
  /** Locals that some snapshot of the block changes. */
  private readonly moved = new Set<number>()
  ending: Ending = { kind: 'next' }
  /** Set when the instruction cannot be translated. */
  refused = false
  private depth = 0
  private record = 0
  private index = 0
  private branch = false
  private current: Snapshot | undefined
  private readonly vectors = new HotVectors(this)
  /** Values of this block by the name that semantics gave them. */
  private readonly memory = new Map<string, Value>()

  constructor(private readonly i32: Int32Array) {
    super()
  }

  /** Whether accesses of an instruction are not plain too often to leave the region for them. */
  isCareful(record: number): boolean {
    return ((this.i32[record >> 2]! >>> (8 * R.ADDRESSING)) & R.CAREFUL) !== 0
  }

  get inArm(): boolean {
    return this.depth > 0
  }

  /** Begins a block; its tape replaces the one before. */
  begin(tape: Tape) {
    this.tape = tape
    tape.clear()
    this.snapshots.clear()
    this.vectors.clear()
    this.memory.clear()
    this.registers = Array.from({ length: 8 }, (_, n) => this.parameter(n, I32))
    this.flags.begin()
    const { result, a, b } = this.flags.state
    const zero = -1
    this.entry = [...this.registers, zero, result, a, b]
    this.entryFlags = this.flags.state
    this.parameters.clear()
    this.moved.clear()
    this.entry.forEach((v, local) => {
      if (v !== zero) this.parameters.set(local, v)
    })
    this.ending = { kind: 'next' }
    this.index = 0
    this.depth = 0
  }

  /** Translates one instruction; false, with the tape as it was before, when it is refused. */
  instruction(form: Form, meaning: (b: Context, form: Form) => void, record: number, branch: boolean): boolean {
    const { tape, flags } = this
    const before = { length: tape.length, registers: [...this.registers], state: flags.state, last: flags.last }
    const sizes = [tape.wide.length, tape.calls.length, tape.variables.length]
    this.form = form
    this.record = record
    this.branch = branch
    this.refused = false
    this.depth = 0
    this.ending = { kind: 'next' }
    this.current = undefined
    meaning(this, form)
    if (this.refused) {
      for (let at = before.length; at < tape.length; at++) this.snapshots.delete(at)
      tape.length = before.length
      ;[tape.wide.length, tape.calls.length, tape.variables.length] = sizes as [number, number, number]
      this.registers = before.registers
      flags.state = before.state
      flags.last = before.last
      this.ending = { kind: 'next' }
      return false
    }
    this.index++
    return true
  }

  field(name: Field): Value {
    return this.const(this.number(name))
  }
  private number(name: Field): number {
    const { i32, record } = this
    const half = (offset: number) => (i32[(record + offset) >> 2]! >>> (8 * (offset & 2))) & 0xffff
    const addressing = half(R.LENGTH) >> 8
    switch (name) {
      case 'dst':
        return half(R.DST)
      case 'src':
        return half(R.SRC)
      case 'imm':
        return i32[(record + R.IMM) >> 2]!
      case 'imm2':
      case 'disp':
      case 'target':
        return i32[(record + R.DISP) >> 2]!
      case 'base':
        return half(R.BASE)
      case 'index':
        return half(R.INDEX)
      case 'scale':
        return addressing & 3
      case 'segment':
        return (addressing >> 2) & 7
      case 'addressMask':
        return addressing & 32 ? 0xffff : -1
      case 'eip':
        return i32[(record + R.AT) >> 2]!
      case 'next':
        return i32[(record + R.AT) >> 2]! + (half(R.LENGTH) & 0xff)
    }
  }

  // General registers and flags are not in memory.
  override loadAt(address: Value, offset: number, width: number, signed = false): Value {
    const base = this.known(address)
    if (base === undefined) return super.loadAt(address, offset, width, signed)
    const cell = base + offset
    if (cell >= L.GPR && cell < GPR_END) return this.readRegister(cell, width)
    if (cell === L.FLAG_RESULT) return this.flags.result()
    if (cell === L.FLAG_AUX) return this.flags.aux()
    if (cell === L.ZERO) return this.const(0)
    // The processor's model is what it is.
    if (cell === L.GENERATION) return this.const(this.i32[cell >> 2]!)
    // The place of the instruction in its block goes with it: see HotLowering.load.
    if (cell === L.BUDGET) return super.loadAt(this.const(this.index), L.BUDGET, width)
    if (cell === L.EIP) this.refused = true
    if (isVector(cell)) return this.readVector(cell, width)
    return super.loadAt(address, offset, width, signed)
  }
  override storeAt(address: Value, offset: number, width: number, v: Value) {
    const base = this.known(address)
    const cell = base === undefined ? -1 : base + offset
    if (cell >= L.GPR && cell < GPR_END) return this.writeRegister(cell, width, v)
    if (cell === L.FLAG_RESULT || cell === L.FLAG_AUX || cell === L.BUDGET) {
      this.refused = true
      return
    }
    if (isVector(cell)) this.vectors.written(cell, width, v, this.inArm)
    super.storeAt(address, offset, width, v)
  }
  private readVector(cell: number, width: number): Value {
    const known = this.vectors.find(cell, width)
    if (known !== undefined) return known
    const v = super.loadAt(this.const(0), cell, width)
    this.vectors.read(cell, width, v, this.inArm)
    return v
  }
  override remembered(name: string, make: () => Value): Value {
    const known = this.memory.get(name)
    if (known !== undefined) return known
    const v = make()
    if (!this.inArm) this.memory.set(name, v)
    return v
  }
  override forget(name: string) {
    this.memory.delete(name)
  }
  /** Accesses the memory behind a cell that hot code keeps elsewhere. */
  loadOutside(cell: number): Value {
    return super.loadAt(this.const(0), cell, 4)
  }
  storeOutside(cell: number, v: Value) {
    super.storeAt(this.const(0), cell, 4, v)
  }
  private readRegister(cell: number, width: number): Value {
    const v = this.registers[(cell - L.GPR) >> 2]!
    if (width === 4) return v
    if (width === 2) return this.and(v, this.const(0xffff))
    return this.and(cell & 1 ? this.shru(v, this.const(8)) : v, this.const(0xff))
  }
  private writeRegister(cell: number, width: number, v: Value) {
    if (this.depth > 0) {
      this.refused = true
      return
    }
    const n = (cell - L.GPR) >> 2
    const old = this.registers[n]!
    this.current = undefined
    if (width === 4) this.registers[n] = v
    else if (width === 2)
      this.registers[n] = this.or(this.and(old, this.const(~0xffff)), this.and(v, this.const(0xffff)))
    else if (cell & 1)
      this.registers[n] = this.or(
        this.and(old, this.const(~0xff00)),
        this.shl(this.and(v, this.const(0xff)), this.const(8)),
      )
    else this.registers[n] = this.or(this.and(old, this.const(~0xff)), this.and(v, this.const(0xff)))
  }

  override readonly repetition: Repetition = {
    room: () => this.sub(this.parameter(BUDGET_LOCAL, I32), this.const(R.BUDGET_LIMIT)),
    retire: n => {
      this.tape.push(MARK, VOID, n, NONE, NONE, RETIRED)
    },
  }

  // Arms.
  override if(condition: Value, then: () => void, otherwise?: () => void) {
    if (this.branch && !otherwise && this.capture(condition, then)) return
    const inside = (arm: () => void) => () => {
      this.depth++
      const { state, last } = this.flags
      arm()
      if (this.flags.state !== state) this.refused = true
      this.flags.last = last
      this.depth--
    }
    if (this.known(condition) !== undefined) super.if(condition, then, otherwise)
    else super.if(condition, inside(then), otherwise && inside(otherwise))
  }
  /** A conditional direct branch: the region's structure takes it. */
  private capture(condition: Value, then: () => void): boolean {
    const length = this.tape.length
    this.ending = { kind: 'next' }
    then()
    if ((this.ending as Ending).kind !== 'target' || !this.onlyConstants(length)) {
      this.refused = true
      return true
    }
    const known = this.known(condition)
    this.ending =
      known === 0 ? { kind: 'next' } : { kind: 'target', condition: known === undefined ? condition : undefined }
    return true
  }
  private onlyConstants(from: number): boolean {
    for (let at = from; at < this.tape.length; at++) if (this.tape.op[at] !== CONST) return false
    return true
  }
  override loop(body: () => void) {
    this.depth++
    super.loop(body)
    this.depth--
  }

  // Exits.
  private snap(at: number) {
    this.current ??= this.snapshot(this.record, this.number('next'))
    this.snapshots.set(at, this.current)
  }
  private snapshot(record: number, next: number): Snapshot {
    const flags = this.flags.state
    const registers = [...this.registers]
    // A register that has held nothing but its own value of the block's beginning needs nothing.
    const values = [...registers, -1, flags.result, flags.a, flags.b].filter((v, local) => {
      if (v !== this.entry[local]) this.moved.add(local)
      return v >= 0 && this.moved.has(local) && this.tape.op[v] !== CONST
    })
    return { registers, flags, index: this.index, record, next, values }
  }
  /** Ends the block: what its registers and flags are then, and the operand of its last branch (NONE for none). */
  finish(operand: Value) {
    this.mark(operand)
    this.snapshots.set(this.tape.length - 1, this.snapshot(0, 0))
  }
  override guestLoad(linear: Value, width: number, willWrite = false): Value {
    const v = super.guestLoad(linear, width, willWrite)
    this.snap(v)
    return v
  }
  override guestStore(linear: Value, width: number, v: Value) {
    super.guestStore(linear, width, v)
    this.snap(this.tape.length - 1)
  }
  /** Most segments are without limits: the test and the base are common to the accesses of a block. */
  protected override segmented(segment: Value, offset: Value, bytes: number, write: boolean): Value {
    const checked = () => super.segmented(segment, offset, bytes, write)
    return linearInOpen(this, this.known(segment)!, offset, write, checked)
  }
  override call(callee: string, args: Value[], result: Type = I32, faults = false): Value {
    if (external.has(callee)) this.refused = true
    if (callee === 'fxrstor') this.vectors.clear()
    const v = super.call(callee, args, result, faults)
    if (faults) this.snap(v)
    return v
  }
  override helper(callee: string, args: Value[] = [], faults = false): Value {
    if (!harmless.has(callee)) this.refused = true
    const v = super.helper(callee, args, faults)
    if (faults) this.snap(v)
    return v
  }
  override raise(vector: number, error?: Value) {
    super.raise(vector, error)
    this.snap(this.tape.length - 1)
  }
  override rare() {
    // No exception: the region is left before the instruction (hot-lowering.ts).
    this.raise(L.RETRY - 1)
  }
  override stop(reason: number) {
    super.stop(reason)
    if (reason !== 2) this.refused = true
    this.snap(this.tape.length - 1)
  }
  override jump(offset: Value) {
    if (this.depth > 0) this.refused = true
    this.ending = { kind: 'jump', offset }
  }
  override jumpToTarget() {
    if (this.depth > 0) this.refused = true
    this.ending = { kind: 'target', condition: undefined }
  }
}

/** Procedures that work on the cells of general registers. */
const external = new Set(Object.keys(stringProcedures))
/** Helpers that look at no general register, flag, count or EIP, and go on with the next instruction. */
const harmless = new Set<string>()
