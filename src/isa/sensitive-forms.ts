// The sensitive class of every form, from the table of classes (sensitive.ts) by mnemonic and kind of operand. Left out is
// what no form tells: STI with the instruction in its shadow, and stores to tables, which are sensitive by their address.

import { CREG, DREG, type Form, SREG } from './form.js'
import { forms } from './forms.js'
import { SENSITIVE_CLASSES, type SensitiveClass } from './sensitive.js'

const operandKinds = { control: CREG, debug: DREG, segment: SREG } as const

function belongs({ instructions, operand }: SensitiveClass, { mnemonic, operands }: Form): boolean {
  if (operand?.kind === 'far') return instructions.some(name => mnemonic === `${name}f`)
  if (!instructions.includes(mnemonic)) return false
  if (operand === undefined) return true
  return (operand.position === 'to' ? operands[0] : operands.at(-1))?.kind === operandKinds[operand.kind]
}

/** Class number by form id; 0 where the form belongs to none. */
export const classOfForm = Uint8Array.from(
  forms,
  form => SENSITIVE_CLASSES.find(entry => belongs(entry, form))?.number ?? 0,
)

/** The classes that have forms, ascending: what can be intercepted. */
export const formClasses: readonly number[] = SENSITIVE_CLASSES.map(entry => entry.number).filter(number =>
  classOfForm.includes(number),
)
