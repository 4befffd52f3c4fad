// The sensitive class of every form, from the table of classes (sensitive.ts) by mnemonic and kind of operand. Left out is
// what no form tells: STI with the instruction in its shadow, and stores to tables, which are sensitive by their address.

import { CREG, DREG, type Form, SREG } from './form.js'
import { forms } from './forms.js'
import { SENSITIVE_CLASSES, type SensitiveClass } from './sensitive.js'

const operandKinds = { control: CREG, debug: DREG, segment: SREG } as const

/** The classes that a mnemonic may belong to, in the order of the table; far transfers have mnemonics of their own. */
const candidates = new Map<string, SensitiveClass[]>()
for (const entry of SENSITIVE_CLASSES)
  for (const name of entry.instructions) {
    const mnemonic = entry.operand?.kind === 'far' ? `${name}f` : name
    candidates.set(mnemonic, [...(candidates.get(mnemonic) ?? []), entry])
  }

function belongs({ operand }: SensitiveClass, { operands }: Form): boolean {
  if (operand === undefined || operand.kind === 'far') return true
  return (operand.position === 'to' ? operands[0] : operands.at(-1))?.kind === operandKinds[operand.kind]
}

/** Class number by form id; 0 where the form belongs to none. */
export const classOfForm = Uint8Array.from(
  forms,
  form => candidates.get(form.mnemonic)?.find(entry => belongs(entry, form))?.number ?? 0,
)

/** The classes that have forms, ascending: what can be intercepted. */
export const formClasses: readonly number[] = SENSITIVE_CLASSES.map(entry => entry.number).filter(number =>
  classOfForm.includes(number),
)
