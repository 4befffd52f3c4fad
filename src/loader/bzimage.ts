// The Linux/x86 setup header and the protected-mode part of a bzImage (Documentation/x86/boot.rst, protocol 2.02 to
// 2.15). The real-mode setup code is not run: the machine enters the protected-mode part directly. Left out: zImage
// (loaded low), the EFI stub, and payload decompression, which is the kernel's own work.
import { hex, LoadError } from './load-error.js'

const SECTOR_BYTES = 512
const HEADER_START = 0x1f1
const HEADER_MAGIC = 0x202
const HEADER_MINIMUM = 0x230
const MAGIC_HDRS = 0x53726448
const BOOT_FLAG = 0xaa55
const LOADED_HIGH = 1
const DEFAULT_INITRD_MAX = 0x37ffffff
const DEFAULT_COMMAND_LINE_BYTES = 255

/** The parts of a bzImage that the 32-bit boot protocol needs. Addresses are physical. */
export interface BzImage {
  readonly file: string
  /** Protocol version, major in the high byte. */
  readonly version: number
  /** The setup header as it goes to the same offset (0x1F1) of the zero page. */
  readonly header: Uint8Array
  /** The 32-bit code that is loaded at, and entered at, `entry`; up to 15 bytes less than the header's paragraphs. */
  readonly protectedMode: Uint8Array
  readonly entry: number
  /** End of the memory that the kernel needs before it reads its memory map; the initrd must lie above. */
  readonly workEnd: number
  /** Highest address that a byte of the initrd may have. */
  readonly initrdMax: number
  /** Longest command line in bytes, without the terminating zero. */
  readonly commandLineMax: number
}

/** True if the file carries the setup header's magic; says nothing about the rest. */
export function isBzImage(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_MAGIC + 4) return false
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(HEADER_MAGIC, true) === MAGIC_HDRS
}

/**
 * Checks a bzImage and takes it apart. `bytes` is not copied.
 * @throws LoadError for a truncated or corrupt file, for a protocol below 2.02 and for a zImage
 */
export function parseBzImage(file: string, bytes: Uint8Array): BzImage {
  const fail = (offset: number, reason: string, remedy = 'build or copy the kernel again'): LoadError =>
    new LoadError({ file, offset, reason, remedy })
  if (bytes.length < HEADER_MINIMUM) throw fail(bytes.length, 'truncated: the setup header is not complete')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint16(0x1fe, true) !== BOOT_FLAG) throw fail(0x1fe, 'no boot flag 0xaa55')
  if (!isBzImage(bytes)) throw fail(HEADER_MAGIC, 'no "HdrS" magic: not a Linux kernel with a boot protocol')
  const version = view.getUint16(0x206, true)
  if (version < 0x202) {
    throw fail(0x206, `boot protocol ${version >> 8}.${version & 255} is too old`, 'give a kernel of 2.4 or later')
  }
  if ((bytes[0x211]! & LOADED_HIGH) === 0) throw fail(0x211, 'a zImage is loaded low', 'build a bzImage')

  const headerEnd = HEADER_MAGIC + bytes[0x201]!
  const setupBytes = ((bytes[HEADER_START] || 4) + 1) * SECTOR_BYTES
  if (headerEnd < HEADER_MINIMUM || headerEnd > Math.min(setupBytes, 0x290)) {
    throw fail(0x201, `the setup header ends at ${hex(headerEnd)}`)
  }
  const paragraphs = version >= 0x204 ? view.getUint32(0x1f4, true) : view.getUint16(0x1f4, true)
  const protectedBytes = paragraphs * 16
  if (protectedBytes === 0) throw fail(0x1f4, 'no protected-mode code')
  // The header counts whole paragraphs; some builders do not pad the file to the end of the last one.
  if (setupBytes + protectedBytes >= bytes.length + 16) {
    const reason = `truncated: the protected-mode code ends at ${hex(setupBytes + protectedBytes)}`
    throw fail(bytes.length, reason)
  }
  const field = (offset: number, since: number, fallback: number): number =>
    version >= since && headerEnd >= offset + 4 ? view.getUint32(offset, true) : fallback
  const entry = view.getUint32(0x214, true)
  if (entry < 0x100000) throw fail(0x214, `the 32-bit entry ${hex(entry)} is below 1 MiB`)
  const preferred = field(0x258, 0x20a, entry)
  const initBytes = field(0x260, 0x20a, protectedBytes)
  const workEnd = Math.max(entry + protectedBytes, Math.max(preferred, entry) + initBytes)
  if (workEnd > 0x100000000) throw fail(0x260, `the kernel asks for memory up to ${workEnd.toString(16)}`)
  return {
    file,
    version,
    header: bytes.subarray(HEADER_START, headerEnd),
    protectedMode: bytes.subarray(setupBytes, setupBytes + protectedBytes),
    entry,
    workEnd,
    initrdMax: field(0x22c, 0x203, DEFAULT_INITRD_MAX),
    commandLineMax: field(0x238, 0x206, DEFAULT_COMMAND_LINE_BYTES),
  }
}
