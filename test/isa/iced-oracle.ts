// iced-x86 as the oracle of our decoder: says, in our terms, what an instruction is. Knows nothing of our opcode tables.
// Where our conventions differ from iced's (implicit operands of strings and x87, aliases), the rule is here.

import {
  Code,
  CpuidFeature,
  type Instruction,
  MemorySizeExt,
  Mnemonic,
  type OpCodeInfo,
  OpKind,
  Register,
  RegisterExt,
} from 'iced-x86'
import { gpr8Cell, gprCell, mmCell, xmmCell, ZERO } from '../../src/cpu/layout.js'
import type { Decoder } from '../../src/isa/decode.js'
import { featureBits } from '../../src/isa/features.js'
import { CL, CREG, DREG, FAR, type Form, IMM, MEM, MM, REG, REL, SREG, ST, XMMREG } from '../../src/isa/form.js'

/** Names of registers to our kind, size and field value. */
const registers = new Map<number, { kind: number; size: number; field: number }>()
const name = (text: string) => Register[text as keyof typeof Register] as number
'AL CL DL BL AH CH DH BH'.split(' ').forEach((r, i) => {
  registers.set(name(r), { kind: REG, size: 1, field: gpr8Cell(i) })
})
'AX CX DX BX SP BP SI DI'.split(' ').forEach((r, i) => {
  registers.set(name(r), { kind: REG, size: 2, field: gprCell(i) })
  registers.set(name(`E${r}`), { kind: REG, size: 4, field: gprCell(i) })
})
'ES CS SS DS FS GS'.split(' ').forEach((r, i) => {
  registers.set(name(r), { kind: SREG, size: 2, field: i })
})
for (let i = 0; i < 8; i++) {
  registers.set(name(`CR${i}`), { kind: CREG, size: 4, field: i })
  registers.set(name(`DR${i}`), { kind: DREG, size: 4, field: i })
  registers.set(name(`ST${i}`), { kind: ST, size: 10, field: i })
  registers.set(name(`MM${i}`), { kind: MM, size: 8, field: mmCell(i) })
  registers.set(name(`XMM${i}`), { kind: XMMREG, size: 16, field: xmmCell(i) })
}

/** Features that every i686 has; they have no bit with us. */
const always = /^(INTEL(80|[123])86|RDPMC|PAUSE)$/

/** Where we differ from iced: WAIT came with the FPU for us, and PADDQ on MMX registers is SSE2 (SDM vol. 1, 11.4.2). */
const otherFeatures: Record<number, number> = {
  [Code.Wait]: featureBits.FPU!,
  [Code.Paddq_mm_mmm64]: featureBits.SSE2!,
}

/** Long NOPs are in every processor with CMOV. */
const cameWith: Record<string, string> = { MULTIBYTENOP: 'CMOV' }

/** Our feature bits that the instruction needs, or -1 when it needs one that we do not have. */
export function neededFeatures(instruction: Instruction): number {
  const other = otherFeatures[instruction.code]
  if (other !== undefined) return other
  let bits = instruction.opCode.realMode ? 0 : featureBits.PROTECTED!
  for (const feature of instruction.cpuidFeatures()) {
    const id = CpuidFeature[feature]!
    if (always.test(id)) continue
    const bit = featureBits[/^FPU[23]87$/.test(id) ? 'FPU' : (cameWith[id] ?? id)]
    if (bit === undefined) return -1
    bits |= bit
  }
  return bits
}

const stringPattern = /^(Movs|Cmps|Stos|Lods|Scas|Ins|Outs)([bwd])_(?!xmm)/
const nops = /^(Reservednop|Nop|Pause|Prefetch)/
const aliases: Record<string, string> = {
  sal: 'shl',
  wait: 'fwait',
  xlatb: 'xlat',
  jcxz: 'jecxz',
  iretd: 'iret',
  pushad: 'pusha',
  popad: 'popa',
  pushfd: 'pushf',
  popfd: 'popf',
  ud0: 'ud',
  ud1: 'ud',
  ud2: 'ud',
  rsm: 'ud',
}
const sizedByAttribute =
  /^(push|pop|pusha|popa|pushf|popf|enter|leave|call|jmp|ret|callf|jmpf|retf|iret|loop|loope|loopne|jecxz|j[a-z]{1,2}|[sl][gi]dt|fldenv|fnstenv|fnsave|frstor)$/

/** Mnemonic as our forms have it. */
function mnemonicOf(instruction: Instruction): string {
  const code = Code[instruction.code]!
  if (nops.test(code)) return 'nop'
  const string = stringPattern.exec(code)
  if (string) return string[1]!.toLowerCase()
  const plain = Mnemonic[instruction.mnemonic]!.toLowerCase()
  if (/^(Call|Jmp)_(ptr|m16(16|32)$)/.test(code)) return `${plain}f`
  return aliases[plain] ?? plain
}

