// TCP between two stacks over a link that loses, repeats, reorders and damages what it carries: both streams arrive whole
// and in order, both ends close, and every datagram holds good checksums. What one stack would forgive the other is looked
// for by segments written out by hand, and by the TCP of Linux in the workload net.

import { Clock } from '../../src/machine/clock.js'
import type { Service } from '../../src/network/stream.js'
import { Tcp } from '../../src/network/tcp.js'
import type { TcpConnection } from '../../src/network/tcp-connection.js'
import { ACK, FIN, RST, type Segment, SYN } from '../../src/network/tcp-segment.js'
import { random } from '../vmm/random.js'
import { CLIENT, Link, remainder, SERVER, type Weather } from './link.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const PORT = 7
const NO_DATA = new Uint8Array(0)

function randomBytes(seed: number, length: number): Uint8Array {
  const next = random(seed)
  return Uint8Array.from({ length }, () => next() & 0xff)
}

/** Sends `data` and collects what comes, reading now and then only. */
function talker(data: Uint8Array, seed: number) {
  const received: number[] = []
  const next = random(seed)
  let sent = 0
  let connection: TcpConnection | undefined
  const service: Service = stream => {
    connection = stream as TcpConnection
    if (next() % 4 !== 0 || stream.available < 3000) received.push(...stream.read(1 + (next() % 5000)))
    sent += stream.write(data.subarray(sent, sent + 1 + (next() % 20_000)))
    if (sent === data.length) stream.close()
  }
  const wake = () => {
    if (!connection) return
    // What has come can be read after the end, too.
    if (connection.phase === 'closed') service(connection)
    else connection.pump()
  }
  return { service, received, wake }
}

const WEATHERS: Readonly<Record<string, Weather>> = {
  calm: { lost: 0, repeated: 0, late: 0, damaged: 0 },
  reordering: { lost: 0, repeated: 20, late: 80, damaged: 0 },
  lossy: { lost: 30, repeated: 10, late: 20, damaged: 5 },
  terrible: { lost: 36, repeated: 60, late: 120, damaged: 10 },
}

describe.each(Object.keys(WEATHERS))('%s', name => {
  test(`both streams arrive whole (seeds ${SEED} to ${SEED + 7})`, () => {
    for (let seed = SEED; seed < SEED + 8; seed++) {
      const next = random(seed)
      const up = randomBytes(seed + 1, next() % 120_000)
      const down = randomBytes(seed + 2, next() % 120_000)
      const [client, server] = [talker(up, seed + 3), talker(down, seed + 4)]
      const sizes = [100 + (next() % 1400), 100 + (next() % 1400)] as const
      const link = new Link(seed, WEATHERS[name]!, new Map([[PORT, server.service]]), sizes)
      const bad: number[] = []
      link.onDatagram = bytes => {
        const pseudo = Uint8Array.of(
          ...bytes.subarray(12, 20),
          0,
          6,
          (bytes.length - 20) >> 8,
          (bytes.length - 20) & 255,
        )
        bad.push(remainder(bytes.subarray(0, 20)), remainder(pseudo, bytes.subarray(20)))
      }
      const ends = { remoteAddress: SERVER, remotePort: PORT, localPort: 40_000 }
      link.client.connect(ends, client.service)
      // Readers that were lazy are woken until both are done.
      const isDone = () => server.received.length === up.length && client.received.length === down.length
      for (let wake = 0; wake < 5000 && !isDone(); wake++) {
        const until = link.now + 50_000_000
        link.clock.schedule(until, () => {})
        link.run(() => link.now >= until)
        client.wake()
        server.wake()
      }
      link.run()
      const found = { up: server.received.length, down: client.received.length, phases: link.server.phases.length }
      expect({ seed, ...found }).toEqual({ seed, up: up.length, down: down.length, phases: 0 })
      expect([seed, Buffer.from(server.received).equals(up), Buffer.from(client.received).equals(down)]).toEqual([
        seed,
        true,
        true,
      ])
      expect([seed, bad.find(rest => rest !== 0)]).toEqual([seed, undefined])
    }
  })
})

/** A stack with an echo, an eager sender and a sink, and a peer that is played by hand. */
class Bench {
  now = 0
  readonly clock = new Clock(() => this.now)
  readonly sent: Segment[] = []
  readonly tcp: Tcp
  constructor(service: Service) {
    this.tcp = new Tcp(this.clock, new Map([[PORT, service]]), 1460, (_to, segment) => this.sent.push(segment))
  }
  /** Gives the stack a segment; what it answers at once. */
  give(sequence: number, acknowledgment: number, flags: number, data: Uint8Array | string = NO_DATA, window = 65535) {
    this.sent.length = 0
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    const ports = { sourcePort: 1000, destinationPort: PORT }
    this.tcp.receive(CLIENT, { ...ports, sequence: sequence >>> 0, acknowledgment, flags, window, data: bytes })
    return this.sent.map(seen => [seen.flags, seen.sequence, seen.acknowledgment, seen.data.length])
  }
  /** Opens with this sequence number for the first byte; what the stack's first byte has. */
  open(first: number, window = 65535): number {
    this.give(first - 1, 0, SYN, NO_DATA, window)
    const own = (this.sent[0]!.sequence + 1) >>> 0
    this.give(first, own, ACK, NO_DATA, window)
    return own
  }
  /** Lets time pass. */
  pass(nanoseconds: number) {
    this.sent.length = 0
    const end = this.now + nanoseconds
    while (this.clock.nextDeadline() <= end) {
      this.now = Math.max(this.now, this.clock.nextDeadline())
      this.clock.runDue()
    }
    this.now = end
    return this.sent
  }
}

