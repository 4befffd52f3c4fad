// Virtual time and the events on it: nanoseconds as integers (exact up to 2^53, 104 days).
// The machine supplies the time (one retired instruction is one nanosecond, HLT skips) and calls runDue();
// nothing here reads the host's clock. Events at the same time fire in the order of scheduling, also after a restore.

/** A scheduled event. `at` is in nanoseconds of virtual time, `order` breaks ties. */
export interface TimerHandle {
  readonly at: number
  readonly order: number
}

/** What a Timer saves: when it fires and its place among the events of that time; null when it is not armed. */
export type TimerState = { at: number; order: number } | null

type Entry = { at: number; order: number; event: () => void }

export class Clock {
  /** Called when schedule() or cancel() makes the earliest deadline different: the machine adjusts its budget. */
  onDeadlineChange: (() => void) | undefined
  private readonly queue: Entry[] = []
  private nextOrder = 0

  /** @param readNow the exact current virtual time in nanoseconds, at any moment, also in the middle of a block. */
  constructor(private readonly readNow: () => number) {}

  /** The current virtual time in nanoseconds. */
  get now(): number {
    return this.readNow()
  }

  /**
   * Arranges for `event` to be called by runDue() once now >= at.
   * @param at nanoseconds of virtual time; may lie in the past, the event then fires at the next runDue().
   * @param order only for restoring a saved timer: its place among the events of the same time.
   */
  schedule(at: number, event: () => void, order: number = this.nextOrder): TimerHandle {
    if (!(at >= 0)) throw new RangeError(`cannot schedule an event at ${at}: give a time in nanoseconds, 0 or later`)
    if (order >= this.nextOrder) this.nextOrder = order + 1
    const entry: Entry = { at, order, event }
    let index = this.queue.length
    while (index > 0 && precedes(entry, this.queue[index - 1]!)) index--
    this.queue.splice(index, 0, entry)
    if (index === 0) this.onDeadlineChange?.()
    return entry
  }

  /** Takes a scheduled event back; an event that has fired or was cancelled already is ignored. */
  cancel(handle: TimerHandle): void {
    const index = this.queue.indexOf(handle as Entry)
    if (index < 0) return
    this.queue.splice(index, 1)
    if (index === 0) this.onDeadlineChange?.()
  }

  /** The time of the earliest event in nanoseconds; Infinity when nothing is scheduled. */
  nextDeadline(): number {
    return this.queue.length === 0 ? Number.POSITIVE_INFINITY : this.queue[0]!.at
  }

  /** Fires every event with at <= now, in order, including those that the fired ones schedule. */
  runDue(): void {
    while (this.queue.length > 0 && this.queue[0]!.at <= this.readNow()) this.queue.shift()!.event()
  }
}

function precedes(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** One event that a device arms again and again, with a state that can be saved. */
export class Timer {
  private handle: TimerHandle | undefined
  private readonly fire: () => void

  constructor(
    private readonly clock: Clock,
    event: () => void,
  ) {
    this.fire = () => {
      this.handle = undefined
      event()
    }
  }

  /** When the timer fires, in nanoseconds; undefined when it is not armed. */
  get at(): number | undefined {
    return this.handle?.at
  }

  /** Arms the timer for `at` nanoseconds; a deadline set before is replaced. */
  arm(at: number): void {
    this.disarm()
    this.handle = this.clock.schedule(at, this.fire)
  }

  disarm(): void {
    if (this.handle !== undefined) this.clock.cancel(this.handle)
    this.handle = undefined
  }

  save(): TimerState {
    return this.handle === undefined ? null : { at: this.handle.at, order: this.handle.order }
  }

  restore(state: TimerState): void {
    this.disarm()
    if (state !== null) this.handle = this.clock.schedule(state.at, this.fire, state.order)
  }
}

/**
 * A crystal of a rational frequency, `ticks` per `nanoseconds`, exact and without drift.
 * Both numbers are integers with a product below 2^53. Tick k begins at the first nanosecond at which k periods have passed.
 */
export class Oscillator {
  constructor(
    private readonly ticks: number,
    private readonly nanoseconds: number,
  ) {
    if (!(ticks * nanoseconds <= Number.MAX_SAFE_INTEGER)) throw new RangeError('oscillator: reduce the fraction first')
  }

  /** Whole periods that have passed at `nanoseconds` (not negative). */
  ticksAt(nanoseconds: number): number {
    const whole = Math.floor(nanoseconds / this.nanoseconds)
    const rest = nanoseconds - whole * this.nanoseconds
    return whole * this.ticks + Math.floor((rest * this.ticks) / this.nanoseconds)
  }

  /** The first nanosecond at which ticksAt() is `tick`. */
  timeOf(tick: number): number {
    const whole = Math.floor(tick / this.ticks)
    const rest = tick - whole * this.ticks
    return whole * this.nanoseconds + Math.ceil((rest * this.nanoseconds) / this.ticks)
  }
}
