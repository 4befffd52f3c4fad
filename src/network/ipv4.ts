// Internet protocol, version 4 (RFC 791), datagrams that are whole. Ours carry "don't fragment" and identification 0
// (RFC 6864). Left out: fragments and options of received datagrams (dropped, skipped), routing.

import { long, setLong, setWord, word } from './big-endian.js'
import { internetChecksum } from './checksum.js'

export const PROTOCOL_ICMP = 1
export const PROTOCOL_TCP = 6
export const PROTOCOL_UDP = 17
export const BROADCAST = 0xffffffff
export const HEADER_BYTES = 20

const VERSION_AND_LENGTH = 0x45
const DONT_FRAGMENT = 0x4000
const FRAGMENT = 0x3fff
const TIME_TO_LIVE = 64

export interface Datagram {
  readonly source: number
  readonly destination: number
  readonly protocol: number
  readonly payload: Uint8Array
}

/** A datagram; undefined when it is damaged, a fragment or none. Bytes behind its end are padding. */
export function readDatagram(bytes: Uint8Array): Datagram | undefined {
  const header = (bytes[0]! & 15) * 4
  if (bytes.length < HEADER_BYTES || bytes[0]! >> 4 !== 4 || header < HEADER_BYTES) return undefined
  const end = word(bytes, 2)
  if (end < header || end > bytes.length || internetChecksum(bytes.subarray(0, header)) !== 0) return undefined
  if ((word(bytes, 6) & FRAGMENT) !== 0) return undefined
  return {
    source: long(bytes, 12),
    destination: long(bytes, 16),
    protocol: bytes[9]!,
    payload: bytes.subarray(header, end),
  }
}

/** The bytes of a datagram with its header's checksum. */
export function writeDatagram({ source, destination, protocol, payload }: Datagram): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length)
  bytes[0] = VERSION_AND_LENGTH
  setWord(bytes, 2, bytes.length)
  setWord(bytes, 6, DONT_FRAGMENT)
  bytes[8] = TIME_TO_LIVE
  bytes[9] = protocol
  setLong(bytes, 12, source)
  setLong(bytes, 16, destination)
  setWord(bytes, 10, internetChecksum(bytes.subarray(0, HEADER_BYTES)))
  bytes.set(payload, HEADER_BYTES)
  return bytes
}
