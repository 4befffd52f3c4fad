// The DHCP server's answers to messages written out by hand from RFC 2131 and 2132, alone and inside frames.
import { dhcpAnswer } from '../../src/machine/dhcp-server.js'
import { replyTo } from '../../src/machine/gateway.js'

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
const NETWORK = '0104ffffff00 03040a000202 ff'
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
  const headers = (more: number, port = '0043') =>
    `ffffffffffff ${STATION} 0800 4500 ${length(28 + more)} 0000 0000 40 11 0000 00000000 ffffffff 0044 ${port} ${length(8 + more)} 0000`
  const frame = Buffer.concat([bytes(headers(discovery.length)), discovery])
  const expected =
    // The checksum: 4500 + 0148 + 4011 + 0a00 + 0202 = 925b; ffff is nothing in ones' complement; inverted 6da4.
    `${STATION} 52550a000202 0800 4500 0148 0000 0000 40 11 6da4 0a000202 ffffffff 0043 0044 0134 0000`
  expect(hex(replyTo(frame))).toBe(
    hex(bytes(expected))! + answer('0a00020f', `350102 ${FROM_US} ${WHOLE}`).replaceAll(' ', ''),
  )
  const elsewhere = Buffer.concat([bytes(headers(discovery.length, '0045')), discovery])
  expect(replyTo(elsewhere)).toBeUndefined()
  expect(replyTo(frame.subarray(0, -1))).toBeUndefined()
})
