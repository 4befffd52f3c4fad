// TCP segments (RFC 9293, 3.1): header, the option that names the largest segment, data. Left out: all other options
// (skipped when they come), urgent data.

import { long, setLong, setWord, word } from './big-endian.js'
import { transportChecksum } from './checksum.js'
import { type Datagram, PROTOCOL_TCP } from './ipv4.js'

export const FIN = 1
export const SYN = 2
export const RST = 4
export const PSH = 8
export const ACK = 16

const HEADER_BYTES = 20
const OPTION_END = 0
const OPTION_NOTHING = 1
const OPTION_SEGMENT_SIZE = 2
const SEGMENT_SIZE_BYTES = 4

export interface Segment {
  readonly sourcePort: number
  readonly destinationPort: number
  /** 32 bits, unsigned, as `acknowledgment`. */
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
  readonly window: number
  /** The largest segment that the sender takes; undefined when it does not say. */
  readonly segmentSize?: number | undefined
  readonly data: Uint8Array
}

/** What a datagram carries; undefined when it is damaged. */
export function readSegment({ source, destination, payload }: Datagram): Segment | undefined {
  const start = (payload[12]! >> 4) * 4
  if (payload.length < HEADER_BYTES || start < HEADER_BYTES || start > payload.length) return undefined
  if (transportChecksum(source, destination, PROTOCOL_TCP, payload) !== 0) return undefined
  return {
    sourcePort: word(payload, 0),
    destinationPort: word(payload, 2),
    sequence: long(payload, 4),
    acknowledgment: long(payload, 8),
    flags: payload[13]! & (FIN | SYN | RST | PSH | ACK),
    window: word(payload, 14),
    segmentSize: readSegmentSize(payload.subarray(HEADER_BYTES, start)),
    data: payload.subarray(start),
  }
}

function readSegmentSize(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length && options[at] !== OPTION_END; ) {
    if (options[at] === OPTION_NOTHING) {
      at++
      continue
    }
    const bytes = options[at + 1] ?? 0
    if (bytes < 2 || at + bytes > options.length) return undefined
    if (options[at] === OPTION_SEGMENT_SIZE && bytes === SEGMENT_SIZE_BYTES) return word(options, at + 2)
    at += bytes
  }
  return undefined
}

/** A datagram for the network below. */
export function writeSegment(source: number, destination: number, segment: Segment): Datagram {
  const { segmentSize, data } = segment
  const start = HEADER_BYTES + (segmentSize === undefined ? 0 : SEGMENT_SIZE_BYTES)
  const payload = new Uint8Array(start + data.length)
  setWord(payload, 0, segment.sourcePort)
  setWord(payload, 2, segment.destinationPort)
  setLong(payload, 4, segment.sequence)
  setLong(payload, 8, segment.acknowledgment)
  payload[12] = (start / 4) << 4
  payload[13] = segment.flags
  setWord(payload, 14, segment.window)
  if (segmentSize !== undefined) {
    payload[HEADER_BYTES] = OPTION_SEGMENT_SIZE
    payload[HEADER_BYTES + 1] = SEGMENT_SIZE_BYTES
    setWord(payload, HEADER_BYTES + 2, segmentSize)
  }
  payload.set(data, start)
  setWord(payload, 16, transportChecksum(source, destination, PROTOCOL_TCP, payload))
  return { source, destination, protocol: PROTOCOL_TCP, payload }
}
