// A kernel's ELF image out of its packing: a gzip file, or the payload of a Linux bzImage (Documentation/arch/x86/boot.rst,
// payload_offset). Left out: all compressions but gzip.

import { gunzipSync } from 'node:zlib'
import { isElf } from './elf.js'
import { LoadError } from './load-error.js'

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
 * @throws LoadError where there is none, or its compression is not gzip
 */
export function unpackKernel(file: string, bytes: Uint8Array): Uint8Array {
  if (isElf(bytes)) return bytes
  if (isGzip(bytes)) return gunzip(file, bytes, 0)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isBzImage =
    bytes.length > PAYLOAD_LENGTH + 4 &&
    view.getUint32(HEADER_MAGIC_AT, true) === HEADER_MAGIC &&
    view.getUint16(VERSION, true) >= VERSION_WITH_PAYLOAD
  if (!isBzImage) {
    const reason = 'is no ELF file, gzip file or bzImage'
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
  if (isGzip(payload)) return gunzip(file, payload, start)
  throw new LoadError({
    file,
    offset: start,
    reason: 'the kernel inside is not compressed with gzip',
    remedy: 'unpack its vmlinux first (scripts/extract-vmlinux of the Linux sources does that)',
  })
}

const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b

function gunzip(file: string, bytes: Uint8Array, offset: number): Uint8Array {
  try {
    return gunzipSync(bytes)
  } catch {
    throw new LoadError({ file, offset, reason: 'the gzip data is damaged', remedy: 'copy the file again' })
  }
}
