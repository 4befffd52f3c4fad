// A CPU by itself, for tests and for programs that embed previrt: memory is what its user maps, and it
// retires one instruction at a time. Exceptions are reported before anything is delivered, with the state that the
// handler's frame would hold (SDM vol. 3, 6.6 and 6.14); ports read as all ones.

import { Cpu } from '../cpu/cpu.js'
import { beforeStep, trapDue } from '../cpu/debug-registers.js'
import { betweenIterations } from '../cpu/delivery.js'
import { RF } from '../cpu/eflags.js'
import { DB, MC, PF } from '../cpu/exceptions.js'
import * as L from '../cpu/layout.js'
import { cpuModel, FXSR, SSE } from '../cpu/models.js'
import type { CpuState, PartialState } from '../cpu/state.js'
import { type EngineName, engineNames, makeEngine } from '../engine/engines.js'
import type { Engine } from '../engine/execution.js'
import { type ChosenClasses, type InterceptAnswer, type InterceptEvent, Interception } from '../engine/interception.js'
import { EXIT_FAULT, EXIT_INTERCEPT, EXIT_STOP } from '../engine/record.js'
import { LinearPages, type PageRights } from './linear-pages.js'

const PAGE = 0x1000
const LINEAR_END = 2 ** 32
const DEFAULT_MEMORY = 64 << 20
const WASM_PAGE = 0x10000
/** Iterations of a repeated instruction that the engine is asked for at once. */
const MANY = 0x3fffffff
const BUDGET = L.BUDGET >> 2
const CR0_PE = 1
const CR0_PG = 0x80000000 | 0
/** PE MP ET NE WP, as an operating system has them. */
const CR0_START = 0x10033
const CR4_FXSR = 0x200
const CR4_SSE = 0x400
const FCW_START = 0x37f
const FLAT_CODE = { selector: 0x08, base: 0, limit: 0xffffffff, rights: 0xc09b }
const FLAT_DATA = { selector: 0x10, base: 0, limit: 0xffffffff, rights: 0xc093 }

export interface CpuConfig {
  /** A model of cpu/models.ts: '386', '486', 'pentium3', 'pentium4', 'previrt-guest'. Default pentium4. */
  readonly model?: string
  /** Which engine executes; all give the same results. Default interpreter. */
  readonly engine?: EngineName
  /** Bytes that can be mapped at most, page tables included. Only what is used takes host memory. Default 64 MiB. */
  readonly memory?: number
}

export interface StepOptions {
  /** Deliver an exception through the IDT instead of reporting it. */
  readonly deliver?: boolean
  /** Iterations of a REP string instruction at most; without it, it runs to its completion. */
  readonly iterations?: number
}

/** What a step came to. `cr2` is there for #PF, `errorCode` for exceptions that have one. */
export type StepResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'fault'; readonly vector: number; readonly errorCode?: number; readonly cr2?: number }
  | { readonly kind: 'halt' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'intercepted'; readonly event: InterceptEvent } // intercept() was called, and its handler says 'stop'

const DONE: StepResult = { kind: 'done' }
const HALT: StepResult = { kind: 'halt' }
const SHUTDOWN: StepResult = { kind: 'shutdown' }

export class SingleCpu {
  private readonly cpu: Cpu
  private readonly engine: Engine
  private readonly interception: Interception
  private readonly pages: LinearPages
  private retired = 0
  private halted = false
  private mapped = false
  /** Vector of a software interrupt that got as far as its gate in the current step. */
  private interrupt = -1
  /** Exception that the current step raised in a new task. */
  private taskFault: StepResult | undefined

