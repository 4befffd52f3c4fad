// What a host moves through a data port one unit at a time or with string I/O: the bytes of a command, of which one ATA DRQ
// block is open at a time.

import type { AccessSize } from '../machine/bus.js'

export type PioBlockState = { bytes: Uint8Array; position: number; end: number }

export class PioBlock {
  bytes: Uint8Array = new Uint8Array(0)
  private position = 0
  private end = 0

  /** Starts anew with these bytes, to be read or to be filled; no block is open yet. */
  open(bytes: Uint8Array): void {
    this.bytes = bytes
    this.position = 0
    this.end = 0
  }
  /** Opens the block of so many bytes behind the last one. */
  nextBlock(bytes: number): void {
    this.position = this.end
    this.end += bytes
  }

  save(): PioBlockState {
    return { bytes: this.bytes.slice(), position: this.position, end: this.end }
  }

  restore({ bytes, position, end }: PioBlockState): void {
    this.bytes = bytes.slice()
    this.position = position
    this.end = end
  }

  /** True when all bytes of the block have been moved. */
  get isDone(): boolean {
    return this.position >= this.end
  }

  /** The next `size` bytes as a number; zeros beyond the end of the block. */
  take(size: AccessSize): number {
    let value = 0
    for (let byte = 0; byte < this.within(size); byte++) value += this.bytes[this.position + byte]! * 2 ** (8 * byte)
    this.position += size
    return value
  }

  put(size: AccessSize, value: number): void {
    for (let byte = 0; byte < this.within(size); byte++) this.bytes[this.position + byte] = value >>> (8 * byte)
    this.position += size
  }
  private within(size: AccessSize): number {
    return Math.min(size, this.end - this.position)
  }

  /** Moves up to `count` whole units of the block into `sink` and returns how many there were. */
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
    return Math.floor(Math.max(this.end - this.position, 0) / size)
  }
}
