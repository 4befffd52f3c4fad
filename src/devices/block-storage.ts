// What stands behind a disk: numbered sectors of 512 bytes. Disks (ide-ata.ts, virtio-block.ts) take any implementation;
// the one here keeps its sectors in memory.

export const SECTOR_BYTES = 512

export interface BlockStorage {
  /** Number of sectors of 512 bytes. */
  readonly sectors: number
  /**
   * Reads buffer.length / 512 sectors from sector `lba` on. The disk has checked the range.
   * @throws MediaError when the medium cannot give them; the disk reports an uncorrectable error to the guest.
   */
  read(lba: number, buffer: Uint8Array): void
  /** Writes, as read. */
  write(lba: number, buffer: Uint8Array): void
  /** Makes earlier writes durable. */
  flush(): void
}

/** A sector that cannot be read or written; the guest sees it as a medium error. */
export class MediaError extends Error {
  constructor(
    readonly lba: number,
    reason: string,
  ) {
    super(`sector ${lba}: ${reason}`)
    this.name = 'MediaError'
  }
}

/**
 * Reads what can be read, from sector `first` on.
 * @returns the first sector that cannot be read; -1 when all can
 */
export function readToBad(storage: BlockStorage, first: number, buffer: Uint8Array): number {
  for (let good = buffer.length / SECTOR_BYTES; ; ) {
    try {
      if (good > 0) storage.read(first, buffer.subarray(0, good * SECTOR_BYTES))
      return good * SECTOR_BYTES === buffer.length ? -1 : first + good
    } catch (error) {
      if (!(error instanceof MediaError)) throw error
      good = Math.max(0, Math.min(error.lba - first, good - 1))
    }
  }
}

/** Sectors in memory. */
export class MemoryStorage implements BlockStorage {
  readonly sectors: number

  /** @param bytes the contents; used in place, a length that is no multiple of 512 loses its rest. */
  constructor(readonly bytes: Uint8Array) {
    this.sectors = Math.floor(bytes.length / SECTOR_BYTES)
  }

  read(lba: number, buffer: Uint8Array): void {
    buffer.set(this.bytes.subarray(lba * SECTOR_BYTES, lba * SECTOR_BYTES + buffer.length))
  }

  write(lba: number, buffer: Uint8Array): void {
    this.bytes.set(buffer, lba * SECTOR_BYTES)
  }

  flush(): void {}
}
