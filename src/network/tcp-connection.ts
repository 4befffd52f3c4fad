// One end of a TCP connection (RFC 9293): the state machine, acknowledgments, the windows of both directions,
// retransmission. Places in a stream are offsets from its first byte (the SYN is at -1, the FIN behind the last byte) and
// become 32-bit sequence numbers on the way out only. Left out: congestion control, since the wire is nobody else's; Nagle's
// rule; window scaling, selective acknowledgments, time stamps; urgent data.

import { type Clock, Timer } from '../machine/clock.js'
import { ByteQueue } from './byte-queue.js'
import type { Service, Stream } from './stream.js'
import { BUFFER_BYTES, TcpReceiver } from './tcp-receiver.js'
import { RetransmissionTime } from './tcp-retransmission.js'
import { ACK, FIN, PSH, RST, type Segment, SYN } from './tcp-segment.js'

export type Phase =
  | 'syn-sent'
  | 'syn-received'
  | 'established'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'close-wait'
  | 'closing'
  | 'last-ack'
  | 'time-wait'
  | 'closed'

/** What is assumed of somebody who does not say (RFC 9293, 3.7.1). */
const SMALLEST_SEGMENT = 536
const DELAYED_ACK_NANOSECONDS = 40_000_000
const TWICE_THE_LIFETIME_NANOSECONDS = 1_000_000_000
const ATTEMPTS = 15
const DUPLICATES = 3
const UNTIMED = -2

/** What a connection is told and given by the one who keeps it. */
export interface Surroundings {
  readonly clock: Clock
  /** The largest segment that can be received. */
  readonly segmentSize: number
  /** The sequence number of a SYN. */
  firstSequence(): number
  transmit(segment: Omit<Segment, 'sourcePort' | 'destinationPort'>): void
  closed(): void
}

const NO_DATA = new Uint8Array(0)

const initialNumbers = () => ({
  sendStart: 0,
  acknowledged: -1,
  sent: -1,
  written: 0,
  sendWindow: 0,
  widestWindow: 0,
  windowFrom: 0,
  windowAcknowledged: 0,
  segmentSize: SMALLEST_SEGMENT,
  duplicates: 0,
  recover: -1,
  timed: UNTIMED,
  timedAt: 0,
  attempts: 0,
  /** Segments that have come and are not acknowledged. */
  unacknowledged: 0,
})

export class TcpConnection implements Stream {
  phase: Phase = 'closed'
  memory: Stream['memory'] = {}
  private n = initialNumbers()
  private closing = false
  private acknowledgeNow = false
  private readonly outgoing = new ByteQueue(BUFFER_BYTES)
  private readonly receiver: TcpReceiver
  private readonly waiting = new RetransmissionTime()
  private readonly timer: Timer
  private readonly delayedAck: Timer

  constructor(
    private readonly around: Surroundings,
    private readonly service: Service,
  ) {
    this.receiver = new TcpReceiver(around.segmentSize)
    this.timer = new Timer(around.clock, () => this.expired())
    this.delayedAck = new Timer(around.clock, () => this.emit(this.n.sent, ACK, NO_DATA))
  }

  // ---- What the service does

  get available(): number {
    return this.receiver.incoming.length
  }
  get room(): number {
    return this.closing || this.phase === 'closed' ? 0 : this.outgoing.room
  }
  get ended(): boolean {
    return this.receiver.ended
  }
  read(limit: number): Uint8Array {
    const { incoming } = this.receiver
    const bytes = incoming.peek(0, limit)
    incoming.drop(bytes.length)
    return bytes
  }
  write(bytes: Uint8Array): number {
    if (this.room === 0) return 0
    const taken = this.outgoing.push(bytes)
    this.n.written += taken
    return taken
  }
  close(): void {
    this.closing = true
  }

  // ---- Opening

  /** Opens a connection, or answers somebody's SYN. */
  open(syn?: Segment): void {
    this.phase = syn ? 'syn-received' : 'syn-sent'
    if (syn) this.learn(syn)
    this.n.sendStart = (this.around.firstSequence() + 1) >>> 0
    this.n.sent = 0
    this.sendSyn()
    this.startTimer()
  }
  private learn({ sequence, segmentSize, window }: Segment): void {
    const { n } = this
    this.receiver.begin(sequence)
    n.segmentSize = Math.max(1, Math.min(segmentSize ?? SMALLEST_SEGMENT, this.around.segmentSize))
    n.sendWindow = window
    n.widestWindow = window
  }
  private sendSyn(): void {
    const { segmentSize } = this.around
    const flags = this.phase === 'syn-sent' ? SYN : SYN | ACK
    const header = this.header(-1)
    const acknowledgment = this.phase === 'syn-sent' ? 0 : header.acknowledgment
    this.around.transmit({ ...header, acknowledgment, flags, segmentSize, data: NO_DATA })
  }

  // ---- Receiving

  /** A segment has come for this connection (RFC 9293, 3.10.7). */
  receive(segment: Segment): void {
    if (this.phase === 'closed') return
    if (this.phase === 'syn-sent') this.receiveInSynSent(segment)
    else this.receiveInSequence(segment)
    this.pump()
  }

