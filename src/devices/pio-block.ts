// The bytes that a host moves through a data port one unit at a time or with string I/O: an ATA disk's DRQ block.

import type { AccessSize } from '../machine/bus.js'

export type PioBlockState = { bytes: Uint8Array; position: number }

export class PioBlock {
  bytes: Uint8Array = new Uint8Array(0)
  private position = 0

  /** Starts anew with these bytes: to be read, or to be filled. */
  open(bytes: Uint8Array): void {
    this.bytes = bytes
    this.position = 0
  }

  save(): PioBlockState {
    return { bytes: this.bytes.slice(), position: this.position }
  }

  restore({ bytes, position }: PioBlockState): void {
    this.bytes = bytes.slice()
    this.position = position
  }

  /** True when all bytes have been moved. */
  get isDone(): boolean {
    return this.position >= this.bytes.length
  }

  /** The next `size` bytes as a number; zeros beyond the end. */
  take(size: AccessSize): number {
    let value = 0
    for (let byte = 0; byte < size; byte++) value += (this.bytes[this.position + byte] ?? 0) * 2 ** (8 * byte)
    this.position += size
    return value
  }

  put(size: AccessSize, value: number): void {
    for (let byte = 0; byte < size; byte++) this.bytes[this.position + byte] = value >>> (8 * byte)
    this.position += size
  }

  /** Moves up to `count` whole units into `sink` and returns how many there were. */
  takeMany(size: AccessSize, count: number, sink: Uint8Array): number {
    const units = Math.min(this.wholeUnits(size), count)
    sink.set(this.bytes.subarray(this.position, this.position + units * size))
    this.position += units * size
    return units
  }

  putMany(size: AccessSize, count: number, source: Uint8Array): number {
    const units = Math.min(this.wholeUnits(size), count)
    this.bytes.set(source.subarray(0, units * size), this.position)
    this.position += units * size
    return units
  }

  private wholeUnits(size: AccessSize): number {
    return Math.floor(Math.max(this.bytes.length - this.position, 0) / size)
  }
}
