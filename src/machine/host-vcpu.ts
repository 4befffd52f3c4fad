// The processor of a machine as a hypervisor sees it (host.ts): registers, accesses by linear address, gates, exceptions
// and instructions that come to it, and execution of single instructions on a guest's behalf.

import type { Cpu } from '../cpu/cpu.js'
import { eflags, setEflags } from '../cpu/eflags.js'
import * as L from '../cpu/layout.js'
import { load, probe, store } from '../cpu/memory.js'
import { updateMode } from '../cpu/mode.js'
import { type InterruptedDelivery, Monitor } from '../cpu/monitor.js'
import { CR4_PAE, loadPdptes } from '../cpu/paging.js'
import { refreshSegments, segmentIndex, setSegment } from '../cpu/segment-cache.js'
import { loadSegment } from '../cpu/segmentation.js'
import type { CpuState, PartialState, SegmentState } from '../cpu/state.js'
import { classNumber, type InterceptEvent } from '../engine/interception.js'
import { EXIT_FAULT } from '../engine/record.js'
import { type Entry, enter } from './entry.js'
import type { Controls, Fault, InterceptedClasses, Vcpu } from './host.js'
import type { Machine } from './machine.js'
import { loadContext, saveContext } from './vcpu-context.js'

const PAGE = 0x1000
const PG = 0x80000000
/** MP, EM, TS, NE. */
const FPU_CONTROL = 0x2e

export class HostVcpu implements Vcpu {
  readonly monitor: Monitor
  private readonly cpu: Cpu
  private anyLevel: ReadonlySet<number> = new Set()

  constructor(private readonly machine: Machine) {
    this.cpu = machine.cpu
    this.monitor = new Monitor(machine.cpu)
  }

  get state(): CpuState {
    return this.cpu.state
  }
  set(state: PartialState) {
    this.cpu.state = state
  }
  enter(entry: Entry) {
    enter(this.cpu, entry)
  }
  register(n: number): number {
    return this.cpu.register(n)
  }
  setRegister(n: number, value: number) {
    this.cpu.setRegister(n, value)
  }
  get eip(): number {
    return this.cpu.eip
  }
  set eip(value: number) {
    this.cpu.eip = value
    this.cpu.i32[L.SHADOW_KIND >> 2] = 0
  }
  get eflags(): number {
    return eflags(this.cpu) >>> 0
  }
  set eflags(value: number) {
    setEflags(this.cpu, value)
    this.cpu.resumeAt = this.cpu.retired
    updateMode(this.cpu)
  }
  get cpl(): number {
    return this.cpu.cpl
  }
  get cr2(): number {
    return this.cpu.u32[L.CR2 >> 2]!
  }
  set cr2(value: number) {
    this.cpu.i32[L.CR2 >> 2] = value
  }
  get retired(): number {
    return this.machine.retired
  }

  saveContext(): Uint8Array {
    return saveContext(this.cpu)
  }
  loadContext(context: Uint8Array) {
    loadContext(this.cpu, context)
  }
  get counterLag(): number {
    return -Number(this.cpu.view.getBigInt64(L.TSC_OFFSET, true))
  }
  set counterLag(nanoseconds: number) {
    this.cpu.view.setBigInt64(L.TSC_OFFSET, -BigInt(nanoseconds), true)
  }

  segment(n: number): SegmentState {
    const { u32 } = this.cpu
    const at = segmentIndex(n)
    return {
      selector: u32[at + (L.SEG_SELECTOR >> 2)]!,
      base: u32[at + (L.SEG_BASE >> 2)]!,
      limit: u32[at + (L.SEG_LIMIT >> 2)]!,
      rights: u32[at + (L.SEG_RIGHTS >> 2)]!,
    }
  }
  setSegment(n: number, { selector, base, limit, rights }: SegmentState) {
    const { cpu } = this
    setSegment(cpu, n, selector, base | 0, limit | 0, rights)
    if (n === L.CS) cpu.setCpl(selector & 3)
    updateMode(cpu)
  }
  loadSegment(n: number, selector: number): Fault | undefined {
    return loadSegment(this.cpu, n, selector) ? undefined : this.takeFault()
  }

  get programControls(): Controls {
    return this.monitor.shown
  }
  get controls(): Controls {
    const { u32 } = this.cpu
    return { cr0: u32[L.CR0 >> 2]!, cr3: u32[L.CR3 >> 2]!, cr4: u32[L.CR4 >> 2]! }
  }
  set controls({ cr0, cr3, cr4 }) {
    const { cpu } = this
    const { i32, tlb } = cpu
    const changed = i32[L.CR0 >> 2]! ^ cr0
    const others = i32[L.CR3 >> 2] !== (cr3 | 0) || i32[L.CR4 >> 2] !== (cr4 | 0)
    if (!others && changed !== 0 && (changed & ~FPU_CONTROL) === 0) {
      i32[L.CR0 >> 2] = cr0
      updateMode(cpu)
      return
    }
    const modeChanges = changed !== 0 || i32[L.CR4 >> 2] !== (cr4 | 0)
    const extended = (cr0 & PG) !== 0 && (cr4 & CR4_PAE) !== 0
    if (extended && !loadPdptes(cpu, cr3))
      throw new RangeError(`the page-directory-pointer table at 0x${cr3.toString(16)} has reserved bits set`)
    i32[L.CR0 >> 2] = cr0
    i32[L.CR3 >> 2] = cr3
    i32[L.CR4 >> 2] = cr4
    tlb.flush(true)
    if (!modeChanges) return
    refreshSegments(cpu)
    updateMode(cpu)
  }
  get shownControls() {
    return this.monitor.controls
  }
  set shownControls(shown) {
    this.monitor.controls = shown
  }
  get onFlush() {
    return this.machine.onFlush
  }
  set onFlush(report) {
    this.machine.onFlush = report
  }
  get onPageFault() {
    return this.monitor.repair
  }
  set onPageFault(repair) {
    this.monitor.repair = repair
  }
  invalidate(linear: number) {
    this.cpu.tlb.invalidate(linear >>> 12)
  }
  flush() {
    this.cpu.tlb.flush(true)
  }

