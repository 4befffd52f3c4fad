// Files of xz (tukaani.org, xz-file-format.txt): blocks of LZMA2, packed perhaps after the filter that makes x86 calls
// absolute. Left out: all other filters, and checks but CRC32.

import { LzmaDecoder } from './lzma.js'
import { Output } from './output.js'
import { relativeCalls } from './x86-filter.js'

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]
const HEADER_BYTES = 12
const X86_FILTER = 4
const LZMA2_FILTER = 0x21
const CRC32 = 1
/** Bytes of a check by its kind. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]
const COMPRESSED_SIZE = 0x40
const UNCOMPRESSED_SIZE = 0x80
const FILTERS = 3
const INDEX = 0

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

/** True for the beginning of such a file. */
export function isXz(bytes: Uint8Array): boolean {
  return bytes.length > HEADER_BYTES && MAGIC.every((byte, i) => bytes[i] === byte)
}

/** Unpacks the first stream of a file; what is behind it is not looked at. @throws Error for damaged or unknown data */
export function unpackXz(input: Uint8Array): Uint8Array {
  const check = input[7]! & 0xf
  const out = new Output()
  let at = HEADER_BYTES
  while (input[at] !== INDEX) {
    const block = unpackBlock(input, at, check)
    out.append(block.data)
    at = block.end
  }
  return out.whole
}

function unpackBlock(input: Uint8Array, start: number, check: number): { data: Uint8Array; end: number } {
  if (start >= input.length) throw new Error('the data ends too early')
  const dataStart = start + (input[start]! + 1) * 4
  const flags = input[start + 1]!
  let at = start + 2
  const number = () => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = input[at++]!
      value += (byte & 0x7f) * scale
      if (at > dataStart || byte < 0x80) return value
    }
  }
  if ((flags & COMPRESSED_SIZE) !== 0) number()
  if ((flags & UNCOMPRESSED_SIZE) !== 0) number()
  let calls = false
  for (let n = 0; n <= (flags & FILTERS); n++) {
    const filter = number()
    const bytes = number()
    at += bytes
    const isLast = n === (flags & FILTERS)
    if (filter === X86_FILTER && bytes === 0 && !isLast) calls = true
    else if (filter !== LZMA2_FILTER || !isLast) throw new Error(`filter ${filter} is not known`)
  }
  const out = new Output()
  const packedEnd = unpackLzma2(input, dataStart, out)
  const data = out.whole
  if (calls) relativeCalls(data)
  const end = Math.ceil((packedEnd - start) / 4) * 4 + start
  if (check === CRC32) {
    const stored = new DataView(input.buffer, input.byteOffset, input.byteLength).getUint32(end, true)
    if (stored !== crc32(data)) throw new Error('the check sum is wrong')
  }
  return { data, end: end + CHECK_BYTES[check]! }
}

/** @returns where the packed data ends */
function unpackLzma2(input: Uint8Array, start: number, out: Output): number {
  const decoder = new LzmaDecoder(input, out)
  let dictionary = 0
  for (let at = start; ; ) {
    const control = input[at++]
    if (control === undefined) throw new Error('the data ends too early')
    if (control === 0) return at
    const word = (place: number) => (input[place]! << 8) | input[place + 1]!
    if (control === 1 || control >= 0xe0) dictionary = out.length
    if (control < 0x80) {
      if (control > 2) throw new Error(`bad chunk ${control}`)
      const bytes = word(at) + 1
      out.append(input.subarray(at + 2, at + 2 + bytes))
      at += 2 + bytes
      continue
    }
    const size = ((control & 0x1f) << 16) + word(at) + 1
    const packed = word(at + 2) + 1
    at += 4
    if (control >= 0xc0) decoder.setProperties(input[at++]!)
    else if (control >= 0xa0) decoder.forget()
    decoder.begin(at)
    decoder.decode(out.length + size, dictionary)
    at += packed
  }
}

function crc32(data: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of data) value = CRC_TABLE[(value ^ byte) & 0xff]! ^ (value >>> 8)
  return ~value >>> 0
}
