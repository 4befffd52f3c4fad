// The numbered list of forms, made from the opcode tables: every opcode in every variant (operand size, address size,
// flat or not, register or memory, repeat prefix), encodings that mean the same once. Numbers follow the order of the
// tables and are dense; form 0 is #UD, form 1 the #GP(0) of an instruction of more than 15 bytes.

import { FAR, type Form, IMM, MEM, MM, type Operand, REG, REL, XMMREG } from './form.js'
import { type OpcodeLine, opcodeLines } from './opcode-lines.js'
import { integerOpcodes } from './opcode-table.js'
import { simdOpcodes } from './opcode-table-simd.js'
import { x87Opcodes } from './opcode-table-x87.js'
import type { OperandCode } from './operand-codes.js'

export const UD = 0
export const TOO_LONG = 1

// Variants of an opcode: a number of five bits.
export const OPERAND_16 = 1
export const ADDRESS_16 = 2
export const FLAT = 4
export const KIND = 8
export const IN_MEMORY = 1 * KIND
export const REP = 2 * KIND
export const REPNE = 3 * KIND
const KINDS = 3 * KIND
export const VARIANTS = 32

const words = (text: string) => new Set(text.split(' '))
const strings = words('movs cmps stos lods scas ins outs')
const conditions = 'o no b ae e ne be a s ns p np l ge le g'.split(' ')
const branches = words(`call jmp ret loop loope loopne jecxz ${conditions.map(c => `j${c}`).join(' ')}`)
const stack = words('push pop pusha popa pushf popf enter leave')
const farTransfers = words('iret callf jmpf retf')
const otherSized = words('sgdt sidt lgdt lidt fldenv fnstenv fnsave frstor')
const bySizeOfAddress = words('movs cmps stos lods scas ins outs loop loope loopne jecxz xlat maskmovq maskmovdqu')
const implicitMemory = words('movs cmps stos lods scas ins outs xlat maskmovq maskmovdqu')

/** Whether the effective operand size matters beyond the sizes of the operands. */
const sized = (m: string) => branches.has(m) || stack.has(m) || farTransfers.has(m) || otherSized.has(m)

/** Whether the mnemonic uses memory, the stack or CS without a memory operand that shows it. */
const touches = (m: string) => implicitMemory.has(m) || branches.has(m) || stack.has(m)

/** Which bits of a variant make a difference to an opcode. */
export function variantMask(line: OpcodeLine): number {
  const m = line.mnemonic
  let mask = 0
  if (line.operands.some(c => c.size !== c.size16 || c.memorySize !== c.memorySize16)) mask |= OPERAND_16
  if (sized(m) || m !== line.mnemonic16) mask |= OPERAND_16
  if (bySizeOfAddress.has(m)) mask |= ADDRESS_16
  if (touches(m)) mask |= FLAT
  if (strings.has(m)) mask |= KINDS
  for (const c of line.operands) {
    if (c.kind === MEM || isMemory(c)) mask |= FLAT
    if ((c.memory || c.register) && !c.ignoreMod && hasOperand(c)) mask |= IN_MEMORY
  }
  return mask
}

const hasOperand = (c: OperandCode) => c.kind !== 0 || (c.memory && !c.register)
const isMemory = (c: OperandCode) => c.memory && hasOperand(c)

/** Every form, in order of id. */
export const forms: Form[] = []
const ids = new Map<string, number>()

/** The form of that name, such as 'add r32 m32 flat'. Throws when there is none. */
export function formByName(name: string): Form {
  const id = ids.get(name)
  if (id === undefined) throw new Error(`no form is called ${name}`)
  return forms[id]!
}

/** The name of a form: mnemonic, operands, and what else tells it from its neighbours. */
export function formName(form: Form): string {
  const { mnemonic } = form
  let name = mnemonic
  for (const operand of form.operands) name += operandName(operand)
  if (implicitMemory.has(mnemonic) && form.operands.length === 0) name += ` ${form.size * 8}`
  if (sized(mnemonic)) name += form.operandSize === 2 ? ' o16' : ' o32'
  if (bySizeOfAddress.has(mnemonic)) name += form.addressSize === 2 ? ' a16' : ' a32'
  if (form.rep !== '') name += ` ${form.rep}`
  return form.flat ? `${name} flat` : name
}

