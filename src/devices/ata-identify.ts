// The 512 bytes that an ATA disk answers to IDENTIFY DEVICE.
// Source: ATA/ATAPI-4 (T13/1153D) section 8.12; the FLUSH CACHE bits of words 83 and 86 are those of ATA/ATAPI-6.

import { defaultGeometry, type Geometry, MAXIMUM_SECTORS } from './ata-address.js'
import { SECTOR_BYTES } from './block-storage.js'

/** Largest number of sectors that a READ or WRITE MULTIPLE moves at once. */
export const MAXIMUM_MULTIPLE = 16
/** @param multiple sectors of the current SET MULTIPLE MODE setting, 0 for none. */
export function identifyDevice(totalSectors: number, current: Geometry, multiple: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES)
  const set = (word: number, value: number) => {
    bytes[2 * word] = value & 0xff
    bytes[2 * word + 1] = (value >> 8) & 0xff
  }
  const setDouble = (word: number, value: number) => {
    set(word, value & 0xffff)
    set(word + 1, value >>> 16)
  }
  const setText = (word: number, words: number, text: string) => {
    const padded = text.padEnd(2 * words)
    for (let index = 0; index < words; index++) {
      set(word + index, (padded.charCodeAt(2 * index) << 8) | padded.charCodeAt(2 * index + 1))
    }
  }
  const geometry = defaultGeometry(totalSectors)
  set(0, 0x0040) // fixed disk
  set(1, geometry.cylinders)
  set(3, geometry.heads)
  set(6, geometry.sectors)
  setText(10, 10, 'PV00000001')
  setText(23, 4, '1.0')
  setText(27, 20, 'PREVIRT PIO DISK')
  set(47, 0x8000 | MAXIMUM_MULTIPLE)
  set(48, 1) // 32-bit data port accesses
  set(49, 0x0a00) // LBA, IORDY; no DMA
  set(50, 0x4000)
  set(51, 0x0200) // PIO mode 2 timing
  set(53, 0x0003) // words 54-58 and 64-70 are valid
  set(54, current.cylinders)
  set(55, current.heads)
  set(56, current.sectors)
  setDouble(57, Math.min(current.cylinders * current.heads * current.sectors, totalSectors))
  set(59, multiple === 0 ? 0 : 0x0100 | multiple)
  setDouble(60, Math.min(totalSectors, MAXIMUM_SECTORS))
  set(64, 0x0003) // PIO modes 3 and 4
  set(67, 120) // nanoseconds of a PIO cycle, without and with IORDY
  set(68, 120)
  set(80, 0x007e) // ATA-1 to ATA/ATAPI-6
  set(82, 0x0068) // power management, write cache, look-ahead
  set(83, 0x5000) // FLUSH CACHE
  set(84, 0x4000)
  set(85, 0x0068)
  set(86, 0x1000)
  set(87, 0x4000)
  return bytes
}
