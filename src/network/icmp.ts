// Control messages (RFC 792): echo, and that a protocol or port has nobody behind it.

import { setWord } from './big-endian.js'
import { internetChecksum } from './checksum.js'
import { type Datagram, writeDatagram } from './ipv4.js'

const ECHO_REPLY = 0
const UNREACHABLE = 3
const ECHO_REQUEST = 8
export const NO_PROTOCOL = 2
export const NO_PORT = 3

const HEADER_BYTES = 8
/** Of the datagram that could not be delivered: its header and the first bytes of what it carried. */
const QUOTED_BYTES = 28

function withChecksum(message: Uint8Array): Uint8Array {
  setWord(message, 2, 0)
  setWord(message, 2, internetChecksum(message))
  return message
}

/** The answer to an echo request; undefined for any other message, and for a damaged one. */
export function answerEcho(message: Uint8Array): Uint8Array | undefined {
  if (message.length < HEADER_BYTES || message[0] !== ECHO_REQUEST || internetChecksum(message) !== 0) return undefined
  const reply = message.slice()
  reply[0] = ECHO_REPLY
  return withChecksum(reply)
}

/** Says that a datagram has reached nobody. */
export function unreachable(code: number, datagram: Datagram): Uint8Array {
  const quoted = writeDatagram(datagram).subarray(0, QUOTED_BYTES)
  const message = new Uint8Array(HEADER_BYTES + quoted.length)
  message[0] = UNREACHABLE
  message[1] = code
  message.set(quoted, HEADER_BYTES)
  return withChecksum(message)
}
