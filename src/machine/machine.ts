// A PC put together: CPU, engine, memory, platform and virtual time. Time is the retired count plus what HLT skipped,
// in nanoseconds; devices' deadlines bound the slices that the engine runs.

import { Cpu } from '../cpu/cpu.js'
import type { Watchpoint } from '../cpu/data-breakpoints.js'
import type { CpuHost } from '../cpu/host.js'
import * as L from '../cpu/layout.js'
import { APIC, type CpuModel } from '../cpu/models.js'
import type { Thresholds } from '../engine/blocks.js'
import { type EngineName, makeEngine } from '../engine/engines.js'
import { ASKED, Execution, HALTED, IDLE, INTERCEPTED, SHUTDOWN } from '../engine/execution.js'
import type { InterceptEvent, Interception } from '../engine/interception.js'
import type { AccessSize } from './bus.js'
import { Clock } from './clock.js'
import { GuestDma } from './guest-dma.js'
import { InstructionCounts } from './instruction-counts.js'
import { PhysicalMemory, type Shadow } from './memory.js'
import { Platform } from './platform.js'
import type { OptionalChips } from './platform-options.js'

const INTERRUPT_FLAG = 0x200
/** Instructions after which their counts have to be looked at (instruction-counts.ts). */
const COUNTED_AT_ONCE = 0x3fffffff

export interface MachineConfig extends Omit<OptionalChips, 'apic'> {
  /** Guest memory in bytes. */
  readonly memory: number
  /** Bytes of RAM behind it that belong to a hypervisor. */
  readonly reserve?: number | undefined
  readonly model: CpuModel
  readonly engine: EngineName
  /** When the engine `blocks` translates; results do not depend on it. */
  readonly thresholds?: Thresholds
  /**
   * What a reset by the guest does. Without it: ends the run, or restarts the machine where a ROM was loaded. A triple
   * fault ends the run unless `restart` is asked for.
   */
  readonly onReset?: 'end' | 'restart' | undefined
}

// Why run() returned.
export type RunResult =
  | { readonly kind: 'budget' }
  | { readonly kind: 'power-off' }
  | { readonly kind: 'reset'; readonly source: string }
  | { readonly kind: 'debug-exit'; readonly value: number }
  | { readonly kind: 'halted' } // for ever: interrupts off, or nothing to wake it
  | { readonly kind: 'triple-fault' }
  | { readonly kind: 'crash'; readonly reason: string } // the hypervisor has ended the guest
  | { readonly kind: 'stopped' } // stop() was called
  | { readonly kind: 'intercepted'; readonly event: InterceptEvent } // onIntercept() answered 'stop'
  | { readonly kind: 'breakpoint' } // of `interception`, before its instruction
  | { readonly kind: 'watchpoint'; readonly watchpoint: Watchpoint } // of the CPU, behind the access
  | { readonly kind: 'idle'; readonly nanoseconds: number } // only where asked for: HLT, so long until the next event

export class Machine {
  readonly memory: PhysicalMemory
  readonly cpu: Cpu
  readonly execution: Execution
  readonly platform: Platform
  readonly clock: Clock
  /** Receives each byte of the guest console: COM1 and the debug console in order. */
  onConsole: (byte: number) => void = () => {}
  /** The guest has dropped the translation of one linear page, or all of them (-1). */
  get onFlush(): ((page: number) => void) | undefined {
    return this.flushObserver
  }
  set onFlush(told) {
    this.flushObserver = told
    this.cpu.i32[L.FLUSH_WATCHED >> 2] = Number(told !== undefined)
  }
  private flushObserver: ((page: number) => void) | undefined
  /** Told of each access of the CPU to a port; string instructions are then looked at unit by unit. */
  onPort: ((direction: 'in' | 'out', port: number, size: number, value: number) => void) | undefined
  /** Nanoseconds that the CPU was halted. */
  haltedNanoseconds = 0
  private readonly counts = new InstructionCounts()
  private ended: RunResult | undefined

