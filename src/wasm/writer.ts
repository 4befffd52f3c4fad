// A growable byte buffer with WebAssembly's number encodings (core specification 5.2).

export class Writer {
  bytes: Uint8Array
  length = 0

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity)
  }

  private reserve(more: number) {
    if (this.length + more <= this.bytes.length) return
    const next = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more))
    next.set(this.bytes.subarray(0, this.length))
    this.bytes = next
  }
  byte(b: number) {
    if (this.length === this.bytes.length) this.reserve(1)
    this.bytes[this.length++] = b
  }
  /** Unsigned LEB128 of a number below 2^32. */
  u32(n: number) {
    this.reserve(5)
    const bytes = this.bytes
    n >>>= 0
    while (n > 0x7f) {
      bytes[this.length++] = (n & 0x7f) | 0x80
      n >>>= 7
    }
    bytes[this.length++] = n
  }
  /** Signed LEB128 of an i32. */
  i32(n: number) {
    this.reserve(5)
    const bytes = this.bytes
    n |= 0
    for (;;) {
      const low = n & 0x7f
      n >>= 7
      if ((n === 0 && !(low & 0x40)) || (n === -1 && low & 0x40)) {
        bytes[this.length++] = low
        return
      }
      bytes[this.length++] = low | 0x80
    }
  }
  /** Signed LEB128 of an i64. */
  i64(n: bigint) {
    for (;;) {
      const low = Number(n & 0x7fn)
      n >>= 7n
      if ((n === 0n && !(low & 0x40)) || (n === -1n && low & 0x40)) return this.byte(low)
      this.byte(low | 0x80)
    }
  }
  f32(n: number) {
    this.append(new Uint8Array(new Float32Array([n]).buffer))
  }
  f64(n: number) {
    this.append(new Uint8Array(new Float64Array([n]).buffer))
  }
  append(bytes: Uint8Array) {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }
  name(s: string) {
    const utf8 = new TextEncoder().encode(s)
    this.u32(utf8.length)
    this.append(utf8)
  }
  /** A copy of what was written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length)
  }
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