const echo: Service = stream => {
  stream.write(stream.read(stream.room))
  if (stream.ended) stream.close()
}
const silent: Service = () => {}
const sender: Service = stream => {
  stream.write(new Uint8Array(stream.room))
}
const PSH = 8

describe('segments by hand (RFC 9293, 3.10.7)', () => {
  test('a SYN is answered with SYN, ACK and our segment size; the third segment opens', () => {
    const bench = new Bench(silent)
    bench.give(99, 0, SYN)
    expect(bench.sent.map(({ flags, acknowledgment, segmentSize }) => [flags, acknowledgment, segmentSize])).toEqual([
      [SYN | ACK, 100, 1460],
    ])
    expect(bench.give(100, bench.sent[0]!.sequence + 1, ACK)).toEqual([])
    expect(bench.tcp.phases).toEqual(['established'])
  })

  test('nobody listens: reset, with the sequence number that was acknowledged, or of what came', () => {
    const tcp = new Tcp(new Clock(() => 0), new Map(), 1460, (_to, segment) => sent.push(segment))
    const sent: Segment[] = []
    const base = { sourcePort: 1, destinationPort: 2, window: 0, data: NO_DATA }
    tcp.receive(CLIENT, { ...base, sequence: 7, acknowledgment: 0, flags: SYN })
    tcp.receive(CLIENT, { ...base, sequence: 7, acknowledgment: 55, flags: ACK, data: new Uint8Array(3) })
    tcp.receive(CLIENT, { ...base, sequence: 7, acknowledgment: 55, flags: RST })
    expect(sent.map(({ flags, sequence, acknowledgment }) => [flags, sequence, acknowledgment])).toEqual([
      [RST | ACK, 0, 8],
      [RST, 55, 0],
    ])
  })

  test('sequence numbers go round at 2^32', () => {
    const bench = new Bench(echo)
    const own = bench.open(0xfffffffe)
    expect(bench.give(0xfffffffe, own, ACK | PSH, 'abcd')).toEqual([[ACK | PSH, own, 2, 4]])
    expect(bench.give(2, own + 4, ACK | PSH, 'ef')).toEqual([[ACK | PSH, own + 4, 4, 2]])
  })

  test('what comes early waits, and the gap is asked for at once; overlaps are taken once', () => {
    const bench = new Bench(echo)
    const own = bench.open(100)
    expect(bench.give(103, own, ACK, 'def')).toEqual([[ACK, own, 100, 0]])
    expect(bench.give(101, own, ACK, 'bcde')).toEqual([[ACK, own, 100, 0]])
    expect(bench.give(100, own, ACK, 'ab')).toEqual([[ACK | PSH, own, 106, 6]])
    expect(new TextDecoder().decode(bench.sent[0]!.data)).toBe('abcdef')
    expect(bench.give(102, own + 6, ACK, 'cdefgh')).toEqual([[ACK | PSH, own + 6, 108, 2]])
  })

  test('old segments and keep-alive probes are acknowledged and change nothing', () => {
    const bench = new Bench(echo)
    const own = bench.open(100)
    bench.give(100, own, ACK | PSH, 'ab')
    expect(bench.give(100, own + 2, ACK, 'ab')).toEqual([[ACK, own + 2, 102, 0]])
    expect(bench.give(101, own + 2, ACK)).toEqual([[ACK, own + 2, 102, 0]])
    expect(bench.give(102 + 70_000, own + 2, ACK, 'far')).toEqual([[ACK, own + 2, 102, 0]])
  })

  test('a reset counts at the exact place only; elsewhere in the window it is questioned', () => {
    const bench = new Bench(echo)
    const own = bench.open(100)
    expect(bench.give(105, own, RST)).toEqual([[ACK, own, 100, 0]])
    expect(bench.give(99, own, RST)).toEqual([])
    expect(bench.give(100, own, SYN)).toEqual([[ACK, own, 100, 0]])
    expect(bench.tcp.phases).toEqual(['established'])
    bench.give(100, own, RST)
    expect(bench.tcp.phases).toEqual([])
  })

  test('what was never sent cannot be acknowledged', () => {
    const bench = new Bench(echo)
    const own = bench.open(100)
    expect(bench.give(100, own + 1, ACK, 'x')).toEqual([[ACK, own, 100, 0]])
  })

  test('closing from there: CLOSE-WAIT, LAST-ACK, gone', () => {
    const bench = new Bench(echo)
    const own = bench.open(100)
    expect(bench.give(100, own, ACK | FIN, 'x')).toEqual([[ACK | PSH | FIN, own, 102, 1]])
    expect(bench.tcp.phases).toEqual(['last-ack'])
    bench.give(102, own + 2, ACK)
    expect(bench.tcp.phases).toEqual([])
  })

  test('closing from here, both at once: CLOSING, TIME-WAIT, gone after a while; a late FIN is acknowledged', () => {
    const bench = new Bench(stream => stream.close())
    const own = bench.open(100)
    expect(bench.tcp.phases).toEqual(['fin-wait-1'])
    expect(bench.give(100, own, ACK | FIN)).toEqual([[ACK, own + 1, 101, 0]])
    expect(bench.tcp.phases).toEqual(['closing'])
    bench.give(101, own + 1, ACK)
    expect(bench.tcp.phases).toEqual(['time-wait'])
    expect(bench.give(100, own + 1, ACK | FIN)).toEqual([[ACK, own + 1, 101, 0]])
    bench.pass(2_000_000_000)
    expect(bench.tcp.phases).toEqual([])
  })

  test('no more is sent than the window and the segment size allow', () => {
    const bench = new Bench(sender)
    bench.give(99, 0, SYN, NO_DATA, 3000)
    const own = (bench.sent[0]!.sequence + 1) >>> 0
    // Without the option the other end takes 536 bytes.
    const lengths = bench.give(100, own, ACK, NO_DATA, 3000).map(([, , , length]) => length)
    expect(lengths).toEqual([536, 536, 536, 536, 536])
    expect(bench.give(100, own + 2680, ACK, NO_DATA, 0)).toEqual([])
  })

  test('a shut window is probed by one byte, again and again, and never gives up while it is answered', () => {
    const bench = new Bench(sender)
    const own = bench.open(100, 0)
    for (let probe = 0; probe < 20; probe++) {
      const sent = bench.pass(60_000_000_000)
      expect(sent.length).toBeGreaterThan(0)
      expect(sent.every(({ sequence, data }) => sequence === own && data.length === 1)).toBe(true)
      bench.give(100, own, ACK, NO_DATA, 0)
    }
    expect(bench.give(100, own + 1, ACK, NO_DATA, 600).map(([, sequence, , length]) => [sequence, length])).toEqual([
      [own + 1, 536],
    ])
  })

  test('without an answer a segment is sent again ever more slowly, then the connection is reset', () => {
    const bench = new Bench(stream => {
      if (stream.memory.done) return
      stream.memory.done = 1
      stream.write(new TextEncoder().encode('hello'))
    })
    bench.open(100)
    const start = bench.now
    const times: number[] = []
    while (bench.tcp.phases.length > 0) {
      const [first] = bench.pass(100_000_000)
      if (first) times.push(bench.now - start)
    }
    const gaps = times.map((time, i) => time - (times[i - 1] ?? 0)).slice(0, -1)
    expect(gaps.every((gap, i) => i === 0 || gap >= gaps[i - 1]!)).toBe(true)
    expect(gaps.length).toBeGreaterThan(8)
    expect(bench.sent.at(-1)!.flags & RST).toBe(RST)
  })

  test('three duplicates bring the lost segment back at once, without the clock', () => {
    const bench = new Bench(sender)
    const own = bench.open(100)
    for (let n = 0; n < 2; n++) expect(bench.give(100, own, ACK)).toEqual([])
    expect(bench.give(100, own, ACK).map(([, sequence, , length]) => [sequence, length])).toEqual([[own, 536]])
  })

  test('every second segment is acknowledged at once, a single one after 40 ms', () => {
    const bench = new Bench(stream => stream.read(stream.available))
    const own = bench.open(100)
    expect(bench.give(100, own, ACK, 'a')).toEqual([])
    expect(bench.give(101, own, ACK, 'b')).toEqual([[ACK, own, 102, 0]])
    expect(bench.give(102, own, ACK, 'c')).toEqual([])
    expect(bench.pass(40_000_000).map(({ acknowledgment }) => acknowledgment)).toEqual([103])
  })
})

test('saved and restored in the middle, both streams go on as if nothing had been', () => {
  const run = (stopAfter: number | undefined) => {
    const services = new Map([[PORT, echo]])
    const link = new Link(11, WEATHERS.reordering!, services, [1460, 1460])
    const sentBy: string[] = []
    link.onDatagram = bytes => sentBy.push(Buffer.from(bytes).toString('hex'))
    const { service, received } = talker(randomBytes(5, 50_000), 9)
    const ends = { remoteAddress: SERVER, remotePort: PORT, localPort: 40_000 }
    const connection = link.client.connect(ends, service)
    let events = 0
    link.run(() => {
      // Taken out and put back: timers keep their places.
      if (++events === stopAfter) link.server.restore(link.server.save())
      if (events % 50 === 0) connection.pump()
      return received.length === 50_000
    })
    return sentBy
  }
  expect(run(100)).toEqual(run(undefined))
})
