// The network at the far end of a network card's wire: one station that is always there, gateway, name server and all
// services at 10.0.2.2 in 10.0.2.0/24, the addresses of QEMU's user network. Nothing leaves the machine, and the wire takes
// no time: answers come at once, and what waits, waits on the machine's clock; so every run is the same. Left out: anything
// beyond that station.

import type { Clock } from '../machine/clock.js'
import type { PacketLine } from '../machine/line.js'
import { answerArp } from './arp.js'
import { DHCP_CLIENT_PORT, DHCP_SERVER_PORT, dhcpAnswer, type Lease } from './dhcp.js'
import { DNS_PORT, dnsAnswer } from './dns.js'
import { PAYLOAD_AT_MOST, readFrame, TYPE_ARP, TYPE_IPV4, writeFrame } from './ethernet.js'
import { answerEcho, NO_PORT, NO_PROTOCOL, unreachable } from './icmp.js'
import {
  BROADCAST,
  type Datagram,
  HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  readDatagram,
  writeDatagram,
} from './ipv4.js'
import { NAMES, tcpServices, udpServices } from './services.js'
import { Tcp } from './tcp.js'
import { readSegment, writeSegment } from './tcp-segment.js'
import { readUdp, writeUdp } from './udp.js'

const STATION = Uint8Array.of(0x52, 0x55, 0x0a, 0x00, 0x02, 0x02)
const ADDRESS = 0x0a000202
const LEASE: Lease = {
  server: Uint8Array.of(10, 0, 2, 2),
  client: Uint8Array.of(10, 0, 2, 15),
  mask: Uint8Array.of(255, 255, 255, 0),
}
const TCP_HEADER_BYTES = 20
const NEIGHBOURS_AT_MOST = 256
const addresses: ReadonlyMap<string, number> = new Map(NAMES.map(name => [name, ADDRESS]))

/** Puts the network at the other end of a wire. */
export function connectUserNetwork(wire: PacketLine, clock: Clock): UserNetwork {
  return new UserNetwork(wire, clock)
}

class UserNetwork {
  /** Station addresses by internet address, learnt from whatever comes. */
  private readonly neighbours = new Map<number, Uint8Array>()
  private readonly tcp: Tcp

  constructor(
    private readonly wire: PacketLine,
    clock: Clock,
  ) {
    wire.output = frame => this.receive(frame)
    this.tcp = new Tcp(clock, tcpServices, PAYLOAD_AT_MOST - HEADER_BYTES - TCP_HEADER_BYTES, (to, segment) =>
      this.send(writeSegment(ADDRESS, to, segment)),
    )
  }

  /** An Ethernet frame without CRC has come. */
  private receive(bytes: Uint8Array): void {
    const frame = readFrame(bytes)
    if (!frame) return
    const { source, type, payload } = frame
    if (type === TYPE_ARP) {
      const answer = answerArp(payload, STATION, ADDRESS)
      if (answer) this.wire.input(writeFrame({ destination: source, source: STATION, type: TYPE_ARP, payload: answer }))
      return
    }
    const datagram = type === TYPE_IPV4 ? readDatagram(payload) : undefined
    if (!datagram) return
    if (this.neighbours.size >= NEIGHBOURS_AT_MOST) this.neighbours.clear()
    this.neighbours.set(datagram.source, source)
    this.deliver(datagram, source)
  }

  private deliver(datagram: Datagram, station: Uint8Array): void {
    const { source, destination, protocol, payload } = datagram
    if (protocol === PROTOCOL_UDP && this.deliverUdp(datagram, station)) return
    if (destination !== ADDRESS) return
    if (protocol === PROTOCOL_TCP) {
      const segment = readSegment(datagram)
      if (segment) this.tcp.receive(source, segment)
    } else if (protocol === PROTOCOL_ICMP) {
      const answer = answerEcho(payload)
      if (answer) this.sendControl(source, answer)
    } else if (protocol !== PROTOCOL_UDP) this.sendControl(source, unreachable(NO_PROTOCOL, datagram))
  }

  /** False for a datagram that somebody else might want, or that was damaged. */
  private deliverUdp(datagram: Datagram, station: Uint8Array): boolean {
    const { source, destination } = datagram
    const received = readUdp(datagram)
    if (!received) return true
    const { sourcePort, destinationPort, data } = received
    if (destinationPort === DHCP_SERVER_PORT) {
      const answer = dhcpAnswer(data, LEASE)
      const ports = { sourcePort: DHCP_SERVER_PORT, destinationPort: DHCP_CLIENT_PORT }
      // Clients have no address yet.
      if (answer) this.sendTo(station, writeUdp(ADDRESS, BROADCAST, { ...ports, data: answer }))
      return true
    }
    if (destination !== ADDRESS) return false
    const serve = destinationPort === DNS_PORT ? (message: Uint8Array) => dnsAnswer(message, addresses) : undefined
    const service = serve ?? udpServices.get(destinationPort)
    const answer = service?.(data)
    if (answer)
      this.send(writeUdp(ADDRESS, source, { sourcePort: destinationPort, destinationPort: sourcePort, data: answer }))
    else if (!service) this.sendControl(source, unreachable(NO_PORT, datagram))
    return true
  }

  private sendControl(destination: number, payload: Uint8Array): void {
    this.send({ source: ADDRESS, destination, protocol: PROTOCOL_ICMP, payload })
  }
  private send(datagram: Datagram): void {
    const station = this.neighbours.get(datagram.destination)
    if (station) this.sendTo(station, datagram)
  }
  private sendTo(station: Uint8Array, datagram: Datagram): void {
    const payload = writeDatagram(datagram)
    this.wire.input(writeFrame({ destination: station, source: STATION, type: TYPE_IPV4, payload }))
  }

  /** Everything that connections are in the midst of. */
  save() {
    const neighbours = [...this.neighbours].map(([address, station]) => ({ address, station: station.slice() }))
    return { neighbours, tcp: this.tcp.save() }
  }
  restore({ neighbours, tcp }: ReturnType<UserNetwork['save']>): void {
    this.neighbours.clear()
    for (const { address, station } of neighbours) this.neighbours.set(address, station.slice())
    this.tcp.restore(tcp)
  }
}
