// The disk behind --disk: a raw image, read and written in place, as QEMU does with such files. What the guest has written
// is with the host's kernel before the guest hears of it, so that it outlives this process; what the guest has flushed, and
// everything at the end of a run, is on the medium (fsync). Whatever the host refuses is a medium error to the guest.

import { createHash } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { MAXIMUM_SECTORS } from '../devices/ata-address.js'
import { type BlockStorage, MediaError, SECTOR_BYTES } from '../devices/block-storage.js'
import { CommandError } from './failure.js'

/** What is asked of the host's file. */
export interface ImageFile {
  /** Moves bytes at a position of the file; how many, which may be fewer than asked for. */
  read(buffer: Uint8Array, position: number): number
  write(buffer: Uint8Array, position: number): number
  sync(): void
}

/** Why a file cannot be written although it can perhaps be read. */
const NOT_WRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ETXTBSY']
/** fsync of what is no file of a file system. */
const NOTHING_TO_SYNC = ['EINVAL', 'ENOTSUP']
const DIGEST_STEP = 2048

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? ''

/** Sectors in a file of the host. */
export class FileStorage implements BlockStorage {
  constructor(
    private readonly file: ImageFile,
    readonly sectors: number,
  ) {}

  read(lba: number, buffer: Uint8Array): void {
    const done = this.move(buffer, lba, (part, position) => this.file.read(part, position))
    // Which of the sectors it is that cannot be read.
    for (let at = done - (done % SECTOR_BYTES); at < buffer.length; at += SECTOR_BYTES) {
      const sector = lba + at / SECTOR_BYTES
      const moved = this.move(buffer.subarray(at, at + SECTOR_BYTES), sector, (part, position) =>
        this.file.read(part, position),
      )
      if (moved < SECTOR_BYTES) throw new MediaError(sector, this.failure)
    }
  }
  write(lba: number, buffer: Uint8Array): void {
    const done = this.move(buffer, lba, (part, position) => this.file.write(part, position))
    if (done < buffer.length) throw new MediaError(lba + Math.floor(done / SECTOR_BYTES), this.failure)
  }
  flush(): void {
    try {
      this.file.sync()
    } catch (error) {
      if (!NOTHING_TO_SYNC.includes(codeOf(error))) throw new MediaError(0, (error as Error).message)
    }
  }

  private failure = ''
  /** Goes on after short and interrupted transfers; how many bytes were moved before one that failed. */
  private move(buffer: Uint8Array, lba: number, step: (part: Uint8Array, position: number) => number): number {
    let done = 0
    while (done < buffer.length) {
      try {
        const moved = step(buffer.subarray(done), lba * SECTOR_BYTES + done)
        if (moved === 0) {
          this.failure = 'the image file has become shorter'
          return done
        }
        done += moved
      } catch (error) {
        if (codeOf(error) === 'EINTR') continue
        this.failure = (error as Error).message
        return done
      }
    }
    return done
  }
}

/** A disk of a run: its storage, and what was done with it. */
export class RunDisk implements BlockStorage {
  /** Sectors read and written, and flushes; those that failed are not counted. */
  reads = 0
  writes = 0
  flushes = 0

  /** @param settle makes everything durable when the run has ended; can still be read afterwards */
  constructor(
    private readonly storage: BlockStorage,
    readonly settle: () => void = () => {},
  ) {}

  get sectors(): number {
    return this.storage.sectors
  }
  read(lba: number, buffer: Uint8Array): void {
    this.storage.read(lba, buffer)
    this.reads += buffer.length / SECTOR_BYTES
  }
  write(lba: number, buffer: Uint8Array): void {
    this.storage.write(lba, buffer)
    this.writes += buffer.length / SECTOR_BYTES
  }
  flush(): void {
    this.storage.flush()
    this.flushes++
  }
  /** What was done so far. */
  get counts() {
    const { reads, writes, flushes } = this
    return { reads, writes, flushes }
  }
  /** SHA-256 over all sectors; undefined when one cannot be read. */
  digest(): string | undefined {
    const hash = createHash('sha256')
    const buffer = new Uint8Array(DIGEST_STEP * SECTOR_BYTES)
    try {
      for (let lba = 0; lba < this.sectors; lba += DIGEST_STEP) {
        const part = buffer.subarray(0, Math.min(DIGEST_STEP, this.sectors - lba) * SECTOR_BYTES)
        this.storage.read(lba, part)
        hash.update(part)
      }
    } catch (error) {
      if (error instanceof MediaError) return undefined
      throw error
    }
    return hash.digest('hex')
  }
}

/** Opens a raw disk image. Throws CommandError that says why it is none. */
export function openDisk(file: string): RunDisk {
  const { handle, writable } = open(file)
  const { size } = fstatSync(handle)
  const sectors = size / SECTOR_BYTES
  if (size === 0 || size % SECTOR_BYTES !== 0 || sectors > MAXIMUM_SECTORS) {
    closeSync(handle)
    const reason = `${size} bytes are not 1 to ${MAXIMUM_SECTORS} whole sectors of ${SECTOR_BYTES}`
    throw new CommandError(`--disk ${file}: ${reason}; pad the image, for example with truncate -s 16M`)
  }
  const storage = new FileStorage(
    {
      read: (buffer, position) => readSync(handle, buffer, 0, buffer.length, position),
      write: (buffer, position) => writeSync(handle, buffer, 0, buffer.length, position),
      sync: () => fsyncSync(handle),
    },
    sectors,
  )
  return new RunDisk(storage, () => {
    try {
      if (writable) storage.flush()
    } catch (error) {
      process.stderr.write(`previrt: --disk ${file}: not all of it is safe: ${(error as Error).message}\n`)
    }
  })
}

function open(file: string): { handle: number; writable: boolean } {
  try {
    return { handle: openSync(file, 'r+'), writable: true }
  } catch (error) {
    const code = codeOf(error)
    try {
      if (!NOT_WRITABLE.includes(code)) throw error
      const handle = openSync(file, 'r')
      process.stderr.write(`previrt: --disk ${file}: read-only (${code}); what the guest writes is refused\n`)
      return { handle, writable: false }
    } catch {
      throw new CommandError(`--disk ${file}: cannot be opened (${code}); give a raw disk image of yours`)
    }
  }
}
