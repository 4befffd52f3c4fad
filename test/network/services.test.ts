// The services over connections, against what RFC 862 to 864, Node's CRC-32 and the definition of the sequence say.

import { crc32 } from 'node:zlib'
import { dnsAnswer } from '../../src/network/dns.js'
import { tcpServices, udpServices } from '../../src/network/services.js'
import type { Service } from '../../src/network/stream.js'
import { Link, SERVER } from './link.js'

const CALM = { lost: 0, repeated: 0, late: 0, damaged: 0 }

/** Says something to a port and closes, or not; all that is answered. */
function ask(
  port: number,
  said: Uint8Array | string,
  { close = true, enough = Number.POSITIVE_INFINITY } = {},
): Buffer {
  const link = new Link(1, CALM, tcpServices, [1460, 1460])
  const bytes = typeof said === 'string' ? Buffer.from(said, 'latin1') : said
  const received: Uint8Array[] = []
  let sent = 0
  let count = 0
  const service: Service = stream => {
    sent += stream.write(bytes.subarray(sent))
    count += stream.available
    received.push(stream.read(stream.available))
    if ((close && sent === bytes.length) || count >= enough || stream.ended) stream.close()
  }
  link.client.connect({ remoteAddress: SERVER, remotePort: port, localPort: 1234 }, service)
  link.run()
  expect([link.client.phases, link.server.phases]).toEqual([[], []])
  return Buffer.concat(received)
}

test('echo gives everything back, more than any buffer holds', () => {
  const data = Buffer.alloc(300_000, 'previrt')
  expect(ask(7, data).equals(data)).toBe(true)
})

test('discard says nothing', () => {
  expect(ask(9, Buffer.alloc(100_000)).length).toBe(0)
})

test('the character generator turns 95 characters by lines of 72', () => {
  const lines = ask(19, '', { close: false, enough: 100_000 }).toString('latin1').split('\r\n')
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')
  const line = (n: number) => (printable + printable).slice(n % 95, (n % 95) + 72)
  expect(lines.slice(0, 1000)).toEqual(Array.from({ length: 1000 }, (_, n) => line(n)))
})

/** The sequence by numbers without bounds. */
function sequence(bytes: number): Buffer {
  const mask = 0xffffffffn
  let x = 2463534242n
  const words = Array.from({ length: Math.ceil(bytes / 4) }, () => {
    x ^= (x << 13n) & mask
    x ^= x >> 17n
    x ^= (x << 5n) & mask
    return Number(x)
  })
  return Buffer.from(Uint32Array.from(words).buffer).subarray(0, bytes)
}

test.each([0, 1, 3, 4, 65_537, 200_002])('the file server gives %i bytes of the sequence', bytes => {
  const answer = ask(80, `GET /random/${bytes} HTTP/1.1\r\nHost: x\r\n\r\n`, { close: false })
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`
  expect(answer.subarray(0, head.length).toString()).toBe(head)
  expect(answer.subarray(head.length).equals(sequence(bytes))).toBe(true)
})

test.each([0, 1, 150_000])('the file server sums up %i bytes', bytes => {
  const body = sequence(bytes)
  const said = Buffer.concat([Buffer.from(`POST /crc32 HTTP/1.0\r\ncontent-length: ${bytes}\r\n\r\n`), body])
  const sum = crc32(body).toString(16).padStart(8, '0')
  expect(ask(80, said, { close: false }).toString()).toMatch(
    new RegExp(`^HTTP/1.1 200 OK\\r\\n[^]*\\r\\n\\r\\n${bytes} ${sum}\\n$`),
  )
})

test.each([
  ['GET /other HTTP/1.1\r\n\r\n', '404'],
  ['GET /random/99999999999999 HTTP/1.1\r\n\r\n', '404'],
  ['POST /crc32 HTTP/1.1\r\n\r\n', '404'],
  ['nonsense\r\n\r\n', '400'],
  [`GET /${'x'.repeat(9000)}`, '431'],
  ['GET / HTTP/1.1\r\n\r\n', '200'],
])('%j is answered with %s', (request, status) => {
  expect(ask(80, request, { close: false }).toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
})

test('a request that is never finished ends with the connection', () => {
  expect(ask(80, 'GET / HT').length).toBe(0)
  expect(ask(80, 'POST /crc32 HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc').length).toBe(0)
})

test('datagrams: echo, discard', () => {
  expect(udpServices.get(7)!(Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 2))
  expect(udpServices.get(9)!(Uint8Array.of(1, 2))).toBeUndefined()
})

describe('names (RFC 1035)', () => {
  const names = new Map([['echo.previrt', 0x0a000202]])
  const question = (name: string, type = 1, flags = '0100') => {
    const labels = name.split('.').map(label => `${String.fromCharCode(label.length)}${label}`)
    const head = Buffer.from(`1234${flags}0001000000000000`, 'hex')
    return Buffer.concat([head, Buffer.from(`${labels.join('')}\0`, 'latin1'), Buffer.of(0, type, 0, 1)])
  }
  const answer = (message: Uint8Array) => {
    const found = dnsAnswer(message, names)
    return found && Buffer.from(found).toString('hex')
  }
  const asked = question('echo.previrt').subarray(12).toString('hex')

  test('a name has its address, in any case of letters', () => {
    const record = 'c00c00010001000151800004' + '0a000202'
    expect(answer(question('echo.previrt'))).toBe(`12348580000100010000 0000`.replace(' ', '') + asked + record)
    expect(answer(question('ECHO.previrt'))!.slice(0, 16)).toBe('1234858000010001')
  })
  test('another name does not exist; another type of a known one has no record', () => {
    expect(answer(question('example.org'))!.slice(0, 24)).toBe('123485830001000000000000')
    expect(answer(question('echo.previrt', 28))).toBe(
      `123485800001000000000000${question('echo.previrt', 28).subarray(12).toString('hex')}`,
    )
  })
  test('what cannot be read is said to be so; answers are not answered', () => {
    expect(answer(question('echo.previrt').subarray(0, 20))).toBe('123485810000000000000000')
    expect(answer(question('echo.previrt', 1, '2100'))).toBe('1234a5840000000000000000')
    expect(answer(question('echo.previrt', 1, '8100'))).toBeUndefined()
    expect(answer(Buffer.alloc(5))).toBeUndefined()
  })
})
