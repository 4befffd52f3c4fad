// LZMA (the format of Igor Pavlov's LZMA SDK, lzma-specification.txt): range-coded literals, matches and repeated matches, each
// bit with a probability that learns. Also the file format that has nothing but this: 13 bytes of header, then the stream.

import { Output } from './output.js'

const PROBABILITY_BITS = 11
const HALF = 1 << (PROBABILITY_BITS - 1)
const LEARNING_SHIFT = 5
const TOP = 2 ** 24
const STATES = 12
const POSITIONS = 16
const FIRST_AFTER_MATCH = 7
const LENGTH_CODER = 2 + 2 * (POSITIONS << 3) + 256
const LENGTH_STATES = 4
const END_POSITION_MODEL = 14
const FULL_DISTANCES = 1 << (END_POSITION_MODEL >> 1)
const ALIGN_BITS = 4
const SHORTEST_MATCH = 2
const LITERAL = 0x300

// Where each model's probabilities begin.
const IS_MATCH = 0
const IS_REP = IS_MATCH + STATES * POSITIONS
const IS_REP_G0 = IS_REP + STATES
const IS_REP_G1 = IS_REP_G0 + STATES
const IS_REP_G2 = IS_REP_G1 + STATES
const IS_REP0_LONG = IS_REP_G2 + STATES
const POSITION_SLOT = IS_REP0_LONG + STATES * POSITIONS
const POSITION_SPECIAL = POSITION_SLOT + LENGTH_STATES * 64
const ALIGN = POSITION_SPECIAL + FULL_DISTANCES
const MATCH_LENGTH = ALIGN + (1 << ALIGN_BITS)
const REP_LENGTH = MATCH_LENGTH + LENGTH_CODER
const LITERALS = REP_LENGTH + LENGTH_CODER

const HEADER_BYTES = 13
const UNKNOWN_SIZE = 0xffffffff

/** The decoder: its state lasts over the chunks of LZMA2. */
export class LzmaDecoder {
  private probabilities = new Uint16Array(LITERALS)
  private range = 0
  private code = 0
  private state = 0
  private rep0 = 0
  private rep1 = 0
  private rep2 = 0
  private rep3 = 0
  private literalContextBits = 0
  private literalPositionMask = 0
  private positionMask = 0
  private at = 0

  constructor(
    private readonly input: Uint8Array,
    private readonly out: Output,
  ) {}

  /** Takes the byte that says how many bits of context there are, and forgets what was learnt. */
  setProperties(byte: number) {
    if (byte >= 9 * 5 * 5) throw new Error(`bad properties ${byte}`)
    this.literalContextBits = byte % 9
    const literalPositionBits = Math.floor(byte / 9) % 5
    this.literalPositionMask = (1 << literalPositionBits) - 1
    this.positionMask = (1 << Math.floor(byte / 45)) - 1
    this.probabilities = new Uint16Array(LITERALS + (LITERAL << (this.literalContextBits + literalPositionBits)))
    this.forget()
  }
  forget() {
    this.probabilities.fill(HALF)
    this.state = 0
    this.rep0 = this.rep1 = this.rep2 = this.rep3 = 0
  }
  /** Begins to read at a place of the input. */
  begin(at: number) {
    this.range = 0xffffffff
    this.code = 0
    this.at = at + 1
    for (let i = 0; i < 4; i++) this.code = (this.code * 256 + this.next()) >>> 0
  }
  private next(): number {
    if (this.at >= this.input.length) throw new Error('the data ends too early')
    return this.input[this.at++]!
  }

