// Bytes that wait between two ends, first in, first out, up to a fixed number; any of them can be looked at.

export class ByteQueue {
  private readonly ring: Uint8Array
  private start = 0
  private count = 0

  /** @param capacity in bytes */
  constructor(readonly capacity: number) {
    this.ring = new Uint8Array(capacity)
  }

  /** Bytes that wait. */
  get length(): number {
    return this.count
  }
  /** Bytes that can still be pushed. */
  get room(): number {
    return this.capacity - this.count
  }

  /** Appends as much as there is room for; how many bytes that were. */
  push(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.room)
    const at = (this.start + this.count) % this.capacity
    const first = taken.subarray(0, this.capacity - at)
    this.ring.set(first, at)
    this.ring.set(taken.subarray(first.length), 0)
    this.count += taken.length
    return taken.length
  }
  /** A copy of bytes behind the first `offset`; fewer where there are fewer. */
  peek(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.count - offset)))
    const at = (this.start + offset) % this.capacity
    const first = this.ring.subarray(at, Math.min(at + bytes.length, this.capacity))
    bytes.set(first)
    bytes.set(this.ring.subarray(0, bytes.length - first.length), first.length)
    return bytes
  }
  /** Forgets the first bytes. */
  drop(length: number): void {
    this.start = (this.start + length) % this.capacity
    this.count -= length
  }

  save(): Uint8Array {
    return this.peek(0, this.count)
  }
  restore(bytes: Uint8Array): void {
    this.start = 0
    this.count = 0
    this.push(bytes)
  }
}
