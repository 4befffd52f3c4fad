// The loop around every engine: interrupts at exact boundaries, exceptions, HLT, single steps. Engines differ only in
// how they advance; what is architectural between two instructions stands here once (SDM vol. 3, 6.9 priorities).

import type { Cpu } from '../cpu/cpu.js'
import { afterStep, beforeStep, stepping } from '../cpu/debug-registers.js'
import * as L from '../cpu/layout.js'
import type { CpuTrap } from '../cpu/monitor.js'
import { Interception } from './interception.js'
import { EXIT_FAULT, EXIT_INTERCEPT, EXIT_STOP } from './record.js'

// Why run() returned.
export const LIMIT = 0 // the retired count has reached the limit
export const HALTED = 1 // HLT: nothing to execute until an interrupt
export const SHUTDOWN = 2 // triple fault
export const ASKED = 3 // requestStop() was called
export const INTERCEPTED = 4 // the owner of the interception controls stops before an instruction
export const IDLE = 5 // the monitor has nothing to run

const INTERRUPT_FLAG = 0x200
const SLICE_MAXIMUM = 0x3fffffff

/** Regions translated, bytes of WebAssembly made of them, and regions given up because their code changed. */
export interface TranslationStatistics {
  readonly blocks: number
  readonly bytes: number
  readonly invalidations: number
}

/** What an engine is: it executes instructions and says why it stopped (EXIT_* of record.ts). */
export interface Engine {
  readonly name: string
  /** What an engine that translates has done so far. */
  readonly statistics?: TranslationStatistics
  /** Executes until BUDGET is used up or something is to be looked at. */
  advance(): number
  /**
   * Executes exactly one instruction (one iteration of a repeated one when BUDGET is 1); `uncontrolled` also one that is
   * intercepted.
   */
  single(uncontrolled?: boolean): number
  /**
   * Leaves with EXIT_INTERCEPT before instructions of these forms (by form id, 1 where it is to) and before those at
   * these linear addresses.
   */
  intercept(controlled: Uint8Array, breakpoints: ReadonlySet<number>): void
  /** After EXIT_INTERCEPT: id of the form of the instruction at EIP. */
  readonly intercepted: number
  /** The MODE cell, or base or limit of CS, have changed. */
  modeChanged(): void
  /** Bytes of guest memory that were executed before have been written. */
  codeWritten(hostAddress: number, bytes: number): void
  /** Told before each instruction that is executed by itself because a deadline is near: all cells are up to date then. */
  observer?: (() => void) | undefined
}

export class Execution {
  readonly interception: Interception
  halted = false
  /** The monitor waits for an interrupt or for its clock. */
  idle = false
  /** Handles what waits in cpu.monitor.pending. */
  onTrap: (trap: CpuTrap) => void = () => {}
  /** An NMI is pending. */
  nmi = false
  private stopAsked = false
  private sliceEnd = 0
  private limit = 0

  constructor(
    readonly cpu: Cpu,
    readonly engine: Engine,
    private readonly acknowledge: () => number,
  ) {
    this.interception = new Interception(cpu)
  }

  /** Instructions retired since the start; exact also inside a helper (then: before the current instruction). */
  get retired(): number {
    return this.sliceEnd - this.cpu.i32[L.BUDGET >> 2]!
  }
  /** Sets the count (restore of a snapshot). */
  set retired(count: number) {
    this.sliceEnd = count
    this.cpu.i32[L.SLICE_END >> 2] = (count % 0x100000000) | 0
    this.cpu.i32[L.BUDGET >> 2] = 0
  }

  /** An NMI arrives: it is taken before the next instruction, unless the handler of one before has not returned. */
  raiseNmi() {
    this.nmi = true
    this.cpu.i32[L.ATTENTION >> 2] = 1
    this.shorten(this.retired)
  }
  /** Forgets what is pending: the CPU has been reset. */
  reset() {
    this.halted = false
    this.idle = false
    this.nmi = false
  }
  /** Ends run() before the next instruction. */
  requestStop() {
    this.stopAsked = true
    this.cpu.i32[L.ATTENTION >> 2] = 1
    this.shorten(this.retired)
  }
  /** The run is to end at an earlier count than was asked for (a device has a nearer deadline). */
  shorten(limit: number) {
    if (limit >= this.limit) return
    this.limit = limit
    const i32 = this.cpu.i32
    const cut = Math.min(this.sliceEnd - limit, i32[L.BUDGET >> 2]!)
    if (cut <= 0) return
    this.sliceEnd -= cut
    i32[L.BUDGET >> 2]! -= cut
    i32[L.SLICE_END >> 2]! -= cut
  }

