// The local APIC of a single processor: 4 KiB of registers at 0xFEE00000, a register every 16 bytes, 32-bit accesses.
// Source: Intel SDM vol. 3, "Advanced Programmable Interrupt Controller (APIC)" (10.4 to 10.9). The timer is
// apic-timer.ts. Left out: other processors, level-triggered inputs, x2APIC, TSC deadline, thermal and counter interrupts.
// LINT0 is the 8259 pair's INTR. As under QEMU it passes requests on from reset, without firmware having set it up.

import { type AccessSize, type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import type { Clock } from '../machine/clock.js'
import { Line } from '../machine/line.js'
import { ApicTimer, type ApicTimerState } from './apic-timer.js'

const VERSION = 0x00050014 // six local vectors
const BASE_DEFAULT = 0xfee00000
const BASE_BOOT_PROCESSOR = 0x100
const BASE_ENABLE = 0x800
const SPURIOUS_ENABLE = 0x100
const LVT_MASKED = 0x10000
const MODE_FIXED = 0
const MODE_LOWEST = 1
const MODE_NMI = 4
const MODE_EXTERNAL = 7
const ERROR_SEND_ILLEGAL = 0x20
const ERROR_RECEIVED_ILLEGAL = 0x40

/** Local vector table: register offset and the bits that can be written. */
const LVT = {
  timer: [0x320, 0x300ff],
  thermal: [0x330, 0x107ff],
  counter: [0x340, 0x107ff],
  lint0: [0x350, 0x1a7ff],
  lint1: [0x360, 0x1a7ff],
  error: [0x370, 0x100ff],
} as const
type LocalVector = keyof typeof LVT
const LOCAL_VECTORS = Object.keys(LVT) as LocalVector[]

type State = {
  base: number // IA32_APIC_BASE
  id: number
  taskPriority: number
  logicalDestination: number
  destinationFormat: number
  spurious: number
  requests: Uint8Array // IRR, 256 bits
  service: Uint8Array // ISR
  errors: number // collected, and shown after the next write
  errorsShown: number
  commandLow: number
  commandHigh: number
  vectors: Record<LocalVector, number>
}

const initialState = (): State => ({
  base: BASE_DEFAULT + BASE_BOOT_PROCESSOR + BASE_ENABLE,
  id: 0,
  taskPriority: 0,
  logicalDestination: 0,
  destinationFormat: 0xffffffff,
  spurious: 0xff,
  requests: new Uint8Array(32),
  service: new Uint8Array(32),
  errors: 0,
  errorsShown: 0,
  commandLow: 0,
  commandHigh: 0,
  vectors: {
    timer: LVT_MASKED,
    thermal: LVT_MASKED,
    counter: LVT_MASKED,
    lint0: MODE_EXTERNAL << 8,
    lint1: LVT_MASKED,
    error: LVT_MASKED,
  },
})

export interface LocalApicConnections {
  /** The INTR output of the 8259 pair. */
  readonly lint0: Line
  /** Acknowledges the 8259 pair: its vector. */
  readonly acknowledgeExternal: () => number
  /** The CPU's INTR: high while acknowledge() has something to give. */
  readonly intr: Line
  /** Called for each NMI. */
  readonly nmi: () => void
}

export class LocalApic implements Device, BusDevice {
  readonly name = 'local-apic'
  readonly width = 4
  /** The other input pin, free for the machine's NMI sources. */
  readonly lint1 = new Line('lint1')
  private state = initialState()
  private readonly timer: ApicTimer

  constructor(
    clock: Clock,
    private readonly connections: LocalApicConnections,
  ) {
    this.timer = new ApicTimer(clock, () => this.deliverLocal('timer'))
    connections.lint0.onChange(level => this.lintChanged('lint0', level))
    this.lint1.onChange(level => this.lintChanged('lint1', level))
  }

  reset(): void {
    this.state = initialState()
    this.timer.reset()
    this.update()
  }

  save(): DeviceState {
    return { ...copyState(this.state), timer: this.timer.save(), lint1: this.lint1.level }
  }

  restore(saved: DeviceState): void {
    const { timer, lint1, ...state } = copyState(saved)
    this.state = state as State
    this.timer.restore(timer as ApicTimerState)
    this.lint1.restore(lint1 as boolean)
    this.connections.intr.restore(this.drivesLine())
  }

  /** IA32_APIC_BASE (MSR 0x1B), 32 bits. */
  get base(): number {
    return this.state.base
  }

  /** Writes the MSR; the machine moves the mapping. Turning the APIC off resets it and connects INTR to the 8259 pair. */
  set base(value: number) {
    const enabled = (value & BASE_ENABLE) !== 0
    if (!enabled && this.enabled) {
      this.state = initialState()
      this.timer.reset()
    }
    this.state.base = ((value & ~0x6ff) | BASE_BOOT_PROCESSOR) >>> 0
    this.update()
  }

  get enabled(): boolean {
    return (this.state.base & BASE_ENABLE) !== 0
  }

  /** The CPU takes an interrupt: an own vector of sufficient priority, else that of the 8259 pair, else the spurious one. */
  acknowledge(): number {
    const vector = this.deliverable()
    if (vector >= 0) {
      setBit(this.state.requests, vector, false)
      setBit(this.state.service, vector, true)
      this.update()
      return vector
    }
    if (this.passesExternal && this.connections.lint0.level) return this.connections.acknowledgeExternal()
    return this.state.spurious & 0xff
  }

  read(offset: number, size: AccessSize): number {
    const value = this.readRegister(offset & 0xff0)
    const shifted = value >>> (8 * (offset & 3))
    return size === 4 ? shifted : shifted & (2 ** (8 * size) - 1)
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (size !== 4 || (offset & 15) !== 0) return
    this.writeRegister(offset & 0xff0, value)
    this.update()
  }

  private get softwareEnabled(): boolean {
    return (this.state.spurious & SPURIOUS_ENABLE) !== 0
  }

  private get passesExternal(): boolean {
    const { lint0 } = this.state.vectors
    return !this.enabled || ((lint0 & LVT_MASKED) === 0 && ((lint0 >> 8) & 7) === MODE_EXTERNAL)
  }

  private readRegister(register: number): number {
    const state = this.state
    if (register >= 0x100 && register < 0x180) return readWord(state.service, register - 0x100)
    if (register >= 0x200 && register < 0x280) return readWord(state.requests, register - 0x200)
    switch (register) {
      case 0x020:
        return (state.id << 24) >>> 0
      case 0x030:
        return VERSION
      case 0x080:
        return state.taskPriority
      case 0x0a0:
        return this.processorPriority
      case 0x0d0:
        return (state.logicalDestination << 24) >>> 0
      case 0x0e0:
        return state.destinationFormat
      case 0x0f0:
        return state.spurious
      case 0x280:
        return state.errorsShown
      case 0x300:
        return state.commandLow
      case 0x310:
        return state.commandHigh
      case 0x380:
        return this.timer.initialCount
      case 0x390:
        return this.timer.currentCount
      case 0x3e0:
        return this.timer.divideConfiguration
      default: {
        const local = localVectorAt(register)
        return local === undefined ? 0 : state.vectors[local]
      }
    }
  }

  private writeRegister(register: number, value: number): void {
    const state = this.state
    switch (register) {
      case 0x020:
        state.id = value >>> 24
        break
      case 0x080:
        state.taskPriority = value & 0xff
        break
      case 0x0b0:
        this.endOfInterrupt()
        break
      case 0x0d0:
        state.logicalDestination = value >>> 24
        break
      case 0x0e0:
        state.destinationFormat = (value | 0x0fffffff) >>> 0
        break
      case 0x0f0:
        state.spurious = value & 0x3ff
        if (!this.softwareEnabled) for (const local of LOCAL_VECTORS) state.vectors[local] |= LVT_MASKED
        break
      case 0x280:
        state.errorsShown = state.errors
        state.errors = 0
        break
      case 0x300:
        state.commandLow = value & 0xccfff
        this.sendCommand()
        break
      case 0x310:
        state.commandHigh = (value & 0xff000000) >>> 0
        break
      case 0x380:
        this.timer.start(value)
        break
      case 0x3e0:
        this.timer.setDivide(value)
        break
      default:
        this.writeLocalVector(localVectorAt(register), value)
    }
  }

  private writeLocalVector(local: LocalVector | undefined, value: number): void {
    if (local === undefined) return
    const vectors = this.state.vectors
    vectors[local] = (value & LVT[local][1]) | (this.softwareEnabled ? 0 : LVT_MASKED)
    if (local === 'timer') this.timer.isPeriodic = ((value >> 17) & 3) === 1
  }

  /** An interrupt of the local vector table. */
  private deliverLocal(local: LocalVector): void {
    const entry = this.state.vectors[local]
    if (!this.enabled || entry & LVT_MASKED) return
    const mode = local === 'timer' || local === 'error' ? MODE_FIXED : (entry >> 8) & 7
    if (mode === MODE_NMI) this.connections.nmi()
    else if (mode === MODE_FIXED) this.accept(entry & 0xff)
    this.update()
  }

  private lintChanged(local: 'lint0' | 'lint1', level: boolean): void {
    if (level) this.deliverLocal(local)
    this.update()
  }

  /** Takes a fixed interrupt into the IRR. */
  private accept(vector: number): void {
    if (vector < 16) this.report(ERROR_RECEIVED_ILLEGAL)
    else if (this.softwareEnabled) setBit(this.state.requests, vector, true)
  }

  private report(error: number): void {
    const isNew = (this.state.errors & error) === 0
    this.state.errors |= error
    if (isNew) this.deliverLocal('error')
  }

  /** The interrupt command register, as far as it reaches this processor. */
  private sendCommand(): void {
    const { commandLow } = this.state
    const mode = (commandLow >> 8) & 7
    const vector = commandLow & 0xff
    if ((mode === MODE_FIXED || mode === MODE_LOWEST) && vector < 16) this.report(ERROR_SEND_ILLEGAL)
    if (!this.isDestination()) return
    if (mode === MODE_FIXED || mode === MODE_LOWEST) this.accept(vector)
    else if (mode === MODE_NMI) this.connections.nmi()
  }

  private isDestination(): boolean {
    const { commandLow, commandHigh, id, logicalDestination, destinationFormat } = this.state
    const shorthand = (commandLow >> 18) & 3
    if (shorthand !== 0) return shorthand !== 3 // self and all including self, not all excluding self
    const destination = commandHigh >>> 24
    if (destination === 0xff) return true
    if ((commandLow & 0x800) === 0) return destination === id
    if (destinationFormat >>> 28 === 0xf) return (destination & logicalDestination) !== 0
    return destination >> 4 === logicalDestination >> 4 && (destination & logicalDestination & 15) !== 0
  }

  private endOfInterrupt(): void {
    const served = highestBit(this.state.service)
    if (served >= 0) setBit(this.state.service, served, false)
  }

  private get processorPriority(): number {
    const { taskPriority, service } = this.state
    const served = Math.max(highestBit(service), 0)
    return taskPriority >> 4 >= served >> 4 ? taskPriority : served & 0xf0
  }

  /** The requested vector whose priority class is above the processor's, -1 for none. */
  private deliverable(): number {
    if (!this.enabled) return -1
    const vector = highestBit(this.state.requests)
    return vector >= 0 && vector >> 4 > this.processorPriority >> 4 ? vector : -1
  }

  private drivesLine(): boolean {
    return this.deliverable() >= 0 || (this.passesExternal && this.connections.lint0.level)
  }

  private update(): void {
    this.connections.intr.set(this.drivesLine())
  }
}

function localVectorAt(register: number): LocalVector | undefined {
  return LOCAL_VECTORS.find(local => LVT[local][0] === register)
}

function setBit(bits: Uint8Array, vector: number, on: boolean): void {
  const bit = 1 << (vector & 7)
  if (on) bits[vector >> 3]! |= bit
  else bits[vector >> 3]! &= ~bit
}

function highestBit(bits: Uint8Array): number {
  for (let index = 31; index >= 0; index--) if (bits[index] !== 0) return index * 8 + 31 - Math.clz32(bits[index]!)
  return -1
}

/** 32 of the 256 bits, as the registers at 16-byte steps show them. */
function readWord(bits: Uint8Array, offset: number): number {
  const first = (offset >> 4) * 4
  return (bits[first]! | (bits[first + 1]! << 8) | (bits[first + 2]! << 16) | (bits[first + 3]! << 24)) >>> 0
}
