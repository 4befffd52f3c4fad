// Reads the opcode tables. A line is: opcode, perhaps prefix, mnemonics, operand codes.
//   05 / 0F05         one-byte or two-byte opcode       40-47   every opcode of the range
//   F6/2              /2 in ModR/M's reg field           D9:E0   that ModR/M byte (mod = 3); D9:E0-E7 every one
//   70+1 jo|jno       mnemonics for opcodes 70 and 71; after /reg or :modrm the step counts there
//   np 66 f3 f2       only with that mandatory prefix (np: none of them); without, the prefixes have no such meaning
//   mx                np for the MMX form and 66 for its SSE2 twin on XMM registers
//   cbw/cwde          mnemonics with 16-bit and with 32-bit operand size
//   [FPU+CMOV]        the lines that follow need these features (features.ts)

import { featureBits, SSE2 } from './features.js'
import { traitsOf } from './mnemonics.js'
import { type Pattern, patternOf } from './variants.js'

/** One opcode with one mnemonic: what a line says after its ranges and alternatives are taken apart. */
export interface OpcodeLine {
  /** First and last opcode; two-byte opcodes are 0x0f00 and up. */
  readonly opcode: number
  readonly lastOpcode: number
  /** -1: whatever the prefixes are; 0 none, 1 66, 2 F3, 3 F2. */
  readonly prefix: number
  /** ModR/M's reg field, or -1. */
  readonly reg: number
  /** First and last whole ModR/M byte, or -1. */
  readonly modrm: number
  readonly lastModrm: number
  readonly mnemonic: string
  readonly mnemonic16: string
  readonly pattern: Pattern
  readonly features: number
}

const prefixNumbers: Record<string, number> = { np: 0, '66': 1, f3: 2, f2: 3 }
const opcodePattern =
  /^([0-9A-F]{2,4})(?:-([0-9A-F]{2}))?(?:\/([0-7])|:([0-9A-F]{2})(?:-([0-9A-F]{2}))?)?(?:\+([0-9]))?$/

/** Parses opcode tables. Throws on an opcode or operand code it does not understand, and names it. */
export function opcodeLines(tables: readonly string[]): OpcodeLine[] {
  const lines: OpcodeLine[] = []
  let features = 0
  for (const table of tables) {
    features = 0
    for (const text of table.split('\n')) {
      if (text.startsWith('[')) features = sectionFeatures(text)
      else if (text !== '') parse(text, features, lines)
    }
  }
  return lines
}

function sectionFeatures(header: string): number {
  let bits = 0
  for (const name of header.slice(1, -1).split('+')) bits |= featureBits[name]!
  return bits
}

function parse(text: string, features: number, lines: OpcodeLine[]) {
  const space = text.indexOf(' ')
  const opcode = text.slice(0, space)
  let at = space + 1
  const first = text.slice(at, at + 2)
  const isTwin = first === 'mx'
  const prefix = isTwin ? 0 : text[at + 2] === ' ' ? (prefixNumbers[first] ?? -1) : -1
  if (prefix >= 0) at += 3
  const end = text.indexOf(' ', at)
  const names = end < 0 ? text.slice(at) : text.slice(at, end)
  const codes = end < 0 ? '' : text.slice(end + 1)
  expand(opcode, prefix, names, codes, features, lines)
  if (isTwin) expand(opcode, 1, names, twin(codes), SSE2, lines)
}

const twins = new Map<string, string>()
/** The operand codes with XMM registers in the place of MMX registers. */
function twin(codes: string): string {
  let wide = twins.get(codes)
  if (wide === undefined) {
    wide = codes.replace(/\b([PQN])[a-z]+/g, (_, place: string) => `${'VWU'['PQN'.indexOf(place)]}dq`)
    twins.set(codes, wide)
  }
  return wide
}

function expand(
  opcodeText: string,
  prefix: number,
  names: string,
  codes: string,
  features: number,
  lines: OpcodeLine[],
) {
  const match = opcodePattern.exec(opcodeText)
  if (!match) throw new Error(`opcode table: cannot read opcode ${opcodeText}`)
  const opcode = Number.parseInt(match[1]!, 16)
  const lastOpcode = match[2] ? (opcode & ~0xff) | Number.parseInt(match[2], 16) : opcode
  const reg = match[3] ? Number(match[3]) : -1
  const modrm = match[4] ? Number.parseInt(match[4], 16) : -1
  const lastModrm = match[5] ? Number.parseInt(match[5], 16) : modrm
  const step = match[6] ? Number(match[6]) : 0
  let n = 0
  for (const name of names.split('|')) {
    const slash = name.indexOf('/')
    const mnemonic = name.slice(slash + 1)
    const inOpcode = reg < 0 && modrm < 0 ? n : 0
    lines.push({
      opcode: opcode + inOpcode,
      lastOpcode: lastOpcode + inOpcode,
      prefix,
      reg: reg < 0 ? -1 : reg + n,
      modrm: modrm < 0 ? -1 : modrm + n,
      lastModrm: modrm < 0 ? -1 : lastModrm + n,
      mnemonic,
      mnemonic16: slash < 0 ? mnemonic : name.slice(0, slash),
      pattern: patternOf(codes, traitsOf(mnemonic), slash >= 0),
      features,
    })
    n += step
  }
}
