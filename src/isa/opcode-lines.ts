// Reads the opcode tables. A line is: opcode, perhaps prefix, mnemonics, operand codes.
//   05 / 0F05         one-byte or two-byte opcode       40-47   every opcode of the range
//   F6/2              /2 in ModR/M's reg field           D9:E0   that ModR/M byte (mod = 3); D9:E0-E7 every one
//   70+1 jo|jno       mnemonics for opcodes 70 and 71; after /reg or :modrm the step counts there
//   np 66 f3 f2       only with that mandatory prefix (np: none of them); without, the prefixes have no such meaning
//   mx                np for the MMX form and 66 for its SSE2 twin on XMM registers
//   cbw/cwde          mnemonics with 16-bit and with 32-bit operand size
//   [FPU+CMOV]        the lines that follow need these features (features.ts)

import { featureBits, SSE2 } from './features.js'
import { type OperandCode, operandCode } from './operand-codes.js'

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
  readonly operands: readonly OperandCode[]
  readonly features: number
}

const prefixNumbers: Record<string, number> = { np: 0, '66': 1, f3: 2, f2: 3 }
const opcodePattern =
  /^([0-9A-F]{2,4})(?:-([0-9A-F]{2}))?(?:\/([0-7])|:([0-9A-F]{2})(?:-([0-9A-F]{2}))?)?(?:\+([0-9]))?$/

/** Parses opcode tables. Throws on a line it does not understand, with the line. */
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
  const words = text.split(' ')
  if (words[1] === 'mx') {
    const [opcode, , names, ...codes] = words
    const wide = codes.map(code => code.replace(/^[PQN][a-z]+$/, c => `${'VWU'['PQN'.indexOf(c[0]!)]}dq`))
    expand(text, opcode!, 0, names!, codes, features, lines)
    expand(text, opcode!, 1, names!, wide, SSE2, lines)
    return
  }
  const prefix = prefixNumbers[words[1]!] ?? -1
  const at = prefix < 0 ? 1 : 2
  expand(text, words[0]!, prefix, words[at]!, words.slice(at + 1), features, lines)
}

function expand(
  text: string,
  opcodeText: string,
  prefix: number,
  names: string,
  codes: string[],
  features: number,
  lines: OpcodeLine[],
) {
  const match = opcodePattern.exec(opcodeText)
  if (!match) throw new Error(`opcode table: cannot read ${text}`)
  const opcode = Number.parseInt(match[1]!, 16)
  const lastOpcode = match[2] ? (opcode & ~0xff) | Number.parseInt(match[2], 16) : opcode
  const reg = match[3] ? Number(match[3]) : -1
  const modrm = match[4] ? Number.parseInt(match[4], 16) : -1
  const lastModrm = match[5] ? Number.parseInt(match[5], 16) : modrm
  const step = match[6] ? Number(match[6]) : 0
  const operands = codes.map(operandCode)
  let n = 0
  for (const name of names.split('|')) {
    const [mnemonic16, mnemonic = mnemonic16] = name.split('/')
    const inOpcode = reg < 0 && modrm < 0 ? n : 0
    lines.push({
      opcode: opcode + inOpcode,
      lastOpcode: lastOpcode + inOpcode,
      prefix,
      reg: reg < 0 ? -1 : reg + n,
      modrm: modrm < 0 ? -1 : modrm + n,
      lastModrm: modrm < 0 ? -1 : lastModrm + n,
      mnemonic: mnemonic!,
      mnemonic16: mnemonic16!,
      operands,
      features,
    })
    n += step
  }
}
