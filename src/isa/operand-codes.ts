// The operand codes of the opcode tables (SDM vol. 2, appendix A.2): a letter says where the operand is found, the
// rest how wide it is. Beyond Intel's: Z register in the opcode's low bits, RvMw and RdMw whose memory form is a word,
// Ub unsigned byte, Ibs byte sign-extended to the operand size, `1` the constant of D0 and D1, `e` a ModR/M byte
// without operand, `:b` and `:v` the size of an instruction without explicit operands.

import { gpr8Cell, gprCell, mmCell, xmmCell } from '../cpu/layout.js'
import { CL, CREG, DREG, FAR, IMM, MEM, MM, REG, REL, SREG, ST, XMMREG } from './form.js'

// Where a register number stands: how far the word (opcode << 8 | ModR/M) is shifted to the right.
const FROM_RM = 0
const FROM_REG = 3
const FROM_OPCODE = 8
const FIXED = 16

// Immediates, in the order of the bytes of the instruction.
export const NO_IMMEDIATE = 0
export const BYTE_SIGNED = 1
export const BYTE_UNSIGNED = 2
export const WORD = 3
export const FULL = 4 // 2 or 4 bytes by operand size
export const ONE = 5 // no byte: the constant 1
export const WORD_BYTE = 6 // ENTER
export const FAR_POINTER = 7
export const SHORT = 8 // rel8
export const NEAR = 9 // rel16 or rel32
export const MOFFS = 10 // an address without ModR/M

/** Cell addresses, or plain numbers, by register class and number; an operand's `cells` is its class's first index. */
export const registerCells = new Uint16Array(64)
const GPR8 = 0
const GPR = 8
const NUMBER = 16
const MMX = 24
const XMM = 32
for (let n = 0; n < 8; n++) {
  registerCells[GPR8 + n] = gpr8Cell(n)
  registerCells[GPR + n] = gprCell(n)
  registerCells[NUMBER + n] = n
  registerCells[MMX + n] = mmCell(n)
  registerCells[XMM + n] = xmmCell(n)
}

/** What an operand code says. Sizes are bytes; `size16` is the one with 16-bit operand size. */
export interface OperandCode {
  /** Operand kind when it is not in memory; 0 for none. */
  readonly kind: number
  /** Whether ModR/M may name memory (mod < 3), and whether it may name a register (mod = 3). */
  readonly memory: boolean
  readonly register: boolean
  readonly size: number
  readonly size16: number
  readonly memorySize: number
  readonly memorySize16: number
  /** Index of the register class in registerCells plus a fixed number, and the shift that yields the rest. */
  readonly cells: number
  readonly shift: number
  readonly immediate: number
  readonly modrm: boolean
  /** ModR/M's mod is ignored (moves of control and debug registers). */
  readonly ignoreMod: boolean
}

const sizes: Record<string, readonly [number, number]> = {
  '': [0, 0],
  b: [1, 1],
  w: [2, 2],
  d: [4, 4],
  ss: [4, 4],
  q: [8, 8],
  sd: [8, 8],
  t: [10, 10],
  dq: [16, 16],
  ps: [16, 16],
  pd: [16, 16],
  x: [512, 512],
  s: [6, 6],
  v: [4, 2],
  z: [4, 2],
  a: [8, 4],
  p: [6, 4],
  env: [28, 14],
  state: [108, 94],
}

interface Place {
  kind: number
  cells?: number
  shift?: number
  memory?: boolean
  register?: boolean
  ignoreMod?: boolean
}

