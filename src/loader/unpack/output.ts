// What a decompressor has made so far: bytes that grow, and copies of their own past.

const FIRST_BYTES = 1 << 20

export class Output {
  bytes = new Uint8Array(FIRST_BYTES)
  length = 0

  /** Makes room for so many more. */
  reserve(count: number) {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }
  append(data: Uint8Array) {
    this.reserve(data.length)
    this.bytes.set(data, this.length)
    this.length += data.length
  }
  /** Repeats `count` bytes from so far back, some of which may be those that it makes. */
  repeat(distance: number, count: number, from = 0) {
    if (distance <= 0 || distance > this.length - from) throw new Error('a match before the beginning')
    this.reserve(count)
    const { bytes } = this
    let at = this.length
    if (distance >= count) bytes.copyWithin(at, at - distance, at - distance + count)
    else for (const end = at + count; at < end; at++) bytes[at] = bytes[at - distance]!
    this.length += count
  }
  get whole(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
