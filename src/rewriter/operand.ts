// The operands of a sensitive instruction as the VMM wants them: decoded once, when its site is rewritten, so that the
// VMM decodes nothing. Covers 32-bit code with 32-bit addresses: one and two byte opcodes with ModRM, moffs and immediate
// operands (SDM volume 2, chapter 2). Left out: 16-bit addressing and segment overrides other than ES, CS, SS and DS,
// which are flat; such an instruction is declined.

/** An entry of the operand table. Register numbers are those of the SDM; NONE where there is none. */
export interface Operand {
  siteBytes: number
  instructionBytes: number
  flags: number
  /** ModRM.reg: a register, or an extension of the opcode. */
  reg: number
  /** Register operand in ModRM.rm, or MEMORY. */
  rm: number
  base: number
  index: number
  /** Shift count of the index. */
  scale: number
  /** Last opcode byte, with 0x0F00 added behind the escape. */
  opcode: number
  /** Selector of a far pointer. */
  selector: number
  displacement: number
  immediate: number
}

export const OPERAND_BYTES = 20
export const NONE = 0xff
export const MEMORY = 0xfe
/** Flags: a 16-bit operand; repeated; STI in front. */
export const OPERAND_16 = 1
export const OPERAND_REPEATED = 2

const PREFIX_OPERAND = 0x66
const PREFIX_LOCK = 0xf0
const PREFIX_REPEAT = 0xf3
const PREFIX_REPEAT_NOT = 0xf2
const FLAT_OVERRIDES = [0x26, 0x2e, 0x36, 0x3e]
const ESCAPE = 0x0f
const ESP = 4
const EBP = 5
const STI = 0xfb
const WAIT = 0x9b

/** One-byte opcodes of sites that have no ModRM byte, with the bytes of their immediates; -4 stands for 4, or 2 after 0x66. */
const PLAIN = new Map<number, number>([
  ...[0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f].map((op): [number, number] => [op, 0]),
  ...[0x6c, 0x6d, 0x6e, 0x6f, 0x9c, 0x9d, 0xa4, 0xa5, 0xaa, 0xab, 0xcb, 0xcc, 0xce, 0xcf].map(
    (op): [number, number] => [op, 0],
  ),
  ...[0xec, 0xed, 0xee, 0xef, 0xf4, 0xfa, 0xfb].map((op): [number, number] => [op, 0]),
  [0xca, 2],
  [0xcd, 1],
  ...[0xe4, 0xe5, 0xe6, 0xe7].map((op): [number, number] => [op, 1]),
])
/** The segment registers of PUSH and POP by opcode. */
const SEGMENT_OF = new Map([
  ...[0x06, 0x07].map((op): [number, number] => [op, 0]),
  [0x0e, 1],
  ...[0x16, 0x17].map((op): [number, number] => [op, 2]),
  ...[0x1e, 0x1f].map((op): [number, number] => [op, 3]),
  ...[0xfa0, 0xfa1].map((op): [number, number] => [op, 4]),
  ...[0xfa8, 0xfa9].map((op): [number, number] => [op, 5]),
])
const FAR = [0x9a, 0xea]
const MOFFS = [0xa0, 0xa1, 0xa2, 0xa3]
/** Two-byte opcodes without ModRM. */
const PLAIN_ESCAPED = new Set([
  ...[0x05, 0x06, 0x07, 0x08, 0x09, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0xa0, 0xa1, 0xa2, 0xa8, 0xa9, 0xaa],
])
/** Immediates behind ModRM: opcode to bytes; negative as above. */
const IMMEDIATES = new Map<number, number>([
  [0x80, 1],
  [0x81, -4],
  [0x83, 1],
  [0xc0, 1],
  [0xc1, 1],
  [0xc6, 1],
  [0xc7, -4],
  [0xfba, 1],
])

/** An operand that tells no more than where instruction and site end. */
export function noOperand(instructionBytes: number, siteBytes: number): Operand {
  const none = { flags: 0, reg: NONE, rm: NONE, base: NONE, index: NONE, scale: 0 }
  return { siteBytes, instructionBytes, ...none, opcode: 0, selector: 0, displacement: 0, immediate: 0 }
}

