// Files of bzip2 (no document but the program; the format has been stable since 0.9): Huffman codes, move to front, run
// lengths, and the Burrows-Wheeler transform, block by block. Left out: blocks that are randomised, and the check sums.

import { Output } from './output.js'

const HUNDRED_THOUSAND = 100_000
const BLOCK_MAGIC = 0x314159265359
const END_MAGIC = 0x177245385090
const GROUP = 50
const LONGEST_CODE = 20
const RUN_A = 0
const RUN_B = 1

/** True for the beginning of such a file. */
export function isBzip2(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x5a && bytes[2] === 0x68 && bytes[3]! >= 0x31 && bytes[3]! <= 0x39
}

class BitReader {
  private at = 4
  private left = 0
  private current = 0
  constructor(private readonly input: Uint8Array) {}
  bit(): number {
    if (this.left === 0) {
      if (this.at >= this.input.length) throw new Error('the data ends too early')
      this.current = this.input[this.at++]!
      this.left = 8
    }
    return (this.current >>> --this.left) & 1
  }
  /** Up to 48 bits, most significant first. */
  bits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) value = value * 2 + this.bit()
    return value
  }
  /** How many ones there are before a zero. */
  ones(most: number): number {
    let count = 0
    while (this.bit() === 1) if (++count > most) throw new Error('bad code')
    return count
  }
}

/** Unpacks a file. @throws Error for damaged data */
export function unpackBzip2(input: Uint8Array): Uint8Array {
  const reader = new BitReader(input)
  const out = new Output()
  const blockBytes = (input[3]! - 0x30) * HUNDRED_THOUSAND
  for (;;) {
    const magic = reader.bits(48)
    reader.bits(32)
    if (magic === END_MAGIC) return out.whole
    if (magic !== BLOCK_MAGIC || reader.bit() === 1) throw new Error('bad block')
    unpackBlock(reader, blockBytes, out)
  }
}

function unpackBlock(reader: BitReader, blockBytes: number, out: Output) {
  const origin = reader.bits(24)
  const front = usedBytes(reader)
  const tables = reader.bits(3)
  const selectors = readSelectors(reader, tables)
  const codes = Array.from({ length: tables }, () => new Code(reader, front.length + 2))
  const end = front.length + 1
  const transformed = new Uint8Array(blockBytes)
  let length = 0
  let run = 0
  let runUnit = 1
  const finishRun = () => {
    if (run > blockBytes - length) throw new Error('a run over the end of its block')
    transformed.fill(front[0]!, length, length + run)
    length += run
    run = 0
    runUnit = 1
  }
  for (let n = 0; ; n++) {
    const code = codes[selectors[Math.floor(n / GROUP)]!]
    if (!code) throw new Error('bad selector')
    const symbol = code.read(reader)
    if (symbol === RUN_A || symbol === RUN_B) {
      run += runUnit << symbol
      runUnit *= 2
      if (run > blockBytes) throw new Error('a run over the end of its block')
      continue
    }
    finishRun()
    if (symbol === end) break
    if (length >= blockBytes) throw new Error('too much in a block')
    const [byte] = front.splice(symbol - 1, 1)
    front.unshift(byte!)
    transformed[length++] = byte!
  }
  if (origin >= length) throw new Error('bad origin')
  inverse(transformed.subarray(0, length), origin, out)
}

function usedBytes(reader: BitReader): number[] {
  const groups = reader.bits(16)
  const used: number[] = []
  for (let group = 0; group < 16; group++) {
    if ((groups & (0x8000 >>> group)) === 0) continue
    const members = reader.bits(16)
    for (let n = 0; n < 16; n++) if ((members & (0x8000 >>> n)) !== 0) used.push(group * 16 + n)
  }
  if (used.length === 0) throw new Error('a block of nothing')
  return used
}

/** Which code is used for each fifty symbols; moved to front as well. */
function readSelectors(reader: BitReader, tables: number): number[] {
  const order = Array.from({ length: tables }, (_, n) => n)
  return Array.from({ length: reader.bits(15) }, () => {
    const [table] = order.splice(reader.ones(tables - 1), 1)
    order.unshift(table!)
    return table!
  })
}

/** A canonical Huffman code. */
class Code {
  private readonly counts = new Array<number>(LONGEST_CODE + 1).fill(0)
  private readonly symbols: number[] = []

  constructor(reader: BitReader, size: number) {
    let length = reader.bits(5)
    const lengths = Array.from({ length: size }, () => {
      while (reader.bit() === 1) length += reader.bit() === 0 ? 1 : -1
      if (length < 1 || length > LONGEST_CODE) throw new Error('bad code')
      return length
    })
    for (let bits = 1; bits <= LONGEST_CODE; bits++)
      lengths.forEach((each, symbol) => {
        if (each === bits) this.symbols.push(symbol)
      })
    for (const each of lengths) this.counts[each]!++
  }
  read(reader: BitReader): number {
    let code = 0
    let first = 0
    let index = 0
    for (let bits = 1; bits <= LONGEST_CODE; bits++) {
      code = code * 2 + reader.bit()
      const count = this.counts[bits]!
      if (code - first < count) return this.symbols[index + code - first]!
      index += count
      first = (first + count) * 2
    }
    throw new Error('bad code')
  }
}

/** Undoes the transform, and the runs of the first step: four of a byte are followed by how many more there are. */
function inverse(last: Uint8Array, origin: number, out: Output) {
  const starts = new Uint32Array(257)
  for (const byte of last) starts[byte + 1]!++
  for (let byte = 0; byte < 256; byte++) starts[byte + 1]! += starts[byte]!
  const next = new Uint32Array(last.length)
  last.forEach((byte, place) => {
    next[starts[byte]!++] = place
  })
  let place = next[origin]!
  let before = -1
  let same = 0
  for (let n = 0; n < last.length; n++) {
    const byte = last[place]!
    place = next[place]!
    const copies = same === 4 ? byte : 1
    const value = same === 4 ? before : byte
    out.reserve(copies)
    out.bytes.fill(value, out.length, out.length + copies)
    out.length += copies
    same = same === 4 ? 0 : value === before ? same + 1 : 1
    before = same === 0 ? -1 : value
  }
}
