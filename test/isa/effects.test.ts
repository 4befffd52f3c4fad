// The effects of forms against iced-x86's instruction info: flags, flow control, memory and privilege, for every opcode.

import {
  CpuidFeature,
  FlowControl,
  Decoder as IcedDecoder,
  Instruction,
  InstructionInfoFactory,
  RflagsBits,
} from 'iced-x86'
import { type DecodeMode, Decoder } from '../../src/isa/decode.js'
import {
  CALL,
  CONDITIONAL,
  EXCEPTION,
  effectsOf,
  FAR_TRANSFER,
  INDIRECT_CALL,
  INDIRECT_JUMP,
  JUMP,
  NEXT,
  RETURN,
} from '../../src/isa/effects.js'
import { ALL_FEATURES, PROTECTED } from '../../src/isa/features.js'
import type { Form } from '../../src/isa/form.js'
import { formName, forms, TOO_LONG } from '../../src/isa/forms.js'
import { decoderOptions } from '../../src/isa/iced.js'

/** Calls back with every form in both modes, with iced's view of an encoding of it (immediate counts are 3). */
function forEveryForm(callback: (form: Form, instruction: Instruction) => void) {
  const decoder = new Decoder()
  const instruction = new Instruction()
  const bytes = new Uint8Array(64).fill(3)
  const seen = new Set<string>()
  for (const code32 of [true, false])
    for (const flat of [true, false]) {
      const mode: DecodeMode = { code32, flat, features: ALL_FEATURES | PROTECTED }
      for (const prefix of [0x26, 0x66, 0x67, 0xf3, 0xf2])
        for (let opcode = 0; opcode < 512; opcode++)
          for (let modrm = 0; modrm < 256; modrm++) {
            bytes.set(opcode < 256 ? [prefix, opcode, modrm, 3] : [prefix, 0x0f, opcode & 0xff, modrm])
            const id = decoder.decode(bytes, 0, 32, mode)
            const key = `${id} ${opcode}`
            if (id <= TOO_LONG || seen.has(key)) continue
            seen.add(key)
            const iced = new IcedDecoder(code32 ? 32 : 16, bytes, decoderOptions)
            iced.decodeOut(instruction)
            iced.free()
            callback(forms[id]!, instruction)
          }
    }
}

const toEflags = (bits: number) => {
  const map: [number, number][] = [
    [RflagsBits.CF, 1],
    [RflagsBits.PF, 4],
    [RflagsBits.AF, 0x10],
    [RflagsBits.ZF, 0x40],
    [RflagsBits.SF, 0x80],
    [RflagsBits.DF, 0x400],
    [RflagsBits.OF, 0x800],
  ]
  return map.reduce((flags, [theirs, ours]) => (bits & theirs ? flags | ours : flags), 0)
}

test('flags are read and changed as iced says', () => {
  const different: string[] = []
  let compared = 0
  forEveryForm((form, instruction) => {
    compared++
    const { flagsRead, flagsSet, flagsChanged } = effectsOf(form)
    const defined = toEflags(instruction.rflagsWritten | instruction.rflagsCleared | instruction.rflagsSet)
    // The SDM leaves flags undefined after moves of control and debug registers; no processor is known to change them.
    const untouched = form.mnemonic === 'mov'
    const modified = untouched ? 0 : toEflags(instruction.rflagsModified)
    const perhaps = form.rep !== '' || /^(sh|sa|ro|rc)[lr]d?$/.test(form.mnemonic)
    const fine =
      flagsRead === toEflags(instruction.rflagsRead) &&
      flagsChanged === modified &&
      (flagsSet & ~modified) === 0 &&
      (perhaps ? flagsSet === 0 : (defined & ~flagsSet) === 0)
    if (!fine)
      different.push(
        `${formName(form)}: ${[flagsRead, flagsSet, flagsChanged].map(n => n.toString(16))}, iced ${[toEflags(instruction.rflagsRead), defined, modified].map(n => n.toString(16))}`,
      )
  })
  expect(compared).toBeGreaterThan(forms.length - 2)
  expect([...new Set(different)]).toEqual([])
})

const control: Record<number, (form: Form) => number> = {
  [FlowControl.Next]: () => NEXT,
  [FlowControl.ConditionalBranch]: () => CONDITIONAL,
  [FlowControl.UnconditionalBranch]: form => (form.mnemonic === 'jmp' ? JUMP : FAR_TRANSFER),
  [FlowControl.IndirectBranch]: form => (form.mnemonic === 'jmp' ? INDIRECT_JUMP : FAR_TRANSFER),
  [FlowControl.Call]: form => (form.mnemonic === 'call' ? CALL : FAR_TRANSFER),
  [FlowControl.IndirectCall]: form => (form.mnemonic === 'call' ? INDIRECT_CALL : FAR_TRANSFER),
  [FlowControl.Return]: form => (form.mnemonic === 'ret' ? RETURN : FAR_TRANSFER),
  // INTO goes on unless OF is set.
  [FlowControl.Interrupt]: form => (form.mnemonic === 'into' ? NEXT : FAR_TRANSFER),
  [FlowControl.Exception]: () => EXCEPTION,
}

test('control flows as iced says', () => {
  const different: string[] = []
  forEveryForm((form, instruction) => {
    // iced counts SYSENTER and SYSEXIT as calls and returns.
    if (effectsOf(form).control !== control[instruction.flowControl]!(form))
      different.push(`${formName(form)}: ${effectsOf(form).control}, iced ${FlowControl[instruction.flowControl]}`)
  })
  expect([...new Set(different)]).toEqual([])
  expect(effectsOf(forms[0]!).control).toBe(EXCEPTION)
})

test('what touches memory, needs privilege or uses an FPU register may fault, plain register code may not', () => {
  const factory = new InstructionInfoFactory()
  const wrong: string[] = []
  const safe = new Set<string>()
  forEveryForm((form, instruction) => {
    const info = factory.info(instruction)
    const memory = info.usedMemory().length > 0 && form.mnemonic !== 'nop'
    info.free()
    const { opCode } = instruction
    const wide = [...instruction.cpuidFeatures()].some(f => /^(FPU|MMX|SSE|FXSR)/.test(CpuidFeature[f]!))
    const mustBeAble =
      memory || wide || opCode.mustBeCpl0 || opCode.mayRequireCpl0 || opCode.isInputOutput || !opCode.realMode
    const { mayFault, control } = effectsOf(form)
    // Fences use no register; CPUID faults only where MSR_MISC_FEATURES_ENABLES says so, which our processors lack.
    const exempt = /^([lms]fence|cpuid)$/.test(form.mnemonic)
    if (mustBeAble && !exempt && !mayFault) wrong.push(formName(form))
    if (!mayFault && control === NEXT) safe.add(form.mnemonic)
  })
  expect([...new Set(wrong)]).toEqual([])
  expect([...safe].filter(m => !/^(set|cmov)/.test(m)).sort()).toEqual(
    (
      'aaa aad aas adc add and bsf bsr bswap bt btc btr bts cbw cdq clc cld cmc cmp cmpxchg cpuid cwd cwde daa das dec ' +
      'imul inc lahf lea lfence mfence mov movsx movzx mul neg nop not or rcl rcr rol ror sahf salc sar sbb sfence shl ' +
      'shld shr shrd stc std sub test xadd xchg xor'
    ).split(' '),
  )
})