  constructor(private readonly config: MachineConfig) {
    this.memory = new PhysicalMemory(config.memory, config.reserve)
    this.clock = new Clock(() => this.now)
    const events = {
      powerOff: () => this.end({ kind: 'power-off' }),
      reset: (source: string) => this.end({ kind: 'reset', source }),
      debugExit: (value: number) => this.end({ kind: 'debug-exit', value }),
      console: (byte: number) => this.onConsole(byte),
      nmi: () => this.execution.raiseNmi(),
      a20: (level: boolean) => {
        this.memory.a20 = level
        this.cpu.tlb.flush(true)
      },
      shadow: (regions: readonly Shadow[]) => {
        this.memory.setShadow(regions)
        this.cpu.tlb.flush(true)
      },
    }
    const apic = (config.model.features & APIC) !== 0
    this.platform = new Platform(this.clock, new GuestDma(this.memory), events, { ...config, apic })
    this.platform.com1.output = events.console
    this.cpu = new Cpu(this.memory.memory.buffer, this.cpuHost(), config.model)
    const engine = makeEngine(config.engine, this.cpu, this.memory.memory, config.model, config.thresholds)
    this.execution = new Execution(this.cpu, engine, () => this.platform.acknowledge())
    engine.modeChanged()
    this.memory.onWrite = (host, bytes) => engine.codeWritten(host, bytes)
    this.platform.intr.onChange(level => {
      this.cpu.i32[L.INTR >> 2] = Number(level)
    })
    this.clock.onDeadlineChange = () => this.execution.shorten(this.limitOf(this.clock.nextDeadline()))
  }

  private cpuHost(): CpuHost {
    const { memory, platform } = this
    const { ports } = platform
    return {
      portIn: (port, size) => {
        const value = ports.read(port, size as AccessSize)
        this.onPort?.('in', port, size, value)
        return value
      },
      portOut: (port, size, value) => {
        this.onPort?.('out', port, size, value)
        ports.write(port, size as AccessSize, value)
      },
      portInBlock: (port, size, host, count) =>
        this.onPort
          ? 0
          : ports.readBlock(port, size as AccessSize, count, memory.u8.subarray(host, host + size * count)),
      portOutBlock: (port, size, host, count) =>
        this.onPort
          ? 0
          : ports.writeBlock(port, size as AccessSize, count, memory.u8.subarray(host, host + size * count)),
      tsc: () => this.now,
      acknowledgeInterrupt: () => platform.acknowledge(),
      physicalPage: (page, write) => memory.hostPage(page, write),
      deviceRead: (address, size) => platform.physical.read(memory.busAddress(address), size as AccessSize),
      deviceWrite: (address, size, value) => this.deviceWrite(memory.busAddress(address), size as AccessSize, value),
      onModeChange: () => {
        if (!this.execution) return
        const { i32, transferring } = this.cpu
        this.counts.modeChanged(i32[L.MODE >> 2]!, this.retired + transferring, i32[L.USER_RETIRED >> 2]!)
        this.execution.engine.modeChanged()
      },
      onCodeWrite: (host, bytes) => this.execution.engine.codeWritten(host, bytes),
      onFlush: page => this.onFlush?.(page),
      onWatchpoint: watchpoint => this.end({ kind: 'watchpoint', watchpoint }),
      fpuError: () => platform.ferr.report(),
      halt: () => {
        this.execution.halted = true
      },
      onApicBase: value => platform.moveApic(value),
    }
  }

  /** Which sensitive instructions exit to the owner of the machine or are reported to it; at first none. */
  get interception(): Interception {
    return this.execution.interception
  }
  /** Virtual time in nanoseconds. */
  get now(): number {
    return (this.execution?.retired ?? 0) + this.haltedNanoseconds
  }
  /** Instructions retired. */
  get retired(): number {
    return this.execution.retired
  }