/** iced names the 32-bit register where an operand is a word: only these take 16 bits of it. */
const wordOperand = /^(mov|verr|verw|lldt|ltr|lmsw|arpl|lar|lsl)$/
const oneOperand = /^(fcom|fcomp|fucom|fucomp|fxch)$/

/** The form of an instruction in words that can be compared; operand sizes of XMM registers are left out, of MM kept. */
export function describe(instruction: Instruction): string {
  const mnemonic = mnemonicOf(instruction)
  if (mnemonic === 'ud' || mnemonic === 'nop') return mnemonic
  const code = Code[instruction.code]!
  const opCode = instruction.opCode
  const operands: { kind: number; size: number }[] = []
  let memory = ''
  for (let i = 0; i < instruction.opCount; i++) {
    const kind = instruction.opKind(i)
    if (kind >= OpKind.MemorySegSI) {
      if (kind === OpKind.Memory) operands.push({ kind: MEM, size: memorySize(instruction, mnemonic) })
      else memory = /E[SD]I$/.test(OpKind[kind]!) ? '4' : '2'
      continue
    }
    operands.push(operandOf(instruction, i, kind, mnemonic, opCode))
  }
  const string = stringPattern.exec(code)
  const implicit = string !== null || mnemonic === 'xlat'
  if (implicit) operands.length = 0
  if (oneOperand.test(mnemonic) && operands.length === 2) operands.shift()
  if (mnemonic === 'xlat') memory = instruction.memoryBase === Register.EBX ? '4' : '2'
  if (/^(loop|jecxz)/.test(mnemonic)) memory = String(opCode.addressSize / 8)
  let text = mnemonic
  for (const { kind, size } of operands) text += ` ${kind}:${kind === XMMREG || kind === MM ? '' : size}`
  if (string) text += ` size ${{ b: 1, w: 2, d: 4 }[string[2]!]!}`
  if (sizedByAttribute.test(mnemonic)) text += ` o${opCode.operandSize / 8}`
  if (memory) text += ` a${memory}`
  if (string) text += ` ${repeat(instruction, mnemonic)}`
  return text
}

function repeat(instruction: Instruction, mnemonic: string) {
  if (instruction.hasRepnePrefix) return mnemonic === 'cmps' || mnemonic === 'scas' ? 'repne' : 'rep'
  return instruction.hasRepPrefix ? 'rep' : ''
}

/** iced has no size for what is only an address; our memory operand of INVLPG and CLFLUSH is a byte. */
function memorySize(instruction: Instruction, mnemonic: string) {
  return mnemonic === 'invlpg' || mnemonic === 'clflush' ? 1 : MemorySizeExt.size(instruction.memorySize)
}

function operandOf(instruction: Instruction, i: number, kind: number, mnemonic: string, opCode: OpCodeInfo) {
  if (kind === OpKind.Register) {
    const register = registers.get(instruction.opRegister(i))!
    if (/^(rol|ror|rcl|rcr|shl|shr|sar|shld|shrd)$/.test(mnemonic) && i === instruction.opCount - 1)
      if (instruction.opRegister(i) === Register.CL && Code[instruction.code]!.endsWith('CL'))
        return { kind: CL, size: 1 }
    const other = i === 0 ? 1 : 0
    const word = wordOperand.test(mnemonic) && register.kind === REG && register.size === 4
    if (word && mnemonic === 'mov') {
      const loads = instruction.opRegister(0)
      if (registers.get(loads)?.kind === SREG && i === 1) return { kind: REG, size: 2 }
    } else if (word && (other === 0 || instruction.opCount === 1 || mnemonic === 'arpl')) return { kind: REG, size: 2 }
    return { kind: register.kind, size: register.size }
  }
  if (kind === OpKind.NearBranch16 || kind === OpKind.NearBranch32) return { kind: REL, size: opCode.operandSize / 8 }
  if (kind === OpKind.FarBranch16) return { kind: FAR, size: 4 }
  if (kind === OpKind.FarBranch32) return { kind: FAR, size: 6 }
  const sizes: Record<number, number> = {
    [OpKind.Immediate8]: 1,
    [OpKind.Immediate8_2nd]: 1,
    [OpKind.Immediate16]: 2,
    [OpKind.Immediate32]: 4,
    [OpKind.Immediate8to16]: 2,
    [OpKind.Immediate8to32]: 4,
  }
  return { kind: IMM, size: sizes[kind]! }
}

