// Two TCP stacks and a link between them that delays, loses, repeats, reorders and damages segments by a seed, on virtual
// time. Every datagram is checked by sums of its own on the way.

import { Clock } from '../../src/machine/clock.js'
import { type Datagram, readDatagram, writeDatagram } from '../../src/network/ipv4.js'
import type { Service } from '../../src/network/stream.js'
import { Tcp } from '../../src/network/tcp.js'
import { readSegment, writeSegment } from '../../src/network/tcp-segment.js'
import { random } from '../vmm/random.js'

export const CLIENT = 0x0a00020f
export const SERVER = 0x0a000202
const TRAVEL_NANOSECONDS = 1_000_000

/** In parts of 256. */
export interface Weather {
  readonly lost: number
  readonly repeated: number
  readonly late: number
  readonly damaged: number
}

/** Words of 16 bits by their remainder: 0 for what holds a good checksum, by RFC 1071's mathematics and no code of ours. */
export function remainder(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts)
    for (let at = 0; at < part.length; at++) sum = (sum + part[at]! * (at % 2 === 0 ? 256 : 1)) % 0xffff
  return sum
}

export class Link {
  now = 0
  readonly clock = new Clock(() => this.now)
  readonly client: Tcp
  readonly server: Tcp
  /** Told of each datagram as it is sent. */
  onDatagram: (datagram: Uint8Array) => void = () => {}
  private readonly next: () => number

  constructor(
    seed: number,
    private readonly weather: Weather,
    services: ReadonlyMap<number, Service>,
    sizes: readonly [number, number],
  ) {
    this.next = random(seed)
    const side = (own: number, size: number, services: ReadonlyMap<number, Service>, other: () => Tcp): Tcp =>
      new Tcp(this.clock, services, size, (to, segment) => this.carry(writeSegment(own, to, segment), other))
    this.client = side(CLIENT, sizes[0], new Map(), () => this.server)
    this.server = side(SERVER, sizes[1], services, () => this.client)
  }

  private carry(datagram: Datagram, to: () => Tcp) {
    const { weather, next, clock } = this
    const bytes = writeDatagram(datagram)
    this.onDatagram(bytes)
    const happens = (part: number) => next() % 256 < part
    if (happens(weather.lost)) return
    for (let copies = happens(weather.repeated) ? 2 : 1; copies > 0; copies--) {
      const arriving = bytes.slice()
      if (happens(weather.damaged)) arriving[next() % arriving.length]! ^= 1 << (next() % 8)
      const delay = happens(weather.late) ? next() % (20 * TRAVEL_NANOSECONDS) : 0
      clock.schedule(this.now + TRAVEL_NANOSECONDS + delay, () => {
        const read = readDatagram(arriving)
        const segment = read?.protocol === datagram.protocol ? readSegment(read) : undefined
        if (segment) to().receive(read!.source, segment)
      })
    }
  }

  /** Lets time pass until nothing is left to do, or until `done`. */
  run(done: () => boolean = () => false) {
    for (let events = 0; !done() && this.clock.nextDeadline() < Number.POSITIVE_INFINITY; events++) {
      if (events > 200_000) throw new Error('the link never comes to rest')
      this.now = Math.max(this.now, this.clock.nextDeadline())
      this.clock.runDue()
    }
  }
}
