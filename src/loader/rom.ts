// ROM images: firmware at a physical address, entered at the reset vector. As on a PC a ROM that ends at 1 MiB appears
// a second time at the end of the 4 GiB, where the processor fetches its first instruction, unless a ROM is given for there.
import type { LoadedFile } from './entry.js'
import { hex, LoadError } from './load-error.js'

const CONVENTIONAL_END = 0x100000
const ADDRESS_SPACE = 0x100000000
const PAGE_BYTES = 0x1000

/** A ROM and where the user wants it, physical. */
export interface RomImage extends LoadedFile {
  readonly address: number
}

/** Bytes that the machine shows, read-only, at a physical address. */
export interface RomMapping {
  readonly address: number
  readonly bytes: Uint8Array
}

/**
 * Where each ROM is to be mapped, mirrors below 4 GiB included, in ascending order. Nothing is written.
 * @throws LoadError for an empty ROM, one off a page boundary or past 4 GiB, and for two that overlap
 */
export function romMappings(images: readonly RomImage[]): RomMapping[] {
  const mirrored = !images.some(({ address, bytes }) => address + bytes.length === ADDRESS_SPACE)
  const placed = images.flatMap(image => {
    const { file, bytes, address } = image
    const fail = (reason: string, remedy: string): LoadError => new LoadError({ file, offset: 0, reason, remedy })
    if (bytes.length === 0) throw fail('the ROM is empty', 'give a ROM image')
    const end = address + bytes.length
    if (!Number.isInteger(address) || address < 0 || address % PAGE_BYTES !== 0 || bytes.length % PAGE_BYTES !== 0) {
      throw fail(`${bytes.length} bytes at ${hex(address)} are not whole 4 KiB pages`, 'pad the image or move it')
    }
    if (end > ADDRESS_SPACE) throw fail(`it ends past 4 GiB when placed at ${hex(address)}`, 'place it lower')
    const own = { file, address, bytes }
    return mirrored && end === CONVENTIONAL_END ? [own, { file, address: ADDRESS_SPACE - bytes.length, bytes }] : [own]
  })
  placed.sort((a, b) => a.address - b.address)
  for (let i = 1; i < placed.length; i++) {
    const [low, high] = [placed[i - 1]!, placed[i]!]
    if (low.address + low.bytes.length <= high.address) continue
    const reason = `overlaps ${low.file} at ${hex(high.address)}`
    throw new LoadError({ file: high.file, offset: 0, reason, remedy: 'place the ROMs apart' })
  }
  return placed.map(({ address, bytes }) => ({ address, bytes }))
}

/**
 * Reads `FILE@ADDRESS`, the address hexadecimal with 0x or decimal; split at the last `@`.
 * @throws LoadError if there is no address
 */
export function parseRomOption(option: string): { file: string; address: number } {
  const split = option.lastIndexOf('@')
  const text = option.slice(split + 1)
  if (split > 0 && /^(0x[0-9a-f]{1,8}|\d+)$/i.test(text)) return { file: option.slice(0, split), address: Number(text) }
  const remedy = 'write --rom FILE@ADDRESS, for example --rom bios.bin@0xe0000'
  throw new LoadError({ file: option, reason: 'no address where the ROM is to be placed', remedy })
}
