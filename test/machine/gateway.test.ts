// The gateway's answers, byte by byte, from frames written out by hand.

import { connectGateway, replyTo } from '../../src/machine/gateway.js'
import { PacketLine } from '../../src/machine/line.js'

const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const hex = (frame: Uint8Array | undefined) => frame && Buffer.from(frame).toString('hex')

const ARP = 'ffffffffffff 525400123456 0806 0001 0800 06 04 0001 525400123456 0a00020f 000000000000 0a000202'
const ECHO = `52550a000202 525400123456 0800 4500 001d 0001 0000 40 01 62cd 0a00020f 0a000202 0800 22b9 1234 0001 61`

test('ARP for the gateway is answered', () => {
  const expected = '525400123456 52550a000202 0806 0001 0800 06 04 0002 52550a000202 0a000202 525400123456 0a00020f'
  expect(hex(replyTo(bytes(ARP)))).toBe(hex(bytes(expected + '00'.repeat(18))))
})

test('an echo comes back with its data and a checksum of its own', () => {
  // The sum of the words without type: 1234 + 0001 + 6100 = 7335, whose complement is 8cca.
  const expected =
    '525400123456 52550a000202 0800 4500 001d 0001 0000 40 01 62cd 0a000202 0a00020f 0000 8cca 1234 0001 61'
  expect(hex(replyTo(bytes(ECHO)))).toBe(hex(bytes(expected)))
})

test.each([
  ['ARP for another address', ARP.replace(/0a000202$/, '0a000203')],
  ['an ARP reply', ARP.replace('04 0001', '04 0002')],
  ['an echo to another address', ECHO.replace('0a000202 0800 22', '0a000203 0800 22')],
  ['an echo reply', ECHO.replace('0800 22b9', '0000 22b9')],
  ['a fragment', ECHO.replace('0001 0000 40', '0001 2000 40')],
  ['a datagram that is cut', ECHO.slice(0, -6)],
  ['a frame that is too short', '525400123456'],
  ['another protocol', ARP.replace('0806', '86dd')],
])('%s has no answer', (_what, frame) => {
  expect(replyTo(bytes(frame))).toBeUndefined()
})

test('on a wire it answers what it is asked, and nothing else', () => {
  const wire = new PacketLine('net')
  connectGateway(wire)
  wire.output(bytes(ARP.replace(/0a000202$/, '0a000203')))
  expect(wire.take()).toBeUndefined()
  wire.output(bytes(ECHO))
  expect(hex(wire.take())?.slice(0, 28)).toBe('52540012345652550a0002020800')
  expect(wire.take()).toBeUndefined()
})
