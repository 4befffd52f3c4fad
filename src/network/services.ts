// What the user network serves, by port: echo (RFC 862), discard (RFC 863), character generator (RFC 864) and the file
// server, each a pure function of what comes; and the names by which guests find them.

import { serveHttp } from './http.js'
import type { Service, Stream } from './stream.js'

const PORT_ECHO = 7
const PORT_DISCARD = 9
const PORT_CHARACTERS = 19
const PORT_HTTP = 80
/** RFC 864: lines of 72 of the 95 printable characters, each line one further. */
const LINE_CHARACTERS = 72
const PRINTABLE = 95
const FIRST_PRINTABLE = 32
const CHARACTERS_AT_ONCE = 74

function echo(stream: Stream): void {
  while (stream.available > 0 && stream.room > 0) stream.write(stream.read(stream.room))
  if (stream.ended) stream.close()
}

function discard(stream: Stream): void {
  stream.read(stream.available)
  if (stream.ended) stream.close()
}

function characterLine(number: number): Uint8Array {
  const line = new Uint8Array(CHARACTERS_AT_ONCE)
  for (let i = 0; i < LINE_CHARACTERS; i++) line[i] = FIRST_PRINTABLE + ((number + i) % PRINTABLE)
  line.set([13, 10], LINE_CHARACTERS)
  return line
}

/** Goes on until the other end closes. */
function characters(stream: Stream): void {
  const { memory } = stream
  stream.read(stream.available)
  if (stream.ended) {
    stream.close()
    return
  }
  for (; stream.room >= CHARACTERS_AT_ONCE; memory.line = (Number(memory.line ?? 0) + 1) % PRINTABLE)
    stream.write(characterLine(Number(memory.line ?? 0)))
}

export const tcpServices: ReadonlyMap<number, Service> = new Map<number, Service>([
  [PORT_ECHO, echo],
  [PORT_DISCARD, discard],
  [PORT_CHARACTERS, characters],
  [PORT_HTTP, serveHttp],
])

/** The answer to a datagram; undefined where a service answers nothing. */
type UdpService = (data: Uint8Array) => Uint8Array | undefined
export const udpServices: ReadonlyMap<number, UdpService> = new Map<number, UdpService>([
  [PORT_ECHO, data => data],
  [PORT_DISCARD, () => undefined],
  [PORT_CHARACTERS, () => characterLine(0)],
])

/** Names that the name server knows; all of them are the gateway. */
export const NAMES = ['gateway', 'echo', 'discard', 'files'].map(name => `${name}.previrt`)
