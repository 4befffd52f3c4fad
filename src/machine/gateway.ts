// The far end of the network card's wire: a gateway that is always there, 10.0.2.2 in 10.0.2.0/24, the addresses of QEMU's
// user network. It answers ARP (RFC 826) for itself, ICMP echo (RFC 792) sent to it, and DHCP (dhcp-server.ts), at once;
// so every run is the same. Left out: anything beyond the gateway.

import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, dhcpAnswer, type Lease } from './dhcp-server.js'
import type { PacketLine } from './line.js'

const STATION = Uint8Array.of(0x52, 0x55, 0x0a, 0x00, 0x02, 0x02)
const ADDRESS = Uint8Array.of(10, 0, 2, 2)
const BROADCAST = Uint8Array.of(255, 255, 255, 255)
const LEASE: Lease = { server: ADDRESS, client: Uint8Array.of(10, 0, 2, 15), mask: Uint8Array.of(255, 255, 255, 0) }
const ETHERNET_BYTES = 14
const TYPE_IPV4 = 0x0800
const TYPE_ARP = 0x0806
const ARP_REQUEST = 1
const ARP_REPLY = 2
const ARP_BYTES = 28
const PROTOCOL_ICMP = 1
const ECHO_REQUEST = 8
const PROTOCOL_UDP = 17
const IP_BYTES = 20
const UDP_BYTES = 8
const TIME_TO_LIVE = 64
const SHORTEST_FRAME = 60

/** Puts the gateway at the other end of a wire. */
export function connectGateway(wire: PacketLine): void {
  wire.output = frame => {
    const reply = replyTo(frame)
    if (reply) wire.input(reply)
  }
}

/** The gateway's answer to an Ethernet frame (without CRC), undefined where it has none. */
export function replyTo(frame: Uint8Array): Uint8Array | undefined {
  if (frame.length < ETHERNET_BYTES) return undefined
  const type = word(frame, 12)
  if (type === TYPE_ARP) return answerArp(frame)
  return type === TYPE_IPV4 ? (answerEcho(frame) ?? answerDhcp(frame)) : undefined
}

function answerArp(frame: Uint8Array): Uint8Array | undefined {
  const at = ETHERNET_BYTES
  if (frame.length < at + ARP_BYTES || word(frame, at + 6) !== ARP_REQUEST || !isGateway(frame, at + 24))
    return undefined
  const reply = answer(frame, Math.max(frame.length, SHORTEST_FRAME))
  setWord(reply, at + 6, ARP_REPLY)
  reply.copyWithin(at + 18, at + 8, at + 18) // the asker becomes the target
  reply.set(STATION, at + 8)
  reply.set(ADDRESS, at + 14)
  return reply
}

function answerEcho(frame: Uint8Array): Uint8Array | undefined {
  const ip = ETHERNET_BYTES
  const place = datagram(frame, PROTOCOL_ICMP)
  if (place === undefined || !isGateway(frame, ip + 16) || frame[place.start] !== ECHO_REQUEST) return undefined
  const { start: icmp, end } = place
  const reply = answer(frame, frame.length)
  reply.set(frame.subarray(ip + 12, ip + 16), ip + 16)
  reply.set(ADDRESS, ip + 12)
  reply[icmp] = 0 // echo reply
  setWord(reply, icmp + 2, 0)
  setWord(reply, icmp + 2, checksum(reply.subarray(icmp, end)))
  return reply
}

/** Answers what comes to the server's port, whatever the address: clients do not know any. */
function answerDhcp(frame: Uint8Array): Uint8Array | undefined {
  const place = datagram(frame, PROTOCOL_UDP)
  if (place === undefined || word(frame, place.start + 2) !== DHCP_SERVER_PORT) return undefined
  const message = dhcpAnswer(frame.subarray(place.start + UDP_BYTES, place.end), LEASE)
  if (message === undefined) return undefined
  const [ip, udp] = [ETHERNET_BYTES, ETHERNET_BYTES + IP_BYTES]
  const reply = new Uint8Array(udp + UDP_BYTES + message.length)
  reply.set(frame.subarray(6, 12))
  reply.set(STATION, 6)
  setWord(reply, 12, TYPE_IPV4)
  reply[ip] = 0x45
  setWord(reply, ip + 2, reply.length - ip)
  reply[ip + 8] = TIME_TO_LIVE
  reply[ip + 9] = PROTOCOL_UDP
  reply.set(ADDRESS, ip + 12)
  reply.set(BROADCAST, ip + 16)
  setWord(reply, ip + 10, checksum(reply.subarray(ip, udp)))
  setWord(reply, udp, DHCP_SERVER_PORT)
  setWord(reply, udp + 2, DHCP_CLIENT_PORT)
  setWord(reply, udp + 4, reply.length - udp) // without a checksum, as RFC 768 allows
  reply.set(message, udp + UDP_BYTES)
  return reply
}

/** Where an unfragmented datagram's protocol header and data lie in a frame, if the protocol is the one asked for. */
function datagram(frame: Uint8Array, protocol: number): { start: number; end: number } | undefined {
  const ip = ETHERNET_BYTES
  if (frame.length < ip + IP_BYTES || frame[ip + 9] !== protocol) return undefined
  const start = ip + (frame[ip]! & 15) * 4
  const end = ip + word(frame, ip + 2)
  const isFragment = (word(frame, ip + 6) & 0x3fff) !== 0
  return end > frame.length || start + 8 > end || isFragment ? undefined : { start, end }
}

/** A copy of a frame, addressed back. */
function answer(frame: Uint8Array, length: number): Uint8Array {
  const reply = new Uint8Array(length)
  reply.set(frame)
  reply.copyWithin(0, 6, 12)
  reply.set(STATION, 6)
  return reply
}

function isGateway(frame: Uint8Array, at: number): boolean {
  return ADDRESS.every((byte, index) => frame[at + index] === byte)
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
