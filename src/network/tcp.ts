// All TCP connections of one address (RFC 9293): finds whose a segment is, begins connections to ports that somebody
// listens at, and refuses the rest.

import type { Clock } from '../machine/clock.js'
import type { Service } from './stream.js'
import { type Phase, TcpConnection } from './tcp-connection.js'
import { ACK, FIN, RST, type Segment, SYN } from './tcp-segment.js'

const CONNECTIONS_AT_MOST = 1024
/** The clock of first sequence numbers ticks every four microseconds. */
const TICK_NANOSECONDS = 4000
const BETWEEN_CONNECTIONS = 64_000

/** The other end of a connection, and our own port. */
interface Ends {
  readonly remoteAddress: number
  readonly remotePort: number
  readonly localPort: number
}

interface Kept extends Ends {
  readonly connection: TcpConnection
}

export class Tcp {
  private readonly connections = new Map<string, Kept>()
  private opened = 0

  /**
   * @param services who listens, by port
   * @param segmentSize the largest segment that can be received
   */
  constructor(
    private readonly clock: Clock,
    private readonly services: ReadonlyMap<number, Service>,
    private readonly segmentSize: number,
    private readonly transmit: (remoteAddress: number, segment: Segment) => void,
  ) {}

  /** A segment from somebody has come. */
  receive(remoteAddress: number, segment: Segment): void {
    const ends = { remoteAddress, remotePort: segment.sourcePort, localPort: segment.destinationPort }
    const known = this.connections.get(nameOf(ends))
    // A new connection may take the place of one that only waits for stragglers.
    const isNew = (segment.flags & (SYN | ACK | RST)) === SYN
    if (known && !(isNew && known.connection.phase === 'time-wait')) {
      known.connection.receive(segment)
      return
    }
    const service = this.services.get(ends.localPort)
    if (isNew && service && this.connections.size < CONNECTIONS_AT_MOST) this.keep(ends, service).open(segment)
    else if ((segment.flags & RST) === 0) this.refuse(ends, segment)
  }

  /** Opens a connection to somebody. */
  connect(ends: Ends, service: Service): TcpConnection {
    const connection = this.keep(ends, service)
    connection.open()
    return connection
  }

  /** Phases of all connections. */
  get phases(): Phase[] {
    return [...this.connections.values()].map(({ connection }) => connection.phase)
  }

  private keep(ends: Ends, service: Service): TcpConnection {
    const { clock, segmentSize } = this
    const name = nameOf(ends)
    const { remoteAddress, remotePort, localPort } = ends
    const connection: TcpConnection = new TcpConnection(
      {
        clock,
        segmentSize,
        firstSequence: () => (Math.floor(clock.now / TICK_NANOSECONDS) + this.opened++ * BETWEEN_CONNECTIONS) % 2 ** 32,
        transmit: segment =>
          this.transmit(remoteAddress, { ...segment, sourcePort: localPort, destinationPort: remotePort }),
        closed: () => {
          if (this.connections.get(name)?.connection === connection) this.connections.delete(name)
        },
      },
      service,
    )
    this.connections.set(name, { ...ends, connection })
    return connection
  }

  /** A segment for nobody (RFC 9293, 3.5.2): what it acknowledges or takes up says where the reset stands. */
  private refuse({ remoteAddress, remotePort, localPort }: Ends, segment: Segment): void {
    const { flags, data } = segment
    const length = data.length + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0)
    const isAnswer = (flags & ACK) !== 0
    this.transmit(remoteAddress, {
      sourcePort: localPort,
      destinationPort: remotePort,
      sequence: isAnswer ? segment.acknowledgment : 0,
      acknowledgment: isAnswer ? 0 : (segment.sequence + length) >>> 0,
      flags: isAnswer ? RST : RST | ACK,
      window: 0,
      data: new Uint8Array(0),
    })
  }

  save() {
    const connections = [...this.connections.values()].map(({ connection, ...ends }) => ({
      ...ends,
      connection: connection.save(),
    }))
    return { opened: this.opened, connections }
  }
  /** Takes back what save() returned; connections that were opened from here are those of no service and end. */
  restore(saved: ReturnType<Tcp['save']>): void {
    this.connections.clear()
    for (const { connection, ...ends } of saved.connections) {
      const service = this.services.get(ends.localPort)
      if (service) this.keep(ends, service).restore(connection)
    }
    this.opened = saved.opened
  }
}

function nameOf({ remoteAddress, remotePort, localPort }: Ends): string {
  return `${remoteAddress}:${remotePort}:${localPort}`
}
