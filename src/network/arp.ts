// Address resolution (RFC 826) for one station: requests for its address are answered. Left out: requests of our own, since
// whoever we talk to has talked to us first.

import { long, setWord, word } from './big-endian.js'

const REQUEST = 1
const REPLY = 2
const BYTES = 28
// Places in a message.
const OPERATION = 6
const SENDER = 8
const SENDER_ADDRESS = 14
const TARGET = 18
const TARGET_ADDRESS = 24
/** Ethernet and IPv4, with addresses of 6 and 4 bytes. */
const KIND = [0, 1, 8, 0, 6, 4]

/** The answer to a message that asks for `address`; undefined where there is none. */
export function answerArp(message: Uint8Array, station: Uint8Array, address: number): Uint8Array | undefined {
  if (message.length < BYTES || !KIND.every((byte, i) => message[i] === byte)) return undefined
  if (word(message, OPERATION) !== REQUEST || long(message, TARGET_ADDRESS) !== address) return undefined
  const reply = message.slice(0, BYTES)
  setWord(reply, OPERATION, REPLY)
  reply.copyWithin(TARGET, SENDER, TARGET) // the asker becomes the target
  reply.set(station, SENDER)
  reply.set(message.subarray(TARGET_ADDRESS, BYTES), SENDER_ADDRESS)
  return reply
}
