// The bytes that the file server gives: Marsaglia's xorshift generator of 32 bits (shifts 13, 17, 5) from 2463534242 on,
// its states in little-endian order from the first one after the seed; and the CRC-32 of Ethernet and gzip for what comes.

export const SEED = 2463534242

/** The state that follows. */
export function nextState(state: number): number {
  let x = state
  x ^= x << 13
  x ^= x >>> 17
  x ^= x << 5
  return x >>> 0
}

const POLYNOMIAL = 0xedb88320
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc
})

/** The CRC of bytes behind others whose CRC is `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!
  return ~crc >>> 0
}
