// What a decoder promises beside naming instructions: bytes that run out, instructions that are too long, modes,
// features and flat forms. Encodings are from SDM vol. 2.

import { Decoder as IcedDecoder, Instruction } from 'iced-x86'
import { EAX, EBP, EBX, ESI, gprCell, ZERO } from '../../src/cpu/layout.js'
import { type DecodeMode, Decoder, NEED_MORE } from '../../src/isa/decode.js'
import { ALL_FEATURES, FPU, featureBits, PROTECTED, SSE2 } from '../../src/isa/features.js'
import { formByName, formName, forms, TOO_LONG, UD } from '../../src/isa/forms.js'
import { decoderOptions, disassemble } from '../../src/isa/iced.js'
import { neededFeatures } from './iced-oracle.js'

const mode32: DecodeMode = { code32: true, flat: false, features: ALL_FEATURES | PROTECTED }
const flat32: DecodeMode = { ...mode32, flat: true }
const mode16: DecodeMode = { ...mode32, code32: false }
const decoder = new Decoder()

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], byte => Number.parseInt(byte, 16))
/** Name of the form that hexadecimal bytes decode to. */
function decode(hex: string, mode: DecodeMode = flat32): string {
  const bytes = bytesOf(hex)
  const form = decoder.decode(bytes, 0, bytes.length, mode)
  return form === NEED_MORE ? 'need more' : formName(forms[form]!)
}

test('forms have dense numbers and names of their own', () => {
  expect(forms.map(form => form.id)).toEqual(forms.map((_, i) => i))
  expect(new Set(forms.map(formName)).size).toBe(forms.length)
  expect(formByName('add r32 m32 flat')).toMatchObject({ mnemonic: 'add', size: 4, flat: true })
  expect(() => formByName('add m32 m32')).toThrow("no form is called 'add m32 m32'")
})

test('encodings that mean the same have one form', () => {
  expect(['01d8', '03c3'].map(hex => decode(hex))).toEqual(['add r32 r32', 'add r32 r32'])
  expect(['05f0ffffff', '81c0f0ffffff', '83c0f0'].map(hex => decode(hex))).toEqual(Array(3).fill('add r32 imm'))
  expect(['d1e0', 'c1e001', 'd1f0'].map(hex => [decode(hex), decoder.imm])).toEqual(Array(3).fill(['shl r32 imm', 1]))
  expect(['90', '0f1f440000', 'f390', 'f30f1efb', '0f180a'].map(hex => decode(hex))).toEqual(Array(5).fill('nop'))
})

test('an instruction that runs past the available bytes asks for more, at every byte', () => {
  for (const hex of ['0f8400000010', '66c7847b123456789abc', '65a1ffffffff', 'f3a5', 'c8341205', '9a111111112222']) {
    const bytes = bytesOf(`${hex}${'90'.repeat(20)}`)
    const length = hex.length / 2
    for (let available = 0; available < length; available++)
      expect(decoder.decode(bytes, 0, available, flat32)).toBe(NEED_MORE)
    expect(decoder.decode(bytes, 0, length, flat32)).toBeGreaterThan(TOO_LONG)
    expect(decoder.length).toBe(length)
  }
})

test('bytes at the end of the array are read no further than they go', () => {
  const bytes = bytesOf(`${'90'.repeat(40)}b878563412`)
  expect(decoder.decode(bytes, 40, 5, flat32)).toBe(formByName('mov r32 imm').id)
  expect(decoder.imm).toBe(0x12345678)
  expect(decoder.decode(bytes, 40, 4, flat32)).toBe(NEED_MORE)
})

test('fifteen bytes are an instruction, sixteen are #GP', () => {
  expect(decode(`${'2e'.repeat(14)}90`)).toBe('nop')
  expect(decoder.length).toBe(15)
  expect(decode(`${'2e'.repeat(15)}90`)).toBe('gp')
  expect(decode(`${'66'.repeat(12)}b83412`)).toBe('mov r16 imm')
  expect(decode(`${'66'.repeat(13)}b83412`)).toBe('gp')
  expect(decode('2e'.repeat(14))).toBe('need more')
  expect(decode('2e'.repeat(20))).toBe('gp')
})

test('fields of a memory operand', () => {
  decode('8b8458f0ffffff')
  const { base, index, scale, disp, segment, addressMask, dst } = decoder
  expect({ base, index, scale, disp, segment, addressMask, dst }).toEqual({
    base: gprCell(EAX),
    index: gprCell(EBX),
    scale: 1,
    disp: -16,
    segment: 3,
    addressMask: -1,
    dst: gprCell(EAX),
  })
  expect(decode('8b42fe', mode16)).toBe('mov r16 m16')
  expect([decoder.base, decoder.index, decoder.disp]).toEqual([gprCell(EBP), gprCell(ESI), -2])
  expect([decoder.segment, decoder.addressMask]).toEqual([2, 0xffff])
  decode('a178563412')
  expect([decoder.base, decoder.index, decoder.disp]).toEqual([ZERO, ZERO, 0x12345678])
})

