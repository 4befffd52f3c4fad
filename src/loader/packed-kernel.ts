// A kernel's ELF image out of its packing: a compressed file, or the payload of a Linux bzImage (Documentation/arch/x86/boot.rst,
// payload_offset), as whoever builds a domain unpacks it. Left out: LZO, zstd. The libraries tried for xz lack the filter for
// x86 that kernels are packed with, so the formats are read by code of our own.

import { gunzipSync } from 'node:zlib'
import { isElf } from './elf.js'
import { LoadError } from './load-error.js'
import { isBzip2, unpackBzip2 } from './unpack/bzip2.js'
import { isLz4, unpackLz4 } from './unpack/lz4.js'
import { isLzma, unpackLzma } from './unpack/lzma.js'
import { isXz, unpackXz } from './unpack/xz.js'

const HEADER_MAGIC_AT = 0x202
const HEADER_MAGIC = 0x53726448
const VERSION = 0x206
const VERSION_WITH_PAYLOAD = 0x208
const SETUP_SECTORS = 0x1f1
const PAYLOAD_OFFSET = 0x248
const PAYLOAD_LENGTH = 0x24c
const SECTOR_BYTES = 512

/**
 * The ELF file inside; an ELF file itself comes back as it is.
 * @throws LoadError where there is none, or its compression is not known
 */
export function unpackKernel(file: string, bytes: Uint8Array): Uint8Array {
  if (isElf(bytes)) return bytes
  const whole = unpack(file, bytes, 0)
  if (whole) return whole
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isBzImage =
    bytes.length > PAYLOAD_LENGTH + 4 &&
    view.getUint32(HEADER_MAGIC_AT, true) === HEADER_MAGIC &&
    view.getUint16(VERSION, true) >= VERSION_WITH_PAYLOAD
  if (!isBzImage) {
    const reason = 'is no ELF file, compressed file or bzImage'
    throw new LoadError({ file, offset: 0, reason, remedy: 'give a kernel as an ELF file' })
  }
  const setupSectors = bytes[SETUP_SECTORS]! === 0 ? 4 : bytes[SETUP_SECTORS]!
  const start = (setupSectors + 1) * SECTOR_BYTES + view.getUint32(PAYLOAD_OFFSET, true)
  const end = start + view.getUint32(PAYLOAD_LENGTH, true)
  const payload = bytes.subarray(start, end)
  if (end > bytes.length || payload.length < 4) {
    throw new LoadError({
      file,
      offset: PAYLOAD_OFFSET,
      reason: 'the payload lies outside the file',
      remedy: 'copy the file again',
    })
  }
  if (isElf(payload)) return payload
  const unpacked = unpack(file, payload, start)
  if (unpacked) return unpacked
  throw new LoadError({
    file,
    offset: start,
    reason: 'the kernel inside is compressed in a way that is not known (gzip, bzip2, xz, lzma, lz4 are)',
    remedy: 'unpack its vmlinux first (scripts/extract-vmlinux of the Linux sources does that)',
  })
}

const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b

const FORMATS: readonly (readonly [
  name: string,
  is: (bytes: Uint8Array) => boolean,
  of: (b: Uint8Array) => Uint8Array,
])[] = [
  ['gzip', isGzip, gunzipSync],
  ['bzip2', isBzip2, unpackBzip2],
  ['xz', isXz, unpackXz],
  ['lzma', isLzma, unpackLzma],
  ['lz4', isLz4, unpackLz4],
]

/** Undefined where the bytes begin as those of no format that is known. */
function unpack(file: string, bytes: Uint8Array, offset: number): Uint8Array | undefined {
  const format = FORMATS.find(([, is]) => is(bytes))
  if (!format) return undefined
  try {
    return format[2](bytes)
  } catch {
    throw new LoadError({ file, offset, reason: `the ${format[0]} data is damaged`, remedy: 'copy the file again' })
  }
}