/**
 * Decodes the instruction at the start of `bytes`.
 * @param siteBytes length of the whole site
 * @returns the operand, or undefined where the instruction is declined
 */
export function decodeOperand(bytes: Uint8Array, instructionBytes: number, siteBytes: number): Operand | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, instructionBytes)
  const operand = noOperand(instructionBytes, siteBytes)
  let at = 0
  const left = () => instructionBytes - at
  const signed = (count: number): number => {
    const value = count === 1 ? view.getInt8(at) : count === 2 ? view.getInt16(at, true) : view.getInt32(at, true)
    at += count
    return value
  }
  for (; at < instructionBytes; at++) {
    const byte = bytes[at]!
    if (byte === PREFIX_OPERAND) operand.flags |= OPERAND_16
    else if (byte === PREFIX_REPEAT || byte === PREFIX_REPEAT_NOT) operand.flags |= OPERAND_REPEATED
    else if (byte !== PREFIX_LOCK && byte !== WAIT && !FLAT_OVERRIDES.includes(byte)) break
  }
  if (left() < 1) return undefined
  operand.opcode = bytes[at++]!
  const escaped = operand.opcode === ESCAPE
  if (escaped) {
    if (left() < 1) return undefined
    operand.opcode = 0xf00 | bytes[at++]!
  }
  const { opcode } = operand
  const word = (operand.flags & OPERAND_16) !== 0 ? 2 : 4
  const sized = (count: number) => (count < 0 ? word : count)
  // STI and what runs in its shadow: the operand is that of the second instruction, which has none.
  if (opcode === STI) return operand
  if (FAR.includes(opcode)) {
    if (left() !== word + 2) return undefined
    operand.immediate = signed(word)
    operand.selector = signed(2) & 0xffff
    return operand
  }
  if (MOFFS.includes(opcode)) {
    if (left() !== 4) return undefined
    operand.rm = MEMORY
    operand.reg = 0
    operand.displacement = signed(4)
    return operand
  }
  const plain = escaped ? (PLAIN_ESCAPED.has(opcode & 0xff) ? 0 : undefined) : PLAIN.get(opcode)
  if (plain !== undefined) {
    if (left() !== plain) return undefined
    operand.reg = SEGMENT_OF.get(opcode) ?? NONE
    if (plain > 0) operand.immediate = plain === 1 ? signed(1) & 0xff : signed(plain) & 0xffff
    return operand
  }
  if (left() < 1) return undefined
  const modrm = bytes[at++]!
  operand.reg = (modrm >> 3) & 7
  const mod = modrm >> 6
  const rm = modrm & 7
  if (mod === 3) operand.rm = rm
  else {
    operand.rm = MEMORY
    operand.base = rm
    if (rm === ESP) {
      if (left() < 1) return undefined
      const sib = bytes[at++]!
      operand.base = sib & 7
      operand.index = ((sib >> 3) & 7) === ESP ? NONE : (sib >> 3) & 7
      operand.scale = sib >> 6
    }
    const absolute = mod === 0 && operand.base === EBP
    if (absolute) operand.base = NONE
    const displacement = mod === 1 ? 1 : mod === 2 || absolute ? 4 : 0
    if (left() < displacement) return undefined
    if (displacement > 0) operand.displacement = signed(displacement)
  }
  const immediate = sized(IMMEDIATES.get(opcode) ?? 0)
  if (left() !== immediate) return undefined
  if (immediate > 0) operand.immediate = signed(immediate)
  return operand
}

/** The entry's bytes, as the VMM reads them. */
export function encodeOperand(operand: Operand): Uint8Array {
  const bytes = new Uint8Array(OPERAND_BYTES)
  const view = new DataView(bytes.buffer)
  const { siteBytes, instructionBytes, flags, reg, rm, base, index, scale } = operand
  bytes.set([siteBytes, instructionBytes, reg, base, flags, rm, index, scale])
  view.setUint16(8, operand.opcode, true)
  view.setUint16(10, operand.selector, true)
  view.setInt32(12, operand.displacement, true)
  view.setInt32(16, operand.immediate, true)
  return bytes
}