  /** The retired instructions by owner. */
  get instructionsBy() {
    this.count()
    return this.counts.at(this.memory.hasRom)
  }
  private count() {
    const { i32 } = this.cpu
    this.counts.upTo(i32[L.MODE >> 2]!, this.retired, i32[L.USER_RETIRED >> 2]!)
  }
  /** Those retired in the window where a VMM lies; exact while the engine does not run. */
  get instructionsInWindow(): number {
    this.lookAtWindow()
    return this.counts.inWindow
  }
  /** To be called at least once in 2^32 instructions, while the engine does not run. */
  lookAtWindow() {
    this.counts.windowCounted(this.cpu.i32[L.WINDOW_COUNT >> 2]!)
  }

  /** Ends run() after the current instruction. */
  stop() {
    this.end({ kind: 'stopped' })
  }
  /** Ends run() with this result. */
  end(result: RunResult) {
    this.ended ??= result
    this.execution.requestStop()
  }
  private limitOf(deadline: number): number {
    return deadline - this.haltedNanoseconds
  }
  /** The write ends the slice: it may have made an interrupt pending. */
  private deviceWrite(address: number, size: AccessSize, value: number) {
    const { memory, execution } = this
    const host = memory.hiddenHost(address)
    if (host < 0) this.platform.physical.write(address, size, value)
    else {
      for (let byte = 0; byte < size; byte++) memory.u8[host + byte] = value >>> (8 * byte)
      execution.engine.codeWritten(host, size)
    }
    execution.shorten(execution.retired)
  }

  /** A system reset: CPU and chips start again, memory and CMOS RAM keep what they hold. */
  reset() {
    this.memory.a20 = true
    this.platform.reset()
    this.cpu.reset()
    this.platform.moveApic(this.cpu.i32[L.MSR_APIC_BASE >> 2]!)
    this.execution.reset()
  }
  /** Takes the reason to end, having restarted the machine where that is what a reset does. */
  private takeEnd(): RunResult | undefined {
    const result = this.ended
    this.ended = undefined
    if (result?.kind !== 'reset' && result?.kind !== 'triple-fault') return result
    const { onReset = this.memory.hasRom && result.kind === 'reset' ? 'restart' : 'end' } = this.config
    if (onReset === 'end') return result
    this.reset()
    return undefined
  }

  /** HLT has been executed with interrupts on: a device can wake the CPU. */
  get interruptible(): boolean {
    return (this.cpu.i32[L.FLAGS >> 2]! & INTERRUPT_FLAG) !== 0 || this.execution.idle
  }
  /** Lets virtual time pass for a halted CPU, in nanoseconds; not further than to the next event. */
  passIdle(nanoseconds: number) {
    this.haltedNanoseconds += Math.max(0, Math.min(Math.ceil(nanoseconds), this.clock.nextDeadline() - this.now))
  }

  /**
   * Runs at most `budget` instructions more; halted time costs none.
   * @param stopWhenIdle return `idle` at HLT, without skipping to the next event; the caller then calls passIdle()
   */
  run(budget: number, stopWhenIdle = false): RunResult {
    const end = this.retired + budget
    for (;;) {
      this.clock.runDue()
      const deadline = this.limitOf(this.clock.nextDeadline())
      const why = this.execution.run(Math.min(end, deadline, this.retired + COUNTED_AT_ONCE))
      this.count()
      if (why === SHUTDOWN) this.ended ??= { kind: 'triple-fault' }
      const result = this.takeEnd()
      if (result) return result
      if (why === INTERCEPTED) {
        const event = this.interception.stoppedAt
        return event ? { kind: 'intercepted', event } : { kind: 'breakpoint' }
      }
      if (why === HALTED || why === IDLE) {
        const deadline = this.clock.nextDeadline()
        if (deadline === Number.POSITIVE_INFINITY || !this.interruptible) return { kind: 'halted' }
        const nanoseconds = Math.max(0, deadline - this.now)
        if (stopWhenIdle && nanoseconds > 0) return { kind: 'idle', nanoseconds }
        this.haltedNanoseconds += nanoseconds
      }
      if (why !== ASKED && this.retired >= end) return { kind: 'budget' }
    }
  }
}
