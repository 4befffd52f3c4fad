// The file server (HTTP/1.1, RFC 9112, one request a connection): GET /random/BYTES gives so many bytes of the sequence of
// random-sequence.ts, POST /crc32 answers the count of the bytes that came and their CRC-32. Left out: everything else.

import { crc32, nextState, SEED } from './random-sequence.js'
import type { Stream } from './stream.js'

const HEAD_AT_MOST = 8192
const CHUNK_BYTES = 16_384
const FILE_AT_MOST = 2 ** 40
const WORD_BYTES = 4
const HELP = 'GET /random/BYTES: pseudo-random bytes\nPOST /crc32: count and CRC-32 of what is sent\n'

const encoder = new TextEncoder()

/** Serves one connection. */
export function serveHttp(stream: Stream): void {
  const { memory } = stream
  memory.doing ??= 'head'
  if (memory.doing === 'head') readHead(stream)
  if (memory.doing === 'random') giveRandom(stream)
  if (memory.doing === 'crc32') takeBody(stream)
  if (memory.doing === 'over') stream.read(stream.available)
}

function readHead(stream: Stream): void {
  const { memory } = stream
  let head = String(memory.head ?? '')
  while (stream.available > 0 && !head.endsWith('\r\n\r\n')) {
    head += String.fromCharCode(stream.read(1)[0]!)
    if (head.length > HEAD_AT_MOST) {
      reply(stream, '431 Request Header Fields Too Large', '')
      return
    }
  }
  memory.head = head
  if (head.endsWith('\r\n\r\n')) {
    memory.head = ''
    begin(stream, head)
  } else if (stream.ended) finish(stream)
}

function begin(stream: Stream, head: string): void {
  const [, method, path = ''] = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r\n/.exec(head) ?? []
  const size = Number(/^\/random\/(\d{1,13})$/.exec(path)?.[1] ?? Number.NaN)
  const length = /\r\nContent-Length: *(\d{1,13})\r\n/i.exec(head)?.[1]
  if (method === 'GET' && size <= FILE_AT_MOST) {
    stream.write(headOf('200 OK', 'application/octet-stream', size))
    Object.assign(stream.memory, { doing: 'random', left: size, state: SEED })
  } else if (method === 'POST' && path === '/crc32' && length !== undefined)
    Object.assign(stream.memory, { doing: 'crc32', left: Number(length), bytes: 0, crc: 0 })
  else if (method === 'GET' && path === '/') reply(stream, '200 OK', HELP)
  else if (method === undefined) reply(stream, '400 Bad Request', HELP)
  else reply(stream, '404 Not Found', HELP)
}

function headOf(status: string, type: string, length: number): Uint8Array {
  return encoder.encode(
    `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`,
  )
}
function reply(stream: Stream, status: string, text: string): void {
  const body = encoder.encode(text)
  stream.write(headOf(status, 'text/plain', body.length))
  stream.write(body)
  finish(stream)
}
function finish(stream: Stream): void {
  stream.memory.doing = 'over'
  stream.close()
}

function giveRandom(stream: Stream): void {
  const { memory } = stream
  let left = Number(memory.left)
  let state = Number(memory.state)
  while (left > 0) {
    const bytes = Math.min(left, CHUNK_BYTES, stream.room)
    // Whole words, so that the state alone says where the sequence stands.
    const count = bytes === left ? bytes : bytes - (bytes % WORD_BYTES)
    if (count === 0) break
    const chunk = new Uint8Array(count)
    for (let at = 0; at < count; at += WORD_BYTES) {
      state = nextState(state)
      for (let i = 0; i < WORD_BYTES; i++) chunk[at + i] = state >>> (8 * i)
    }
    left -= stream.write(chunk)
  }
  Object.assign(memory, { left, state })
  if (left === 0) finish(stream)
}

function takeBody(stream: Stream): void {
  const { memory } = stream
  while (stream.available > 0 && Number(memory.left) > 0) {
    const chunk = stream.read(Math.min(CHUNK_BYTES, Number(memory.left)))
    memory.left = Number(memory.left) - chunk.length
    memory.bytes = Number(memory.bytes) + chunk.length
    memory.crc = crc32(chunk, Number(memory.crc))
  }
  if (memory.left === 0)
    reply(stream, '200 OK', `${memory.bytes} ${Number(memory.crc).toString(16).padStart(8, '0')}\n`)
  else if (stream.ended) finish(stream)
}
