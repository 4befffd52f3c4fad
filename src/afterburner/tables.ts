// The C header tables.h of the assembler stage (as/), generated from the class table: mnemonics, operand rules, byte
// encodings, sensitive stores, the files to leave alone, and the prelude as a string.
import { BYTE_ENCODINGS, decidedBySpelling, SENSITIVE_CLASSES } from '../isa/sensitive.js'
import { preludeText } from './prelude.js'
import { SKIP_RULES } from './rules.js'
import { STORE_INSTRUCTIONS, STORE_LINES } from './table-stores.js'

/** Prefixes that may stand in front of an instruction or on a line of their own. */
const PREFIXES = 'rep repe repz repne repnz lock data16 data32 addr16 addr32 cs ds es fs gs ss'.split(' ')

const KINDS = { control: 'CONTROL_REGISTER', debug: 'DEBUG_REGISTER', segment: 'SEGMENT_REGISTER' }

function array(declaration: string, items: readonly string[]): string {
  return `static const ${declaration}[] = {\n${items.map(item => `    ${item},\n`).join('')}};`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}

/** Text of tables.h. */
export function tablesHeader(): string {
  const decided = SENSITIVE_CLASSES.filter(decidedBySpelling)
  const mnemonics = decided.flatMap(entry => entry.spellings.map(word => `{${quoted(word)}, ${quoted(entry.name)}}`))
  const rules = SENSITIVE_CLASSES.flatMap(entry => {
    const rule = entry.operand
    if (rule === undefined || rule.kind === 'far') return []
    const rest = `${KINDS[rule.kind]}, ${rule.position === 'from' ? 1 : 0}, ${quoted(entry.name)}`
    return entry.spellings.map(word => `{${quoted(word)}, ${rest}}`)
  })
  const encodings = BYTE_ENCODINGS.map(
    ({ bytes, instruction }) => `{{${bytes.join(', ')}}, ${bytes.length}, ${quoted(instruction)}}`,
  )
  const lines = STORE_LINES.map(each => `{${quoted(each.file)}, ${quoted(each.line)}, ${quoted(each.class)}}`)
  const instructions = STORE_INSTRUCTIONS.map(
    each => `{${quoted(each.object)}, ${quoted(each.statement)}, ${quoted(each.class)}}`,
  )
  return `#ifndef TABLES_H
#define TABLES_H
#include <stddef.h>
enum register_kind { CONTROL_REGISTER, DEBUG_REGISTER, SEGMENT_REGISTER };
struct mnemonic { const char *spelling, *site; };
struct operand_rule { const char *spelling; enum register_kind kind; int is_source; const char *site; };
struct store_line { const char *file, *line, *site; };
struct store_instruction { const char *object, *statement, *site; };
struct encoding { unsigned char bytes[4]; size_t count; const char *instruction; };
${array('struct mnemonic mnemonics', mnemonics)}
${array('struct operand_rule operand_rules', rules)}
${array('struct encoding encodings', encodings)}
${array('struct store_line store_lines', lines)}
${array('struct store_instruction store_instructions', instructions)}
${array('char *const prefixes', PREFIXES.map(quoted))}
${array(
  'char *const rules',
  SKIP_RULES.map(rule => quoted(rule.path)),
)}
static const char prelude[] =
${preludeText()
  .split('\n')
  .map(line => `    ${quoted(`${line}\n`)}`)
  .join('\n')};
#endif
`
}
