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
