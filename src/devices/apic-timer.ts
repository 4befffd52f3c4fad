// The timer of the local APIC: counts down from the initial count at 1 GHz divided by 1 to 128, once or again and again.
// Source: Intel SDM vol. 3, "APIC Timer" (10.5.4). A change of mode takes effect when the count runs out; a change of the
// divider keeps the count.

import { type Clock, Timer, type TimerState } from '../machine/clock.js'

export type ApicTimerState = {
  initialCount: number
  divideConfiguration: number
  isPeriodic: boolean
  isRunning: boolean
  startedAt: number // nanoseconds at which the count was `startedWith`
  startedWith: number
  timer: TimerState
}

export class ApicTimer {
  isPeriodic = false
  initialCount = 0
  divideConfiguration = 0
  private isRunning = false
  private startedAt = 0
  private startedWith = 0
  private readonly timer: Timer

  /** @param expire called each time the count runs out. */
  constructor(
    private readonly clock: Clock,
    private readonly expire: () => void,
  ) {
    this.timer = new Timer(clock, () => this.runOut())
  }

  reset(): void {
    this.restore({
      initialCount: 0,
      divideConfiguration: 0,
      isPeriodic: false,
      isRunning: false,
      startedAt: 0,
      startedWith: 0,
      timer: null,
    })
  }

  save(): ApicTimerState {
    const { initialCount, divideConfiguration, isPeriodic, isRunning, startedAt, startedWith } = this
    const timer = this.timer.save()
    return { initialCount, divideConfiguration, isPeriodic, isRunning, startedAt, startedWith, timer }
  }

  restore({ timer, ...state }: ApicTimerState): void {
    Object.assign(this, state)
    this.timer.restore(timer)
  }

  /** Writes the initial count: starts the timer, or stops it with 0. */
  start(count: number): void {
    this.initialCount = count
    this.run(count, this.clock.now)
  }

  /** Bits 0, 1 and 3 of the divide configuration: 0 divides by 2, 6 by 128, 7 by 1. */
  setDivide(value: number): void {
    const count = this.currentCount
    this.divideConfiguration = value & 0x0b
    if (this.isRunning) this.run(count, this.clock.now)
  }

  get currentCount(): number {
    if (!this.isRunning) return 0
    return Math.max(this.startedWith - Math.floor((this.clock.now - this.startedAt) / this.divider), 0)
  }

  private get divider(): number {
    const code = (this.divideConfiguration & 3) | ((this.divideConfiguration >> 1) & 4)
    return 1 << ((code + 1) & 7)
  }

  private run(count: number, from: number): void {
    this.isRunning = count > 0
    this.startedAt = from
    this.startedWith = count
    if (this.isRunning) this.timer.arm(from + count * this.divider)
    else this.timer.disarm()
  }

  private runOut(): void {
    this.isRunning = false
    if (this.isPeriodic) {
      const end = this.startedAt + this.startedWith * this.divider
      const period = this.initialCount * this.divider
      const missed = Math.floor((this.clock.now - end) / period)
      this.run(this.initialCount, end + missed * period)
    }
    this.expire()
  }
}
