// One counter of an Intel 8254: the counting element and its output in the six modes, in closed form over clock ticks.
// Source: 8254 data sheet (231164-005), "Mode definitions". A count written in tick t is loaded at tick t + 1.
// A read between the write and the load shows the new count: a port access takes a nanosecond here, and software relies
// on its taking longer than a tick (Linux's TSC calibration reads at once).
// Left out: counts below the legal minimum of a mode behave as the formulas give, not as a chip may.

const NEVER = Number.POSITIVE_INFINITY

type State = {
  mode: number
  binaryCodedDecimal: boolean
  gate: boolean
  /** Count in use, 1 to 65536 (10000 in BCD); 0 before the first count. */
  count: number
  /** False before the first count, and in modes 1 and 5 before the first trigger. */
  started: boolean
  /** Tick at which `count` was or will be loaded; may be negative where a count took over in the middle of a period. */
  loadedAt: number
  /** Ticks counted when the gate went low; -1 while counting. */
  pausedAfter: number
  /** A count written while an earlier one is in use, and the tick at which it takes its place (-1: at the next trigger). */
  next: number
  nextAt: number
  /** What a read and the output show until the load. */
  frozen: number
  frozenOutput: boolean
}

const initialState = (): State => ({
  mode: 3,
  binaryCodedDecimal: false,
  gate: true,
  count: 0,
  started: false,
  loadedAt: 0,
  pausedAfter: -1,
  next: 0,
  nextAt: -1,
  frozen: 0,
  frozenOutput: true,
})

export type CounterState = State

export class Counter {
  private state = initialState()

  get mode(): number {
    return this.state.mode
  }

  get binaryCodedDecimal(): boolean {
    return this.state.binaryCodedDecimal
  }

  get gate(): boolean {
    return this.state.gate
  }

  save(): CounterState {
    return { ...this.state }
  }

  restore(state: CounterState): void {
    this.state = { ...state }
  }

  /** A control word: the output goes to the initial level of the mode and counting waits for a count. */
  configure(mode: number, binaryCodedDecimal: boolean, tick: number): void {
    const frozen = this.elementAt(tick)
    const { gate } = this.state
    this.state = { ...initialState(), mode, binaryCodedDecimal, gate, frozen, frozenOutput: mode !== 0 }
  }

  /** The low byte of a two-byte count in mode 0 stops the counter until the high byte follows. */
  hold(tick: number): void {
    if (this.state.mode === 0) this.configure(0, this.state.binaryCodedDecimal, tick)
  }

  /** A new count, 0 to 0xFFFF as written (0 is the largest). */
  load(written: number, tick: number): void {
    const state = this.state
    this.settle(tick)
    const count = this.fromRegister(written) || this.modulus
    if (isTriggered(state.mode)) {
      state.next = count
      state.nextAt = -1
    } else if (isPeriodic(state.mode) && state.started && tick >= state.loadedAt) {
      state.next = count
      state.nextAt = state.gate ? this.nextReload(tick) : -1
    } else {
      this.start(count, tick)
      state.frozen = state.mode === 3 ? count & ~1 : count
      state.frozenOutput = state.mode !== 0
      state.pausedAfter = state.gate ? -1 : 0
    }
  }

  setGate(gate: boolean, tick: number): void {
    const state = this.state
    this.settle(tick)
    if (gate === state.gate) return
    state.gate = gate
    if (gate) this.risingGate(tick)
    else if (!isTriggered(state.mode) && state.started) {
      state.pausedAfter = Math.max(this.elapsed(tick), 0)
      state.nextAt = -1
    }
  }

  /** A trigger for modes 1, 2, 3 and 5; modes 0 and 4 go on from where they stopped. */
  private risingGate(tick: number): void {
    const state = this.state
    if (isTriggered(state.mode) || isPeriodic(state.mode)) {
      const count = state.next || state.count
      if (count !== 0) this.start(count, tick)
    } else if (state.started) {
      state.loadedAt = Math.max(state.loadedAt, tick - state.pausedAfter)
    }
    state.pausedAfter = -1
  }

  private start(count: number, tick: number): void {
    const state = this.state
    state.frozen = this.elementAt(tick)
    state.frozenOutput = this.output(tick)
    state.count = count
    state.next = 0
    state.nextAt = -1
    state.started = true
    state.loadedAt = tick + 1
  }

