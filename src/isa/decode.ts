// The decoder: bytes to a form and its fields, by table (SDM vol. 2, chapter 2 and appendix A), without allocation.
// It says what an instruction is, never what it does; it knows CPL and IOPL as little as the contents of registers.
// Not decoded: anything with VEX, EVEX, 3DNow!, SSE3 and later (they are #UD).

import { gprCell, ZERO } from '../cpu/layout.js'
import {
  features,
  firstCells,
  firstShift,
  groups,
  IGNORE_MOD,
  immediates,
  LOCKABLE,
  MODRM,
  properties,
  REPEATABLE,
  secondCells,
  secondShift,
  slots,
  TWO_BYTE,
} from './decode-tables.js'
import { INTEL486 } from './features.js'
import { formTable, TOO_LONG, UD, variantMasks } from './forms.js'
import {
  BYTE_SIGNED,
  BYTE_UNSIGNED,
  FAR_POINTER,
  FULL,
  MOFFS,
  NEAR,
  NO_IMMEDIATE,
  ONE,
  registerCells,
  SHORT,
  WORD,
  WORD_BYTE,
} from './operand-codes.js'
import { ADDRESS_16, FLAT, IN_MEMORY, OPERAND_16, REP, REPNE, VARIANTS } from './variants.js'

/** The instruction runs past the bytes that are available. */
export const NEED_MORE = -1
const MAXIMUM_LENGTH = 15

/** What decoding depends on beside the bytes. */
export interface DecodeMode {
  /** CS.D: operands and addresses are 32 bits wide by default. */
  readonly code32: boolean
  /** See Form.flat. */
  readonly flat: boolean
  /** Bits of features.ts: what CPUID shows, and PROTECTED. */
  readonly features: number
}

// Prefixes and the escape byte; segment overrides are 1 + the register's number.
const OPERAND_SIZE = 7
const ADDRESS_SIZE = 8
const LOCK = 9
const F2 = 10
const F3 = 11
const ESCAPE = 12
const prefixes = new Uint8Array(256)
prefixes.set([1], 0x26)
prefixes.set([2], 0x2e)
prefixes.set([3], 0x36)
prefixes.set([4], 0x3e)
prefixes.set([5, 6, OPERAND_SIZE, ADDRESS_SIZE], 0x64)
prefixes.set([LOCK], 0xf0)
prefixes.set([F2, F3], 0xf2)
prefixes.set([ESCAPE], 0x0f)
/** Whether an opcode byte is a prefix; 0F is not. */
export const isPrefix = (opcode: number) => opcode !== 0x0f && opcode < 256 && prefixes[opcode] !== 0

const SS = 2
const DS = 3
const cell = gprCell
// 16-bit addressing by rm: BX+SI BX+DI BP+SI BP+DI SI DI BP BX.
const base16 = Uint16Array.of(cell(3), cell(3), cell(5), cell(5), cell(6), cell(7), cell(5), cell(3))
const index16 = Uint16Array.of(cell(6), cell(7), cell(6), cell(7), ZERO, ZERO, ZERO, ZERO)

/** A decoder holds the fields of the instruction it decoded last. */
export class Decoder {
  /** Form id, as returned. */
  form = UD
  /** Length in bytes; of no meaning for UD and TOO_LONG. */
  length = 0
  /** First and second operand where they are registers: address of the cell, or the number (SREG, CREG, DREG, ST). */
  dst = 0
  src = 0
  /** Immediate: sign-extended to 32 bits, bytes and words of unsigned meaning zero-extended; the offset of a far pointer. */
  imm = 0
  /** Second immediate of ENTER; selector of a far pointer. */
  imm2 = 0
  /** Displacement of a direct branch, relative to the next instruction. */
  rel = 0
  // Memory operand: offset = (cell base + (cell index << scale) + disp) & addressMask in segment register `segment`.
  base = ZERO
  index = ZERO
  scale = 0
  disp = 0
  segment = DS
  addressMask = -1
  /** 1 with a LOCK prefix. */
  lock = 0
  /** Its line of the opcode tables (decode-tables.ts), 0 for none. */
  line = 0

  private at = 0
  /** SIB without an index: an 80386 scales the base then. */
  private scalesBase = false
  private readonly tail = new Uint8Array(64)

