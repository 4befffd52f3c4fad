// A machine just large enough to run instructions through builder and reference evaluator: CPU state cells, mapped
// pages of guest memory, helpers that the test supplies. No paging, no delivery; segments are flat unless changed.

import * as L from '../../src/cpu/layout.js'
import { type Datum, type Ending, type Environment, Evaluator, type Program, prepare } from '../../src/ir/evaluate.js'
import { ALL_FEATURES, PROTECTED } from '../../src/isa/features.js'
import { procedure, translate } from './static-context.js'

export interface Fault {
  readonly vector: number
  readonly error: number | undefined
}
/** An instruction ready to run. */
export interface Prepared {
  readonly program: Program
  readonly eip: number
  readonly next: number
  readonly target: number
}
export interface Outcome {
  readonly ending: Ending
  /** Where it goes on; for a fault the instruction itself. */
  readonly eip: number
  readonly fault: Fault | undefined
}
export type Helper = (...args: number[]) => number

/** Host pages of guest memory begin here. */
const PAGES = L.RAM
const memory = new ArrayBuffer(PAGES + 0x40000)
/** Linear pages whose translation table entries are set: the memory is shared by all machines, one after the other. */
const filled = new Set<number>()

export class SemanticsMachine {
  readonly cells = new Int32Array(memory, 0, L.TLB_FILLS >> 2)
  readonly bytes = new Uint8Array(memory)
  readonly view = new DataView(memory)
  readonly helpers: Record<string, Helper> = {}
  /** Names of the helpers that were called, with their arguments. */
  readonly calls: [string, ...number[]][] = []
  mode = { code32: true, flat: true, features: ALL_FEATURES | PROTECTED }
  fault: Fault | undefined
  /** Pages whose translation is also in the TLB tables: what the bulk paths of string instructions may use. */
  private readonly pages = new Map<number, { host: number; write: boolean }>()
  private readonly evaluator: Evaluator

  constructor() {
    for (const page of filled) this.translate(page, 0, 0)
    filled.clear()
    this.cells.fill(0)
    new Uint8Array(memory, PAGES).fill(0)
    this.cells[L.TLB_READ >> 2] = L.TLB_SUPERVISOR_READ
    this.cells[L.TLB_WRITE >> 2] = L.TLB_SUPERVISOR_WRITE
    this.cells[L.STACK_MASK >> 2] = -1
    this.cells[L.BUDGET >> 2] = 1000
    this.cells[L.FLAGS >> 2] = 2
    for (let n = 0; n < 6; n++) this.segment(n, 0, 0xffffffff)
    const environment: Environment = {
      guestLoad: (linear, width, willWrite) => this.load(linear, width, willWrite),
      guestStore: (linear, width, value) => this.store(linear, width, value),
      helper: (name, args) => {
        this.calls.push([name, ...args])
        return this.helpers[name]?.(...args) ?? 0
      },
      procedure,
      raise: (vector, error) => {
        this.fault = { vector, error }
      },
      fault: () => this.fault !== undefined,
    }
    this.evaluator = new Evaluator(memory, environment)
  }

