// What engines know of a form without looking at its semantics: where control may go after it, whether it may fault,
// and which of EFLAGS' CF PF AF ZF SF DF OF it reads and writes (SDM vol. 1, appendix A). Not here: IF and the system
// flags, which are never kept out of memory.

import { CREG, DREG, type Form, MEM, MM, REL, SREG, ST, XMMREG } from './form.js'
import { SIZED, TOUCHES, traitsOf } from './mnemonics.js'

// Where control goes.
export const NEXT = 0
export const CONDITIONAL = 1 // to the target or on: Jcc, LOOP, JECXZ
export const JUMP = 2 // direct near jump
export const CALL = 3 // direct near call
export const INDIRECT_JUMP = 4
export const INDIRECT_CALL = 5
export const RETURN = 6 // near return
export const FAR_TRANSFER = 7 // far jump, call and return, IRET, INT n, INT3, INT1, SYSENTER, SYSEXIT: may change the mode
export const EXCEPTION = 8 // #UD and #GP, always

export interface Effects {
  readonly control: number
  /** May raise an exception of its own (debug traps and faults of fetching aside). */
  readonly mayFault: boolean
  /** Flags whose value it may use. */
  readonly flagsRead: number
  /** Flags that surely have a new value afterwards. */
  readonly flagsSet: number
  /** Flags that may have another value afterwards; those that the SDM leaves undefined are among them. */
  readonly flagsChanged: number
}

const flagBits: Record<string, number> = { C: 1, P: 4, A: 0x10, Z: 0x40, S: 0x80, D: 0x400, O: 0x800, '-': 0 }
function flags(letters: string): number {
  let bits = 0
  for (const letter of letters) bits |= flagBits[letter]!
  return bits
}

// Flags read, surely set, perhaps changed, and the mnemonics. Flags are set with a count other than 0 only, and by a
// repeated comparison if it is done at all; both are "perhaps". What an engine gives undefined flags is in semantics/.
const table = `
- CPAZSO CPAZSO add sub cmp neg xadd cmpxchg and or xor test
C CPAZSO CPAZSO adc sbb
- PAZSO PAZSO inc dec
- - CPAZSO shl shr sar shld shrd div idiv
- - CO rol ror
C - CO rcl rcr
- CO CPAZSO mul imul
- C CPASO bt bts btr btc
- Z CPAZSO bsf bsr
A CA CPAZSO aaa aas
CA CPAZS CPAZSO daa das
- PZS CPAZSO aam aad
C - - salc
- CPAZS CPAZS sahf
CPAZS - - lahf
C C C cmc
- C C clc stc
- D D cld std
CPAZSDO - - pushf
- CPAZSDO CPAZSDO popf
- CPAZSDO CPAZSDO iret
D - - movs stos lods ins outs
D CPAZSO CPAZSO cmps scas
O - - into
Z - - loope loopne
- Z Z lar lsl verr verw arpl cmpxchg8b
- CPAZSO CPAZSO fcomi fcomip fucomi fucomip comiss comisd ucomiss ucomisd
C - - fcmovb fcmovnb
Z - - fcmove fcmovne
CZ - - fcmovbe fcmovnbe
P - - fcmovu fcmovnu
`
const flagUse = new Map<string, readonly [number, number, number]>()
for (const line of table.trim().split('\n')) {
  const [read, set, changed, ...mnemonics] = line.split(' ')
  for (const mnemonic of mnemonics) flagUse.set(mnemonic, [flags(read!), flags(set!), flags(changed!)])
}
for (const [letters, conditions] of [
  ['O', 'o no'],
  ['C', 'b ae'],
  ['Z', 'e ne'],
  ['CZ', 'be a'],
  ['S', 's ns'],
  ['P', 'p np'],
  ['SO', 'l ge'],
  ['ZSO', 'le g'],
] as const)
  for (const condition of conditions.split(' '))
    for (const family of ['j', 'set', 'cmov']) flagUse.set(family + condition, [flags(letters), 0, 0])
const noFlags = [0, 0, 0] as const

const words = (text: string) => new Set(text.split(' '))
const farTransfers = words('callf jmpf retf iret int int3 int1 sysenter sysexit')

function controlOf({ mnemonic, operands }: Form): number {
  const direct = operands[0]?.kind === REL
  if (mnemonic === 'jmp') return direct ? JUMP : INDIRECT_JUMP
  if (mnemonic === 'call') return direct ? CALL : INDIRECT_CALL
  if (mnemonic === 'ret') return RETURN
  if (mnemonic === 'ud' || mnemonic === 'gp') return EXCEPTION
  if (farTransfers.has(mnemonic)) return FAR_TRANSFER
  return direct ? CONDITIONAL : NEXT
}

// Instructions that may fault with nothing but general registers and immediates as operands.
const faulting = words(
  `into bound div idiv aam in out arpl lar lsl verr verw lldt ltr lmsw sldt str smsw clts invd wbinvd invlpg hlt cli sti ${'rdmsr wrmsr rdtsc rdpmc fwait fnop emms ud gp'}`,
)
const safeWithMemory = words('lea nop')
const checkedKinds = new Set([SREG, CREG, DREG, ST, MM, XMMREG])

function mayFault(form: Form, control: number): boolean {
  const { mnemonic, operands } = form
  const traits = traitsOf(mnemonic)
  if (safeWithMemory.has(mnemonic)) return false
  if (mnemonic === 'mov' && operands[1]!.kind === SREG && operands[0]!.kind !== MEM) return false
  if (operands.some(o => o.kind === MEM || checkedKinds.has(o.kind))) return true
  if (control === CONDITIONAL || control === JUMP || control === INDIRECT_JUMP) return !form.flat
  if (traits & (TOUCHES | SIZED) || control !== NEXT || faulting.has(mnemonic)) return true
  return mnemonic.startsWith('f')
}

const cache: Effects[] = []

/** What is known of a form. */
export function effectsOf(form: Form): Effects {
  const known = cache[form.id]
  if (known) return known
  const control = controlOf(form)
  const [flagsRead, flagsSet, flagsChanged] = flagUse.get(form.mnemonic) ?? noFlags
  const effects = {
    control,
    mayFault: mayFault(form, control),
    flagsRead,
    flagsSet: form.rep === '' ? flagsSet : 0,
    flagsChanged,
  }
  cache[form.id] = effects
  return effects
}