  /** See `createCpu`. */
  constructor(config: CpuConfig) {
    const model = cpuModel(config.model ?? 'pentium4')
    const name = config.engine ?? 'interpreter'
    if (!engineNames.includes(name)) throw new Error(`unknown engine '${name}': use one of ${engineNames.join(', ')}`)
    const bytes = config.memory ?? DEFAULT_MEMORY
    if (!(bytes >= PAGE && bytes <= 0x40000000)) throw new RangeError(`memory of ${bytes} bytes: give 4096 to 1 GiB`)
    const size = Math.ceil((L.RAM + bytes) / WASM_PAGE)
    const memory = new WebAssembly.Memory({ initial: size, maximum: size })
    this.pages = new LinearPages(memory.buffer)
    this.cpu = new Cpu(
      memory.buffer,
      {
        portIn: (_, size) => 2 ** (8 * size) - 1,
        portOut: () => {},
        tsc: () => this.retired,
        acknowledgeInterrupt: () => 0,
        physicalPage: page => this.pages.host(page),
        deviceRead: (_, size) => 2 ** (8 * size) - 1,
        deviceWrite: () => {},
        onModeChange: () => this.engine?.modeChanged(),
        onCodeWrite: (host, length) => this.engine.codeWritten(host, length),
        onFlush: () => {},
        fpuError: () => true,
        halt: () => {
          this.halted = true
        },
        onApicBase: () => {},
      },
      model,
    )
    this.engine = makeEngine(name, this.cpu, memory, model)
    this.interception = new Interception(this.cpu)
    const { features } = model
    this.cpu.state = {
      cr0: CR0_START,
      cr4: (features & FXSR ? CR4_FXSR : 0) | (features & SSE ? CR4_SSE : 0),
      eip: 0,
      cs: FLAT_CODE,
      ds: FLAT_DATA,
      es: FLAT_DATA,
      ss: FLAT_DATA,
      fs: FLAT_DATA,
      gs: FLAT_DATA,
      x87: { cw: FCW_START },
    }
    this.engine.modeChanged()
  }

  /**
   * Makes the 4 KiB pages that hold `bytes` bytes from `linear` on present, zeroed where they were not; for pages that
   * were, only the rights change. The first call loads CR3 with tables of the library's own (two levels: leave CR4.PAE
   * clear) and, in protected mode, sets CR0.PG.
   * @throws RangeError outside 4 GiB, or when `memory` is used up
   */
  map(linear: number, bytes: number, rights: PageRights = {}) {
    const { cpu, pages } = this
    for (const page of pagesOf(linear, bytes)) {
      pages.map(page, rights)
      cpu.tlb.invalidate(page)
    }
    if (this.mapped) return
    this.mapped = true
    const { i32 } = cpu
    i32[L.CR3 >> 2] = pages.root
    if ((i32[L.CR0 >> 2]! & CR0_PE) !== 0) i32[L.CR0 >> 2]! |= CR0_PG
    cpu.refresh()
  }
  /** Makes pages not present; what they held is lost. Pages that are not mapped are passed over. */
  unmap(linear: number, bytes: number) {
    for (const page of pagesOf(linear, bytes)) {
      const host = this.pages.unmap(page)
      this.cpu.tlb.invalidate(page)
      if (host >= 0) this.engine.codeWritten(host, PAGE)
    }
  }
  /**
   * Writes guest memory past all rights; the next step sees it, as code too.
   * @throws RangeError, with nothing written, where a page is not mapped
   */
  write(linear: number, data: Uint8Array) {
    const { u8, tlb } = this.cpu
    for (const { host, from, length } of this.runs(linear, data.length)) {
      u8.set(data.subarray(from, from + length), host)
      if (tlb.hasCode(host)) this.engine.codeWritten(host, length)
    }
  }
  /** A copy of guest memory. Throws RangeError where a page is not mapped. */
  read(linear: number, length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (const { host, from, length: n } of this.runs(linear, length))
      out.set(this.cpu.u8.subarray(host, host + n), from)
    return out
  }

  /**
   * From now on instructions of these classes exit before anything of them is checked or done, or are reported; at any CPL.
   * @param onIntercept what becomes of one that exits; by default the step ends before it
   * @throws RangeError for a class that does not exist or that instructions alone do not tell
   */
  intercept(classes: ChosenClasses, onIntercept: (event: InterceptEvent) => InterceptAnswer = () => 'stop') {
    this.interception.onIntercept = onIntercept
    this.interception.choose(classes)
    this.engine.intercept(this.interception.takeChange()!, this.interception.breakpoints)
  }
  /** All registers: a snapshot. Setting merges what is named at any depth, arrays whole; see cpu/state.ts. */
  get state(): CpuState {
    return this.cpu.state
  }
  set state(state: PartialState) {
    this.cpu.state = state
  }