const kindNames = ['', ' r', ' m', ' imm', ' cl', ' sreg', ' creg', ' dreg', ' st', ' mm', ' xmm', ' rel', ' far']
function operandName({ kind, size }: Operand): string {
  const name = kindNames[kind]!
  const width = kind === REG || kind === MEM || (kind === XMMREG && size !== 16) || (kind === MM && size !== 8)
  return width && size > 0 ? name + size * 8 : name
}

function add(form: Omit<Form, 'id'>): number {
  const whole: Form = { id: forms.length, ...form }
  const name = formName(whole)
  const known = ids.get(name)
  if (known !== undefined) return known
  ids.set(name, whole.id)
  forms.push(whole)
  return whole.id
}

/** Id of the form that an opcode has in a variant; UD when it does not exist in it. */
function formOf(line: OpcodeLine, variant: number): number {
  const o16 = (variant & OPERAND_16) !== 0
  const kind = variant & KINDS
  const mnemonic = o16 ? line.mnemonic16 : line.mnemonic
  const operands: Operand[] = []
  let implied = 0
  for (const c of line.operands) {
    const inMemory = kind === IN_MEMORY && isMemory(c)
    if (kind === IN_MEMORY && c.register && !c.memory) return UD
    if (inMemory) operands.push({ kind: MEM, size: o16 ? c.memorySize16 : c.memorySize })
    else if (c.kind !== 0) operands.push({ kind: c.kind, size: o16 ? c.size16 : c.size })
    else if (c.memory && !c.register) return UD
    else implied = o16 ? c.size16 : c.size
  }
  const operandSize = o16 ? 2 : 4
  const first = mnemonic === 'out' ? operands[1] : operands[0]
  return add({
    mnemonic,
    operands,
    size: implied || (sized(mnemonic) || !first ? operandSize : first.size),
    operandSize,
    addressSize: variant & ADDRESS_16 ? 2 : 4,
    rep: strings.has(mnemonic) ? repeat(mnemonic, kind) : '',
    flat: (variant & FLAT) !== 0 && (touches(mnemonic) || operands.some(o => o.kind === MEM)),
  })
}

function repeat(mnemonic: string, kind: number): Form['rep'] {
  if (kind === REP) return 'rep'
  if (kind !== REPNE) return ''
  return mnemonic === 'cmps' || mnemonic === 'scas' ? 'repne' : 'rep'
}

/** The lines of all opcode tables. */
export const lines = opcodeLines([integerOpcodes, x87Opcodes, simdOpcodes])

/** Form ids by line and variant: formTable[line * VARIANTS + (variant & variantMasks[line])]. Line 0 stands for #UD. */
export const formTable = new Uint16Array((lines.length + 1) * VARIANTS)
export const variantMasks = new Uint8Array(lines.length + 1)

const plain = { operands: [], size: 4, operandSize: 4, addressSize: 4, rep: '', flat: false } as const
add({ mnemonic: 'ud', ...plain })
add({ mnemonic: 'gp', ...plain })
lines.forEach((line, i) => {
  const mask = variantMask(line)
  variantMasks[i + 1] = mask
  const row = (i + 1) * VARIANTS
  for (let variant = 0; variant < VARIANTS; variant++) {
    const impossible = (variant & (FLAT | ADDRESS_16)) === (FLAT | ADDRESS_16)
    if ((variant & ~mask) === 0 && !impossible) formTable[row + variant] = formOf(line, variant)
  }
})

/** Whether the form transfers control by a direct near branch. */
export const isDirectBranch = (form: Form) => form.operands[0]?.kind === REL
/** Whether the form has an immediate. */
export const hasImmediate = (form: Form) => form.operands.some(o => o.kind === IMM || o.kind === FAR)
