// The Internet checksum (RFC 1071), and the pseudo-header that UDP and TCP put before theirs (RFC 768, RFC 9293 3.1).

import { setLong, setWord } from './big-endian.js'

/** The complement of the sum of 16-bit words; 0 over bytes that hold their own checksum. */
export function internetChecksum(bytes: Uint8Array, before = 0): number {
  let sum = before
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** The checksum of what a datagram carries, with its pseudo-header. */
export function transportChecksum(source: number, destination: number, protocol: number, bytes: Uint8Array): number {
  const header = new Uint8Array(12)
  setLong(header, 0, source)
  setLong(header, 4, destination)
  header[9] = protocol
  setWord(header, 10, bytes.length)
  return internetChecksum(bytes, ~internetChecksum(header) & 0xffff)
}
