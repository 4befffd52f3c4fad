// A machine as the gdb server sees it. Breakpoints are compared with CS:EIP after every instruction and memory is never
// patched, so that a debugged guest computes what it computes alone; with breakpoints the guest therefore runs one
// instruction at a time, without it runs at full speed in slices. Left out: watchpoints on reads.
import { CS, SEG_BASE, segmentCell } from '../cpu/layout.js'
import type { Machine, RunResult } from '../machine/machine.js'
import type { BreakpointKind, DebugTarget, StopReason } from './debug-target.js'
import { readLinear, writeLinear } from './linear-memory.js'
import { readMachineRegister, writeMachineRegister } from './machine-registers.js'

/** Instructions between two looks at the debugger's connection. */
const SLICE_INSTRUCTIONS = 1_000_000
const STEPS_IN_A_ROW = 20_000

interface Watch {
  readonly linear: number
  readonly bytes: number
}

/** What the target needs of the program around it. */
export interface MachineTargetHost {
  /** Lets the host do its input and output; the guest stands still meanwhile. */
  yieldToHost(): Promise<void>
  /** The guest has ended. Answers the exit status that the debugger is told. */
  ended(result: RunResult): number
  /** The debugger has gone; `kill` if it wants the guest to end. */
  released(kill: boolean): void
}

export class MachineTarget implements DebugTarget {
  private readonly breakpoints = new Map<number, 'software' | 'hardware'>()
  private watches: Watch[] = []
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
    else if (kind === 'write') this.watches.push({ linear, bytes })
    else return false
    return true
  }

  removeBreakpoint(kind: BreakpointKind, linear: number, bytes: number): boolean {
    if (kind === 'software' || kind === 'hardware') return this.breakpoints.delete(linear >>> 0)
    const index = this.watches.findIndex(watch => watch.linear === linear && watch.bytes === bytes)
    if (kind !== 'write' || index < 0) return false
    this.watches.splice(index, 1)
    return true
  }

  async step(): Promise<StopReason> {
    return this.reasonOf(this.machine.run(1)) ?? { kind: 'step' }
  }

  async continue(): Promise<StopReason> {
    this.interrupted = false
    for (;;) {
      const reason = this.breakpoints.size + this.watches.length > 0 ? this.creep() : this.sprint()
      if (reason) return reason
      await this.host.yieldToHost()
      if (this.interrupted) return { kind: 'interrupt' }
    }
  }

  interrupt(): void {
    this.interrupted = true
  }

  detach(): void {
    this.breakpoints.clear()
    this.watches = []
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

  private sprint(): StopReason | undefined {
    return this.reasonOf(this.machine.run(SLICE_INSTRUCTIONS))
  }

  /** Single instructions until a breakpoint or a watched change; the first instruction is always executed. */
  private creep(): StopReason | undefined {
    const before = this.watches.map(watch => this.contents(watch))
    for (let steps = 0; steps < STEPS_IN_A_ROW; steps++) {
      const end = this.reasonOf(this.machine.run(1))
      if (end) return end
      const changed = this.watches.find((watch, i) => this.contents(watch) !== before[i])
      if (changed) return { kind: 'watchpoint', watch: 'write', linear: changed.linear }
      const by = this.breakpoints.size > 0 ? this.breakpoints.get(this.linearEip()) : undefined
      if (by) return { kind: 'breakpoint', by }
    }
    return undefined
  }

  private linearEip(): number {
    const { cpu } = this.machine
    return (cpu.eip + cpu.u32[segmentCell(CS, SEG_BASE) >> 2]!) >>> 0
  }

  private contents({ linear, bytes }: Watch): string {
    return String(readLinear(this.machine, linear, bytes))
  }

  private reasonOf(result: RunResult): StopReason | undefined {
    if (result.kind === 'budget') return undefined
    if (result.kind === 'stopped') return { kind: 'interrupt' }
    const status = this.host.ended(result)
    return result.kind === 'triple-fault' ? { kind: 'shutdown' } : { kind: 'exited', status }
  }
}
