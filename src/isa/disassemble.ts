// Linear disassembly by iced-x86, independent of the emulator's own decoder: what each instruction is, which sensitive
// class it belongs to, and where it branches. Used by the inspector; much slower than decode.ts.
import {
  Decoder,
  DecoderOptions,
  FastFormatter,
  FlowControl,
  Instruction,
  MemorySize,
  Mnemonic,
  OpKind,
  Register,
} from 'iced-x86'
import { type OperandRule, SENSITIVE_CLASSES, type SensitiveClass } from './sensitive.js'

/** One instruction. */
export interface DisassembledInstruction {
  /** Linear address. */
  readonly address: number
  /** Bytes. */
  readonly length: number
  /** The bytes are no instruction; `length` is 1 then. */
  readonly invalid: boolean
  /** The sensitive class that the instruction belongs to by itself. */
  readonly sensitive: SensitiveClass | undefined
  /** Changes neither registers, flags nor memory: NOP in all its forms, LEA and MOV of a register to itself. */
  readonly doesNothing: boolean
  /** Linear target of a near branch or call with a displacement. */
  readonly target: number | undefined
  /** Which branch it is, whatever the length of its displacement; 0 where there is no target. */
  readonly branch: number
  /** INT3, which also fills the gaps between functions. */
  readonly isBreakpoint: boolean
  /** Control never reaches the instruction behind this one: jump, return, UD2. */
  readonly endsFlow: boolean
}

function mnemonicsOf(entry: SensitiveClass): number[] {
  // Far transfers have no mnemonic of their own; and iced-x86 knows string instructions by their suffixed names only.
  const names = entry.instructions
    .filter(name => !name.includes(' '))
    .map(name => name[0]!.toUpperCase() + name.slice(1))
  return names
    .map(name => Mnemonic[name as keyof typeof Mnemonic] as number | undefined)
    .filter(mnemonic => mnemonic !== undefined)
}

const byMnemonic = new Map<number, SensitiveClass[]>()
for (const entry of SENSITIVE_CLASSES) {
  for (const mnemonic of mnemonicsOf(entry)) byMnemonic.set(mnemonic, [...(byMnemonic.get(mnemonic) ?? []), entry])
}
const FAR_KINDS: ReadonlySet<number> = new Set([OpKind.FarBranch16, OpKind.FarBranch32])
const FAR_POINTERS: ReadonlySet<number> = new Set([MemorySize.SegPtr16, MemorySize.SegPtr32])

function isRegisterOf(kind: OperandRule['kind'], register: number): boolean {
  if (kind === 'control') return register >= Register.CR0 && register <= Register.CR15
  if (kind === 'debug') return register >= Register.DR0 && register <= Register.DR15
  return register >= Register.ES && register <= Register.GS
}

function follows(rule: OperandRule, instruction: Instruction): boolean {
  if (rule.kind === 'far') {
    const inMemory = instruction.op0Kind === OpKind.Memory && FAR_POINTERS.has(instruction.memorySize)
    return inMemory || FAR_KINDS.has(instruction.op0Kind)
  }
  // iced lists the destination first; PUSH and POP have one operand.
  const index = rule.position === 'from' && instruction.opCount > 1 ? 1 : 0
  return instruction.opKind(index) === OpKind.Register && isRegisterOf(rule.kind, instruction.opRegister(index))
}

function classify(instruction: Instruction): SensitiveClass | undefined {
  return byMnemonic
    .get(instruction.mnemonic)
    ?.find(entry => entry.operand === undefined || follows(entry.operand, instruction))
}

function doesNothing(instruction: Instruction): boolean {
  const { mnemonic } = instruction
  if (mnemonic === Mnemonic.Nop) return true
  if (mnemonic === Mnemonic.Mov) {
    const registers = instruction.op0Kind === OpKind.Register && instruction.op1Kind === OpKind.Register
    return registers && instruction.op0Register === instruction.op1Register
  }
  if (mnemonic !== Mnemonic.Lea || instruction.memoryDisplacement !== 0n) return false
  return instruction.memoryIndex === Register.None && instruction.memoryBase === instruction.op0Register
}

