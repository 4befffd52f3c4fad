// The receiving half of a TCP connection (RFC 9293, 3.4 and 3.8.6): what has come in order and waits to be read, what has
// come too early, the window. Places are offsets from the first byte of the stream; the FIN has one, too.

import { ByteQueue } from './byte-queue.js'
import { Reassembly } from './tcp-reassembly.js'

/** The largest window without scaling. */
export const BUFFER_BYTES = 0xffff
const NOT_YET = -1

export class TcpReceiver {
  readonly incoming = new ByteQueue(BUFFER_BYTES)
  private readonly reassembly = new Reassembly()
  /** Sequence number of the first byte. */
  private start = 0
  /** What comes next. */
  received = 0
  /** The end of the window that the other end knows. */
  private edge = BUFFER_BYTES
  private finAt = NOT_YET

  /** @param step the window is opened by no less, in bytes */
  constructor(private readonly step: number) {}

  /** The other end's SYN has come. */
  begin(sequenceOfSyn: number): void {
    this.start = (sequenceOfSyn + 1) >>> 0
  }
  /** Sequence number of what is wanted next. */
  get acknowledgment(): number {
    return (this.start + this.received) >>> 0
  }
  /** Bytes that the other end may still send. */
  get window(): number {
    return Math.max(0, this.edge - this.received)
  }
  /** All has come, the FIN too, and was read. */
  get ended(): boolean {
    return this.incoming.length === 0 && this.finAt !== NOT_YET && this.received > this.finAt
  }

  /** Of the sequence number that is nearest to what comes next. */
  offsetOf(sequence: number): number {
    return this.received + ((sequence - this.start - this.received) | 0)
  }
  /**
   * Whether any of a segment lies in the window; `length` counts SYN and FIN. Without any, the window's end will do: whoever
   * has sent all of it acknowledges from there.
   */
  isWanted(offset: number, length: number): boolean {
    const { received, edge } = this
    if (length === 0) return offset >= received && offset <= edge
    return offset < edge && offset + length > received
  }

  /**
   * Takes the data of a segment.
   * @returns whether the other end should hear of it at once: something is missing, was missing, or has ended
   */
  take(offset: number, data: Uint8Array, isLast: boolean): boolean {
    const { reassembly } = this
    const isOrdered = reassembly.isEmpty && offset <= this.received
    const whole = offset + data.length
    if (isLast && this.finAt === NOT_YET && whole >= this.received && whole <= this.edge) this.finAt = whole
    const start = Math.max(offset, this.received)
    const end = Math.min(whole, this.edge, this.finAt === NOT_YET ? whole : this.finAt)
    if (start < end) {
      const part = data.subarray(start - offset, end - offset)
      if (start > this.received) reassembly.keep(start, part)
      else this.append(part)
    }
    for (let more = reassembly.take(this.received); more !== undefined; more = reassembly.take(this.received))
      this.append(more)
    if (this.finAt !== this.received) return !isOrdered
    this.received++
    return true
  }
  private append(data: Uint8Array): void {
    this.incoming.push(data)
    this.received += data.length
  }
  /** Everything up to the FIN has come. */
  get isWhole(): boolean {
    return this.finAt !== NOT_YET && this.received > this.finAt
  }

  /** Whether there is so much more room than the other end knows that it should be told. */
  get couldOpen(): boolean {
    return !this.isWhole && this.received + this.incoming.room - this.edge >= Math.min(this.step, BUFFER_BYTES / 2)
  }
  /** The other end is about to be told. */
  open(): void {
    if (this.couldOpen) this.edge = this.received + this.incoming.room
  }

  save() {
    const { start, received, edge, finAt } = this
    return { numbers: [start, received, edge, finAt], incoming: this.incoming.save(), parts: this.reassembly.save() }
  }
  restore({ numbers, incoming, parts }: ReturnType<TcpReceiver['save']>): void {
    ;[this.start, this.received, this.edge, this.finAt] = numbers as [number, number, number, number]
    this.incoming.restore(incoming)
    this.reassembly.restore(parts)
  }
}
