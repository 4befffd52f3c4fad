// When a segment is sent again (RFC 6298): the time that an answer is waited for follows the measured round trips, doubles
// with each attempt, and has bounds. All in nanoseconds of virtual time, in integers.

const FIRST = 1_000_000_000
const SHORTEST = 200_000_000
const LONGEST = 60_000_000_000

export class RetransmissionTime {
  private smoothed = 0
  private variation = 0
  private doublings = 0

  /** How long to wait now. */
  get current(): number {
    const base = this.smoothed === 0 ? FIRST : Math.max(SHORTEST, this.smoothed + 4 * this.variation)
    return Math.min(base * 2 ** this.doublings, LONGEST)
  }
  /** An answer to something that was sent once has come after so long. */
  measured(nanoseconds: number): void {
    const sample = Math.max(1, nanoseconds)
    if (this.smoothed === 0) {
      this.smoothed = sample
      this.variation = Math.floor(sample / 2)
    } else {
      this.variation = Math.floor((3 * this.variation + Math.abs(this.smoothed - sample)) / 4)
      this.smoothed = Math.floor((7 * this.smoothed + sample) / 8)
    }
  }
  /** Waited in vain. */
  expired(): void {
    if (this.current < LONGEST) this.doublings++
  }
  /** Something new was acknowledged. */
  progressed(): void {
    this.doublings = 0
  }

  save() {
    return [this.smoothed, this.variation, this.doublings]
  }
  restore([smoothed, variation, doublings]: readonly number[]): void {
    this.smoothed = smoothed!
    this.variation = variation!
    this.doublings = doublings!
  }
}