const ENDS: ReadonlySet<number> = new Set([
  FlowControl.UnconditionalBranch,
  FlowControl.IndirectBranch,
  FlowControl.Return,
  FlowControl.Exception,
])
const BRANCHES = new Set([FlowControl.ConditionalBranch, FlowControl.UnconditionalBranch, FlowControl.Call])

/** What depends on the encoding alone, kept so that the common instructions cost one lookup. */
const PLAIN = 1
const SPECIAL = 2
const kindOfCode = new Uint8Array(8192)

function isSpecial(instruction: Instruction): boolean {
  const { mnemonic } = instruction
  const idle = mnemonic === Mnemonic.Nop || mnemonic === Mnemonic.Mov || mnemonic === Mnemonic.Lea
  const { flowControl } = instruction
  return byMnemonic.has(mnemonic) || idle || BRANCHES.has(flowControl) || ENDS.has(flowControl) || instruction.isInvalid
}

/**
 * Disassembles 32-bit code from the first byte to the last; what is no instruction is stepped over byte by byte.
 * @param bytes the code
 * @param address linear address of the first byte
 * @param visit called for each instruction in turn
 */
export function disassembleLinear(
  bytes: Uint8Array,
  address: number,
  visit: (instruction: DisassembledInstruction) => void,
): void {
  const decoder = new Decoder(32, bytes, DecoderOptions.None)
  const instruction = new Instruction()
  try {
    decoder.ip = BigInt(address >>> 0)
    for (let at = 0; at < bytes.length; ) {
      decoder.position = at
      decoder.decodeOut(instruction)
      const { code, length } = instruction
      if (kindOfCode[code] === 0) kindOfCode[code] = isSpecial(instruction) ? SPECIAL : PLAIN
      const special = kindOfCode[code] === SPECIAL
      const invalid = special && instruction.isInvalid
      const step = invalid ? 1 : length
      const branches = special && instruction.op0Kind === OpKind.NearBranch32
      // The decoder's own address is not kept in step with `position`: displacements are taken relative to it.
      const relative = branches ? instruction.nearBranch32 - instruction.nextIP32 : 0
      visit({
        address: (address + at) >>> 0,
        length: step,
        invalid,
        sensitive: special && !invalid ? classify(instruction) : undefined,
        doesNothing: special && !invalid && doesNothing(instruction),
        target: branches ? (address + at + length + relative) >>> 0 : undefined,
        branch: branches ? instruction.mnemonic : 0,
        isBreakpoint: bytes[at] === 0xcc,
        endsFlow: special && ENDS.has(instruction.flowControl),
      })
      at += step
    }
  } finally {
    instruction.free()
    decoder.free()
  }
}

/** Where in an instruction its displacement and its immediates lie. */
export interface ConstantField {
  /** Bytes from the start of the instruction. */
  readonly offset: number
  readonly bytes: number
}

/** The constant fields of the instruction at the start of `bytes`. */
export function constantFields(bytes: Uint8Array): ConstantField[] {
  const decoder = new Decoder(32, bytes.subarray(0, 15), DecoderOptions.None)
  const instruction = decoder.decode()
  const found = decoder.getConstantOffsets(instruction)
  const fields = [
    { offset: found.displacementOffset, bytes: found.displacementSize },
    { offset: found.immediateOffset, bytes: found.immediateSize },
    { offset: found.immediateOffset2, bytes: found.immediateSize2 },
  ]
  for (const object of [found, instruction, decoder]) object.free()
  return fields.filter(field => field.bytes > 0)
}

/** Text of one instruction in Intel syntax, as it stands at linear `address`. */
export function instructionText(bytes: Uint8Array, address: number): string {
  const decoder = new Decoder(32, bytes, DecoderOptions.None)
  const formatter = new FastFormatter()
  decoder.ip = BigInt(address >>> 0)
  const instruction = decoder.decode()
  const text = formatter.format(instruction)
  for (const object of [instruction, formatter, decoder]) object.free()
  return text
}