  /** Sets base and limit of segment n, readable and writable. */
  segment(n: number, base: number, limit: number, write = true) {
    const at = L.segmentCell(n, 0) >> 2
    this.cells[at + (L.SEG_BASE >> 2)] = base
    this.cells[at + (L.SEG_READ_LOW >> 2)] = 0
    this.cells[at + (L.SEG_READ_HIGH >> 2)] = limit
    this.cells[at + (L.SEG_WRITE_LOW >> 2)] = write ? 0 : 1
    this.cells[at + (L.SEG_WRITE_HIGH >> 2)] = write ? limit : 0
    this.cells[at + (L.SEG_LIMIT >> 2)] = limit
  }
  /** Maps a linear page to host page `host` (0-63); with `tlb` its translation is in the tables. */
  map(page: number, host: number, { write = true, tlb = false } = {}) {
    const at = PAGES + 0x1000 * host
    this.pages.set(page, { host: at, write })
    const entry = tlb ? (at - 0x1000 * page - L.TLB_VALID) | 0 : 0
    this.translate(page, entry, write ? entry : 0)
    filled.add(page)
  }
  private translate(page: number, read: number, write: number) {
    this.view.setInt32(L.TLB_SUPERVISOR_READ + 4 * page, read, true)
    this.view.setInt32(L.TLB_SUPERVISOR_WRITE + 4 * page, write, true)
  }
  private host(linear: number, write: boolean): number {
    const page = this.pages.get(linear >>> 12)
    if (!page || (write && !page.write)) {
      this.fault = { vector: 14, error: write ? 2 : 0 }
      this.cells[L.FAULT_LINEAR >> 2] = linear
      return -1
    }
    return page.host + (linear & 0xfff)
  }
  private load(linear: number, width: number, willWrite = false): Datum {
    const out = new DataView(new ArrayBuffer(16))
    for (let i = 0; i < width; i++) {
      const at = this.host((linear + i) >>> 0, willWrite)
      if (at < 0) return width === 8 ? 0n : width === 16 ? new Uint8Array(16) : 0
      out.setUint8(i, this.bytes[at]!)
    }
    if (width === 16) return new Uint8Array(out.buffer)
    return width === 8 ? out.getBigInt64(0, true) : width === 4 ? out.getInt32(0, true) : out.getUint16(0, true)
  }
  private store(linear: number, width: number, value: Datum) {
    const at = Array.from({ length: width }, (_, i) => this.host((linear + i) >>> 0, true))
    if (this.fault) return
    const from = new DataView(new ArrayBuffer(16))
    if (width === 16) new Uint8Array(from.buffer).set(value as Uint8Array)
    else if (width === 8) from.setBigInt64(0, value as bigint, true)
    else from.setInt32(0, value as number, true)
    for (const [i, a] of at.entries()) this.bytes[a] = from.getUint8(i)
  }
  /** Guest memory by linear address, past all rights; the pages must be mapped. */
  read(linear: number, bytes: number): Uint8Array {
    const out = new Uint8Array(bytes)
    for (let i = 0; i < bytes; i++) out[i] = this.bytes[this.at(linear + i)]!
    return out
  }
  write(linear: number, bytes: ArrayLike<number>) {
    for (let i = 0; i < bytes.length; i++) this.bytes[this.at(linear + i)] = bytes[i]!
  }
  private at(linear: number): number {
    return this.pages.get(linear >>> 12)!.host + (linear & 0xfff)
  }

  get registers(): number[] {
    return Array.from({ length: 8 }, (_, n) => this.cells[L.gprCell(n) >> 2]! >>> 0)
  }
  set registers(values: readonly number[]) {
    for (const [n, v] of values.entries()) this.cells[L.gprCell(n) >> 2] = v
  }
  /** EFLAGS whole, by the definition of the cells and independent of semantics/flags.ts. */
  get flags(): number {
    const result = this.cells[L.FLAG_RESULT >> 2]!
    const aux = this.cells[L.FLAG_AUX >> 2]!
    const odd = (((result ^ (aux >> 8)) & 0xff).toString(2).replaceAll('0', '').length & 1) as number
    const carry = aux >>> 31
    const bits = [carry, (1 - odd) << 2, aux & 8 ? 0x10 : 0, result === 0 ? 0x40 : 0]
    bits.push(((result >>> 31) ^ (aux & 1)) << 7, (carry ^ ((aux >>> 30) & 1)) << 11)
    return bits.reduce((x, y) => x | y, this.cells[L.FLAGS >> 2]!)
  }
  set flags(word: number) {
    const carry = word & 1
    const overflow = (word >> 11) & 1
    this.cells[L.FLAG_RESULT >> 2] = word & 0x40 ? 0 : 0x100
    this.cells[L.FLAG_AUX >> 2] =
      (carry << 31) |
      ((carry ^ overflow) << 30) |
      (word & 0x10 ? 8 : 0) |
      (word & 4 ? 0 : 0x100) |
      (word & 0x80 ? 1 : 0)
    this.cells[L.FLAGS >> 2] = (word & ~0x8d5) | 2
  }

  /** Decodes and translates the instruction at `eip` whose bytes are given. */
  prepare(code: ArrayLike<number>, eip: number): Prepared {
    const bytes = new Uint8Array(16)
    bytes.set(code)
    const { tape, next, target } = translate(bytes, eip, this.mode)
    return { program: prepare(tape), eip, next, target }
  }
  /** Runs one instruction given by its bytes. `eip` is where it goes on after 'next', 'target' and 'jump'. */
  run(code: ArrayLike<number>, eip = 0x1000): Outcome {
    return this.execute(this.prepare(code, eip))
  }
  execute({ program, eip, next, target }: Prepared): Outcome {
    this.fault = undefined
    const ending = this.evaluator.run(program)
    const at = { next, target, stop: next, fault: eip, jump: 0 }[ending.kind]
    return { ending, eip: (ending.kind === 'jump' ? ending.offset : at) >>> 0, fault: this.fault }
  }
}