  private receiveInSynSent(segment: Segment): void {
    const { n } = this
    const { flags, acknowledgment } = segment
    const isAcknowledged = (flags & ACK) !== 0
    const isReset = (flags & RST) !== 0
    if (isAcknowledged && acknowledgment !== n.sendStart) {
      if (!isReset) this.refuse(acknowledgment)
      return
    }
    if (isReset && isAcknowledged) this.finish()
    if (isReset || (flags & SYN) === 0) return
    this.learn(segment)
    if (isAcknowledged) {
      this.advance(0)
      this.phase = 'established'
      this.acknowledgeNow = true
    } else {
      this.phase = 'syn-received'
      this.sendSyn()
    }
  }

  private receiveInSequence(segment: Segment): void {
    const { receiver } = this
    const { flags, data } = segment
    const offset = receiver.offsetOf(segment.sequence)
    const length = data.length + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0)
    const isWanted = receiver.isWanted(offset, length)
    if ((flags & RST) !== 0) {
      // Only the exact place is believed (RFC 5961).
      if (offset === receiver.received) this.finish()
      else if (isWanted) this.acknowledgeNow = true
      return
    }
    if (!isWanted) {
      // Old acknowledgments are not answered, lest two ends answer each other for ever; keep-alive probes are.
      if (length > 0 || offset >= receiver.received - 1) this.acknowledgeNow = true
      // A full buffer takes no data, but what is acknowledged counts.
      if (offset !== receiver.received || (flags & (SYN | ACK)) !== ACK) return
    }
    if ((flags & SYN) !== 0) {
      this.acknowledgeNow = true
      return
    }
    if ((flags & ACK) === 0 || !this.takeAcknowledgment(segment, offset)) return
    if (isWanted && length > 0) this.takeData(offset, data, flags)
  }

  /** False when the segment is to be looked at no further. */
  private takeAcknowledgment({ acknowledgment, window, data, flags }: Segment, offset: number): boolean {
    const { n } = this
    const acknowledged = n.acknowledged + ((acknowledgment - n.sendStart - n.acknowledged) | 0)
    if (this.phase === 'syn-received') {
      if (acknowledged !== 0) {
        this.refuse(acknowledgment)
        return false
      }
      this.phase = 'established'
      n.windowFrom = offset
    }
    if (acknowledged > n.sent) {
      this.acknowledgeNow = true
      return false
    }
    n.attempts = 0
    const isDuplicate = acknowledged === n.acknowledged && data.length === 0 && (flags & FIN) === 0
    if (acknowledged > n.acknowledged) this.advance(acknowledged)
    else if (isDuplicate && window === n.sendWindow && n.sent > n.acknowledged) this.duplicated()
    if (offset > n.windowFrom || (offset === n.windowFrom && acknowledged >= n.windowAcknowledged)) {
      n.sendWindow = window
      n.widestWindow = Math.max(n.widestWindow, window)
      n.windowFrom = offset
      n.windowAcknowledged = acknowledged
    }
    return this.phase !== 'closed'
  }

  /** Everything before `acknowledged` has arrived. */
  private advance(acknowledged: number): void {
    const { n, outgoing } = this
    const base = n.written - outgoing.length
    outgoing.drop(Math.max(0, Math.min(acknowledged, n.written) - base))
    n.acknowledged = acknowledged
    n.duplicates = 0
    this.waiting.progressed()
    if (n.timed !== UNTIMED && acknowledged >= n.timed) {
      this.waiting.measured(this.around.clock.now - n.timedAt)
      n.timed = UNTIMED
    }
    this.timer.disarm()
    if (acknowledged > n.written) this.finAcknowledged()
    else if (acknowledged < n.recover) this.retransmit()
    if (this.phase !== 'closed' && n.sent > acknowledged) this.startTimer()
  }
  private finAcknowledged(): void {
    if (this.phase === 'fin-wait-1') this.phase = 'fin-wait-2'
    else if (this.phase === 'closing') this.enterTimeWait()
    else if (this.phase === 'last-ack') this.finish()
  }
  /** The same acknowledgment again: behind the third a segment is taken for lost (RFC 5681, 3.2). */
  private duplicated(): void {
    const { n } = this
    if (++n.duplicates !== DUPLICATES || n.acknowledged < n.recover) return
    n.recover = n.sent
    this.retransmit()
    this.startTimer()
  }

  private takeData(offset: number, data: Uint8Array, flags: number): void {
    const wasWhole = this.receiver.isWhole
    this.n.unacknowledged++
    if (this.receiver.take(offset, data, (flags & FIN) !== 0) || (flags & PSH) !== 0) this.acknowledgeNow = true
    if (wasWhole || !this.receiver.isWhole) return
    if (this.phase === 'established') this.phase = 'close-wait'
    else if (this.phase === 'fin-wait-1') this.phase = 'closing'
    else if (this.phase === 'fin-wait-2') this.enterTimeWait()
  }

  // ---- Sending

  /** Lets the service do what it can, sends what may be sent, and acknowledges what has to be. */
  pump(): void {
    if (this.phase === 'closed') return
    this.service(this)
    if (this.phase === 'established' || this.phase === 'close-wait') this.sendData()
    const { n, receiver } = this
    const opens = receiver.couldOpen && receiver.window < this.around.segmentSize
    if (this.acknowledgeNow || n.unacknowledged >= 2 || opens) this.emit(this.n.sent, ACK, NO_DATA)
    else if (n.unacknowledged > 0 && this.delayedAck.at === undefined)
      this.delayedAck.arm(this.around.clock.now + DELAYED_ACK_NANOSECONDS)
  }

  private sendData(): void {
    const { n, outgoing } = this
    for (;;) {
      const available = n.written - n.sent
      const usable = n.acknowledged + n.sendWindow - n.sent
      const length = Math.max(0, Math.min(available, usable, n.segmentSize))
      const isAll = length === available
      const isLast = this.closing && isAll
      if (length === 0 && !isLast) break
      // No silly windows: a part of a segment only when it is the last one (RFC 9293, 3.8.6.2.1).
      if (length < n.segmentSize && !isAll && length < n.widestWindow / 2) break
      const data = outgoing.peek(n.sent - (n.written - outgoing.length), length)
      const start = n.sent
      n.sent += length + (isLast ? 1 : 0)
      if (n.timed === UNTIMED) {
        n.timed = n.sent
        n.timedAt = this.around.clock.now
      }
      if (isLast) this.phase = this.phase === 'established' ? 'fin-wait-1' : 'last-ack'
      const isPushed = isAll || usable - length < n.segmentSize
      this.emit(start, ACK | (isPushed ? PSH : 0) | (isLast ? FIN : 0), data)
      if (isLast) break
    }
    if (this.timer.at === undefined && (n.sent > n.acknowledged || n.written > n.sent)) this.startTimer()
  }

  /** Sends the first segment that is not acknowledged once more. */
  private retransmit(): void {
    this.n.timed = UNTIMED
    if (this.n.acknowledged < 0) this.sendSyn()
    else this.resendData()
  }
  private resendData(): void {
    const { n, outgoing } = this
    const left = Math.min(n.sent, n.written) - n.acknowledged
    const data = outgoing.peek(0, Math.min(left, n.segmentSize, Math.max(1, n.sendWindow)))
    const isLast = n.sent > n.written && n.acknowledged + data.length === n.written
    this.emit(n.acknowledged, ACK | PSH | (isLast ? FIN : 0), data)
  }
  private startTimer(): void {
    this.timer.arm(this.around.clock.now + this.waiting.current)
  }
  private expired(): void {
    const { n, outgoing } = this
    if (this.phase === 'time-wait') {
      this.finish()
      return
    }
    if (++n.attempts > ATTEMPTS) {
      this.emit(n.sent, RST | ACK, NO_DATA)
      this.finish()
      return
    }
    this.waiting.expired()
    if (n.sent > n.acknowledged) {
      n.recover = n.sent
      this.retransmit()
    } else if (n.written > n.sent) {
      // The window has stayed shut: one byte asks whether it still is (RFC 9293, 3.8.6.1).
      n.sent++
      this.emit(n.sent - 1, ACK | PSH, outgoing.peek(0, 1))
    } else return
    this.startTimer()
  }

  private emit(offset: number, flags: number, data: Uint8Array): void {
    const { n } = this
    this.receiver.open()
    n.unacknowledged = 0
    this.acknowledgeNow = false
    this.delayedAck.disarm()
    this.around.transmit({ ...this.header(offset), flags, data })
  }
  private header(offset: number) {
    const { acknowledgment, window } = this.receiver
    return { sequence: (this.n.sendStart + offset) >>> 0, acknowledgment, window }
  }

  // ---- The end

  /** Something was acknowledged that was never sent. */
  private refuse(acknowledgment: number): void {
    this.around.transmit({ ...this.header(0), sequence: acknowledgment, flags: RST, data: NO_DATA })
  }
  private enterTimeWait(): void {
    this.phase = 'time-wait'
    this.timer.arm(this.around.clock.now + TWICE_THE_LIFETIME_NANOSECONDS)
  }
  private finish(): void {
    this.phase = 'closed'
    this.timer.disarm()
    this.delayedAck.disarm()
    this.around.closed()
  }

  save() {
    const { phase, n, closing, memory } = this
    return {
      phase,
      numbers: { ...n },
      closing,
      memory: { ...memory },
      outgoing: this.outgoing.save(),
      receiver: this.receiver.save(),
      waiting: this.waiting.save(),
      timers: [this.timer.save(), this.delayedAck.save()],
    }
  }
  restore(saved: ReturnType<TcpConnection['save']>): void {
    this.phase = saved.phase
    this.n = { ...saved.numbers }
    this.closing = saved.closing
    this.memory = { ...saved.memory }
    this.outgoing.restore(saved.outgoing)
    this.receiver.restore(saved.receiver)
    this.waiting.restore(saved.waiting)
    this.timer.restore(saved.timers[0]!)
    this.delayedAck.restore(saved.timers[1]!)
  }
}