  private normalize() {
    if (this.range >= TOP) return
    this.range = (this.range << 8) >>> 0
    this.code = ((this.code << 8) | this.next()) >>> 0
  }
  private bit(model: number): number {
    this.normalize()
    const { probabilities } = this
    const probability = probabilities[model]!
    const bound = (this.range >>> PROBABILITY_BITS) * probability
    if (this.code < bound) {
      this.range = bound
      probabilities[model] = probability + (((1 << PROBABILITY_BITS) - probability) >> LEARNING_SHIFT)
      return 0
    }
    this.range -= bound
    this.code -= bound
    probabilities[model] = probability - (probability >> LEARNING_SHIFT)
    return 1
  }
  private tree(model: number, bits: number): number {
    let symbol = 1
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.bit(model + symbol)
    return symbol - (1 << bits)
  }
  private reverseTree(model: number, bits: number): number {
    let symbol = 1
    let value = 0
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(model + symbol)
      symbol = (symbol << 1) | bit
      value |= bit << i
    }
    return value
  }
  private directBits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) {
      this.normalize()
      this.range = this.range >>> 1
      const bit = this.code >= this.range ? 1 : 0
      if (bit) this.code -= this.range
      value = ((value << 1) | bit) >>> 0
    }
    return value
  }

  /**
   * Makes bytes until there are `limit`, or to the mark of the end; `from`: where the dictionary begins in the output.
   * @returns whether the mark was met
   */
  decode(limit: number, from: number): boolean {
    const { out } = this
    while (out.length < limit) {
      const position = (out.length - from) & this.positionMask
      if (this.bit(IS_MATCH + (this.state << 4) + position) === 0) {
        this.literal(from)
        continue
      }
      let length: number
      if (this.bit(IS_REP + this.state) === 0) {
        this.rep3 = this.rep2
        this.rep2 = this.rep1
        this.rep1 = this.rep0
        length = this.length(MATCH_LENGTH, position)
        this.state = this.state < FIRST_AFTER_MATCH ? 7 : 10
        this.rep0 = this.distance(length)
        if (this.rep0 === 0xffffffff) return true
      } else if (this.repeated(position)) {
        length = this.length(REP_LENGTH, position)
        this.state = this.state < FIRST_AFTER_MATCH ? 8 : 11
      } else {
        length = 1 - SHORTEST_MATCH
        this.state = this.state < FIRST_AFTER_MATCH ? 9 : 11
      }
      length += SHORTEST_MATCH
      if (length > limit - out.length) throw new Error('a match goes over the end')
      out.repeat(this.rep0 + 1, length, from)
    }
    return false
  }
  /** Which of the last distances is used again; false: the last one, for one byte. */
  private repeated(position: number): boolean {
    if (this.bit(IS_REP_G0 + this.state) === 0) return this.bit(IS_REP0_LONG + (this.state << 4) + position) === 1
    let distance = this.rep1
    if (this.bit(IS_REP_G1 + this.state) === 1) {
      distance = this.rep2
      if (this.bit(IS_REP_G2 + this.state) === 1) {
        distance = this.rep3
        this.rep3 = this.rep2
      }
      this.rep2 = this.rep1
    }
    this.rep1 = this.rep0
    this.rep0 = distance
    return true
  }
  private literal(from: number) {
    const { out, state } = this
    out.reserve(1)
    const { bytes, length } = out
    const previous = length > from ? bytes[length - 1]! : 0
    const low = (length - from) & this.literalPositionMask
    const context = (low << this.literalContextBits) + (previous >> (8 - this.literalContextBits))
    const model = LITERALS + LITERAL * context
    let symbol = 1
    if (state >= FIRST_AFTER_MATCH) {
      if (this.rep0 >= length - from) throw new Error('a match before the beginning')
      let match = bytes[length - this.rep0 - 1]!
      while (symbol < 0x100) {
        const wanted = (match >> 7) & 1
        match <<= 1
        const bit = this.bit(model + ((1 + wanted) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (bit !== wanted) break
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.bit(model + symbol)
    bytes[length] = symbol
    out.length = length + 1
    this.state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6
  }
  private length(coder: number, position: number): number {
    const low = coder + 2 + (position << 3)
    if (this.bit(coder) === 0) return this.tree(low, 3)
    if (this.bit(coder + 1) === 0) return 8 + this.tree(low + (POSITIONS << 3), 3)
    return 16 + this.tree(coder + 2 + 2 * (POSITIONS << 3), 8)
  }
  private distance(length: number): number {
    const slot = this.tree(POSITION_SLOT + (Math.min(length, LENGTH_STATES - 1) << 6), 6)
    if (slot < 4) return slot
    const bits = (slot >> 1) - 1
    const base = ((2 | (slot & 1)) << bits) >>> 0
    if (slot < END_POSITION_MODEL) return base + this.reverseTree(POSITION_SPECIAL + base - slot, bits)
    const middle = this.directBits(bits - ALIGN_BITS) * (1 << ALIGN_BITS)
    return base + middle + this.reverseTree(ALIGN, ALIGN_BITS)
  }
}

/** True for the beginning of a file of this format, as all that write it make it. */
export function isLzma(bytes: Uint8Array): boolean {
  return bytes.length > HEADER_BYTES && bytes[0] === 0x5d && bytes[1] === 0 && bytes[2] === 0
}

/** Unpacks such a file. @throws Error for damaged data */
export function unpackLzma(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const [low, high] = [view.getUint32(5, true), view.getUint32(9, true)]
  const size = low === UNKNOWN_SIZE && high === UNKNOWN_SIZE ? Number.POSITIVE_INFINITY : high * 0x100000000 + low
  const out = new Output()
  const decoder = new LzmaDecoder(input, out)
  decoder.setProperties(input[0]!)
  decoder.begin(HEADER_BYTES)
  decoder.decode(size, 0)
  return out.whole
}
