// What stands at a rewritten site, class by class: the table beside sensitive.ts. A site that is called begins with
// `call [vector]` and the 16-bit number of its operand (8 bytes); one that is left for good has no number (6 bytes);
// an inline operation is one instruction that fills the site, with redundant DS prefixes in front where it is shorter.
// So nothing ever rests inside a site: control is at its start, in the VMM, or at its end.
import { CALL_BYTES, CALL_WITH_OPERANDS_BYTES } from './sensitive.js'

/** How a site is rewritten. `inline` forms are tried first and decline operands that they do not cover. */
export type Form = 'call' | 'call-short' | 'leave'

/** The inline operations: what they are and their longest encoding in bytes. */
export const INLINE_FORMS = {
  'clear-if': { bytes: 7, what: 'movb $0, [interrupt_flag]' },
  'load-control': { bytes: 6, what: 'movl [cr n], %r' },
  'load-selector': { bytes: 7, what: 'movl [selector], %r; 16-bit operands: movw' },
  'push-selector': { bytes: 6, what: 'pushl [selector]' },
  'drop-post': { bytes: 1, what: 'nop, for OUT 0x80, AL: a delay, whose byte goes nowhere' },
} as const
export type InlineForm = keyof typeof INLINE_FORMS

/** What is written at the sites of one class. */
export interface Substitution {
  /** Class number of sensitive.ts. */
  readonly number: number
  readonly inline?: InlineForm
  readonly form: Form
  /** Operation of the VMM behind the vector, in the order below; undefined for fused sites, see `fusedOperation`. */
  readonly operation: string
  /** The instruction works on the FPU of user code: a back end that lends the real one leaves such sites alone. */
  readonly fpu?: true
}

/** Bytes that a form needs. */
export const FORM_BYTES: Readonly<Record<Form, number>> = {
  call: CALL_WITH_OPERANDS_BYTES,
  leave: CALL_BYTES,
  // The operand's number is one byte: for instructions of seven bytes that are their own site.
  'call-short': CALL_BYTES + 1,
}

type Row = readonly [number: number, operation: string, form?: Form, inline?: InlineForm]

const ROWS: readonly Row[] = [
  [1, 'cli', 'call', 'clear-if'],
  [2, 'sti'],
  [3, 'sti_hlt'],
  [4, 'pushf'],
  [5, 'popf'],
  [6, 'hlt'],
  [7, 'iret', 'leave'],
  [8, 'in'],
  [9, 'out', 'call', 'drop-post'],
  [10, 'ins'],
  [11, 'outs'],
  [12, 'mov_from_control', 'call', 'load-control'],
  [13, 'mov_to_control'],
  [14, 'mov_from_debug'],
  [15, 'mov_to_debug'],
  [16, 'clts'],
  [17, 'lmsw'],
  [18, 'smsw'],
  [19, 'invlpg'],
  [20, 'cpuid'],
  [21, 'rdmsr'],
  [22, 'wrmsr'],
  [23, 'rdtsc'],
  [24, 'undefined'],
  [25, 'rdpmc'],
  [26, 'lgdt'],
  [27, 'sgdt'],
  [28, 'lidt'],
  [29, 'sidt'],
  [30, 'lldt'],
  [31, 'sldt'],
  [32, 'ltr'],
  [33, 'str'],
  [34, 'mov_to_segment'],
  [35, 'mov_from_segment', 'call', 'load-selector'],
  [36, 'push_segment', 'call', 'push-selector'],
  [37, 'pop_segment'],
  [38, 'load_far_pointer'],
  [39, 'lar'],
  [40, 'lsl'],
  [41, 'verr'],
  [42, 'verw'],
  [43, 'arpl'],
  [44, 'far_jump', 'call-short'],
  [45, 'far_call'],
  [46, 'far_return', 'leave'],
  [47, 'int'],
  [48, 'into'],
  [49, 'undefined_leave', 'leave'],
  [50, 'undefined_leave', 'leave'],
  [51, 'wbinvd'],
  [52, 'wbinvd'],
  [53, 'undefined'],
  [54, 'undefined'],
  [55, 'undefined'],
  [56, 'undefined'],
  [57, 'undefined'],
  [58, 'undefined'],
  [59, 'undefined'],
  [60, 'undefined'],
  [61, 'undefined'],
  [70, 'fpu_save'],
  [71, 'fpu_restore'],
  [72, 'fpu_init'],
  [73, 'fpu_load_control'],
  [74, 'fpu_store_control'],
  [75, 'fpu_environment'],
  [76, 'fpu_clear'],
  ...[80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90].map((number): Row => [number, 'store']),
]
const FPU_FIRST = 70
const FPU_LAST = 76

/** One for each class of sensitive.ts, ascending. */
export const SUBSTITUTIONS: readonly Substitution[] = ROWS.map(([number, operation, form = 'call', inline]) => ({
  number,
  operation,
  form,
  ...(inline !== undefined && { inline }),
  ...(number >= FPU_FIRST && number <= FPU_LAST && { fpu: true as const }),
}))

const BY_NUMBER: (Substitution | undefined)[] = []
for (const each of SUBSTITUTIONS) BY_NUMBER[each.number] = each

/** What is written at sites of the class. Throws RangeError for a class that the table does not have. */
export function substitutionOf(classNumber: number): Substitution {
  const found = BY_NUMBER[classNumber]
  if (found === undefined) throw new RangeError(`class ${classNumber} has no substitution`)
  return found
}

/** The operation of a fused site, by the instruction in the shadow of its STI. */
export const FUSED_OPERATIONS = { hlt: 'sti_hlt', other: 'sti_undefined' } as const

/** Operations in the order of their vectors: the contract between rewriter and VMM. */
export const OPERATIONS: readonly string[] = [
  ...new Set([...SUBSTITUTIONS.map(({ operation }) => operation), FUSED_OPERATIONS.other]),
]

/** An operation with its operand: called by a vector of its own, without a number behind the call. */
export interface DirectOperation {
  readonly name: string
  readonly operation: string
  /** Segment register and general register of the operand, where it has them. */
  readonly segment?: number
  readonly register?: number
}

/** Of the sites that have a direct form; redundant prefixes in front of the call fill them, so that it returns to their end. */
export const DIRECT_BYTES = CALL_WITH_OPERANDS_BYTES
const DATA_SEGMENTS: readonly (readonly [name: string, number: number])[] = [
  ['es', 0],
  ['ds', 3],
  ['fs', 4],
  ['gs', 5],
]

/** The commonest operations of kernels, behind vectors that follow those of OPERATIONS. */
export const DIRECT_OPERATIONS: readonly DirectOperation[] = [
  { name: 'sti_direct', operation: 'sti' },
  { name: 'pushf_direct', operation: 'pushf' },
  { name: 'popf_direct', operation: 'popf' },
  ...DATA_SEGMENTS.flatMap(([name, segment]): DirectOperation[] => [
    { name: `pop_${name}`, operation: 'pop_segment', segment },
    ...['eax', 'ecx', 'edx'].map((each, register) => {
      return { name: `mov_${each}_to_${name}`, operation: 'mov_to_segment', segment, register }
    }),
  ]),
]
