// A second model of one 8254 counter, clock tick by clock tick, written from the mode definitions of the data sheet
// (231164-005, figures 15 to 20) and sharing nothing with the closed form: the oracle of i8254-pit.test.ts.

export class TickingCounter {
  element = 0
  output = true
  gate = true
  private mode = 3
  private bcd = false
  private count = 0 // the count register
  private written = false // a count is there
  private loadPending = false
  private counting = false
  private low = false // mode 3: the low half; modes 4 and 5: the strobe
  private armed = false // modes 0, 1, 4, 5: the output event has not happened yet
  private odd = false // mode 3: the count in use is odd

  control(mode: number, bcd: boolean): void {
    this.mode = mode
    this.bcd = bcd
    this.written = this.loadPending = this.counting = this.low = this.armed = false
    this.output = mode !== 0
  }

  write(count: number): void {
    this.count = count === 0 ? (this.bcd ? 10000 : 0x10000) : count
    this.written = true
    const periodic = this.mode === 2 || this.mode === 3
    if (this.mode === 1 || this.mode === 5) return
    if (periodic && this.counting) return // taken at the end of the period
    this.loadPending = true
    this.element = this.mode === 3 ? this.count & ~1 : this.count
    this.armed = true
    this.low = false
    this.output = this.mode !== 0
  }

  setGate(level: boolean): void {
    const rising = level && !this.gate
    this.gate = level
    const periodic = this.mode === 2 || this.mode === 3
    if (periodic && !level) this.output = true
    if (rising && this.written && this.mode !== 0 && this.mode !== 4) this.loadPending = true
  }

  tick(): void {
    if (this.loadPending) {
      this.loadPending = false
      this.load()
      return
    }
    if (!this.counting) return
    const needsGate = this.mode !== 1 && this.mode !== 5
    if (needsGate && !this.gate) return
    if (this.mode === 2) this.tickRate()
    else if (this.mode === 3) this.tickSquare()
    else this.tickOnce()
  }

  private load(): void {
    this.counting = true
    this.element = this.mode === 3 ? this.count & ~1 : this.count
    this.low = false
    this.armed = true
    if (this.mode === 1) this.output = false
    else if (this.mode !== 0) this.output = true
    this.odd = (this.count & 1) === 1
  }

  private tickRate(): void {
    if (this.element === 1) {
      this.element = this.count
      this.output = true
    } else {
      this.element--
    }
    if (this.element === 1) this.output = false
  }

  /** Odd counts: the high half reaches 0 and lasts one clock longer. */
  private tickSquare(): void {
    const last = !this.low && this.odd ? 0 : 2
    if (this.element === last) {
      this.low = !this.low
      this.output = !this.low
      this.odd = (this.count & 1) === 1
      this.element = this.count & ~1
    } else {
      this.element -= 2
    }
  }

  private tickOnce(): void {
    const modulus = this.bcd ? 10000 : 0x10000
    this.element = (this.element - 1 + modulus) % modulus
    if (this.mode >= 4) this.output = true
    if (this.element === 0 && this.armed) {
      this.armed = false
      this.output = this.mode < 4
    }
  }

  /** The element as two bytes. */
  get register(): number {
    if (!this.bcd) return this.element & 0xffff
    return Number.parseInt(String(this.element % 10000), 16)
  }
}