const places: Record<string, Place> = {
  E: { kind: REG, cells: GPR, shift: FROM_RM, memory: true, register: true },
  M: { kind: 0, memory: true },
  R: { kind: REG, cells: GPR, shift: FROM_RM, register: true, ignoreMod: true },
  G: { kind: REG, cells: GPR, shift: FROM_REG },
  Z: { kind: REG, cells: GPR, shift: FROM_OPCODE },
  S: { kind: SREG, cells: NUMBER, shift: FROM_REG },
  C: { kind: CREG, cells: NUMBER, shift: FROM_REG },
  D: { kind: DREG, cells: NUMBER, shift: FROM_REG },
  P: { kind: MM, cells: MMX, shift: FROM_REG },
  Q: { kind: MM, cells: MMX, shift: FROM_RM, memory: true, register: true },
  N: { kind: MM, cells: MMX, shift: FROM_RM, register: true },
  V: { kind: XMMREG, cells: XMM, shift: FROM_REG },
  W: { kind: XMMREG, cells: XMM, shift: FROM_RM, memory: true, register: true },
  U: { kind: XMMREG, cells: XMM, shift: FROM_RM, register: true },
}

const fixed = (kind: number, cells: number, size: number, size16 = size): OperandCode => ({
  kind,
  memory: false,
  register: false,
  size,
  size16,
  memorySize: 0,
  memorySize16: 0,
  cells,
  shift: FIXED,
  immediate: NO_IMMEDIATE,
  modrm: false,
  ignoreMod: false,
})
const immediate = (kind: number, how: number, size: number, size16 = size): OperandCode => ({
  ...fixed(kind, NUMBER, size, size16),
  immediate: how,
})
const wordInMemory = { memory: true, register: true, modrm: true, shift: FROM_RM, memorySize: 2, memorySize16: 2 }

const codes: Record<string, OperandCode> = {
  AL: fixed(REG, GPR8, 1),
  AX: fixed(REG, GPR, 2),
  eAX: fixed(REG, GPR, 4, 2),
  DX: fixed(REG, GPR + 2, 2),
  CL: fixed(CL, NUMBER, 1),
  ES: fixed(SREG, NUMBER, 2),
  CS: fixed(SREG, NUMBER + 1, 2),
  SS: fixed(SREG, NUMBER + 2, 2),
  DS: fixed(SREG, NUMBER + 3, 2),
  FS: fixed(SREG, NUMBER + 4, 2),
  GS: fixed(SREG, NUMBER + 5, 2),
  ST: fixed(ST, NUMBER, 10),
  STi: { ...fixed(ST, NUMBER, 10), shift: FROM_RM, register: true, modrm: true },
  RvMw: { ...fixed(REG, GPR, 4, 2), ...wordInMemory },
  RdMw: { ...fixed(REG, GPR, 4), ...wordInMemory },
  e: { ...fixed(0, NUMBER, 0), memory: true, register: true, modrm: true },
  Ib: immediate(IMM, BYTE_SIGNED, 1),
  Ibs: immediate(IMM, BYTE_SIGNED, 4, 2),
  Ub: immediate(IMM, BYTE_UNSIGNED, 1),
  Iw: immediate(IMM, WORD, 2),
  Iz: immediate(IMM, FULL, 4, 2),
  1: immediate(IMM, ONE, 1),
  Ap: immediate(FAR, FAR_POINTER, 6, 4),
  Jb: immediate(REL, SHORT, 4, 2),
  Jz: immediate(REL, NEAR, 4, 2),
  Ob: immediate(MEM, MOFFS, 1),
  Ov: immediate(MEM, MOFFS, 4, 2),
  ':b': fixed(0, NUMBER, 1),
  ':v': fixed(0, NUMBER, 4, 2),
}

/** Meaning of an operand code. Throws for one that no table should have. */
export function operandCode(code: string): OperandCode {
  const known = codes[code]
  if (known) return known
  const place = places[code[0] ?? '']
  const size = sizes[code.slice(1)]
  if (!place || !size) throw new Error(`opcode table: no operand code ${code}`)
  const { kind, cells = NUMBER, shift = FIXED, memory = false, register = false, ignoreMod = false } = place
  const made: OperandCode = {
    kind,
    memory,
    register,
    size: size[0],
    size16: size[1],
    memorySize: size[0],
    memorySize16: size[1],
    cells: cells === GPR && code[1] === 'b' ? GPR8 : cells,
    shift,
    immediate: NO_IMMEDIATE,
    modrm: shift === FROM_RM || shift === FROM_REG || memory,
    ignoreMod,
  }
  codes[code] = made
  return made
}
