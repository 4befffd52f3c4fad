// What often comes behind an instruction: the run loop asks for it before it dispatches, since a branch of its own
// is predicted better, and costs less, than the one indirect jump that all slots share. Counted over a boot, a shell and
// compiled programs.

import { formName } from '../isa/forms.js'
import { FIRST_SLOT } from './record.js'
import { inlineCount, type Slot, slots } from './slots.js'

const LOAD = 'mov r32 m32 flat'
const STORE = 'mov m32 r32 flat'
const POP = 'pop r32 o32 flat'
const PUSH = 'push r32 o32 flat'
const BRANCHES = ['je rel o32 flat', 'jne rel o32 flat']

const likely: Readonly<Record<string, readonly string[]>> = {
  [LOAD]: [LOAD, STORE],
  [STORE]: [LOAD, STORE],
  [POP]: [POP, 'ret o32 flat'],
  [PUSH]: [PUSH],
  'mov r32 r32': [LOAD],
  'test r32 r32': BRANCHES,
  'test r8 r8': BRANCHES,
  'test r8 imm': BRANCHES,
  'test m8 imm flat': BRANCHES,
  'cmp r32 imm': BRANCHES,
  'cmp r32 r32': BRANCHES,
  'cmp r32 m32 flat': BRANCHES,
  'cmp m32 r32 flat': BRANCHES,
  'cmp r8 imm': BRANCHES,
  'cmp r8 r8': BRANCHES,
  'test r32 imm': BRANCHES,
  'test m32 imm flat': BRANCHES,
  'cmp m32 imm flat': BRANCHES,
  'cmp m8 imm flat': BRANCHES,
}

/** A slot without index register where there is one: memory operands seldom have one. */
const byName = new Map<string, { readonly handler: number; readonly slot: Slot }>()
for (let i = inlineCount - 1; i >= 0; i--)
  byName.set(formName(slots[i]!.form), { handler: FIRST_SLOT + i, slot: slots[i]! })

/** The slots, with their handler numbers, that often follow a slot; the likeliest first. */
export function likelyNext(slot: Slot): readonly { readonly handler: number; readonly slot: Slot }[] {
  return (likely[formName(slot.form)] ?? []).map(name => {
    const found = byName.get(name)
    if (!found) throw new Error(`no inlined slot is called '${name}'`)
    return found
  })
}
