// The disk behind --disk: a raw image, read and written in place sector by sector, as QEMU does with such files.

import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { MAXIMUM_SECTORS } from '../devices/ata-address.js'
import { type BlockStorage, MediaError, SECTOR_BYTES } from '../devices/block-storage.js'
import { CommandError } from './failure.js'

/** Opens a raw disk image. Throws CommandError that says why it is none. */
export function openDisk(file: string): BlockStorage {
  let handle: number
  try {
    handle = openSync(file, 'r+')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandError(`--disk ${file}: cannot be opened for writing (${code}); give a raw disk image of yours`)
  }
  const { size } = fstatSync(handle)
  const sectors = size / SECTOR_BYTES
  if (size === 0 || size % SECTOR_BYTES !== 0 || sectors > MAXIMUM_SECTORS) {
    closeSync(handle)
    const reason = `${size} bytes are not 1 to ${MAXIMUM_SECTORS} whole sectors of ${SECTOR_BYTES}`
    throw new CommandError(`--disk ${file}: ${reason}; pad the image, for example with truncate -s 16M`)
  }
  const transfer = (lba: number, bytes: number, act: () => number) => {
    let moved: number
    try {
      moved = act()
    } catch (error) {
      throw new MediaError(lba, (error as Error).message)
    }
    if (moved !== bytes) throw new MediaError(lba, 'the image file has become shorter')
  }
  return {
    sectors,
    read: (lba, buffer) =>
      transfer(lba, buffer.length, () => readSync(handle, buffer, 0, buffer.length, lba * SECTOR_BYTES)),
    write: (lba, buffer) =>
      transfer(lba, buffer.length, () => writeSync(handle, buffer, 0, buffer.length, lba * SECTOR_BYTES)),
    flush: () => fsyncSync(handle),
  }
}
