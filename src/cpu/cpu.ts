// The CPU as an object: views of the one linear memory, what the machine injects, and the exception cells. The rules
// of the SDM are functions in the other files of this folder; they take a Cpu and answer true, or raise and answer false.

import type { Watchpoint } from './data-breakpoints.js'
import { armBreakpoints } from './debug-registers.js'
import { deliverFault, deliverInterrupt, deliverTrap } from './delivery.js'
import type { CpuHost } from './host.js'
import {
  BUDGET,
  CPL,
  CR0,
  DELIVERY_WATCHED,
  EIP,
  EXCEPTION_COUNTS,
  FAULT,
  FAULT_ERROR,
  FAULT_HAS_ERROR,
  FAULT_LINEAR,
  gprCell,
  INTERRUPT_COUNTS,
  MONITORED,
  OPERATION_COUNTS,
  RESUME_AT,
  SLICE_END,
  SOFTWARE_COUNTS,
  TLB_FILLS,
  TRACING,
  WATCHING,
} from './layout.js'
import { loadSlow, storeSlow, translateCode } from './memory.js'
import { updateMode } from './mode.js'
import type { CpuModel } from './models.js'
import type { Monitor } from './monitor.js'
import { OPERATIONS } from './operation-counts.js'
import { reset } from './reset.js'
import { refreshSegments } from './segment-cache.js'
import { StackCursor } from './stack-cursor.js'
import { type CpuState, type PartialState, readState, writeState } from './state.js'
import { Tlb } from './tlb.js'

/** Takes over the delivery through a gate: see `Cpu.monitorGate`. */
export type MonitorGate = (vector: number, source: number, error: number, returnEip: number) => boolean

/** See `Cpu.onDelivery`. */
export type DeliveryObserver = (vector: number, source: number, error: number | undefined, returnEip: number) => void

export class Cpu {
  readonly i32: Int32Array
  readonly u32: Uint32Array
  readonly u16: Uint16Array
  readonly u8: Uint8Array
  readonly view: DataView
  readonly tlb: Tlb
  private readonly fills: Float64Array

  /** Physical page number that the last translation found. */
  frame = 0
  /** The two halves of the descriptor fetched last. */
  descriptorLow = 0
  descriptorHigh = 0
  descriptorAddress = 0
  /** SS:ESP of an inner level, as found in the TSS last. */
  innerSelector = 0
  innerEsp = 0
  /** The stack that a transfer of control pushes on, before it becomes SS:ESP. */
  readonly stack = new StackCursor()
  /** Bit n: segment register n, up to DS, has base 0, limit 4 GiB and lets flat code do all it may do. */
  flatSegments = 0
  /** CS base or limit have changed since the host was last told. */
  codeSegmentMoved = true
  /** Debug conditions met by the current instruction, in DR6's layout. */
  debugHits = 0
  /** Set by setWatchpoints. */
  watchpoints: readonly Watchpoint[] = []
  /** 1 while an instruction that may change the mode executes: it has not retired yet. */
  transferring = 0
  /** A task switch has got so far that exceptions belong to the new task. */
  taskSwitched = false
  /** Device memory is not to be accessed now: who tries sets FAULT to RETRY. */
  devicesLater = false
  /** True after a triple fault, until reset. */
  shutdown = false
  /**
   * By vector: exceptions that the program's instructions have raised, whether the IDT or a monitor took them; external
   * interrupts and NMIs taken; INT n, INT3 and INTO that their gates let pass.
   */
  readonly exceptionCounts: Float64Array
  readonly interruptCounts: Float64Array
  readonly softwareCounts: Float64Array
  /** By number of operation-counts.ts. */
  readonly operationCounts: Float64Array

  /** Deliveries that translated code can do, where there is any (semantics/deliver-quick.ts): not 0 when it is done. */
  deliverQuick:
    | ((vector: number, software: number, error: number, hasError: number, eip: number, flags: number) => number)
    | undefined
  private gateMonitor: MonitorGate | undefined
  private deliveryObserver: DeliveryObserver | undefined
  private guestMonitor: Monitor | undefined
  /** Takes an exception in the FAULT cells that a far transfer raised in its new task, instead of its delivery. */
  takeTaskFault: (() => void) | undefined

  /** `buffer` is the machine's linear memory as cpu/layout.ts lays it out; it may not be moved or grown later. */
  constructor(
    readonly buffer: ArrayBuffer,
    readonly host: CpuHost,
    readonly model: CpuModel,
  ) {
    this.i32 = new Int32Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.u16 = new Uint16Array(buffer)
    this.u8 = new Uint8Array(buffer)
    this.view = new DataView(buffer)
    this.exceptionCounts = new Float64Array(buffer, EXCEPTION_COUNTS, 32)
    this.interruptCounts = new Float64Array(buffer, INTERRUPT_COUNTS, 256)
    this.softwareCounts = new Float64Array(buffer, SOFTWARE_COUNTS, 256)
    this.operationCounts = new Float64Array(buffer, OPERATION_COUNTS, OPERATIONS.length)
    this.fills = new Float64Array(buffer, TLB_FILLS, 1)
    this.tlb = new Tlb(this.i32)
    this.reset()
  }

