// Power-on self-test codes: ports 0x80 (the AT's manufacturing port) and 0x190 (PS/2 and test ROMs), both mapped to one
// log so that the order is kept. Guests also write 0x80 as a delay, so only the latest codes are kept. A read returns the
// latest code, as the page register at 0x80 does.

import type { BusDevice, Device, DeviceState } from '../machine/bus.js'

const KEPT = 65_536

export class PostCode implements Device, BusDevice {
  readonly name = 'post'
  readonly width = 1
  private readonly log = new Uint8Array(KEPT)
  private written = 0

  /** The codes written, oldest first; at most the latest 65,536. */
  get codes(): Uint8Array {
    const start = this.written % KEPT
    if (this.written <= KEPT) return this.log.slice(0, this.written)
    const codes = new Uint8Array(KEPT)
    codes.set(this.log.subarray(start))
    codes.set(this.log.subarray(0, start), KEPT - start)
    return codes
  }

  reset(): void {
    this.written = 0
  }

  save(): DeviceState {
    return { codes: this.codes }
  }

  restore(state: DeviceState): void {
    const codes = state.codes as Uint8Array
    this.log.set(codes)
    this.written = codes.length
  }

  read(_offset: number): number {
    return this.written === 0 ? 0xff : this.log[(this.written - 1) % KEPT]!
  }

  write(_offset: number, _size: number, value: number): void {
    this.log[this.written++ % KEPT] = value
  }
}
