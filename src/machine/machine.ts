// A PC put together: CPU, engine, memory, platform and virtual time. Time is the retired count plus what HLT skipped,
// in nanoseconds; devices' deadlines bound the slices that the engine runs.

import { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import { APIC, type CpuModel } from '../cpu/models.js'
import type { BlockStorage } from '../devices/block-storage.js'
import type { Thresholds } from '../engine/blocks.js'
import { type EngineName, makeEngine } from '../engine/engines.js'
import { ASKED, Execution, HALTED, SHUTDOWN } from '../engine/execution.js'
import type { AccessSize } from './bus.js'
import { Clock } from './clock.js'
import { PhysicalMemory } from './memory.js'
import { Platform } from './platform.js'

const INTERRUPT_FLAG = 0x200

export interface MachineConfig {
  /** Guest memory in bytes. */
  readonly memory: number
  readonly model: CpuModel
  readonly engine: EngineName
  /** When the engine `blocks` translates; results do not depend on it. */
  readonly thresholds?: Thresholds
  /** The first IDE disk. */
  readonly disk?: BlockStorage
  /** QEMU's pc-testdev is there. */
  readonly testDevices?: boolean
}

// Why run() returned.
export type RunResult =
  | { readonly kind: 'budget' }
  | { readonly kind: 'power-off' }
  | { readonly kind: 'reset'; readonly source: string }
  | { readonly kind: 'debug-exit'; readonly value: number }
  | { readonly kind: 'halted' } // for ever: interrupts off, or nothing to wake it
  | { readonly kind: 'triple-fault' }
  | { readonly kind: 'stopped' } // stop() was called
  | { readonly kind: 'idle'; readonly nanoseconds: number } // only where asked for: HLT, so long until the next event

export class Machine {
  readonly memory: PhysicalMemory
  readonly cpu: Cpu
  readonly execution: Execution
  readonly platform: Platform
  readonly clock: Clock
  /** Receives each byte of the guest console: COM1 and the debug console in order. */
  onConsole: (byte: number) => void = () => {}
  /** Nanoseconds that the CPU was halted. */
  haltedNanoseconds = 0
  private ended: RunResult | undefined

  constructor(config: MachineConfig) {
    this.memory = new PhysicalMemory(config.memory)
    this.clock = new Clock(() => this.now)
    const console = (byte: number) => this.onConsole(byte)
    const parts = {
      memoryBytes: config.memory,
      localApic: (config.model.features & APIC) !== 0,
      testDevices: config.testDevices ?? false,
      ...(config.disk && { disk: config.disk }),
    }
    this.platform = new Platform(this.clock, parts, {
      powerOff: () => this.end({ kind: 'power-off' }),
      reset: source => this.end({ kind: 'reset', source }),
      debugExit: value => this.end({ kind: 'debug-exit', value }),
      console,
      nonMaskableInterrupt: () => {
        this.execution.nmi = true
        this.execution.shorten(this.execution.retired)
      },
    })
    this.platform.com1.output = console
    const { ports, physical } = this.platform
    this.cpu = new Cpu(
      this.memory.memory.buffer,
      {
        portIn: (port, size) => ports.read(port, size as AccessSize),
        portOut: (port, size, value) => ports.write(port, size as AccessSize, value),
        tsc: () => this.now,
        acknowledgeInterrupt: () => this.platform.acknowledge(),
        physicalPage: (page, write) => this.memory.hostPage(page, write),
        deviceRead: (address, size) => physical.read(address, size as AccessSize),
        deviceWrite: (address, size, value) => physical.write(address, size as AccessSize, value),
        onModeChange: () => this.execution?.engine.modeChanged(),
        onCodeWrite: (host, bytes) => this.execution.engine.codeWritten(host, bytes),
        onFlush: () => {},
        fpuError: () => {
          const line = this.platform.pic.irq[13]!
          const before = line.level
          line.set(true)
          return before
        },
        halt: () => {
          this.execution.halted = true
        },
        onApicBase: value => {
          this.platform.apicBase = value >>> 0
        },
      },
      config.model,
    )
    const engine = makeEngine(config.engine, this.cpu, this.memory.memory, config.model, config.thresholds)
    this.execution = new Execution(this.cpu, engine, () => this.platform.acknowledge())
    engine.modeChanged()
    this.platform.intr.onChange(level => {
      this.cpu.i32[L.INTR >> 2] = Number(level)
      // A store to the APIC does not leave the engine by itself, as port output does.
      if (level && parts.localApic) this.execution.shorten(this.execution.retired)
    })
    this.clock.onDeadlineChange = () => this.execution.shorten(this.limitOf(this.clock.nextDeadline()))
  }

  /** Virtual time in nanoseconds. */
  get now(): number {
    return (this.execution?.retired ?? 0) + this.haltedNanoseconds
  }
  /** Instructions retired. */
  get retired(): number {
    return this.execution.retired
  }

  /** Ends run() after the current instruction. */
  stop() {
    this.end({ kind: 'stopped' })
  }
  private end(result: RunResult) {
    this.ended ??= result
    this.execution.requestStop()
  }
  private limitOf(deadline: number): number {
    return deadline - this.haltedNanoseconds
  }

  /** HLT has been executed with interrupts on: a device can wake the CPU. */
  get interruptible(): boolean {
    return (this.cpu.i32[L.FLAGS >> 2]! & INTERRUPT_FLAG) !== 0
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
      const why = this.execution.run(Math.min(end, deadline))
      if (this.ended) {
        const result = this.ended
        this.ended = undefined
        return result
      }
      if (why === SHUTDOWN) return { kind: 'triple-fault' }
      if (why === HALTED) {
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