  /** Executes until `limit` instructions have retired in all, or until there is a reason to stop before. */
  run(limit: number): number {
    const { cpu } = this
    const { i32 } = cpu
    this.limit = limit
    for (;;) {
      const retired = this.retired
      const controlled = this.interception.takeChange()
      if (controlled) this.engine.intercept(controlled, this.interception.breakpoints)
      const trap = cpu.monitor?.pending.shift()
      if (trap) {
        const more = this.stopAsked || this.nmi || cpu.monitor!.pending.length > 0
        i32[L.ATTENTION >> 2] = Number(more)
        this.onTrap(trap)
        continue
      }
      if (this.stopAsked) {
        this.stopAsked = false
        i32[L.ATTENTION >> 2] = Number(this.nmi)
        return ASKED
      }
      if (cpu.shutdown) return SHUTDOWN
      const shadow = i32[L.SHADOW_KIND >> 2]!
      const held = shadow !== 0 && shadow !== L.SHADOW_REPEATING && i32[L.SHADOW >> 2] === ((retired % 0x100000000) | 0)
      if (!held) this.interrupts()
      if (cpu.monitor !== undefined && cpu.monitor.pending.length > 0) continue
      if (this.idle) return IDLE
      if (this.halted) return HALTED
      if (retired >= this.limit) return LIMIT
      const waiting = held && (this.nmi || i32[L.INTR >> 2] !== 0)
      this.slice(retired, waiting ? retired + 1 : this.limit)
      const steps = stepping(cpu)
      let exit = steps ? this.step() : this.engine.advance()
      if (exit === EXIT_INTERCEPT) exit = this.intercepted(steps)
      if (exit === EXIT_INTERCEPT) return INTERCEPTED
      if (exit === EXIT_FAULT) cpu.deliverRaised()
    }
  }

  private interrupts() {
    const { cpu } = this
    const { i32 } = cpu
    const enabled = (i32[L.FLAGS >> 2]! & INTERRUPT_FLAG) !== 0 || this.idle
    if (this.nmi && i32[L.NMI_BLOCKED >> 2] === 0) {
      this.nmi = false
      this.halted = false
      i32[L.ATTENTION >> 2] = 0
      cpu.deliverInterrupt(2)
    } else if (i32[L.INTR >> 2] !== 0 && enabled) {
      if (!cpu.monitor?.takesInterrupt()) this.takeInterrupt()
    }
  }
  /** A deadline is reached or an interrupt can be taken: nobody may go on by single steps. */
  get due(): boolean {
    const { i32 } = this.cpu
    const interrupt = i32[L.INTR >> 2] !== 0 && (i32[L.FLAGS >> 2]! & INTERRUPT_FLAG) !== 0
    return interrupt || this.nmi || this.stopAsked || this.retired >= this.limit
  }
  /** Acknowledges the external interrupt that is asked for, and delivers it. */
  takeInterrupt() {
    this.halted = false
    this.cpu.deliverInterrupt(this.acknowledge())
  }
  private slice(retired: number, end: number) {
    const stop = Math.min(end, retired + SLICE_MAXIMUM)
    const { i32 } = this.cpu
    this.sliceEnd = stop
    i32[L.SLICE_END >> 2] = (stop % 0x100000000) | 0
    i32[L.BUDGET >> 2] = stop - retired
  }

  /** One instruction with TF or breakpoints in force. */
  private step(): number {
    const { cpu } = this
    const retired = this.retired
    if (!beforeStep(cpu)) return EXIT_FAULT
    this.slice(retired, retired + 1)
    const exit = this.engine.single()
    if (exit !== EXIT_FAULT && exit !== EXIT_INTERCEPT && afterStep(cpu)) this.halted = false
    return exit
  }
  /** Lets the owner of the controls decide on the instruction at EIP; EXIT_INTERCEPT when the run is to end there. */
  private intercepted(steps: boolean): number {
    const { cpu, engine } = this
    const answer = this.interception.ask(engine.intercepted)
    if (answer === 'stop') return EXIT_INTERCEPT
    let exit = EXIT_STOP
    if (answer === 'done') cpu.i32[L.BUDGET >> 2]!--
    else if (answer === 'execute') exit = this.executeOne()
    if (steps && answer === 'done' && afterStep(cpu)) this.halted = false
    return exit
  }
  /**
   * Executes the instruction at EIP even if it is intercepted; EXIT_*. Not to be called while an engine runs.
   * @param stretch of a repeated one as many iterations as there may be before anybody else has to be asked
   */
  executeOne(stretch = false): number {
    const { cpu, retired, limit } = this
    const steps = stepping(cpu)
    const far = stretch && !steps && !this.due && cpu.i32[L.INTR >> 2] === 0
    this.slice(retired, far ? limit : retired + 1)
    const exit = this.engine.single(true)
    if (steps && exit !== EXIT_FAULT && afterStep(cpu)) this.halted = false
    return exit
  }
}