  /** The counting element as a read shows it, 0 to 0xFFFF. */
  read(tick: number): number {
    this.settle(tick)
    return this.toRegister(this.elementAt(tick))
  }

  /** The NULL COUNT bit: a count was written and is not in the counting element yet. */
  isNull(tick: number): boolean {
    this.settle(tick)
    const { next, count, loadedAt } = this.state
    return next !== 0 || count === 0 || tick < loadedAt
  }

  output(tick: number): boolean {
    this.settle(tick)
    const { mode, count, started, pausedAfter, frozenOutput } = this.state
    if (isPeriodic(mode) && pausedAfter >= 0) return true
    const elapsed = this.elapsed(tick)
    if (!started || elapsed < 0) return frozenOutput
    switch (mode) {
      case 0:
      case 1:
        return elapsed >= count
      case 2:
        return elapsed % count !== count - 1
      case 3:
        return elapsed % count < Math.ceil(count / 2)
      default:
        return elapsed !== count
    }
  }

  /** The next tick after `tick` at which the output may change; Infinity when it will not by itself. */
  nextChange(tick: number): number {
    this.settle(tick)
    const { mode, count, started, loadedAt, pausedAfter, nextAt } = this.state
    if (!started || pausedAfter >= 0) return NEVER
    if (tick < loadedAt) return loadedAt
    if (isPeriodic(mode)) {
      const phase = (tick - loadedAt) % count
      const low = mode === 2 ? count - 1 : Math.ceil(count / 2)
      const change = tick - phase + (phase < low ? low : count)
      return nextAt > tick ? Math.min(change, nextAt) : change
    }
    const end = loadedAt + count
    if (tick < end) return end
    return tick === end && mode >= 4 ? end + 1 : NEVER
  }

  /** Ticks counted since the load; negative before it. */
  private elapsed(tick: number): number {
    const { loadedAt, pausedAfter } = this.state
    return pausedAfter >= 0 ? pausedAfter : tick - loadedAt
  }

  private elementAt(tick: number): number {
    const { mode, count, started, frozen } = this.state
    const elapsed = this.elapsed(tick)
    if (!started || elapsed < 0) return frozen
    if (mode === 2) return count - (elapsed % count)
    if (mode === 3) {
      const phase = elapsed % count
      const high = Math.ceil(count / 2)
      return (count & ~1) - 2 * (phase < high ? phase : phase - high)
    }
    const modulus = this.modulus
    return (((count - elapsed) % modulus) + modulus) % modulus
  }

  /** In modes 2 and 3 a new count waits for the end of the period (of the half period in mode 3). */
  private nextReload(tick: number): number {
    const { mode, count, loadedAt } = this.state
    const phase = (tick - loadedAt) % count
    const half = Math.ceil(count / 2)
    return tick - phase + (mode === 3 && phase < half ? half : count)
  }

  /** Takes over a waiting count whose time has come. */
  private settle(tick: number): void {
    const state = this.state
    if (state.next === 0 || state.nextAt < 0 || tick < state.nextAt) return
    const phase = (state.nextAt - state.loadedAt) % state.count
    state.count = state.next
    state.loadedAt = phase === 0 ? state.nextAt : state.nextAt - Math.ceil(state.next / 2)
    state.next = 0
    state.nextAt = -1
  }

  private get modulus(): number {
    return this.state.binaryCodedDecimal ? 10000 : 0x10000
  }

  private toRegister(count: number): number {
    if (!this.state.binaryCodedDecimal) return count & 0xffff
    const digit = (place: number) => Math.floor((count % 10000) / 10 ** place) % 10
    return digit(0) | (digit(1) << 4) | (digit(2) << 8) | (digit(3) << 12)
  }

  private fromRegister(value: number): number {
    if (!this.state.binaryCodedDecimal) return value
    return (value & 15) + ((value >> 4) & 15) * 10 + ((value >> 8) & 15) * 100 + ((value >> 12) & 15) * 1000
  }
}

function isTriggered(mode: number): boolean {
  return mode === 1 || mode === 5
}

function isPeriodic(mode: number): boolean {
  return mode === 2 || mode === 3
}
