// Random single instructions in real-address mode, for test/cpu/real-mode-vectors: iced says which bytes are instructions
// of the integer unit; operands mostly lie in a window of each segment, so that limits, which QEMU does not know, are
// seldom met.

import { Code, CpuidFeature, Decoder, type Instruction, Mnemonic, OpKind, Register } from 'iced-x86'
import { Random } from './x87-cases.js'

const features = /^(INTEL(8086|186|286|386|486)(_ONLY)?|CMOV|CX8)$/
/**
 * Ports, waiting, what the program itself stands on, what holds the trap back by one instruction, and INT1, which is
 * #UD on QEMU.
 */
const excluded =
  /^(Hlt|Sti|Int1|In|Out|Ins[bwd]|Outs[bwd]|Lidt|Lgdt|Sgdt|Sidt|Lmsw|Lss|Rsm|Ud[012]|Loadall|Loadallreset286|Clts)$/
const strings = /^(Movs|Cmps|Stos|Lods|Scas)/
const general = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI']
const segmentNumbers = [Register.ES, Register.CS, Register.SS, Register.DS, Register.FS, Register.GS]
const SP = 4
const WINDOW = 0x1000
const opcodes = [
  0x06, 0x07, 0x0e, 0x16, 0x1e, 0x1f, 0x60, 0x61, 0x62, 0x68, 0x6a, 0x8c, 0x8e, 0x8f, 0x9a, 0x9c, 0x9d, 0xc2, 0xc3,
  0xc4, 0xc5, 0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xe0, 0xe1, 0xe2, 0xe3, 0xe8, 0xe9, 0xea, 0xff, 0xf6,
]

export interface RealVector {
  readonly text: string
  readonly undefinedFlags: number
  /** The initialiser of a `struct vector`. */
  readonly source: string
}

/** Vectors from a seed. */
export function realVectors(count: number, seed: number): RealVector[] {
  const r = new Random(seed)
  return Array.from({ length: count }, () => make(r))
}

function bytesOf(r: Random): number[] {
  const out: number[] = []
  for (let k = 0; k < 2; k++) {
    if (r.below(5) === 0) out.push(0x66)
    if (r.below(7) === 0) out.push(0x67)
    if (r.below(8) === 0) out.push(r.pick([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]))
    if (r.below(9) === 0) out.push(r.pick([0xf2, 0xf3]))
    if (r.below(30) === 0) out.push(0xf0)
  }
  const kind = r.below(4)
  if (kind === 0) out.push(0x0f, r.below(256))
  else out.push(kind === 1 ? r.pick(opcodes) : r.below(256))
  while (out.length < 15) out.push(r.below(4) === 0 ? r.pick([0, 0xff, 0x80, 1, 8]) : r.below(256))
  return out
}
/**
 * Writes the stack pointer other than by pushing and popping, or moves system registers; of those that QEMU has otherwise
 * than processors, PUSH of segment registers as doublewords, BSWAP of words, and the second TEST of group 3.
 */
function unfit(decoded: Instruction): boolean {
  if ([Code.Pushd_CS, Code.Pushd_DS, Code.Pushd_ES, Code.Pushd_FS, Code.Pushd_GS, Code.Pushd_SS].includes(decoded.code))
    return true
  if (decoded.code === Code.Bswap_r16 || /^Test_.*_F[67]r1$/.test(Code[decoded.code]!)) return true
  if (decoded.op0Kind === OpKind.Register) {
    const name = Register[decoded.op0Register]!
    if (name === 'SS' || /^[CDT]R\d/.test(name)) return true
    if (/^E?SP$/.test(name) && decoded.mnemonic !== Mnemonic.Push) return true
  }
  if (decoded.opCount > 1 && decoded.op1Kind === OpKind.Register) {
    const name = Register[decoded.op1Register]!
    if (/^[CDT]R\d/.test(name)) return true
    if (/^E?SP$/.test(name) && decoded.mnemonic === Mnemonic.Xchg) return true
  }
  return false
}

function make(r: Random): RealVector {
  for (;;) {
    const bytes = bytesOf(r)
    const decoder = new Decoder(16, Uint8Array.from(bytes), 0)
    const ip = 0x100 + r.below(0x800)
    decoder.ip = BigInt(ip)
    const decoded = decoder.decode()
    decoder.free()
    const fits =
      decoded.code !== Code.INVALID &&
      [...decoded.cpuidFeatures()].every(f => features.test(CpuidFeature[f]!)) &&
      !excluded.test(Mnemonic[decoded.mnemonic]!) &&
      !unfit(decoded)
    const vector = fits ? place(r, decoded, bytes, ip) : undefined
    decoded.free()
    if (vector) return vector
  }
}

function place(r: Random, decoded: Instruction, bytes: number[], ip: number): RealVector {
  const notable = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]
  const registers = Array.from({ length: 8 }, () => (r.below(4) === 0 ? r.pick(notable) : r.next()))
  const inWindow = () => WINDOW + 16 + r.below(0x3c0)
  registers[SP] = (r.next() & 0xffff0000) | (WINDOW + 0x100 + 2 * r.below(0x80))
  if (decoded.mnemonic === Mnemonic.Leave) registers[5] = (r.next() & 0xffff0000) | (inWindow() & ~1)
  if (strings.test(Mnemonic[decoded.mnemonic]!)) {
    for (const n of [6, 7]) registers[n] = (bytes.includes(0x67) ? 0 : r.next() & 0xffff0000) | inWindow()
    registers[1] = (r.next() & 0xffff0000) | r.below(4)
  }
  const number = (register: number) => general.indexOf((Register[register] ?? '').replace(/^E/, ''))
  const wide = /^E/.test(Register[decoded.memoryBase] ?? '') || /^E/.test(Register[decoded.memoryIndex] ?? '')
  const index = number(decoded.memoryIndex)
  const base = number(decoded.memoryBase)
  const disp = Number(BigInt.asIntN(32, decoded.memoryDisplacement))
  if (index >= 0 && index !== SP) registers[index] = wide ? r.below(4) : (registers[index]! & 0xffff0000) | r.below(8)
  if (base >= 0 && base !== SP) {
    const at = inWindow() - disp
    registers[base] = wide ? at >>> 0 : ((registers[base]! & 0xffff0000) | (at & 0xffff)) >>> 0
  }
  // ES CS SS DS FS GS; memory ends at 576 KiB.
  const segments = [0x3800, 0x2000, 0x5000, 0x3000, 0x2800, 0x4000]
  for (const n of [0, 3, 4, 5]) if (r.below(6) === 0) segments[n] = 0x2100 + r.below(0x5000)
  const used = segmentNumbers.indexOf(decoded.memorySegment)
  const direct = base < 0 && index < 0
  const code = bytes.map((byte, i) => (i < decoded.length ? byte : 0x90))
  const flags = 2 | 0x100 | (r.next() & 0x8d5) | (r.below(3) === 0 ? 0x400 : 0) | (r.next() & 0x7000)
  const source =
    `{{${[...code, 0x90].join()}},{{${registers.map(v => `${v >>> 0}u`).join()}},${segments.join()},` +
    `${ip},${flags},0},${r.next() | 1}u},`
  const text = `${decoded.toString()} (${Buffer.from(bytes.slice(0, decoded.length)).toString('hex')})${direct && used >= 0 ? ' direct' : ''}`
  return { text, undefinedFlags: decoded.rflagsUndefined, source }
}
