// The slots of the core: which form each handler number means, and which are inlined in the run loop. Inlined are the
// commonest operand forms of flat 32-bit code and of registers alone; a form with a memory operand gets a second slot
// without index register.

import type { Tape } from '../ir/tape.js'
import { type Form, MEM } from '../isa/form.js'
import { formName, forms, isDirectBranch } from '../isa/forms.js'
import { semanticsOf } from '../semantics/index.js'
import { FIRST_SLOT } from './record.js'
import type { RecordContext } from './record-context.js'

export interface Slot {
  readonly form: Form
  /** The memory operand has no index register. */
  readonly noIndex: boolean
}

/** Operand sizes in bytes at which a mnemonic is inlined. */
const inlined = new Map<string, string>()
for (const [names, sizes] of [
  ['mov cmp test', '124'],
  ['add sub and or xor', '14'],
  ['lea inc dec push pop call ret jmp leave shl shr sar neg not adc sbb imul cdq nop cld', '4'],
  ['movzx movsx', '4'],
  ['jo jno jb jae je jne jbe ja js jns jp jnp jl jge jle jg', '4'],
  ['setb setae sete setne setbe seta sets setns setl setge setle setg', '1'],
  ['cmove cmovne cmovb cmovae cmovs cmovns cmovl cmovge cmovle cmovg cmova cmovbe', '4'],
] as const)
  for (const name of names.split(' ')) inlined.set(name, sizes)

const nameUnlessFlat = (form: Form) => formName({ ...form, flat: false })
/** Forms that access memory: they are told apart by whether segments are flat. The others are alike in both. */
const accessing = new Set(forms.filter(f => f.flat).map(nameUnlessFlat))

const isInlined = (form: Form) =>
  (form.flat || !accessing.has(nameUnlessFlat(form))) &&
  form.operandSize === 4 &&
  form.addressSize === 4 &&
  form.rep === '' &&
  form.operands.every(o => o.size <= 4 && o.kind <= 11) &&
  (inlined.get(form.mnemonic)?.includes(String(form.size)) ?? false)

function list(): { slots: Slot[]; inlineCount: number } {
  const inline: Slot[] = []
  const others: Slot[] = []
  for (const form of forms) {
    if (isInlined(form)) {
      if (form.operands.some(o => o.kind === MEM)) inline.push({ form, noIndex: true })
      inline.push({ form, noIndex: false })
    } else others.push({ form, noIndex: false })
  }
  return { slots: [...inline, ...others], inlineCount: inline.length }
}
const made = list()

/** All slots; handler number = FIRST_SLOT + position. The first `inlineCount` are inlined in the run loop. */
export const slots: readonly Slot[] = made.slots
export const inlineCount = made.inlineCount

const withIndex = new Int32Array(forms.length)
const withoutIndex = new Int32Array(forms.length)
for (let i = slots.length - 1; i >= 0; i--) {
  const { form, noIndex } = slots[i]!
  if (!noIndex) withIndex[form.id] = FIRST_SLOT + i
  if (noIndex || !withoutIndex[form.id]) withoutIndex[form.id] = FIRST_SLOT + i
}
for (let i = 0; i < slots.length; i++) if (slots[i]!.noIndex) withoutIndex[slots[i]!.form.id] = FIRST_SLOT + i

/** Mnemonics behind which execution never goes on with the next record. */
const enders = new Set('jmp call ret callf jmpf retf iret int int1 int3 sysenter sysexit ud gp hlt'.split(' '))
/** By form id: 1 where a run of records ends. */
export const endsRecords = Uint8Array.from(forms, f => Number(enders.has(f.mnemonic)))

/** Whether a block of a region ends with an instruction of the form. */
export const endsBlock = (form: Form) => isDirectBranch(form) || endsRecords[form.id] !== 0

/** Handler number of a form. */
export function handlerOf(form: number, hasIndex: boolean): number {
  return hasIndex ? withIndex[form]! : withoutIndex[form]!
}
/** Form that a handler number stands for. */
export function formOf(handler: number): Form {
  return slots[handler - FIRST_SLOT]!.form
}

/** The tape of a slot under dynamic binding; valid until the context's next tape. */
export function tapeOf(context: RecordContext, slot: Slot): Tape {
  context.begin(slot.form, slot.noIndex)
  semanticsOf(slot.form.mnemonic)(context, slot.form)
  return context.tape
}