/** Our form in the same words as `describe`. */
export function describeForm(form: Form): string {
  const { mnemonic } = form
  if (mnemonic === 'ud' || mnemonic === 'nop' || mnemonic === 'gp') return mnemonic === 'gp' ? 'ud' : mnemonic
  let text = mnemonic
  for (const { kind, size } of form.operands) text += ` ${kind}:${kind === XMMREG || kind === MM ? '' : size}`
  const string = /^(movs|cmps|stos|lods|scas|ins|outs)$/.test(mnemonic)
  if (string) text += ` size ${form.size}`
  if (sizedByAttribute.test(mnemonic)) text += ` o${form.operandSize}`
  if (string || /^(loop|loope|loopne|jecxz|xlat|maskmovq|maskmovdqu)$/.test(mnemonic)) text += ` a${form.addressSize}`
  if (string) text += ` ${form.rep}`
  return text
}

/** Compares the fields of a decoded instruction; returns what differs, or ''. `ip`: offset that iced was given. */
export function compareFields(form: Form, ours: Decoder, theirs: Instruction, ip: number): string {
  const { mnemonic } = form
  if (mnemonic === 'ud' || mnemonic === 'gp') return ''
  if (ours.length !== theirs.length) return `length ${ours.length}, iced ${theirs.length}`
  if (mnemonic === 'nop') return ''
  if ((ours.lock === 1) !== theirs.hasLockPrefix) return `lock ${ours.lock}`
  const skipped = theirs.opCount - form.operands.length
  const shifted = oneOperand.test(mnemonic) || mnemonic.startsWith('maskmov') ? skipped : 0
  for (let i = 0; i < form.operands.length; i++) {
    const wanted = fieldOf(form.operands[i]!.kind, ours, theirs, i + shifted, i, ip)
    if (wanted !== '') return `operand ${i}: ${wanted}`
  }
  const usesSegment = /^(movs|cmps|lods|outs|xlat|maskmovq|maskmovdqu)$/.test(mnemonic)
  if (usesSegment || form.operands.some(o => o.kind === MEM)) {
    const segment = registers.get(theirs.memorySegment)!.field
    if (segment !== ours.segment) return `segment ${ours.segment}, iced ${segment}`
  }
  return ''
}

function fieldOf(kind: number, ours: Decoder, theirs: Instruction, theirIndex: number, i: number, ip: number): string {
  switch (kind) {
    case MEM:
      return memoryOf(ours, theirs)
    case CL:
      return ''
    case IMM: {
      const ownSecond = theirs.opKind(theirIndex) === OpKind.Immediate8_2nd
      const value = Number(BigInt.asIntN(32, theirs.immediate(theirIndex)))
      const mine = ownSecond ? ours.imm2 : ours.imm
      const bytes = theirs.opKind(theirIndex)
      const same =
        bytes === OpKind.Immediate8 ? (mine & 0xff) === (value & 0xff) : low(mine, bytes) === low(value, bytes)
      return same ? '' : `${mine}, iced ${value}`
    }
    case REL: {
      const wide = theirs.opKind(theirIndex) === OpKind.NearBranch32
      const target = wide ? theirs.nearBranch32 : theirs.nearBranch16
      const mine = (ip + ours.length + ours.rel) & (wide ? -1 : 0xffff)
      return mine >>> 0 === target >>> 0 ? '' : `target ${mine}, iced ${target}`
    }
    case FAR: {
      const wide = theirs.opKind(theirIndex) === OpKind.FarBranch32
      const offset = wide ? theirs.farBranch32 : theirs.farBranch16
      return ours.imm >>> 0 === offset && ours.imm2 === theirs.farBranchSelector ? '' : `far ${ours.imm2}:${ours.imm}`
    }
    default: {
      const field = registers.get(theirs.opRegister(theirIndex))!.field
      const mine = i === 0 ? ours.dst : ours.src
      return mine === field ? '' : `register ${mine}, iced ${field}`
    }
  }
}

const low = (value: number, kind: number) =>
  kind === OpKind.Immediate16 || kind === OpKind.Immediate8to16 ? value & 0xffff : value

function memoryOf(ours: Decoder, theirs: Instruction): string {
  const base = theirs.memoryBase
  const index = theirs.memoryIndex
  const cellOf = (r: number) => (r === Register.None ? ZERO : registers.get(r)!.field)
  if (ours.base !== cellOf(base)) return `base ${ours.base}, iced ${cellOf(base)}`
  if (ours.index !== cellOf(index)) return `index ${ours.index}, iced ${cellOf(index)}`
  if (index !== Register.None && 1 << ours.scale !== theirs.memoryIndexScale) return `scale ${ours.scale}`
  const known = base !== Register.None ? base : index
  const wide = known === Register.None ? theirs.memoryDisplSize !== 2 : RegisterExt.size(known) === 4
  if (ours.addressMask !== (wide ? -1 : 0xffff)) return `address mask ${ours.addressMask}`
  const displacement = Number(BigInt.asIntN(32, theirs.memoryDisplacement))
  const mask = wide ? -1 : 0xffff
  return (ours.disp & mask) === (displacement & mask) ? '' : `displacement ${ours.disp}, iced ${displacement}`
}
