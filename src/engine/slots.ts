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

/**
 * By operands the mnemonics that are inlined; those behind a star also with an index register. Each of them makes up at least
 * 1 in 10,000 instructions that the run loop executes for a boot, a shell and compiled programs: more of them take V8 longer
 * to compile than they save.
 */
const inlined = new Set<string>()
const inlinedWithIndex = new Set<string>()
for (const [operands, names] of [
  ['', 'cdq cld nop ret leave'],
  ['rel', 'call jmp jb jae je jne jbe ja js jns jl jge jle jg'],
  ['imm', 'push'],
  ['r8', 'setb setae sete setne setbe seta setl setge setle setg'],
  ['r32', 'push pop inc dec neg not imul call jmp'],
  ['m8', 'setne'],
  ['m32', 'push inc dec call * jmp'],
  ['r8 r8', 'mov cmp test and or add'],
  ['r8 imm', 'mov cmp test and or'],
  ['r8 m8', 'cmp * mov'],
  ['m8 r8', 'and * mov cmp'],
  ['m8 imm', 'cmp test and or * mov'],
  ['m16 r16', 'mov'],
  ['r32 r8', 'movzx movsx'],
  ['r32 r16', 'movzx movsx'],
  ['r32 m8', 'movsx * movzx'],
  ['r32 m16', 'movsx * movzx'],
  ['r32 r32', 'mov add sub and or xor cmp test adc sbb imul'],
  ['r32 r32', 'cmovb cmovae cmove cmovne cmovbe cmova cmovns cmovl cmovge cmovle cmovg'],
  ['r32 r32 imm', 'imul'],
  ['r32 imm', 'mov add sub and or xor cmp test adc sbb shl shr sar rol ror'],
  ['r32 cl', 'shl shr sar'],
  ['r32 m32', 'sub and or adc sbb * mov add cmp xor'],
  ['m32 r32', 'add sub cmp or adc * mov'],
  ['m32 imm', 'mov add sub cmp test and or'],
  ['r32 m', '* lea'],
] as const) {
  const [plain, indexed = ''] = names.split('*')
  const add = (set: Set<string>, list: string) => {
    for (const name of list.match(/\w+/g) ?? []) set.add(`${name} ${operands}`.trim())
  }
  add(inlined, plain!)
  add(inlined, indexed)
  add(inlinedWithIndex, indexed)
}

const nameUnlessFlat = (form: Form) => formName({ ...form, flat: false })
/** Forms that access memory: they are told apart by whether segments are flat. The others are alike in both. */
const accessing = new Set(forms.filter(f => f.flat).map(nameUnlessFlat))

const isInlined = (form: Form, among: ReadonlySet<string>) =>
  (form.flat || !accessing.has(nameUnlessFlat(form))) &&
  form.addressSize === 4 &&
  among.has(formName(form).replace(/ o32| flat/g, ''))

function list(): { slots: Slot[]; inlineCount: number } {
  const inline: Slot[] = []
  const others: Slot[] = []
  for (const form of forms) {
    const hasMemory = form.operands.some(o => o.kind === MEM)
    if (hasMemory && isInlined(form, inlined)) inline.push({ form, noIndex: true })
    const whole = isInlined(form, hasMemory ? inlinedWithIndex : inlined)
    ;(whole ? inline : others).push({ form, noIndex: false })
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

/** The same by handler number. */
export const lastOfRun = Uint8Array.from({ length: FIRST_SLOT + slots.length }, (_, handler) =>
  handler < FIRST_SLOT ? 0 : endsRecords[slots[handler - FIRST_SLOT]!.form.id]!,
)

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