  /** Decodes the instruction at bytes[position]. Returns its form id, UD and TOO_LONG included, or NEED_MORE when it
   * does not end within `available` bytes (then call again with at least 15, or all that can be fetched). */
  decode(bytes: Uint8Array, position: number, available: number, mode: DecodeMode): number {
    if (position + 32 > bytes.length) {
      this.tail.fill(0)
      this.tail.set(bytes.subarray(position, position + 32))
      bytes = this.tail
      position = 0
    }
    const form = this.read(bytes, position, mode)
    const length = this.at - position
    this.form = form
    this.length = length
    if (length <= available && length <= MAXIMUM_LENGTH) return form
    if (available < MAXIMUM_LENGTH) return NEED_MORE
    this.form = TOO_LONG
    return TOO_LONG
  }

  private read(bytes: Uint8Array, position: number, mode: DecodeMode): number {
    let at = position
    let variant = mode.code32 ? 0 : OPERAND_16 | ADDRESS_16
    let override = -1
    let mandatory = 0
    let map = 0
    this.lock = 0
    this.scalesBase = (mode.features & INTEL486) === 0
    let opcode = bytes[at++]!
    let prefix = prefixes[opcode]!
    while (prefix !== 0) {
      if (prefix === ESCAPE) {
        opcode = bytes[at++]!
        map = TWO_BYTE + mandatory * 256
        break
      }
      if (prefix <= 6) override = prefix - 1
      else if (prefix === OPERAND_SIZE) {
        variant = (variant & ~OPERAND_16) | (mode.code32 ? OPERAND_16 : 0)
        if (mandatory === 0) mandatory = 1
      } else if (prefix === ADDRESS_SIZE) variant = (variant & ~ADDRESS_16) | (mode.code32 ? ADDRESS_16 : 0)
      else if (prefix === LOCK) this.lock = 1
      else mandatory = prefix === F3 ? 2 : 3
      if (at - position > MAXIMUM_LENGTH) {
        this.at = at
        return UD
      }
      opcode = bytes[at++]!
      prefix = prefixes[opcode]!
    }
    let modrm = bytes[at]!
    let line = slots[map + opcode]!
    if (line < 0) {
      line = groups[-line + (modrm >= 0xc0 ? 8 : 0) + ((modrm >> 3) & 7)]!
      if (line < 0) line = groups[-line + (modrm & 7)]!
      if (line === 0) at++
    }
    this.at = at
    this.line = line
    const property = properties[line]!
    if (line === 0 || (features[line]! & ~mode.features) !== 0) return UD

    const address32 = (variant & ADDRESS_16) === 0
    this.addressMask = address32 ? -1 : 0xffff
    this.segment = DS
    if (property & MODRM) {
      at++
      if (modrm < 0xc0) {
        if (!(property & IGNORE_MOD)) {
          variant |= IN_MEMORY
          at = address32 ? this.address32(bytes, at, modrm) : this.address16(bytes, at, modrm)
        }
      }
    } else {
      modrm = 0
      if (property & REPEATABLE && mandatory >= 2) variant |= mandatory === 2 ? REP : REPNE
    }
    if (this.lock && !(property & LOCKABLE && variant & IN_MEMORY)) {
      this.at = at
      return UD
    }
    const word = (opcode << 8) | modrm
    this.dst = registerCells[firstCells[line]! + ((word >> firstShift[line]!) & 7)]!
    this.src = registerCells[secondCells[line]! + ((word >> secondShift[line]!) & 7)]!
    if (override >= 0) this.segment = override
    this.at = at
    const kind = immediates[line]!
    if (kind !== NO_IMMEDIATE) this.immediate(bytes, at, kind, (variant & OPERAND_16) !== 0, address32)
    if (mode.flat && address32 && (override < 0 || override === SS || override === DS || override === 0))
      variant |= FLAT
    return formTable[line * VARIANTS + (variant & variantMasks[line]!)]!
  }

  private address32(bytes: Uint8Array, at: number, modrm: number): number {
    const mod = modrm >> 6
    let base = modrm & 7
    this.index = ZERO
    this.scale = 0
    if (base === 4) {
      const sib = bytes[at++]!
      base = sib & 7
      const index = (sib >> 3) & 7
      if (index !== 4) {
        this.index = gprCell(index)
        this.scale = sib >> 6
      } else if (this.scalesBase && sib >= 0x40) return this.scaledBase(bytes, at, mod, sib)
    }
    if (base === 5 && mod === 0) {
      this.base = ZERO
      this.disp = long(bytes, at)
      return at + 4
    }
    this.base = gprCell(base)
    if (base === 4 || base === 5) this.segment = SS
    if (mod === 0) {
      this.disp = 0
      return at
    }
    if (mod === 1) {
      this.disp = (bytes[at]! << 24) >> 24
      return at + 1
    }
    this.disp = long(bytes, at)
    return at + 4
  }

