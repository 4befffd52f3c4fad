// A machine as the gdb server sees it. Breakpoints and watchpoints are the engine's business (engine/interception.ts,
// cpu/data-breakpoints.ts): memory is never patched, so that a debugged guest computes what it computes alone, and it runs
// at full speed in slices. What gdb inserts and removes takes effect when the guest is continued.
import type { Watchpoint } from '../cpu/data-breakpoints.js'
import { CS, SEG_BASE, segmentCell } from '../cpu/layout.js'
import type { Machine, RunResult } from '../machine/machine.js'
import type { BreakpointKind, DebugTarget, StopReason } from './debug-target.js'
import { readLinear, writeLinear } from './linear-memory.js'
import { readMachineRegister, writeMachineRegister } from './machine-registers.js'

/** Instructions between two looks at the debugger's connection. */
const SLICE_INSTRUCTIONS = 1_000_000

/** What the target needs of the program around it. */
export interface MachineTargetHost {
  /** Lets the host do its input and output; the guest stands still meanwhile. */
  yieldToHost(): Promise<void>
  /** The guest waits for an interrupt that only input can bring: resolves when something has come, false if nothing can. */
  waitForInput(): Promise<boolean>
  /** Ends a wait for input. */
  wake(): void
  /** The guest has ended. Answers the exit status that the debugger is told. */
  ended(result: RunResult): number
  /** The debugger has gone; `kill` if it wants the guest to end. */
  released(kill: boolean): void
}

export class MachineTarget implements DebugTarget {
  private readonly breakpoints = new Map<number, 'software' | 'hardware'>()
  private watchpoints: Watchpoint[] = []
  private interrupted = false

  constructor(
    private readonly machine: Machine,
    private readonly host: MachineTargetHost,
  ) {}

  readRegister(name: string): Uint8Array | undefined {
    return readMachineRegister(this.machine, name)
  }

  writeRegister(name: string, bytes: Uint8Array): boolean {
    return writeMachineRegister(this.machine, name, bytes)
  }

  readMemory(linear: number, bytes: number): Uint8Array | undefined {
    return readLinear(this.machine, linear, bytes)
  }

  writeMemory(linear: number, data: Uint8Array): boolean {
    return writeLinear(this.machine, linear, data)
  }

  insertBreakpoint(kind: BreakpointKind, linear: number, bytes: number): boolean {
    if (kind === 'software' || kind === 'hardware') this.breakpoints.set(linear >>> 0, kind)
    else this.watchpoints.push({ kind, linear: linear >>> 0, bytes })
    return true
  }

  removeBreakpoint(kind: BreakpointKind, linear: number, bytes: number): boolean {
    if (kind === 'software' || kind === 'hardware') return this.breakpoints.delete(linear >>> 0)
    const same = (watch: Watchpoint) => watch.kind === kind && watch.linear === linear >>> 0 && watch.bytes === bytes
    const index = this.watchpoints.findIndex(same)
    if (index >= 0) this.watchpoints.splice(index, 1)
    return index >= 0
  }

  async step(): Promise<StopReason> {
    this.apply()
    return (await this.one()) ?? { kind: 'step' }
  }

  async continue(): Promise<StopReason> {
    this.interrupted = false
    this.apply()
    let reason = this.breakpoints.has(this.linearEip()) ? await this.one() : undefined
    while (!reason) {
      reason = await this.reasonOf(this.machine.run(SLICE_INSTRUCTIONS))
      if (reason) break
      await this.host.yieldToHost()
      if (this.interrupted) reason = { kind: 'interrupt' }
    }
    return reason
  }

  interrupt(): void {
    this.interrupted = true
    this.host.wake()
  }

  detach(): void {
    this.breakpoints.clear()
    this.watchpoints = []
    this.apply()
    this.interrupted = true
    this.host.released(false)
  }

  kill(): void {
    this.interrupted = true
    this.host.released(true)
  }

  /** `monitor retired`: instructions retired since the start. */
  monitor(command: string): string | undefined {
    return command === 'retired' ? `${this.machine.retired}\n` : undefined
  }

  /** Puts into force what was inserted and removed; what has not changed costs nothing. */
  private apply(): void {
    const { cpu, interception } = this.machine
    const inForce = interception.breakpoints
    const wanted = [...this.breakpoints.keys()]
    if (wanted.length !== inForce.size || !wanted.every(linear => inForce.has(linear)))
      interception.breakpoints = wanted
    const { watchpoints } = this
    if (watchpoints.length + cpu.watchpoints.length > 0) cpu.setWatchpoints([...watchpoints])
  }

  /** One instruction, past a breakpoint at it. */
  private async one(): Promise<StopReason | undefined> {
    const { interception } = this.machine
    interception.pass = true
    const result = this.machine.run(1)
    interception.pass = false
    return this.reasonOf(result)
  }

  private linearEip(): number {
    const { cpu } = this.machine
    return (cpu.eip + cpu.u32[segmentCell(CS, SEG_BASE) >> 2]!) >>> 0
  }

  /** Why the guest stops, or undefined if it goes on. */
  private async reasonOf(result: RunResult): Promise<StopReason | undefined> {
    if (result.kind === 'budget') return undefined
    if (result.kind === 'breakpoint') {
      return { kind: 'breakpoint', by: this.breakpoints.get(this.linearEip()) ?? 'software' }
    }
    if (result.kind === 'watchpoint') {
      const { kind, linear } = result.watchpoint
      return { kind: 'watchpoint', watch: kind, linear }
    }
    if (result.kind === 'stopped') return { kind: 'interrupt' }
    if (result.kind === 'halted' && this.machine.interruptible && (await this.host.waitForInput())) {
      return this.interrupted ? { kind: 'interrupt' } : undefined
    }
    const status = this.host.ended(result)
    return result.kind === 'triple-fault' ? { kind: 'shutdown' } : { kind: 'exited', status }
  }
}
