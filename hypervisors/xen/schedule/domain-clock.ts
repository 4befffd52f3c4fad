// A domain's own time: nanoseconds that it has run or has itself waited. Time in which it could run and another domain does
// is not in it, neither in system time nor in the time-stamp counter, so that a domain cannot tell what runs beside it.

export class DomainClock {
  /** Machine time minus domain time while the clock goes. */
  lag = 0
  private stopped: number | undefined

  /** @param machine time of the machine in nanoseconds */
  constructor(private readonly machine: () => number) {
    this.stopped = machine()
  }

  /** Nanoseconds of the domain's own. */
  get now(): number {
    return this.stopped ?? this.machine() - this.lag
  }
  /** Stops the clock at a time of its own that has just passed, or now. */
  stop(at = this.now) {
    this.stopped = at
  }
  /** The clock goes on where it has stopped. */
  start() {
    if (this.stopped === undefined) return
    this.lag = this.machine() - this.stopped
    this.stopped = undefined
  }

  save(): number[] {
    return [this.lag, this.stopped ?? -1]
  }
  restore([lag, stopped]: readonly number[]) {
    this.lag = lag!
    this.stopped = stopped! < 0 ? undefined : stopped
  }
}
