// Numbers in network byte order, in bytes from `at` on; whoever asks has made sure that they are there.

/** 16 bits, unsigned. */
export function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/** The low 16 bits. */
export function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

/** 32 bits, unsigned. */
export function long(bytes: Uint8Array, at: number): number {
  return ((word(bytes, at) << 16) | word(bytes, at + 2)) >>> 0
}

/** The low 32 bits. */
export function setLong(bytes: Uint8Array, at: number, value: number): void {
  setWord(bytes, at, value >>> 16)
  setWord(bytes, at + 2, value & 0xffff)
}
