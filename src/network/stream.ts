// A two-way stream of bytes as a service sees it. A service has no state of its own: what it must remember between two
// calls is in `memory`, which is plain data and goes with the stream when the machine is saved.

export interface Stream {
  /** Bytes that have come and not been read. */
  readonly available: number
  /** Bytes that may be written now. */
  readonly room: number
  /** The other end writes no more, and all it has written was read. */
  readonly ended: boolean
  /** What the service remembers; empty at first. */
  readonly memory: { [name: string]: number | string }
  /** Takes what has come, at most `limit` bytes. */
  read(limit: number): Uint8Array
  /** Writes as much as there is room for; how many bytes that were. */
  write(bytes: Uint8Array): number
  /** Nothing more will be written; what was is still delivered. */
  close(): void
}

/** Called whenever bytes have come, room has, or the end; does what can be done now. */
export type Service = (stream: Stream) => void