  /**
   * Retires one instruction, a REP string instruction to its completion unless `iterations` bounds it.
   * `fault`: an exception, or INT n, INT3, INTO, INT1 whose gate lets it pass; nothing was delivered, EIP is that of
   * the instruction (behind INT n, INT3, INTO, and for traps of TF and data breakpoints), EFLAGS and CR2 are as the
   * handler would find them. With `deliver` it is delivered and the step is `done`; `shutdown` after a triple fault.
   */
  step(options: StepOptions = {}): StepResult {
    const { cpu } = this
    const deliver = options.deliver === true
    if (cpu.shutdown) return SHUTDOWN
    this.halted = false
    this.interrupt = -1
    this.taskFault = undefined
    cpu.monitorGate = deliver ? undefined : this.stopAtGate
    cpu.takeTaskFault = deliver ? undefined : this.keepTaskFault
    cpu.i32[L.FAULT >> 2] = 0
    const exit = beforeStep(cpu)
      ? this.execute(options.iterations ?? MANY, options.iterations === undefined)
      : EXIT_FAULT
    if (exit === EXIT_INTERCEPT) return { kind: 'intercepted', event: this.interception.stoppedAt! }
    if (exit === EXIT_FAULT) {
      if (!deliver) return this.fault()
      cpu.deliverRaised()
    } else if (this.interrupt >= 0) return { kind: 'fault', vector: this.interrupt }
    else if (this.taskFault) return this.taskFault
    else if (trapDue(cpu)) {
      if (!deliver) {
        if (betweenIterations(cpu)) this.setResume()
        return { kind: 'fault', vector: DB }
      }
      cpu.deliverTrap(DB)
      this.halted = false
    }
    if (cpu.shutdown) return SHUTDOWN
    return this.halted ? HALT : DONE
  }
  private execute(budget: number, repeat: boolean): number {
    const { i32 } = this.cpu
    for (;;) {
      i32[BUDGET] = budget
      i32[L.SLICE_END >> 2] = ((this.retired + budget) % LINEAR_END) | 0
      let exit = this.engine.single()
      if (exit === EXIT_INTERCEPT) exit = this.intercepted()
      const left = i32[BUDGET]!
      this.retired += budget - left
      if (exit === EXIT_FAULT || exit === EXIT_INTERCEPT || !repeat || left > 0) return exit
    }
  }
  private intercepted(): number {
    const answer = this.interception.ask(this.engine.intercepted)
    if (answer === 'stop') return EXIT_INTERCEPT
    if (answer === 'execute') return this.engine.single(true)
    if (answer === 'done') this.cpu.i32[BUDGET]!--
    return EXIT_STOP
  }
  private readonly stopAtGate = (vector: number): boolean => {
    this.interrupt = vector
    return true
  }
  private readonly keepTaskFault = () => {
    this.taskFault = this.fault()
  }
  private setResume() {
    const { cpu } = this
    cpu.i32[L.FLAGS >> 2]! |= RF & cpu.model.eflags
    cpu.resumeAt = cpu.retired
  }
  /** The exception in the FAULT cells as a result; brings the state to what its handler would find. */
  private fault(): StepResult {
    const { cpu } = this
    const { i32, u32 } = cpu
    const vector = i32[L.FAULT >> 2]! - 1
    i32[L.FAULT >> 2] = 0
    if (vector !== DB && vector !== MC) this.setResume()
    if (vector === PF) i32[L.CR2 >> 2] = i32[L.FAULT_LINEAR >> 2]!
    return {
      kind: 'fault',
      vector,
      ...(i32[L.FAULT_HAS_ERROR >> 2] !== 0 && { errorCode: u32[L.FAULT_ERROR >> 2]! }),
      ...(vector === PF && { cr2: u32[L.FAULT_LINEAR >> 2]! }),
    }
  }

  /** The stretches of host memory behind a linear range; all pages are checked before the first is used. */
  private runs(linear: number, length: number): { host: number; from: number; length: number }[] {
    const out: { host: number; from: number; length: number }[] = []
    if (!(linear >= 0 && linear + length <= LINEAR_END)) throw outside(linear, length)
    for (let from = 0; from < length; ) {
      const at = linear + from
      const n = Math.min(length - from, PAGE - (at % PAGE))
      const host = this.pages.find(at)
      if (host < 0) throw new RangeError(`nothing is mapped at 0x${at.toString(16)}: map the page first`)
      out.push({ host, from, length: n })
      from += n
    }
    return out
  }
}

function outside(linear: number, bytes: number): RangeError {
  return new RangeError(`${bytes} bytes at ${linear} do not lie in the 4 GiB of linear memory`)
}
function pagesOf(linear: number, bytes: number): number[] {
  if (!(Number.isInteger(linear) && linear >= 0 && bytes >= 0 && linear + bytes <= LINEAR_END))
    throw outside(linear, bytes)
  const first = Math.floor(linear / PAGE)
  const end = bytes === 0 ? first : Math.ceil((linear + bytes) / PAGE)
  return Array.from({ length: end - first }, (_, i) => first + i)
}
