// Records by template: opcode and ModR/M byte tell all of a record but displacement, immediate, SIB byte and offset. A
// template is made of what the decoder says when they have been met a few times. Only for flat 32-bit code; instructions
// with prefixes, the few whose length depends on the SIB byte and those of rare immediates are left to the decoder.

import { gprCell, ZERO } from '../cpu/layout.js'
import { type Decoder, isPrefix } from '../isa/decode.js'
import { IGNORE_MOD, immediates, MODRM, properties, slots, TWO_BYTE } from '../isa/decode-tables.js'
import { forms, isDirectBranch, TOO_LONG, UD } from '../isa/forms.js'
import { BYTE_SIGNED, BYTE_UNSIGNED, FULL, NEAR, NO_IMMEDIATE, ONE, SHORT, WORD } from '../isa/operand-codes.js'
import { writeRecord } from './record-area.js'
import { endsRecords, handlerOf } from './slots.js'

/** Bytes that may be looked at from the start of an instruction on. */
export const REACH = 16
/** In what `write` returns, beside the length: no record follows. */
export const ENDS = 0x100
export const LENGTH_MASK = 0xff

const MAXIMUM = 8192
const NEVER = 0xffff
/** Below are counts of times met. */
const FIRST = 4
const NOTHING = -1
/** Of a template: four cells as in the record, then these. */
const FORM = 4
const HANDLER_WITH_INDEX = 5
const SHAPE = 6
const TEMPLATE_SHIFT = 3
// SHAPE: what `write` returns, and
const SIB = 0x200
const DISPLACEMENT_8 = 0x400
const DISPLACEMENT_32 = 0x800
const BRANCH = 0x1000
const SCALE = 3 // of ADDRESSING
const PLACE_SHIFT = 16 // of the first byte behind opcode, ModR/M and SIB
const IMMEDIATE_SHIFT = 20
// Bytes of immediates; a word is unsigned.
const SIGNED_BYTE = 1
const WORD_BYTES = 2
const UNSIGNED_BYTE = 3
const LONG_BYTES = 4
const shapeOfImmediate = new Uint16Array(16).fill(NEVER)
for (const [immediate, shape] of [
  [NO_IMMEDIATE, 0],
  [ONE, 0],
  [BYTE_SIGNED, SIGNED_BYTE],
  [SHORT, SIGNED_BYTE],
  [BYTE_UNSIGNED, UNSIGNED_BYTE],
  [WORD, WORD_BYTES],
  [FULL, LONG_BYTES],
  [NEAR, LONG_BYTES],
] as const)
  shapeOfImmediate[immediate] = shape
const bytesOfImmediate = [0, 1, 2, 1, 4]

const SS = 2
const DS = 3

/** By opcode, those behind 0F from 256 on: the bits of the next byte that matter. */
const masks = Uint8Array.from({ length: 2 * TWO_BYTE }, (_, opcode) => {
  const line = slots[opcode]!
  return line < 0 || properties[line]! & MODRM ? 0xff : 0
})

export class RecordTemplates {
  /** By opcode and next byte: numbers of templates from FIRST on, or how often they have been met. */
  private readonly numbers = new Uint16Array(2 * TWO_BYTE * 256)
  private readonly cells = new Int32Array(MAXIMUM << TEMPLATE_SHIFT)
  private count = FIRST
  /** Of the instruction that was last not written: its opcode and next byte, if a template is to be made of it. */
  private wanted = NOTHING

  constructor(
    private readonly i32: Int32Array,
    private readonly u8: Uint8Array,
  ) {}

