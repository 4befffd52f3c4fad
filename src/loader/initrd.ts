// Checks an initial RAM disk before the guest sees it: a cpio archive in "newc" format (Documentation/driver-api/
// early-userspace/buffer-format.rst), plain or compressed, several in a row, or a file-system image. gzip, which is
// what our own images use, is unpacked and its checksum compared; of the other compressions only the magic is known.
import { gunzipSync } from 'node:zlib'
import { LoadError } from './load-error.js'

/** Magic numbers of the formats that the kernel recognises but that are not looked into: name, offset, bytes. */
const OPAQUE: readonly (readonly [string, number, readonly number[]])[] = [
  ['xz', 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['zstd', 0, [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', 0, [0x02, 0x21, 0x4c, 0x18]],
  ['bzip2', 0, [0x42, 0x5a, 0x68]],
  ['lzma', 0, [0x5d, 0x00, 0x00]],
  ['lzo', 0, [0x89, 0x4c, 0x5a, 0x4f]],
  ['squashfs', 0, [0x68, 0x73, 0x71, 0x73]],
  ['romfs', 0, [0x2d, 0x72, 0x6f, 0x6d]],
  ['cramfs', 0, [0x45, 0x3d, 0xcd, 0x28]],
  ['ext2', 0x438, [0x53, 0xef]],
  ['minix', 0x410, [0x7f, 0x13]],
]
const CPIO_HEADER_BYTES = 110
const CPIO_END = 'TRAILER!!!'
const GZIP_MAGIC = [0x1f, 0x8b]
const REMEDY = 'build or copy the initrd again'

/**
 * Checks that a file can serve as an initrd.
 * @throws LoadError for an empty, unknown, truncated or corrupt file
 */
export function checkInitrd(file: string, bytes: Uint8Array): void {
  const fail = (offset: number, reason: string): LoadError => new LoadError({ file, offset, reason, remedy: REMEDY })
  if (bytes.length === 0) throw fail(0, 'the initrd is empty')
  const rest = skipCpio(bytes, fail)
  if (rest === bytes.length) return
  if (startsWith(bytes, rest, GZIP_MAGIC)) {
    checkGzip(bytes.subarray(rest), reason => fail(rest, reason))
  } else if (!isOpaque(bytes, rest) && !isOpaque(bytes, 0)) {
    throw fail(rest, 'neither a cpio archive nor a compression or file system that Linux knows')
  }
}

function checkGzip(bytes: Uint8Array, fail: (reason: string) => LoadError): void {
  let archive: Uint8Array
  try {
    archive = gunzipSync(bytes)
  } catch (error) {
    throw fail(`corrupt or truncated gzip data (${(error as Error).message})`)
  }
  const end = skipCpio(archive, (at, reason) => fail(`${reason}, ${at} bytes into the unpacked archive`))
  if (end !== archive.length && !isOpaque(archive, 0)) {
    throw fail('the unpacked data is neither a cpio archive nor a known file system')
  }
}

function isOpaque(bytes: Uint8Array, start: number): boolean {
  return OPAQUE.some(([, offset, magic]) => startsWith(bytes, start + offset, magic))
}

function startsWith(bytes: Uint8Array, offset: number, magic: readonly number[]): boolean {
  return magic.every((value, i) => bytes[offset + i] === value)
}

/** Walks all leading newc archives and zero padding; returns the offset of the first byte that is neither. */
function skipCpio(bytes: Uint8Array, fail: (offset: number, reason: string) => LoadError): number {
  let at = 0
  for (;;) {
    while (at < bytes.length && bytes[at] === 0) at++
    if (!isCpioHeader(bytes, at)) return at
    at = skipArchive(bytes, at, fail)
  }
}

function skipArchive(bytes: Uint8Array, at: number, fail: (offset: number, reason: string) => LoadError): number {
  for (;;) {
    if (!isCpioHeader(bytes, at)) throw fail(at, 'a cpio header without its magic (070701)')
    if (at + CPIO_HEADER_BYTES > bytes.length) throw fail(bytes.length, 'truncated inside a cpio header')
    const [fileBytes, nameBytes] = [cpioField(bytes, at, 6), cpioField(bytes, at, 11)]
    if (Number.isNaN(fileBytes) || Number.isNaN(nameBytes)) throw fail(at, 'a cpio header with a corrupt size')
    const data = align4(at + CPIO_HEADER_BYTES + nameBytes)
    const end = data + fileBytes
    if (end > bytes.length) throw fail(bytes.length, `truncated: a cpio member ends at 0x${end.toString(16)}`)
    const name = latin(bytes, at + CPIO_HEADER_BYTES, nameBytes - 1)
    at = Math.min(align4(end), bytes.length)
    if (name === CPIO_END) return at
  }
}

function isCpioHeader(bytes: Uint8Array, at: number): boolean {
  const magic = latin(bytes, at, 6)
  return magic === '070701' || magic === '070702'
}

function cpioField(bytes: Uint8Array, header: number, index: number): number {
  const text = latin(bytes, header + 6 + index * 8, 8)
  return /^[0-9a-fA-F]{8}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN
}

function latin(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, Math.min(at + Math.max(length, 0), at + 256)))
}

function align4(offset: number): number {
  return (offset + 3) & ~3
}
