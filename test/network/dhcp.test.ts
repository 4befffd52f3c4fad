// The DHCP server's answers to messages written out by hand from RFC 2131 and 2132, alone and inside frames.
import { Clock } from '../../src/machine/clock.js'
import { PacketLine } from '../../src/machine/line.js'
import { dhcpAnswer } from '../../src/network/dhcp.js'
import { connectUserNetwork } from '../../src/network/user-network.js'

const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const hex = (data: Uint8Array | undefined) => data && Buffer.from(data).toString('hex')
const zeros = (count: number) => '00'.repeat(count)

const LEASE = { server: bytes('0a000202'), client: bytes('0a00020f'), mask: bytes('ffffff00') }
const STATION = '525400123456'
const COOKIE = '63825363'
/** Type, three seconds after the client began; the four addresses; hardware address; names; options. */
const message = (options: string, ciaddr = '00000000') =>
  `01 01 06 00 3903f326 0003 0000 ${ciaddr} ${zeros(12)} ${STATION} ${zeros(10 + 192)} ${COOKIE} ${options}`
const answer = (yiaddr: string, options: string, ciaddr = '00000000') => {
  const text = `02 01 06 00 3903f326 0000 0000 ${ciaddr} ${yiaddr} ${zeros(8)} ${STATION} ${zeros(10 + 192)} ${COOKIE}`
  const used = bytes(text + options)
  return hex(used) + zeros(300 - used.length)
}
const NETWORK = '0104ffffff00 03040a000202 06040a000202 ff'
const WHOLE = `3304 00015180 ${NETWORK}`
const FROM_US = '36040a000202'

test.each([
  ['an offer follows a discovery', message('350101 ff'), answer('0a00020f', `350102 ${FROM_US} ${WHOLE}`)],
  [
    'a request is acknowledged; padding is stepped over',
    message(`00 350103 00 32040a00020f ${FROM_US} ff`),
    answer('0a00020f', `350105 ${FROM_US} ${WHOLE}`),
  ],
  [
    'a lease is renewed by the address that the client has',
    message('350103 ff', '0a00020f'),
    answer('0a00020f', `350105 ${FROM_US} ${WHOLE}`, '0a00020f'),
  ],
  ['another address is refused', message('350103 3204c0a80105 ff'), answer('00000000', `350106 ${FROM_US} ff`)],
  [
    'who has an address is told the rest',
    message('350108 ff', '0a000210'),
    answer('00000000', `350105 ${FROM_US} ${NETWORK}`, '0a000210'),
  ],
])('%s', (_what, request, expected) => {
  expect(hex(dhcpAnswer(bytes(request), LEASE))).toBe(expected)
})

test.each([
  ['a request to another server', message('350103 32040a00020f 36040a000203 ff')],
  ['a release', message('350107 ff')],
  ['a message without a type', message('ff')],
  ['a message whose options are cut', message('3501')],
  ['an answer', message('350101 ff').replace(/^01/, '02')],
  ['a message without the cookie', message('350101 ff').replace(COOKIE, '00000000')],
  ['a message of BOOTP`s first 40 bytes', message('').slice(0, 60)],
])('%s has no answer', (_what, request) => {
  expect(dhcpAnswer(bytes(request), LEASE)).toBeUndefined()
})

test('on the wire the answer is a datagram to everybody from the server`s port', () => {
  const discovery = bytes(message('350101 ff'))
  const length = (count: number) => count.toString(16).padStart(4, '0')
  // The checksum of 28 + 244 bytes: 4500 + 0110 + 4011 + ffff + ffff = 8621, whose complement is 79de.
  const headers = (more: number, port = '0043') =>
    `ffffffffffff ${STATION} 0800 4500 ${length(28 + more)} 0000 0000 40 11 79de 00000000 ffffffff 0044 ${port} ${length(8 + more)} 0000`
  const answers = (frame: Uint8Array) => {
    const wire = new PacketLine('net')
    connectUserNetwork(wire, new Clock(() => 0))
    wire.output(frame)
    return hex(wire.take())
  }
  const frame = Buffer.concat([bytes(headers(discovery.length)), discovery])
  // The checksum: 4500 + 0148 + 4000 + 4011 + 0a00 + 0202 = d25b; ffff is nothing in ones' complement; inverted 2da4.
  const expected = `${STATION} 52550a000202 0800 4500 0148 0000 4000 40 11 2da4 0a000202 ffffffff 0043 0044 0134`
  const found = answers(frame)!
  expect(found.slice(0, 80)).toBe(hex(bytes(expected)))
  expect(found.slice(84)).toBe(answer('0a00020f', `350102 ${FROM_US} ${WHOLE}`))
  expect(answers(Buffer.concat([bytes(headers(discovery.length, '0045')), discovery]))).toBeUndefined()
  expect(answers(frame.subarray(0, -1))).toBeUndefined()
})
