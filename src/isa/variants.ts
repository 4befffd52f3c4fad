// The variants that operand codes allow: for a list of codes and the properties of a mnemonic, every combination of
// operand size, address size, flat or not, register or memory, and repeat prefix that makes a form of its own.
// Instructions share few such patterns, so they are made once each.

import { type Form, MEM, type Operand } from './form.js'
import { BY_ADDRESS, COMPARES, IMPLICIT, REPEATS, SIZED, TOUCHES } from './mnemonics.js'
import { NO_IMMEDIATE, type OperandCode, operandCode, WORD_BYTE } from './operand-codes.js'

// A variant of an opcode is a number of five bits.
export const OPERAND_16 = 1
export const ADDRESS_16 = 2
export const FLAT = 4
export const IN_MEMORY = 8
export const REP = 16
export const REPNE = 24
const KINDS = 24
export const VARIANTS = 32

/** What a form is beside its mnemonic. */
export interface Shape extends Omit<Form, 'id' | 'mnemonic'> {
  /** A variant that has this shape. */
  readonly variant: number
  /** A number that no other shape has, whatever the pattern. */
  readonly key: number
}

/** What a list of operand codes means. */
export interface Pattern {
  readonly codes: readonly OperandCode[]
  /** Which bits of a variant make a difference. */
  readonly mask: number
  readonly shapes: readonly Shape[]
  /** There is a ModR/M byte; it may name memory; it may name a register; mod is ignored. */
  readonly modrm: boolean
  readonly memory: boolean
  readonly register: boolean
  readonly ignoreMod: boolean
  /** How the immediates are read (operand-codes.ts). */
  readonly immediate: number
}

const patterns = new Map<string, Pattern>()

/** The pattern of operand codes (separated by blanks) for a mnemonic with these properties (mnemonics.ts); `two`: the
 * mnemonic is another one with 16-bit operands. */
export function patternOf(codes: string, traits: number, two: boolean): Pattern {
  const key = `${codes}:${two ? -1 - traits : traits}`
  let pattern = patterns.get(key)
  if (!pattern) {
    pattern = makePattern(codes === '' ? [] : codes.split(' ').map(operandCode), traits, two)
    patterns.set(key, pattern)
  }
  return pattern
}

const hasOperand = (c: OperandCode) => c.kind !== 0 || (c.memory && !c.register)
const isMemory = (c: OperandCode) => c.memory && hasOperand(c)

function makePattern(codes: OperandCode[], traits: number, two: boolean): Pattern {
  let mask = traits & SIZED || two ? OPERAND_16 : 0
  if (traits & TOUCHES) mask |= FLAT
  if (traits & BY_ADDRESS) mask |= ADDRESS_16
  if (traits & REPEATS) mask |= KINDS
  for (const c of codes) {
    if (c.size !== c.size16 || c.memorySize !== c.memorySize16) mask |= OPERAND_16
    if (c.kind === MEM || isMemory(c)) mask |= FLAT
    if ((c.memory || c.register) && !c.ignoreMod && hasOperand(c)) mask |= IN_MEMORY
  }
  const shapes: Shape[] = []
  let variant = 0
  do {
    // A flat form has 32-bit addresses.
    const flat16 = FLAT | ADDRESS_16
    const shape = (variant & flat16) === flat16 ? undefined : shapeOf(codes, traits, variant)
    if (shape) shapes.push(shape)
    variant = (variant - mask) & mask
  } while (variant !== 0)
  const immediates = codes.filter(c => c.immediate !== NO_IMMEDIATE)
  return {
    codes,
    mask,
    shapes,
    modrm: codes.some(c => c.modrm),
    memory: codes.some(c => c.memory),
    register: codes.some(c => c.register),
    ignoreMod: codes.some(c => c.ignoreMod),
    immediate: immediates.length === 2 ? WORD_BYTE : (immediates[0]?.immediate ?? NO_IMMEDIATE),
  }
}

const sizeNumbers = new Uint8Array(513)
for (const [i, size] of [0, 1, 2, 4, 6, 8, 10, 14, 16, 28, 94, 108, 512].entries()) sizeNumbers[size] = i

/** The shape of a variant, or undefined when the operands do not exist in it. */
function shapeOf(codes: OperandCode[], traits: number, variant: number): Shape | undefined {
  const o16 = (variant & OPERAND_16) !== 0
  const inMemory = (variant & KINDS) === IN_MEMORY
  const operands: Operand[] = []
  let implied = 0
  let key = 0
  let flat = (traits & TOUCHES) !== 0
  for (const c of codes) {
    let { kind } = c
    let size = o16 ? c.size16 : c.size
    if (inMemory && isMemory(c)) {
      kind = MEM
      size = o16 ? c.memorySize16 : c.memorySize
    } else if (hasOperand(c) && (inMemory ? c.register : kind === 0)) return undefined
    flat ||= kind === MEM
    key = (key << 8) | (kind << 4) | sizeNumbers[size]!
    if (kind === 0) implied = size
    else operands.push({ kind, size })
  }
  flat &&= (variant & FLAT) !== 0
  const operandSize = o16 ? 2 : 4
  const addressSize = variant & ADDRESS_16 ? 2 : 4
  const rep = traits & REPEATS ? repeat(traits, variant & KINDS) : ''
  key = (key << 1) | (flat ? 1 : 0)
  key = (key << 2) | (rep === '' ? 0 : rep === 'rep' ? 1 : 2)
  key = (key << 1) | (addressSize >> 2)
  key = (key << 1) | (traits & SIZED && o16 ? 1 : 0)
  const first = operands[0]
  const size = traits & IMPLICIT ? implied : traits & SIZED || !first ? operandSize : first.size
  return { variant, key, operands, size, operandSize, addressSize, rep, flat }
}

function repeat(traits: number, kind: number): Form['rep'] {
  if (kind === REP) return 'rep'
  return kind !== REPNE ? '' : traits & COMPARES ? 'repne' : 'rep'
}
