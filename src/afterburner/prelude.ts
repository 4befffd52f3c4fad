// The assembler text that goes in front of every source: macros with the names of sensitive mnemonics, which make
// sites. GNU as manual, chapter 7 (.macro, .pushsection, .if). Inside a macro an instruction is written with the
// pseudo prefix {load}: a statement that starts with it is no macro call, and its encoding is the same.
import {
  decidedBySpelling,
  RECORD_SECTION,
  SENSITIVE_CLASSES,
  type SensitiveClass,
  SITE_DECLARED,
  SITE_FUSED,
  TABLE_STORE,
  WAITING_SPELLINGS,
} from '../isa/sensitive.js'

/** Do-nothing instructions by length in bytes, valid on every i686 (SDM volume 2, NOP: recommended forms). */
const NOPS: readonly string[] = [
  '0x90',
  '0x66, 0x90',
  '0x0f, 0x1f, 0x00',
  '0x0f, 0x1f, 0x40, 0x00',
  '0x0f, 0x1f, 0x44, 0x00, 0x00',
  '0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00',
  '0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00',
]

function padMacro(): string {
  const cases = NOPS.map((bytes, i) => `.${i === 0 ? 'if' : 'elseif'} (\\count) == ${i + 1}\n.byte ${bytes}`)
  const tooLong = `.elseif (\\count) > ${NOPS.length}\n.error "afterburner: no padding of this length"`
  return ['.macro afterburn_pad count', ...cases, tooLong, '.endif', '.endm'].join('\n')
}

/** A macro that makes a site of `lines` (one of them `\\instruction`), pads it and writes its record. */
function siteMacro(name: string, lines: readonly string[], parameter = ''): string {
  return `.macro ${name} class, room, flags, ${parameter}instruction:vararg
99000001:
${lines.join('\n')}
99000002:
.if .Lafterburn_off == 0
afterburn_pad \\room-(99000002b-99000001b)
99000003:
.pushsection ${RECORD_SECTION}, "", @progbits
.long 99000001b
.byte 99000002b-99000001b, 99000003b-99000001b, \\class, \\flags
.popsection
.endif
.endm`
}

/** Marks a site by its class: for what the text rewriter finds and for stores that headers declare. */
function markMacro(entry: SensitiveClass): string {
  const flags = entry.privilege === TABLE_STORE ? SITE_DECLARED : 0
  return `.macro afterburn_${entry.name} instruction:vararg
afterburn_site ${entry.number}, ${entry.room}, ${flags}, {load} \\instruction
.endm`
}

/** The same where the prefix is a statement of its own in the source: so its place among the bytes stays. */
function prefixedMacro(entry: SensitiveClass): string {
  return `.macro afterburn_prefixed_${entry.name} prefix, instruction:vararg
afterburn_prefixed ${entry.number}, ${entry.room}, 0, \\prefix, {load} \\instruction
.endm`
}

function mnemonicMacro(spelling: string, entry: SensitiveClass): string {
  return `.macro ${spelling} operands:vararg
afterburn_site ${entry.number}, ${entry.room}, 0, {load} ${spelling} \\operands
.endm`
}

/** The whole prelude. */
export function preludeText(): string {
  const fused = SENSITIVE_CLASSES.find(entry => entry.name === 'sti_wait')!
  const marks = SENSITIVE_CLASSES.filter(entry => entry !== fused).map(markMacro)
  const mnemonics = SENSITIVE_CLASSES.filter(decidedBySpelling).flatMap(entry =>
    entry.spellings.map(spelling => mnemonicMacro(spelling, entry)),
  )
  const waiting = Object.entries(WAITING_SPELLINGS).map(
    ([spelling, plain]) => `.macro ${spelling} operands:vararg\nfwait\n${plain} \\operands\n.endm`,
  )
  const fusedMark = `.macro afterburn_${fused.name} second:vararg
afterburn_pair ${fused.number}, ${fused.room}, ${SITE_FUSED}, {load} \\second
.endm`
  return [
    '.set .Lafterburn_off, 0',
    padMacro(),
    siteMacro('afterburn_site', ['\\instruction']),
    siteMacro('afterburn_pair', ['{load} sti', '\\instruction']),
    siteMacro('afterburn_prefixed', ['\\prefix', '\\instruction'], 'prefix, '),
    ...marks,
    ...SENSITIVE_CLASSES.filter(decidedBySpelling).map(prefixedMacro),
    fusedMark,
    ...mnemonics,
    ...waiting,
    '',
  ].join('\n')
}
