// Intel 8254 programmable interval timer: three counters at 1.193182 MHz behind four byte registers.
// Source: 8254 data sheet (231164-005). Ports 0x40-0x42 counters, 0x43 control. The output of counter 0 is IRQ 0,
// counter 1 is free (the refresh bit of port 0x61 has its own period), counter 2 has its gate and output in port61.ts.
// Counts are computed from the virtual clock; only changes of counter 0's output are events.

import { type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import { type Clock, Oscillator, Timer, type TimerState } from '../machine/clock.js'
import type { Line } from '../machine/line.js'
import { Counter, type CounterState } from './i8254-counter.js'

/** 1,193,182 Hz as a reduced fraction: 596,591 ticks in half a second. */
export const PIT_OSCILLATOR = new Oscillator(596_591, 500_000_000)

const CONTROL = 3
const READ_BACK = 3 // in place of a counter number
const LATCH = 0 // access field: counter latch command
const ACCESS_LOW = 1
const ACCESS_HIGH = 2

/** Byte order and latches of one counter's register. */
type Access = {
  access: number
  writeHigh: boolean // the next write is the high byte
  writtenLow: number
  readHigh: boolean // the next read is the high byte
  latchedCount: number // -1: none
  latchedStatus: number // -1: none
}

const initialAccess = (): Access => ({
  access: 3,
  writeHigh: false,
  writtenLow: 0,
  readHigh: false,
  latchedCount: -1,
  latchedStatus: -1,
})

export class I8254 implements Device, BusDevice {
  readonly name = 'pit'
  readonly width = 1
  private readonly counters = [new Counter(), new Counter(), new Counter()] as const
  private access = [initialAccess(), initialAccess(), initialAccess()]
  private readonly timer: Timer

  /** @param irq follows the output of counter 0. */
  constructor(
    private readonly clock: Clock,
    private readonly irq: Line,
  ) {
    this.timer = new Timer(clock, () => this.follow())
    this.reset()
  }

  reset(): void {
    this.access = this.access.map(initialAccess)
    for (const [index, counter] of this.counters.entries()) {
      counter.configure(index === 0 ? 0 : 3, false, this.tick)
      counter.setGate(index !== 2, this.tick)
    }
    this.follow()
  }

  save(): DeviceState {
    return {
      counters: this.counters.map(counter => counter.save()),
      access: copyState(this.access),
      timer: this.timer.save(),
    }
  }

  restore(state: DeviceState): void {
    for (const [index, counter] of this.counters.entries()) {
      counter.restore((state.counters as CounterState[])[index]!)
    }
    this.access = copyState(state.access as Access[])
    this.timer.restore(state.timer as TimerState)
    this.irq.restore(this.counters[0].output(this.tick))
  }

  /** The gate of counter 2. */
  setGate2(level: boolean): void {
    this.counters[2].setGate(level, this.tick)
  }

  get gate2(): boolean {
    return this.counters[2].gate
  }

  /** The output of counter 2. */
  get output2(): boolean {
    return this.counters[2].output(this.tick)
  }

  read(offset: number): number {
    if (offset === CONTROL) return 0xff
    const register = this.access[offset]!
    if (register.latchedStatus >= 0) {
      const status = register.latchedStatus
      register.latchedStatus = -1
      return status
    }
    const count = register.latchedCount >= 0 ? register.latchedCount : this.counters[offset]!.read(this.tick)
    const high = register.access === ACCESS_HIGH || (register.access !== ACCESS_LOW && register.readHigh)
    if (register.access === ACCESS_LOW || register.access === ACCESS_HIGH || high) register.latchedCount = -1
    if (register.access === 3) register.readHigh = !register.readHigh
    return high ? count >> 8 : count & 0xff
  }

  write(offset: number, _size: number, value: number): void {
    if (offset === CONTROL) this.writeControl(value)
    else this.writeCount(offset, value)
    this.follow()
  }

  private get tick(): number {
    return PIT_OSCILLATOR.ticksAt(this.clock.now)
  }

  private writeControl(value: number): void {
    const index = value >> 6
    if (index === READ_BACK) {
      for (let counter = 0; counter < 3; counter++) {
        if ((value & (2 << counter)) === 0) continue
        if ((value & 0x20) === 0) this.latchCount(counter)
        if ((value & 0x10) === 0) this.latchStatus(counter)
      }
      return
    }
    const access = (value >> 4) & 3
    if (access === LATCH) {
      this.latchCount(index)
      return
    }
    const mode = (value >> 1) & 7
    this.access[index] = { ...initialAccess(), access }
    this.counters[index]!.configure(mode > 5 ? mode - 4 : mode, (value & 1) !== 0, this.tick)
  }

  private latchCount(index: number): void {
    const register = this.access[index]!
    if (register.latchedCount < 0) register.latchedCount = this.counters[index]!.read(this.tick)
  }

  private latchStatus(index: number): void {
    const register = this.access[index]!
    if (register.latchedStatus >= 0) return
    const counter = this.counters[index]!
    register.latchedStatus =
      (counter.output(this.tick) ? 0x80 : 0) |
      (counter.isNull(this.tick) ? 0x40 : 0) |
      (register.access << 4) |
      (counter.mode << 1) |
      (counter.binaryCodedDecimal ? 1 : 0)
  }

  private writeCount(index: number, value: number): void {
    const register = this.access[index]!
    const counter = this.counters[index]!
    if (register.access === ACCESS_LOW) counter.load(value, this.tick)
    else if (register.access === ACCESS_HIGH) counter.load(value << 8, this.tick)
    else if (register.writeHigh) {
      register.writeHigh = false
      counter.load((value << 8) | register.writtenLow, this.tick)
    } else {
      register.writeHigh = true
      register.writtenLow = value
      counter.hold(this.tick)
    }
  }

  /** Puts IRQ 0 at the output of counter 0 and arms the timer for its next change. */
  private follow(): void {
    const tick = this.tick
    this.irq.set(this.counters[0].output(tick))
    const change = this.counters[0].nextChange(tick)
    if (change === Number.POSITIVE_INFINITY) this.timer.disarm()
    else this.timer.arm(PIT_OSCILLATOR.timeOf(change))
  }
}
