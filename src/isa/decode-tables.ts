// What the decoder looks up at run time, laid out from the opcode lines as small typed arrays.
// A slot is a line's number (0: #UD) or minus the index of a group: sixteen slots by ModR/M, first the eight values of
// reg with a memory operand, then the eight with mod = 3; there a slot may again be minus the index of eight by rm.

import { lines } from './forms.js'
import { LOCKS, REPEATS, traitsOf } from './mnemonics.js'
import type { OpcodeLine } from './opcode-lines.js'

/** Slots: 256 of the one-byte map, then 4 x 256 of the two-byte map (mandatory prefix none, 66, F3, F2). */
export const slots = new Int16Array(5 * 256)
export const TWO_BYTE = 256

// Properties of a line beyond its form.
export const MODRM = 1
export const IGNORE_MOD = 2
/** LOCK is allowed if the destination is in memory. */
export const LOCKABLE = 4
/** F2 and F3 are repeat prefixes. */
export const REPEATABLE = 8

export const properties = new Uint8Array(lines.length + 1)
export const features = new Uint16Array(lines.length + 1)
export const immediates = new Uint8Array(lines.length + 1)
// The first two operands that are registers: registerCells[cells + ((opcode << 8 | ModR/M) >> shift & 7)].
export const firstCells = new Uint8Array(lines.length + 1)
export const firstShift = new Uint8Array(lines.length + 1)
export const secondCells = new Uint8Array(lines.length + 1)
export const secondShift = new Uint8Array(lines.length + 1)

const groupSlots: number[] = [0]

function place(line: OpcodeLine, n: number, at: number) {
  const { reg, modrm } = line
  const { memory, register, ignoreMod } = line.pattern
  // With a mandatory prefix, memory and registers may be two different instructions (MOVLPS, MOVHLPS).
  const half = line.prefix >= 0 && memory !== register
  if (reg < 0 && modrm < 0 && !half) {
    slots[at] = n
    return
  }
  if (slots[at]! >= 0) {
    slots[at] = -groupSlots.length
    for (let i = 0; i < 16; i++) groupSlots.push(0)
  }
  const group = -slots[at]!
  if (modrm >= 0) {
    for (let m = modrm; m <= line.lastModrm; m++) placeModrm(group + 8 + ((m >> 3) & 7), m & 7, n)
    return
  }
  const [from, to] = reg < 0 ? [0, 7] : [reg, reg]
  for (let r = from; r <= to; r++) {
    if (ignoreMod || memory) groupSlots[group + r] = n
    if (ignoreMod || register) groupSlots[group + 8 + r] = n
  }
}

function placeModrm(at: number, rm: number, n: number) {
  if (groupSlots[at]! >= 0) {
    const line = groupSlots[at]!
    groupSlots[at] = -groupSlots.length
    for (let i = 0; i < 8; i++) groupSlots.push(line)
  }
  groupSlots[-groupSlots[at]! + rm] = n
}

let n = 0
for (const line of lines) {
  n++
  const { pattern, prefix } = line
  for (let opcode = line.opcode; opcode <= line.lastOpcode; opcode++) {
    if (opcode < 0x100) place(line, n, opcode)
    else if (prefix >= 0) place(line, n, TWO_BYTE + prefix * 256 + (opcode & 0xff))
    else for (let p = 0; p < 4; p++) place(line, n, TWO_BYTE + p * 256 + (opcode & 0xff))
  }
  const [first, second] = pattern.codes
  const traits = traitsOf(line.mnemonic)
  properties[n] =
    (pattern.modrm || line.reg >= 0 || line.modrm >= 0 ? MODRM : 0) |
    (pattern.ignoreMod ? IGNORE_MOD : 0) |
    (traits & LOCKS && first!.memory ? LOCKABLE : 0) |
    (traits & REPEATS ? REPEATABLE : 0)
  features[n] = line.features
  if (first) {
    firstCells[n] = first.cells
    firstShift[n] = first.shift
    immediates[n] = pattern.immediate
  }
  if (second) {
    secondCells[n] = second.cells
    secondShift[n] = second.shift
  }
}

/** The slots of groups, see above. */
export const groups = Int16Array.from(groupSlots)