  /**
   * Asked after a gate of the IDT was found to be usable (in real mode: always) and before anything changes. Answering
   * true takes the delivery over: EIP is then `returnEip`, nothing is pushed. `source` is one of delivery.ts.
   */
  get monitorGate(): MonitorGate | undefined {
    return this.gateMonitor
  }
  set monitorGate(asked) {
    this.gateMonitor = asked
    this.i32[DELIVERY_WATCHED >> 2] = Number((asked ?? this.deliveryObserver) !== undefined)
  }
  /** Told of each delivery through the IDT that has succeeded; EIP and CPL are the handler's. */
  get onDelivery(): DeliveryObserver | undefined {
    return this.deliveryObserver
  }
  set onDelivery(told) {
    this.deliveryObserver = told
    this.i32[DELIVERY_WATCHED >> 2] = Number((told ?? this.gateMonitor) !== undefined)
  }
  /** A monitor below the guest, where there is one. */
  get monitor(): Monitor | undefined {
    return this.guestMonitor
  }
  set monitor(monitor) {
    this.guestMonitor = monitor
    this.i32[MONITORED >> 2] = Number(monitor !== undefined)
  }
  /** Translations found by a page walk so far. */
  get tlbFills(): number {
    return this.fills[0]!
  }
  countFill() {
    this.fills[0]!++
  }
  /** Low 32 bits of the retired count at which a set RF still holds. */
  get resumeAt(): number {
    return this.i32[RESUME_AT >> 2]!
  }
  set resumeAt(count: number) {
    this.i32[RESUME_AT >> 2] = count
  }
  /** TF was set before the current single step, and nothing has been delivered since. */
  get tracing(): boolean {
    return this.i32[TRACING >> 2] !== 0
  }
  set tracing(is: boolean) {
    this.i32[TRACING >> 2] = Number(is)
  }
  /** True while DR7 enables a data or I/O breakpoint or there are watchpoints: their pages stay out of the tables. */
  get watching(): boolean {
    return this.i32[WATCHING >> 2] !== 0
  }
  set watching(is: boolean) {
    this.i32[WATCHING >> 2] = Number(is)
  }

  /** Power-on state: real mode, CS base FFFF0000, EIP FFF0 (SDM vol. 3, table 9-1). */
  reset() {
    reset(this)
  }

  /** Raises an exception of the current instruction; answers false so that callers can return it. */
  raise(vector: number, error?: number): false {
    this.i32[FAULT >> 2] = vector + 1
    this.i32[FAULT_ERROR >> 2] = error ?? 0
    this.i32[FAULT_HAS_ERROR >> 2] = error === undefined ? 0 : 1
    return false
  }
  /** Raises #PF for a linear address with the given error code. */
  raisePageFault(linear: number, error: number): false {
    this.i32[FAULT_LINEAR >> 2] = linear
    return this.raise(14, error)
  }
  /** True when the current instruction has raised an exception. */
  get faulted(): boolean {
    return this.i32[FAULT >> 2] !== 0
  }

  /** Low 32 bits of the number of instructions retired before the current one. */
  get retired(): number {
    return (this.i32[SLICE_END >> 2]! - this.i32[BUDGET >> 2]!) | 0
  }
  get eip(): number {
    return this.i32[EIP >> 2]! >>> 0
  }
  set eip(value: number) {
    this.i32[EIP >> 2] = value
  }
  get cpl(): number {
    return this.i32[CPL >> 2]!
  }
  /** True in protected mode, virtual-8086 mode included. */
  get protectedMode(): boolean {
    return (this.i32[CR0 >> 2]! & 1) !== 0
  }
  /** General register n in encoding order, unsigned. */
  register(n: number): number {
    return this.u32[gprCell(n) >> 2]!
  }
  setCpl(value: number) {
    this.i32[CPL >> 2] = value
  }
  setRegister(n: number, value: number) {
    this.i32[gprCell(n) >> 2] = value
  }

  /** Host address of the code byte at a linear address for the current CPL; -1 device memory (`frame`), -2 #PF raised. */
  translateCode(linear: number): number {
    return translateCode(this, linear)
  }
  /** Slow path of guest loads: see memory.ts. */
  loadSlow(linear: number, width: number, willWrite: number): number {
    return loadSlow(this, linear, width, willWrite)
  }
  /** Slow path of guest stores: see memory.ts. */
  storeSlow(linear: number, width: number, value: number) {
    storeSlow(this, linear, width, value)
  }

  /** Delivers an exception; EIP is the instruction that raised it. See delivery.ts. */
  deliverFault(vector: number, error?: number) {
    deliverFault(this, vector, error ?? 0, error !== undefined)
  }
  /** Delivers the exception in the FAULT cells and clears them. */
  deliverRaised() {
    const vector = this.i32[FAULT >> 2]! - 1
    deliverFault(this, vector, this.i32[FAULT_ERROR >> 2]!, this.i32[FAULT_HAS_ERROR >> 2] !== 0)
  }
  /** Delivers an external interrupt (or NMI, vector 2) at an instruction boundary. See delivery.ts. */
  deliverInterrupt(vector: number) {
    deliverInterrupt(this, vector)
  }
  /** Delivers a debug trap (#DB after the instruction). */
  deliverTrap(vector: number) {
    deliverTrap(this, vector)
  }

  /** Watches bytes for a debugger: the host is told of accesses by the program (CpuHost.onWatchpoint). */
  setWatchpoints(watchpoints: readonly Watchpoint[]) {
    this.watchpoints = watchpoints
    armBreakpoints(this)
  }

  /** All registers as a snapshot; setting merges what is named: see state.ts. */
  get state(): CpuState {
    return readState(this)
  }
  set state(state: PartialState) {
    writeState(this, state)
  }

  /** Recomputes all derived cells and drops all translations, after the state cells were written from outside. */
  refresh() {
    refreshSegments(this)
    this.tlb.flush(true)
    this.host.onFlush(-1)
    this.codeSegmentMoved = true
    updateMode(this)
  }
}