  /** A SIB byte with a scale but no index, which Intel's 80386 data sheet calls undefined: the base is scaled. */
  private scaledBase(bytes: Uint8Array, at: number, mod: number, sib: number): number {
    this.scalesBase = false
    const end = this.address32(bytes, at - 1, (mod << 6) | 4)
    this.index = this.base
    this.base = ZERO
    this.scale = sib >> 6
    return end
  }

  private address16(bytes: Uint8Array, at: number, modrm: number): number {
    const mod = modrm >> 6
    const rm = modrm & 7
    this.scale = 0
    if (mod === 0 && rm === 6) {
      this.base = ZERO
      this.index = ZERO
      this.disp = short(bytes, at)
      return at + 2
    }
    this.base = base16[rm]!
    this.index = index16[rm]!
    if (rm === 2 || rm === 3 || rm === 6) this.segment = SS
    if (mod === 0) {
      this.disp = 0
      return at
    }
    if (mod === 1) {
      this.disp = (bytes[at]! << 24) >> 24
      return at + 1
    }
    this.disp = short(bytes, at)
    return at + 2
  }

  private immediate(bytes: Uint8Array, at: number, kind: number, operand16: boolean, address32: boolean) {
    switch (kind) {
      case BYTE_SIGNED:
        this.imm = (bytes[at]! << 24) >> 24
        this.at = at + 1
        return
      case BYTE_UNSIGNED:
        this.imm = bytes[at]!
        this.at = at + 1
        return
      case FULL:
        this.imm = operand16 ? (short(bytes, at) << 16) >> 16 : long(bytes, at)
        this.at = at + (operand16 ? 2 : 4)
        return
      case SHORT:
        this.rel = (bytes[at]! << 24) >> 24
        this.at = at + 1
        return
      case NEAR:
        this.rel = operand16 ? (short(bytes, at) << 16) >> 16 : long(bytes, at)
        this.at = at + (operand16 ? 2 : 4)
        return
      case ONE:
        this.imm = 1
        return
      case WORD:
        this.imm = short(bytes, at)
        this.at = at + 2
        return
      case WORD_BYTE:
        this.imm = short(bytes, at)
        this.imm2 = bytes[at + 2]!
        this.at = at + 3
        return
      case FAR_POINTER:
        this.imm = operand16 ? short(bytes, at) : long(bytes, at)
        at += operand16 ? 2 : 4
        this.imm2 = short(bytes, at)
        this.at = at + 2
        return
      case MOFFS:
        this.base = ZERO
        this.index = ZERO
        this.scale = 0
        this.disp = address32 ? long(bytes, at) : short(bytes, at)
        this.at = at + (address32 ? 4 : 2)
    }
  }
}

const short = (bytes: Uint8Array, at: number) => bytes[at]! | (bytes[at + 1]! << 8)
const long = (bytes: Uint8Array, at: number) =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)

// One encoding for each way through the decoder. They are decoded a few times when the module is loaded, so that the
// first optimised code already knows all ways: without this it is thrown away four times in the first 100,000
// instructions of a boot, and each of these costs some milliseconds (benchmarks/micro/decode.ts).
const everyWay =
  '90 0fff 8b00 8b4001 8b8001000000 8b0424 8b44bd01 8b04bd00000000 8b0500000000 648b0520000000 67660fb75e01 678b9e0001 6702060102' +
  ' 66b80100 b801000000 6a01 c1e005 d1e0 c20400 c8040000 9a010000000800 669a01000800 eb01 e901000000 66e90100 a100000000 67a10000' +
  ' 83c001 d9e8 d8c1 0fba2001 0f20c0 0f2000 f3a4 f2ae f00118 f001d8 f30f58c1 660fefc0 26ffe0 fff8 0f00c0 362e3e650f1f00'
function visitEveryWay() {
  const decoder = new Decoder()
  const ways = everyWay.split(' ')
  const stride = 20
  const bytes = new Uint8Array(stride * (ways.length + 3)).fill(0x66)
  ways.forEach((hex, way) => {
    for (let i = 0; i < hex.length; i += 2) bytes[way * stride + (i >> 1)] = Number.parseInt(hex.slice(i, i + 2), 16)
  })
  for (const code32 of [true, false, true, false, true, false]) {
    const mode = { code32, flat: code32, features: -1 }
    for (let way = 0; way <= ways.length; way++) decoder.decode(bytes, way * stride, stride, mode)
  }
}
visitEveryWay()
