// The answers of the station at the far end of the wire, byte by byte, from frames written out by hand.

import { Clock } from '../../src/machine/clock.js'
import { PacketLine } from '../../src/machine/line.js'
import { connectUserNetwork } from '../../src/network/user-network.js'

const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const hex = (frame: Uint8Array | undefined) => frame && Buffer.from(frame).toString('hex')
const padded = (text: string) => hex(bytes(text))!.padEnd(120, '0')

/** What the network answers to frames, in order. */
function answers(...frames: string[]): (string | undefined)[] {
  const wire = new PacketLine('net')
  connectUserNetwork(wire, new Clock(() => 0))
  for (const frame of frames) wire.output(bytes(frame))
  const found: (string | undefined)[] = []
  for (let frame = wire.take(); frame !== undefined; frame = wire.take()) found.push(hex(frame))
  return found
}

const ARP = 'ffffffffffff 525400123456 0806 0001 0800 06 04 0001 525400123456 0a00020f 000000000000 0a000202'
const ECHO = `52550a000202 525400123456 0800 4500 001d 0001 0000 40 01 62cf 0a00020f 0a000202 0800 84ca 1234 0001 61`

test('ARP for the gateway is answered', () => {
  const expected = '525400123456 52550a000202 0806 0001 0800 06 04 0002 52550a000202 0a000202 525400123456 0a00020f'
  expect(answers(ARP)).toEqual([padded(expected)])
})

test('an echo comes back with its data and checksums of its own', () => {
  // ICMP: 1234 + 0001 + 6100 = 7335, whose complement is 8cca.
  // IP: 4500 + 001d + 4000 + 4001 + 0a00 + 0202 + 0a00 + 020f = dd2f, whose complement is 22d0.
  const expected =
    '525400123456 52550a000202 0800 4500 001d 0000 4000 40 01 22d0 0a000202 0a00020f 0000 8cca 1234 0001 61'
  expect(answers(ECHO)).toEqual([padded(expected)])
})

test('a datagram to the echo port comes back; one to no port is refused with what it was', () => {
  // UDP from 0x1000 to 7, data "hi", no checksum. IP: 4500 + 001e + 4011 + 1604 + 0a0f... as sums of words.
  const ip = '4500 001e 0000 0000 40 11 62bf 0a00020f 0a000202'
  const udp = (port: string) => `52550a000202 525400123456 0800 ${ip} 1000 ${port} 000a 0000 6869`
  // Pseudo-header 0a00 + 0202 + 0a00 + 020f + 0011 + 000a, then 0007 + 1000 + 000a + 6869: complement of 90a6.
  const back = '4500 001e 0000 4000 40 11 22bf 0a000202 0a00020f 0007 1000 000a 6f59 6869'
  const [answer] = answers(udp('0007'))
  expect(answer).toBe(padded(`525400123456 52550a000202 0800 ${back}`))
  const [refusal] = answers(udp('0008'))
  // The datagram comes back with our own identification and flags: 4500 001e 0000 4000 4011 22bf, then addresses and ports.
  const quoted = '4500 001e 0000 4000 40 11 22bf 0a00020f 0a000202 1000 0008 000a 0000'
  // 0303 + the words quoted (ffff for the whole header, 1000 + 0008 + 000a) = 1315, whose complement is ecea.
  expect(refusal!.slice(68)).toBe(hex(bytes(`0303 ecea 0000 0000 ${quoted}`)))
})

test.each([
  ['ARP for another address', ARP.replace(/0a000202$/, '0a000203')],
  ['an ARP reply', ARP.replace('04 0001', '04 0002')],
  ['ARP between other kinds of addresses', ARP.replace('0001 0800 06', '0006 0800 06')],
  ['an echo to another address', ECHO.replace('62cf 0a00020f 0a000202', '62ce 0a00020f 0a000203')],
  ['an echo reply', ECHO.replace('0800 84ca', '0000 8cca')],
  ['an echo whose checksum is wrong', ECHO.replace('84ca', '84cb')],
  ['a header whose checksum is wrong', ECHO.replace('62cf', '62ce')],
  ['a fragment', ECHO.replace('0001 0000 40 01 62cf', '0001 2000 40 01 42cf')],
  ['a datagram that is cut', ECHO.slice(0, -6)],
  ['a frame that is too short', '525400123456'],
  ['another protocol', ARP.replace('0806', '86dd')],
])('%s has no answer', (_what, frame) => {
  expect(answers(frame)).toEqual([])
})