  /**
   * Writes the record of the instruction at a host address, at offset `eip` of CS, whose REACH bytes can all be fetched.
   * Returns its length, and ENDS; 0 where there is no template for it, or `excluded` has its form.
   * @param excluded 1 by form id
   */
  write(record: number, host: number, eip: number, count: number, excluded: Uint8Array): number {
    const { i32, u8, cells } = this
    let opcode = u8[host]!
    let next = host + 1
    if (opcode === 0x0f) opcode = TWO_BYTE + u8[next++]!
    const key = (opcode << 8) | (u8[next]! & masks[opcode]!)
    const number = this.numbers[key]!
    if (number < FIRST) {
      if (number === FIRST - 1) this.wanted = key
      else this.numbers[key] = number + 1
      return 0
    }
    if (number === NEVER) return 0
    const t = number << TEMPLATE_SHIFT
    if (excluded[cells[t + FORM]!] !== 0) return 0
    const shape = cells[t + SHAPE]!
    let at = host + ((shape >> PLACE_SHIFT) & 0xf)
    let first = cells[t]!
    let bases = cells[t + 3]!
    if (shape & SIB) {
      const sib = u8[at - 1]!
      const base = sib & 7
      const index = (sib >> 3) & 7
      if ((index === 4 && sib >= 0x40) || (base === 5 && (shape & (DISPLACEMENT_8 | DISPLACEMENT_32)) === 0)) return 0
      const segment = base === 4 || base === 5 ? SS : DS
      first = (first & 0xffffff) | (segment << 26)
      bases = gprCell(base) | (ZERO << 16)
      if (index !== 4) {
        first = (first & ~0xffff) | cells[t + HANDLER_WITH_INDEX]! | ((sib >> 6) << 24)
        bases = gprCell(base) | (gprCell(index) << 16)
      }
    }
    let displacement = 0
    if (shape & DISPLACEMENT_8) displacement = (u8[at++]! << 24) >> 24
    else if (shape & DISPLACEMENT_32) {
      displacement = long(u8, at)
      at += 4
    }
    let immediate = cells[t + 2]!
    switch (shape >> IMMEDIATE_SHIFT) {
      case SIGNED_BYTE:
        immediate = (u8[at]! << 24) >> 24
        break
      case UNSIGNED_BYTE:
        immediate = u8[at]!
        break
      case WORD_BYTES:
        immediate = u8[at]! | (u8[at + 1]! << 8)
        break
      case LONG_BYTES:
        immediate = long(u8, at)
    }
    if (shape & BRANCH) {
      displacement = (eip + (shape & LENGTH_MASK) + immediate) | 0
      immediate = 0
    }
    const cell = record >> 2
    i32[cell] = first
    i32[cell + 1] = cells[t + 1]!
    i32[cell + 2] = immediate
    i32[cell + 3] = bases
    i32[cell + 4] = displacement
    i32[cell + 5] = eip
    i32[cell + 6] = 0
    i32[cell + 7] = count
    return shape & (LENGTH_MASK | ENDS)
  }

  /** Makes a template, if one is wanted, of the instruction that `write` has left to this decoder. */
  learn(decoder: Decoder, form: number) {
    const key = this.wanted
    if (key === NOTHING) return
    this.wanted = NOTHING
    this.numbers[key] = NEVER
    const opcode = key >> 8
    const immediate = shapeOfImmediate[immediates[decoder.line]!]!
    const fits = immediate !== NEVER && form !== UD && form !== TOO_LONG && this.count < MAXIMUM
    if (!fits || isPrefix(opcode)) return
    const property = properties[decoder.line]!
    let shape = immediate << IMMEDIATE_SHIFT
    let place = opcode < TWO_BYTE ? 1 : 2
    let length = bytesOfImmediate[immediate]!
    let hasMemory = false
    if (property & MODRM) {
      place++
      const modrm = key & 0xff
      const mod = modrm >> 6
      const rm = modrm & 7
      if (mod < 3 && !(property & IGNORE_MOD)) {
        hasMemory = true
        if (rm === 4) {
          shape |= SIB
          place++
        }
        if (mod === 1) shape |= DISPLACEMENT_8
        else if (mod === 2 || rm === 5) shape |= DISPLACEMENT_32
        length += mod === 1 ? 1 : shape & DISPLACEMENT_32 ? 4 : 0
      }
    }
    length += place
    // Its SIB byte makes this one longer than others: another one is waited for.
    if (length !== decoder.length) {
      this.numbers[key] = 0
      return
    }
    shape |= length | (place << PLACE_SHIFT)
    if (endsRecords[form]) shape |= ENDS
    if (isDirectBranch(forms[form]!)) shape |= BRANCH
    const number = this.count++
    const t = number << TEMPLATE_SHIFT
    writeRecord(this.cells, t, decoder, form, handlerOf(form, false), 0, 0)
    this.cells[t + FORM] = form
    this.cells[t + HANDLER_WITH_INDEX] = handlerOf(form, true)
    this.cells[t + SHAPE] = shape
    // What the decoder holds of instructions before it.
    if (!hasMemory) {
      this.cells[t]! &= ~(SCALE << 24)
      this.cells[t + 3] = ZERO | (ZERO << 16)
    }
    if (immediates[decoder.line] !== ONE) this.cells[t + 2] = 0
    this.numbers[key] = number
  }
}

const long = (u8: Uint8Array, at: number) => u8[at]! | (u8[at + 1]! << 8) | (u8[at + 2]! << 16) | (u8[at + 3]! << 24)
