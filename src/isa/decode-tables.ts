// What the decoder looks up at run time, laid out from the opcode lines as small typed arrays.
// A slot is a line's number (0: #UD) or minus the index of a group: sixteen slots by ModR/M, first the eight values of
// reg with a memory operand, then the eight with mod = 3; there a slot may again be minus the index of eight by rm.

import { MEM } from './form.js'
import { lines } from './forms.js'
import type { OpcodeLine } from './opcode-lines.js'
import { MOFFS, NO_IMMEDIATE, registerCells, WORD_BYTE } from './operand-codes.js'

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
export { registerCells }

const groupSlots: number[] = [0]
const words = (text: string) => new Set(text.split(' '))
const lockable = words('add or adc sbb and sub xor inc dec neg not bts btr btc xadd cmpxchg cmpxchg8b xchg')
const repeatable = words('movs cmps stos lods scas ins outs')

function place(line: OpcodeLine, n: number, at: number) {
  const { reg, modrm, operands } = line
  const inMemory = operands.some(c => c.memory)
  const inRegister = operands.some(c => c.register)
  // With a mandatory prefix, memory and registers may be two different instructions (MOVLPS, MOVHLPS).
  const half = line.prefix >= 0 && inMemory !== inRegister
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
  const anyMod = operands.some(c => c.ignoreMod)
  for (let r = reg < 0 ? 0 : reg; r <= (reg < 0 ? 7 : reg); r++) {
    if (anyMod || inMemory) groupSlots[group + r] = n
    if (anyMod || inRegister) groupSlots[group + 8 + r] = n
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

lines.forEach((line, i) => {
  const n = i + 1
  const { operands, prefix } = line
  for (let opcode = line.opcode; opcode <= line.lastOpcode; opcode++) {
    if (opcode < 0x100) place(line, n, opcode)
    else if (prefix >= 0) place(line, n, TWO_BYTE + prefix * 256 + (opcode & 0xff))
    else for (let p = 0; p < 4; p++) place(line, n, TWO_BYTE + p * 256 + (opcode & 0xff))
  }
  const modrm = line.reg >= 0 || line.modrm >= 0 || operands.some(c => c.modrm)
  properties[n] =
    (modrm ? MODRM : 0) |
    (operands.some(c => c.ignoreMod) ? IGNORE_MOD : 0) |
    (lockable.has(line.mnemonic) && operands[0]!.memory ? LOCKABLE : 0) |
    (repeatable.has(line.mnemonic) ? REPEATABLE : 0)
  features[n] = line.features
  const [first, second] = operands
  firstCells[n] = first?.cells ?? 0
  firstShift[n] = first?.shift ?? 16
  secondCells[n] = second?.cells ?? 0
  secondShift[n] = second?.shift ?? 16
  const withImmediate = operands.filter(c => c.immediate !== NO_IMMEDIATE)
  immediates[n] = withImmediate.length === 2 ? WORD_BYTE : (withImmediate[0]?.immediate ?? NO_IMMEDIATE)
})

/** The slots of groups, see above. */
export const groups = Int16Array.from(groupSlots)

/** Whether the line has a memory operand without ModR/M. */
export const hasMoffs = (line: OpcodeLine) => line.operands.some(c => c.kind === MEM && c.immediate === MOFFS)