  load(linear: number, bytes: number, user: boolean): number | Fault {
    const value = load(this.cpu, linear, bytes, false, user)
    return this.takeFault() ?? (bytes === 4 ? value >>> 0 : value)
  }
  store(linear: number, bytes: number, value: number, user: boolean): Fault | undefined {
    store(this.cpu, linear, bytes, value, user)
    return this.takeFault()
  }
  readLinear(linear: number, bytes: number, user: boolean): Uint8Array | Fault {
    const { cpu } = this
    if (bytes > PAGE) throw new RangeError(`${bytes} bytes at once: at most ${PAGE}`)
    const data = new Uint8Array(bytes)
    if (bytes > 0 && !probe(cpu, linear, bytes, false, user)) return this.takeFault()!
    for (let i = 0; i < bytes; i++) data[i] = load(cpu, (linear + i) >>> 0, 1, false, user)
    return data
  }
  writeLinear(linear: number, data: Uint8Array, user: boolean): Fault | undefined {
    const { cpu } = this
    if (data.length > PAGE) throw new RangeError(`${data.length} bytes at once: at most ${PAGE}`)
    if (data.length > 0 && !probe(cpu, linear, data.length, true, user)) return this.takeFault()
    data.forEach((byte, i) => {
      store(cpu, (linear + i) >>> 0, 1, byte, user)
    })
    return undefined
  }

  setMonitorGates(vectors: Iterable<number>) {
    this.monitor.gates.fill(0)
    for (const vector of vectors) this.monitor.gates[vector] = 1
  }
  setMonitorExceptions(vectors: Iterable<number>) {
    this.monitor.exceptions.fill(0)
    for (const vector of vectors) this.monitor.exceptions[vector] = 1
  }
  get monitorInterrupts(): boolean {
    return this.monitor.interrupts
  }
  set monitorInterrupts(on: boolean) {
    this.monitor.interrupts = on
  }
  intercept({ kernel, any }: InterceptedClasses) {
    this.anyLevel = new Set(Array.from(any, classNumber))
    this.machine.interception.set([...this.anyLevel, ...Array.from(kernel, classNumber)])
  }
  /** Whether an intercepted instruction is to become a trap at the level it is executed at. */
  isWanted({ class: number, cpl }: InterceptEvent): boolean {
    return cpl !== 3 || this.anyLevel.has(number)
  }

  execute(): Fault | undefined {
    return this.executed(this.machine.execution.executeOne())
  }
  executeStretch(): Fault | undefined {
    return this.executed(this.machine.execution.executeOne(true))
  }
  private executed(exit: number): Fault | undefined {
    const fault = exit === EXIT_FAULT ? this.takeFault() : undefined
    if (fault) this.cpu.exceptionCounts[fault.vector]!++
    return fault
  }
  executeUnder(controls: Controls): Controls | Fault {
    const { cpu } = this
    const own = this.controls
    const fills = cpu.tlbFills
    this.putControls(controls)
    const fault = this.execute()
    const left = this.controls
    this.putControls(own)
    if (cpu.tlbFills !== fills) this.flush()
    updateMode(cpu)
    return fault ?? left
  }
  private putControls({ cr0, cr3, cr4 }: Controls) {
    const { i32 } = this.cpu
    i32[L.CR0 >> 2] = cr0
    i32[L.CR3 >> 2] = cr3
    i32[L.CR4 >> 2] = cr4
  }
  get due(): boolean {
    return this.machine.execution.due
  }
  inject({ vector, error, linear }: Fault, interrupted?: InterruptedDelivery) {
    this.monitor.inject(vector, error, linear, interrupted)
  }
  resume(interrupted: InterruptedDelivery) {
    this.monitor.resume(interrupted)
  }
  takeInterrupt() {
    this.machine.execution.takeInterrupt()
  }
  get interruptPending(): boolean {
    return this.cpu.i32[L.INTR >> 2] !== 0
  }

  /** The exception in the FAULT cells, which are cleared. */
  private takeFault(): Fault | undefined {
    const { i32, u32 } = this.cpu
    const raised = i32[L.FAULT >> 2]!
    if (raised === 0) return undefined
    i32[L.FAULT >> 2] = 0
    return {
      vector: raised - 1,
      error: i32[L.FAULT_HAS_ERROR >> 2] !== 0 ? u32[L.FAULT_ERROR >> 2]! : undefined,
      linear: u32[L.FAULT_LINEAR >> 2]!,
    }
  }
}
