// The decoder against iced-x86: every opcode with every ModR/M byte under the prefixes that matter, every SIB byte,
// random bytes, and every iced Code of the features that the emulated processors have.

import fc from 'fast-check'
import { Code, Instruction } from 'iced-x86'
import { Comparison } from './decode-comparison.js'
import { neededFeatures } from './iced-oracle.js'

const seen = new Set<number>()

function expectSame(comparison: Comparison) {
  comparison.flush()
  for (const code of comparison.codes) seen.add(code)
  expect(comparison.differences).toEqual([])
}

const prefixes: Record<string, number[]> = {
  none: [],
  '66': [0x66],
  F3: [0xf3],
  F2: [0xf2],
  '67': [0x67],
  'FS segment': [0x64],
  LOCK: [0xf0],
  '66 67': [0x66, 0x67],
  'F3 66': [0xf3, 0x66],
  '66 F2': [0x66, 0xf2],
  'F2 F3': [0xf2, 0xf3],
  'LOCK F2': [0xf0, 0xf2],
}

describe.each([16, 32] as const)('%i-bit code', bits => {
  test.each(Object.keys(prefixes))('every opcode and ModR/M byte with prefix %s is what iced says', name => {
    const comparison = new Comparison(bits, bits === 32)
    for (const map of [[], [0x0f]])
      for (let opcode = 0; opcode < 256; opcode++)
        for (let modrm = 0; modrm < 256; modrm++) comparison.add([...prefixes[name]!, ...map, opcode, modrm, 0x5c])
    expectSame(comparison)
  })

  test('every SIB byte, displacement and segment override is what iced says', () => {
    const comparison = new Comparison(bits, false)
    const overrides = [[], [0x26], [0x2e], [0x36], [0x3e], [0x64], [0x65], [0x65, 0x36]]
    for (const override of overrides)
      for (const size of [[], [0x67]])
        for (let modrm = 0; modrm < 0xc0; modrm++)
          for (let sib = 0; sib < 256; sib += (modrm & 7) === 4 ? 1 : 85)
            for (const opcode of [0x8b, 0xff])
              comparison.add([...override, ...size, opcode, modrm, sib, 0x81, 0xf2, 0x93, 0xe4])
    expectSame(comparison)
  })

  test('random bytes are what iced says', () => {
    const likely = fc.oneof(
      fc.constantFrom(0x0f, 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65),
      fc.integer({ min: 0, max: 255 }),
    )
    const property = fc.property(fc.array(likely, { minLength: 256, maxLength: 256 }), bytes => {
      const comparison = new Comparison(bits, bits === 32)
      for (let at = 0; at + 16 <= bytes.length; at += 4) comparison.add(bytes.slice(at, at + 16))
      expectSame(comparison)
    })
    fc.assert(property, { numRuns: 500 })
  })
})

// Codes that iced has for these features and our processors do not execute.
const notDecoded: Record<string, string> = {
  Pause: 'F3 90 is decoded as NOP, which it is on processors before the Pentium 4 (SDM vol. 2, PAUSE)',
  Prefetchnta_m8: 'a hint: decoded as NOP, as all of 0F 18-1F (SDM vol. 2, table A-3)',
  Prefetcht0_m8: 'a hint',
  Prefetcht1_m8: 'a hint',
  Prefetcht2_m8: 'a hint',
  Nop_rm16: '0F 1F is decoded as a reserved NOP, with the same effect',
  Nop_rm32: '0F 1F is decoded as a reserved NOP, with the same effect',
  Ud0: 'UD0 of some processors without ModR/M byte; #UD either way',
}

test('every iced Code of the advertised features is decoded or listed with a reason', () => {
  const missing: string[] = []
  expect(seen.size).toBeGreaterThan(1000)
  for (const [name, code] of Object.entries(Code)) {
    if (typeof code !== 'number' || seen.has(code)) continue
    const probe = new Instruction()
    probe.code = code
    const { opCode } = probe
    const legal = opCode.isInstruction && (opCode.mode16 || opCode.mode32)
    const usual = opCode.decoderOption === 0 && opCode.fwait === false
    if (legal && usual && neededFeatures(probe) >= 0 && !(name in notDecoded)) missing.push(name)
  }
  expect(missing).toEqual([])
  for (const name of Object.keys(notDecoded)) expect(seen.has(Code[name as keyof typeof Code])).toBe(false)
})
