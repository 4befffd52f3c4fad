// Wires between chips: a level line (interrupt request, A20, gate, INTR) and a character line (serial, consoles).
// A line holds its level; listeners hear of changes only. Restoring sets the level without telling anybody,
// because every chip restores its own view of its inputs.

export type LineListener = (level: boolean) => void

export class Line {
  private current = false
  private readonly listeners: LineListener[] = []

  /** @param name for messages, for example `irq4`. */
  constructor(
    readonly name: string,
    level = false,
  ) {
    this.current = level
  }

  get level(): boolean {
    return this.current
  }

  /** Drives the line; listeners are called, in order of registration, when the level differs from before. */
  set(level: boolean): void {
    if (level === this.current) return
    this.current = level
    for (const listener of this.listeners) listener(level)
  }

  /** Puts the line at a saved level without calling anybody. */
  restore(level: boolean): void {
    this.current = level
  }

  onChange(listener: LineListener): void {
    this.listeners.push(listener)
  }
}

/** Bytes between a chip and whoever sits at the other end: a terminal, a file, a test. */
export class CharacterLine {
  /** Set by the other end: receives each byte that the chip transmits. */
  output: (byte: number) => void = () => {}
  /** Set by the chip: called after bytes were queued for it. */
  onInput: (() => void) | undefined
  private queue: number[] = []
  private head = 0

  constructor(readonly name: string) {}

  /** Queues bytes for the chip, which takes them when it has room. A string is sent as UTF-8. */
  input(bytes: Uint8Array | string): void {
    for (const byte of typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes) this.queue.push(byte)
    this.onInput?.()
  }

  /** Number of bytes queued for the chip. */
  get available(): number {
    return this.queue.length - this.head
  }

  /** The chip takes the next byte; undefined when there is none. */
  take(): number | undefined {
    if (this.head === this.queue.length) return undefined
    const byte = this.queue[this.head++]
    if (this.head > 4096) {
      this.queue = this.queue.slice(this.head)
      this.head = 0
    }
    return byte
  }

  /** The chip has dropped these bytes, which nobody has read: they are the next to be taken, as if sent later. */
  giveBack(bytes: readonly number[]): void {
    this.queue = [...bytes, ...this.queue.slice(this.head)]
    this.head = 0
  }
}

/** Ethernet frames between a network chip and whoever sits at the other end. Frames carry no preamble and no CRC. */
export class PacketLine {
  /** Set by the other end: receives each frame that the chip transmits. The array is the receiver's to keep. */
  output: (frame: Uint8Array) => void = () => {}
  /** Set by the chip: called after a frame was queued for it. */
  onInput: (() => void) | undefined
  /** Frames and their bytes that the chip has transmitted, and those that it has taken. */
  readonly counts = { sent: 0, received: 0, sentBytes: 0, receivedBytes: 0 }
  private readonly queue: Uint8Array[] = []

  /** @param station the address of the card, six bytes: locally administered, and the same in every run */
  constructor(
    readonly name: string,
    readonly station: Uint8Array = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56),
  ) {}

  /** The chip transmits a frame, which is the receiver's to keep. */
  transmit(frame: Uint8Array): void {
    this.counts.sent++
    this.counts.sentBytes += frame.length
    this.output(frame)
  }

  /** Queues a frame for the chip, which takes it when it has room. */
  input(frame: Uint8Array): void {
    this.queue.push(frame)
    this.onInput?.()
  }

  /** The frame that take() would give; undefined when there is none. */
  get next(): Uint8Array | undefined {
    return this.queue[0]
  }

  take(): Uint8Array | undefined {
    const frame = this.queue.shift()
    if (frame) {
      this.counts.received++
      this.counts.receivedBytes += frame.length
    }
    return frame
  }
}
