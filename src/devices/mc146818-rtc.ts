// Motorola MC146818 real-time clock with the PC's 128 bytes of CMOS RAM. Source: MC146818A data sheet (ADI1026R1);
// century in byte 0x32 as PC BIOSes keep it. Ports 0x70 (index, bit 7 masks NMI), 0x71 (data); IRQ 8.
// Time is a configured epoch plus virtual time, so runs are deterministic. An update takes no time of its own: UIP is
// set for the 244 microseconds before it. Left out: square wave output, daylight saving, time bases other than 32.768 kHz.

import { type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import { type Clock, Timer, type TimerState } from '../machine/clock.js'
import type { Line } from '../machine/line.js'
import { advanceTime, matchesAlarm, writeTime } from './mc146818-calendar.js'

const SECOND = 1_000_000_000 // nanoseconds
const UIP_NANOSECONDS = 244_000
const CHAIN_HERTZ = 32_768

const REGISTER_A = 0x0a
const REGISTER_B = 0x0b
const REGISTER_C = 0x0c
const REGISTER_D = 0x0d

const A_UIP = 0x80
const B_SET = 0x80
const B_PERIODIC = 0x40 // PIE; PF in register C
const B_ALARM = 0x20
const B_UPDATE = 0x10
const C_IRQ = 0x80
const D_VALID = 0x80

type State = {
  index: number // as written, with bit 7
  ram: Uint8Array
  chainStart: number // nanoseconds: seconds end at chainStart + k * SECOND
  updates: number // seconds applied since chainStart
  periods: number // periodic ticks seen since chainStart
}

export interface RtcOptions {
  /** Date and time at virtual time 0, seconds since 1970-01-01 UTC; the default is 2020-01-01. */
  readonly epochSeconds?: number
  /** CMOS RAM at power-on; the registers 0x00-0x0D and the century are set by the chip. */
  readonly ram?: Uint8Array
}

export class Mc146818 implements Device, BusDevice {
  readonly name = 'rtc'
  readonly width = 1
  private state: State
  private readonly timer: Timer

  constructor(
    private readonly clock: Clock,
    private readonly irq: Line,
    { epochSeconds = 1_577_836_800, ram }: RtcOptions = {},
  ) {
    const bytes = new Uint8Array(128)
    if (ram !== undefined) bytes.set(ram.subarray(0, 128))
    bytes[REGISTER_A] = 0x26 // 32.768 kHz, 1024 Hz
    bytes[REGISTER_B] = 0x02 // BCD, 24 hours
    bytes[REGISTER_C] = 0
    bytes[REGISTER_D] = D_VALID
    writeTime(bytes, epochSeconds)
    this.state = { index: 0, ram: bytes, chainStart: 0, updates: 0, periods: 0 }
    this.timer = new Timer(clock, () => this.follow())
  }

  /** True while bit 7 of port 0x70 keeps NMI from the CPU. */
  get nmiMasked(): boolean {
    return (this.state.index & 0x80) !== 0
  }

  /** The RESET pin: interrupts off; time, alarms and RAM stay. */
  reset(): void {
    const { ram } = this.state
    this.catchUp()
    ram[REGISTER_B]! &= ~(B_PERIODIC | B_ALARM | B_UPDATE | 0x08)
    ram[REGISTER_C] = 0
    this.state.index = 0
    this.follow()
  }

  save(): DeviceState {
    return { ...copyState(this.state), timer: this.timer.save() }
  }

  restore(saved: DeviceState): void {
    const { timer, ...state } = copyState(saved)
    this.state = state as State
    this.timer.restore(timer as TimerState)
    this.irq.restore((this.state.ram[REGISTER_C]! & C_IRQ) !== 0)
  }

  read(offset: number): number {
    if (offset === 0) return 0xff // the index register cannot be read
    const { ram } = this.state
    const index = this.state.index & 0x7f
    this.catchUp()
    const value = ram[index]!
    if (index === REGISTER_A) return value | (this.updateInProgress() ? A_UIP : 0)
    if (index === REGISTER_C) {
      ram[REGISTER_C] = 0
      this.follow()
    }
    return value
  }

  write(offset: number, _size: number, value: number): void {
    if (offset === 0) {
      this.state.index = value
      return
    }
    const { ram } = this.state
    const index = this.state.index & 0x7f
    this.catchUp()
    if (index === REGISTER_A) this.writeRegisterA(value & 0x7f)
    else if (index === REGISTER_B) ram[REGISTER_B] = value & B_SET ? value & ~B_UPDATE : value
    else if (index !== REGISTER_C && index !== REGISTER_D) ram[index] = value
    this.follow()
  }

  /** Divider 11x holds the chain in reset; half a second after it is let go the first update happens. */
  private writeRegisterA(value: number): void {
    const state = this.state
    const wasRunning = this.running
    state.ram[REGISTER_A] = value
    if (this.running && !wasRunning) {
      state.chainStart = this.clock.now - SECOND / 2
      state.updates = 0
    }
    state.periods = this.periodsAt(this.clock.now)
  }

  private get running(): boolean {
    return (this.state.ram[REGISTER_A]! & 0x70) === 0x20
  }

  private get updating(): boolean {
    return this.running && (this.state.ram[REGISTER_B]! & B_SET) === 0
  }

  private updateInProgress(): boolean {
    const phase = (this.clock.now - this.state.chainStart) % SECOND
    return this.updating && phase >= SECOND - UIP_NANOSECONDS
  }

  /** Ticks of the 32.768 kHz chain in one period of the periodic interrupt; 0 when it is off. */
  private get periodTicks(): number {
    const rate = this.state.ram[REGISTER_A]! & 0x0f
    if (rate === 0) return 0
    return 2 ** ((rate < 3 ? rate + 7 : rate) - 1)
  }

  private periodsAt(now: number): number {
    const ticks = this.periodTicks
    if (ticks === 0) return 0
    const elapsed = now - this.state.chainStart
    const seconds = Math.floor(elapsed / SECOND)
    const chain = seconds * CHAIN_HERTZ + Math.floor(((elapsed - seconds * SECOND) * CHAIN_HERTZ) / SECOND)
    return Math.floor(chain / ticks)
  }

  private timeOfPeriod(period: number): number {
    const chain = period * this.periodTicks
    const seconds = Math.floor(chain / CHAIN_HERTZ)
    const rest = Math.ceil(((chain - seconds * CHAIN_HERTZ) * SECOND) / CHAIN_HERTZ)
    return this.state.chainStart + seconds * SECOND + rest
  }

  /** Applies what has happened since the last look: seconds, the flags of register C, the interrupt line. */
  private catchUp(): void {
    const state = this.state
    const { ram } = state
    if (!this.running) return
    const now = this.clock.now
    const periods = this.periodsAt(now)
    if (periods > state.periods) ram[REGISTER_C]! |= B_PERIODIC
    state.periods = periods
    const updates = Math.floor((now - state.chainStart) / SECOND)
    const passed = updates - state.updates
    state.updates = updates
    if (passed > 0 && this.updating) {
      ram[REGISTER_C]! |= B_UPDATE
      if (matchesAlarm(ram, passed)) ram[REGISTER_C]! |= B_ALARM
      advanceTime(ram, passed)
    }
    this.updateLine()
  }

  private updateLine(): void {
    const { ram } = this.state
    const active = ram[REGISTER_B]! & ram[REGISTER_C]! & (B_PERIODIC | B_ALARM | B_UPDATE)
    ram[REGISTER_C] = (ram[REGISTER_C]! & ~C_IRQ) | (active ? C_IRQ : 0)
    this.irq.set(active !== 0)
  }

  /** Catches up and arms the timer for the next moment at which an enabled interrupt may come. */
  private follow(): void {
    this.catchUp()
    this.updateLine()
    const enabled = this.state.ram[REGISTER_B]!
    const waiting = enabled & ~this.state.ram[REGISTER_C]!
    let next = Number.POSITIVE_INFINITY
    if (this.running && waiting & B_PERIODIC && this.periodTicks !== 0) {
      next = this.timeOfPeriod(this.state.periods + 1)
    }
    if (this.updating && waiting & (B_ALARM | B_UPDATE)) {
      next = Math.min(next, this.state.chainStart + (this.state.updates + 1) * SECOND)
    }
    if (next === Number.POSITIVE_INFINITY) this.timer.disarm()
    else this.timer.arm(next)
  }
}
