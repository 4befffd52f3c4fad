// What a guest leaves to the device when it sends with a blank checksum (xen/include/public/io/netif.h, csum_blank): the
// checksum of TCP or UDP over IPv4 is filled in (RFC 768, RFC 9293 3.1). Other packets are left as they are.

const ETHERNET_BYTES = 14
const TYPE_IPV4 = 0x0800
const ADDRESSES = 12
const ADDRESS_BYTES = 8
const FIRST_FRAGMENT = 0x1fff
/** Where the checksum stands, by protocol. */
const PLACES: Readonly<Record<number, number>> = { 6: 16, 17: 6 }
const UDP = 17

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | (bytes[at + 1] ?? 0)
}

/** Fills in the checksum of what an Ethernet frame carries. */
export function completeChecksum(frame: Uint8Array) {
  const ip = frame.subarray(ETHERNET_BYTES)
  const start = (ip[0]! & 15) * 4
  if (word(frame, ETHERNET_BYTES - 2) !== TYPE_IPV4 || ip[0]! >> 4 !== 4 || start < ADDRESSES + ADDRESS_BYTES) return
  const end = word(ip, 2)
  const protocol = ip[9]!
  const place = PLACES[protocol]
  if (place === undefined || end > ip.length || start + place + 2 > end) return
  if ((word(ip, 6) & FIRST_FRAGMENT) !== 0) return
  const payload = ip.subarray(start, end)
  payload[place] = 0
  payload[place + 1] = 0
  let sum = protocol + payload.length
  for (let at = 0; at < ADDRESS_BYTES; at += 2) sum += word(ip, ADDRESSES + at)
  for (let at = 0; at < payload.length; at += 2) sum += word(payload, at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  const checksum = ~sum & 0xffff || (protocol === UDP ? 0xffff : 0)
  payload[place] = checksum >> 8
  payload[place + 1] = checksum
}
