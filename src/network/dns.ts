// A name server that knows a few names (RFC 1035): type A in class IN, one question a message. Everything else does not
// exist, so that a lookup ends at once. Left out: other types of records, TCP, compression in questions.

import { setLong, setWord, word } from './big-endian.js'

export const DNS_PORT = 53

const HEADER_BYTES = 12
const RESPONSE = 0x8000
const OPCODE = 0x7800
const AUTHORITATIVE = 0x0400
const RECURSION_DESIRED = 0x0100
const RECURSION_AVAILABLE = 0x0080
const FORMAT_ERROR = 1
const NO_SUCH_NAME = 3
const NOT_IMPLEMENTED = 4
const LABEL_AT_MOST = 63
const TYPE_A = 1
const CLASS_IN = 1
const SECONDS = 86_400
const ANSWER_BYTES = 16
/** A pointer to the name in the question. */
const SAME_NAME = 0xc000 | HEADER_BYTES

/** The answer to a message; undefined for what is no question. */
export function dnsAnswer(message: Uint8Array, addresses: ReadonlyMap<string, number>): Uint8Array | undefined {
  if (message.length < HEADER_BYTES || (word(message, 2) & RESPONSE) !== 0) return undefined
  const flags = word(message, 2)
  const question = word(message, 4) === 1 ? readQuestion(message) : undefined
  const status = (flags & OPCODE) !== 0 ? NOT_IMPLEMENTED : !question ? FORMAT_ERROR : 0
  if (status !== 0 || !question) return compose(message, HEADER_BYTES, flags, status, undefined)
  const address = addresses.get(question.name)
  const isAsked = question.type === TYPE_A && question.class === CLASS_IN
  return compose(message, question.end, flags, address === undefined ? NO_SUCH_NAME : 0, isAsked ? address : undefined)
}

function readQuestion(message: Uint8Array) {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (; message[at] !== 0; at += 1 + message[at]!) {
    const length = message[at]
    if (length === undefined || length > LABEL_AT_MOST || at + 1 + length >= message.length) return undefined
    labels.push(String.fromCharCode(...message.subarray(at + 1, at + 1 + length)).toLowerCase())
  }
  if (at + 5 > message.length) return undefined
  return { name: labels.join('.'), type: word(message, at + 1), class: word(message, at + 3), end: at + 5 }
}

function compose(message: Uint8Array, end: number, flags: number, status: number, address: number | undefined) {
  const answer = new Uint8Array(end + (address === undefined ? 0 : ANSWER_BYTES))
  answer.set(message.subarray(0, end))
  const kept = flags & (OPCODE | RECURSION_DESIRED)
  setWord(answer, 2, RESPONSE | AUTHORITATIVE | RECURSION_AVAILABLE | kept | status)
  setWord(answer, 4, end === HEADER_BYTES ? 0 : 1)
  setWord(answer, 6, address === undefined ? 0 : 1)
  setLong(answer, 8, 0)
  if (address === undefined) return answer
  setWord(answer, end, SAME_NAME)
  setWord(answer, end + 2, TYPE_A)
  setWord(answer, end + 4, CLASS_IN)
  setLong(answer, end + 6, SECONDS)
  setWord(answer, end + 10, 4)
  setLong(answer, end + 12, address)
  return answer
}
