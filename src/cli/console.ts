// The guest's console on its way out: bytes are collected up to the end of a line and then written where `--serial` says,
// unchanged. On the way they are watched for the text of `--expect`, for markers and for panics.

import { closeSync, openSync, writeSync } from 'node:fs'
import { CommandError } from './failure.js'

const HOLD_MILLISECONDS = 5
const FULL_BYTES = 16_384
const LINE_BYTES = 1024
const NEWLINE = 0x0a

/** Where console bytes go. */
export interface ConsoleSink {
  write(bytes: Uint8Array): void
  close(): void
}

/** Finds a text in a stream of bytes, across all chunk borders (Knuth, Morris, Pratt). */
export class TextFinder {
  private readonly text: Uint8Array
  private readonly fallback: number[] = [0]
  private matched = 0

  /** @param text not empty; compared as UTF-8. */
  constructor(text: string) {
    this.text = new TextEncoder().encode(text)
    for (let i = 1, length = 0; i < this.text.length; i++) {
      while (length > 0 && this.text[i] !== this.text[length]) length = this.fallback[length - 1]!
      if (this.text[i] === this.text[length]) length++
      this.fallback.push(length)
    }
  }

  /** Takes the next byte; true when it completes the text. */
  take(byte: number): boolean {
    while (this.matched > 0 && this.text[this.matched] !== byte) this.matched = this.fallback[this.matched - 1]!
    if (this.text[this.matched] === byte) this.matched++
    if (this.matched < this.text.length) return false
    this.matched = this.fallback[this.matched - 1]!
    return true
  }
}

export class GuestConsole {
  private buffer = new Uint8Array(FULL_BYTES)
  private used = 0
  private since = 0
  private line: number[] = []

  /**
   * @param sink where the bytes go
   * @param onByte sees each byte before it is written
   * @param onLine sees each finished line without its end, as Latin-1, cut at 1024 bytes
   */
  constructor(
    private readonly sink: ConsoleSink,
    private readonly onByte: (byte: number) => void,
    private readonly onLine: (line: string) => void,
  ) {}

  /** The guest's next byte. */
  put(byte: number): void {
    if (this.used === 0) this.since = performance.now()
    this.buffer[this.used++] = byte
    const waits = byte !== NEWLINE && this.used < FULL_BYTES && performance.now() - this.since <= HOLD_MILLISECONDS
    if (!waits) this.flush()
    if (byte === NEWLINE) this.endLine()
    else if (this.line.length < LINE_BYTES) this.line.push(byte)
    this.onByte(byte)
  }

  /** Writes what is held back. */
  flush(): void {
    if (this.used === 0) return
    const bytes = this.buffer.slice(0, this.used)
    this.used = 0
    this.sink.write(bytes)
  }

  /** Ends the console: an unfinished line counts as one. */
  end(): void {
    if (this.line.length > 0) this.endLine()
    this.flush()
    this.sink.close()
  }

  private endLine(): void {
    const line = String.fromCharCode(...this.line)
    this.line = []
    this.onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
  }
}

/** A sink that drops everything. */
export const noSink: ConsoleSink = { write: () => {}, close: () => {} }

/** A sink over standard output or standard error. */
export function streamSink(stream: NodeJS.WriteStream): ConsoleSink {
  return { write: bytes => void stream.write(bytes), close: () => {} }
}

/** A sink over a file, which is emptied first. Throws CommandError when it cannot be written. */
export function fileSink(file: string): ConsoleSink {
  const attempt = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message
      throw new CommandError(`--serial file:${file}: cannot be written (${reason}); give a file in a folder of yours`)
    }
  }
  const handle = attempt(() => openSync(file, 'w'))
  return { write: bytes => void attempt(() => writeSync(handle, bytes)), close: () => closeSync(handle) }
}
