// User datagrams (RFC 768). A received checksum of 0 means none; ours are always there.

import { setWord, word } from './big-endian.js'
import { transportChecksum } from './checksum.js'
import { type Datagram, PROTOCOL_UDP } from './ipv4.js'

const HEADER_BYTES = 8

export interface UserDatagram {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly data: Uint8Array
}

/** What a datagram carries; undefined when it is damaged. */
export function readUdp({ source, destination, payload }: Datagram): UserDatagram | undefined {
  if (payload.length < HEADER_BYTES) return undefined
  const end = word(payload, 4)
  if (end < HEADER_BYTES || end > payload.length) return undefined
  const bytes = payload.subarray(0, end)
  if (word(bytes, 6) !== 0 && transportChecksum(source, destination, PROTOCOL_UDP, bytes) !== 0) return undefined
  return { sourcePort: word(bytes, 0), destinationPort: word(bytes, 2), data: bytes.subarray(HEADER_BYTES) }
}

/** A datagram for the network below. */
export function writeUdp(source: number, destination: number, datagram: UserDatagram): Datagram {
  const { sourcePort, destinationPort, data } = datagram
  const bytes = new Uint8Array(HEADER_BYTES + data.length)
  setWord(bytes, 0, sourcePort)
  setWord(bytes, 2, destinationPort)
  setWord(bytes, 4, bytes.length)
  bytes.set(data, HEADER_BYTES)
  setWord(bytes, 6, transportChecksum(source, destination, PROTOCOL_UDP, bytes) || 0xffff)
  return { source, destination, protocol: PROTOCOL_UDP, payload: bytes }
}
