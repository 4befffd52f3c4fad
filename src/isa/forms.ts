// The numbered list of forms, made from the opcode tables: every opcode in every variant (variants.ts), encodings that
// mean the same once. Numbers follow the order of the tables and are dense; form 0 is #UD, form 1 the #GP(0) of an
// instruction of more than 15 bytes.

import { type Form, MEM, MM, type Operand, REG, REL, XMMREG } from './form.js'
import { BY_ADDRESS, IMPLICIT, SIZED, traitsOf } from './mnemonics.js'
import { opcodeLines } from './opcode-lines.js'
import { integerOpcodes } from './opcode-table.js'
import { simdOpcodes } from './opcode-table-simd.js'
import { x87Opcodes } from './opcode-table-x87.js'
import { type Shape, VARIANTS } from './variants.js'

export const UD = 0
export const TOO_LONG = 1

/** Every form, in order of id. */
export const forms: Form[] = []
const ids = new Map<string, Map<number, number>>()

function idOf(mnemonic: string, shape: Shape): number {
  let known = ids.get(mnemonic)
  if (!known) {
    known = new Map()
    ids.set(mnemonic, known)
  }
  const found = known.get(shape.key)
  if (found !== undefined) return found
  const id = forms.length
  known.set(shape.key, id)
  const { operands, operandSize, addressSize, rep, flat } = shape
  // OUT names the port first; its data is what has a size.
  const size = mnemonic === 'out' ? operands[1]!.size : shape.size
  forms.push({ id, mnemonic, operands, size, operandSize, addressSize, rep, flat })
  return id
}

const bare = {
  variant: 0,
  key: 0,
  operands: [],
  size: 4,
  operandSize: 4,
  addressSize: 4,
  rep: '',
  flat: false,
} as const
idOf('ud', bare)
idOf('gp', bare)

/** The lines of all opcode tables; in the arrays below line 0 stands for #UD and lines[i] is i + 1. */
export const lines = opcodeLines([integerOpcodes, x87Opcodes, simdOpcodes])
/** Form ids by line and variant: formTable[line * VARIANTS + (variant & variantMasks[line])]. */
export const formTable = new Uint16Array((lines.length + 1) * VARIANTS)
export const variantMasks = new Uint8Array(lines.length + 1)

let line = 0
for (const { mnemonic, mnemonic16, pattern } of lines) {
  line++
  variantMasks[line] = pattern.mask
  for (const shape of pattern.shapes)
    formTable[line * VARIANTS + shape.variant] = idOf(shape.operandSize === 2 ? mnemonic16 : mnemonic, shape)
}

const names = new Map<string, Form>()
/** The form of that name, such as 'add r32 m32 flat'. Throws when there is none. */
export function formByName(name: string): Form {
  if (names.size === 0) for (const form of forms) names.set(formName(form), form)
  const form = names.get(name)
  if (!form) throw new Error(`no form is called '${name}'`)
  return form
}

/** The name of a form: mnemonic, operands with their bits, and what else tells it from its neighbours: the size of
 * strings, o16 or o32, a16 or a32, repeat prefix, flat. */
export function formName(form: Form): string {
  const { mnemonic } = form
  const traits = traitsOf(mnemonic)
  let name = mnemonic
  for (const operand of form.operands) name += operandName(operand)
  if (traits & IMPLICIT) name += ` ${form.size * 8}`
  if (traits & SIZED) name += form.operandSize === 2 ? ' o16' : ' o32'
  if (traits & BY_ADDRESS) name += form.addressSize === 2 ? ' a16' : ' a32'
  if (form.rep !== '') name += ` ${form.rep}`
  return form.flat ? `${name} flat` : name
}

const kindNames = ['', ' r', ' m', ' imm', ' cl', ' sreg', ' creg', ' dreg', ' st', ' mm', ' xmm', ' rel', ' far']
function operandName({ kind, size }: Operand): string {
  const name = kindNames[kind]!
  const width = kind === REG || kind === MEM || (kind === XMMREG && size !== 16) || (kind === MM && size !== 8)
  return width && size > 0 ? name + size * 8 : name
}

/** Whether the form is a near jump or call through a register or memory. */
export const isIndirectBranch = ({ mnemonic, operands }: Form) =>
  (mnemonic === 'jmp' || mnemonic === 'call') && operands[0]?.kind !== REL

/** Whether the form branches to a displacement: a direct near branch, whose target is EIP of the next instruction + rel. */
export const isDirectBranch = (form: Form) => form.operands[0]?.kind === REL
/** A direct branch that may go on at the next instruction: Jcc, LOOP, LOOPcc, JECXZ. */
export const isConditional = (form: Form) => isDirectBranch(form) && form.mnemonic !== 'jmp' && form.mnemonic !== 'call'
