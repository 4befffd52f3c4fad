// Ethernet II frames (RFC 894) without preamble and CRC: stations, the type of what is carried, padding to 60 bytes.

import { setWord, word } from './big-endian.js'

export const TYPE_IPV4 = 0x0800
export const TYPE_ARP = 0x0806
/** What a frame may carry. */
export const PAYLOAD_AT_MOST = 1500

const STATION_BYTES = 6
const HEADER_BYTES = 14
const SHORTEST_FRAME = 60

export interface EthernetFrame {
  /** Six bytes, as `source`. */
  readonly destination: Uint8Array
  readonly source: Uint8Array
  readonly type: number
  /** With the padding of short frames. */
  readonly payload: Uint8Array
}

/** The parts of a frame; undefined when it is too short to have any. */
export function readFrame(bytes: Uint8Array): EthernetFrame | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  return {
    destination: bytes.slice(0, STATION_BYTES),
    source: bytes.slice(STATION_BYTES, 2 * STATION_BYTES),
    type: word(bytes, 2 * STATION_BYTES),
    payload: bytes.subarray(HEADER_BYTES),
  }
}

/** The bytes of a frame, padded with zeros. */
export function writeFrame({ destination, source, type, payload }: EthernetFrame): Uint8Array {
  const bytes = new Uint8Array(Math.max(HEADER_BYTES + payload.length, SHORTEST_FRAME))
  bytes.set(destination)
  bytes.set(source, STATION_BYTES)
  setWord(bytes, 2 * STATION_BYTES, type)
  bytes.set(payload, HEADER_BYTES)
  return bytes
}