test('immediates are sign-extended, counts, ports and selectors are not', () => {
  const immediate = (hex: string, mode = flat32) => {
    decode(hex, mode)
    return decoder.imm
  }
  expect(immediate('6aff')).toBe(-1)
  expect(immediate('66b8ffff')).toBe(-1)
  expect(immediate('b0ff')).toBe(-1)
  expect(immediate('c1e0ff')).toBe(255)
  expect(immediate('e4ff')).toBe(255)
  expect(immediate('cd80')).toBe(0x80)
  expect(immediate('c2ffff')).toBe(0xffff)
  expect(immediate('eaffff1080', mode16)).toBe(0xffff)
  expect(decoder.imm2).toBe(0x8010)
  expect(immediate('c8ffffff')).toBe(0xffff)
  expect(decoder.imm2).toBe(255)
  expect(decode('66e9feff')).toBe('jmp rel o16 flat')
  expect(decoder.rel).toBe(-2)
})

test('flat forms exclude FS, GS, CS overrides and 16-bit addresses', () => {
  expect(decode('8b00')).toBe('mov r32 m32 flat')
  expect(decode('368b00')).toBe('mov r32 m32 flat')
  for (const hex of ['648b00', '658b00', '2e8b00', '678b00']) expect(decode(hex)).toBe('mov r32 m32')
  expect(decode('8b00', mode32)).toBe('mov r32 m32')
  expect(decode('f3a4')).toBe('movs 8 a32 rep flat')
  expect(decode('64a4')).toBe('movs 8 a32')
  expect(decode('50')).toBe('push r32 o32 flat')
  expect(decode('01d8')).toBe('add r32 r32')
})

test('repeat prefixes', () => {
  expect(['f3a6', 'f2a6', 'f2a4', 'f36c'].map(hex => decode(hex))).toEqual([
    'cmps 8 a32 rep flat',
    'cmps 8 a32 repne flat',
    'movs 8 a32 rep flat',
    'ins 8 a32 rep flat',
  ])
  expect(decode('f389d8')).toBe('mov r32 r32')
})

test('LOCK where it is illegal is #UD', () => {
  expect(decode('f00118')).toBe('add m32 r32 flat')
  expect(decoder.lock).toBe(1)
  for (const hex of ['f001d8', 'f00318', 'f03918', 'f08918', 'f090', 'f0a4', 'f00fa318', 'f0e800000000'])
    expect(decode(hex)).toBe('ud')
  expect(decode('0118')).toBe('add m32 r32 flat')
  expect(decoder.lock).toBe(0)
})

test('instructions of protected mode and of features exist only with them', () => {
  const real = { ...mode16, features: ALL_FEATURES }
  for (const hex of ['0f00d8', '0f02c3', '0f00c0', '63d8']) {
    expect(decode(hex, real)).toBe('ud')
    expect(decode(hex, mode16)).not.toBe('ud')
  }
  expect(decode('0f01e0', real)).toBe('smsw r16')
  expect(decode('f20f58c1', { ...flat32, features: ALL_FEATURES & ~SSE2 })).toBe('ud')
  expect(decode('d8c1', { ...flat32, features: ALL_FEATURES & ~FPU })).toBe('ud')
})

test('every opcode needs the features that iced says', () => {
  const instruction = new Instruction()
  const checked = new Set<number>()
  const bytes = new Uint8Array(64)
  for (const prefix of [0x26, 0x66, 0xf3, 0xf2])
    for (let opcode = 0; opcode < 512; opcode++)
      for (let modrm = 0; modrm < 256; modrm++) {
        bytes.set(opcode < 256 ? [prefix, opcode, modrm, 0] : [prefix, 0x0f, opcode & 0xff, modrm])
        const form = decoder.decode(bytes, 0, 32, mode32)
        const key = (form * 512 + opcode) * 8 + ((modrm >> 3) & 7)
        if (form <= TOO_LONG || checked.has(key)) continue
        checked.add(key)
        const iced = new IcedDecoder(32, bytes, decoderOptions)
        iced.decodeOut(instruction)
        iced.free()
        const everything = ALL_FEATURES | PROTECTED
        let needed = 0
        for (const bit of Object.values(featureBits))
          if (decoder.decode(bytes, 0, 32, { ...mode32, features: everything & ~bit }) === UD) needed |= bit
        if (needed !== neededFeatures(instruction)) expect([instruction.toString(), needed]).toBe('as iced says')
      }
  expect(checked.size).toBeGreaterThan(1000)
})

test('disassembly', () => {
  expect(disassemble(bytesOf('e8fbffffff'), 0x1000, 32)).toEqual({
    text: 'call 1000h',
    length: 5,
    code: 'Call_rel32_32',
  })
  expect(disassemble(bytesOf('0fff'), 0, 32).text).toBe('(bad)')
})
