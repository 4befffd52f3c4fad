// EFLAGS packing over all combinations of the arithmetic flags, and over results as the SDM defines each flag.
import fc from 'fast-check'
import { ARITHMETIC, arithmeticFlags, eflags, setEflags } from '../../src/cpu/eflags.js'
import { FLAG_AUX, FLAG_RESULT } from '../../src/cpu/layout.js'
import { Fixture } from './fixture.js'

const f = new Fixture('pentium4')
const { cpu } = f

test('every combination of the six arithmetic flags comes back', () => {
  for (let i = 0; i < 64; i++) {
    const word = (i & 1) | ((i & 2) << 1) | ((i & 4) << 2) | ((i & 8) << 3) | ((i & 16) << 3) | ((i & 32) << 6)
    setEflags(cpu, word | 2)
    expect(arithmeticFlags(cpu)).toBe(word)
  }
})

test('flags of a stored result: ZF, SF and PF are those of the result, CF OF AF those of the carries', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 0, max: 7 }), (result, carries) => {
      const cf = carries & 1
      const of = (carries >>> 1) & 1
      const af = carries >>> 2
      cpu.i32[FLAG_RESULT >> 2] = result
      cpu.i32[FLAG_AUX >> 2] = (cf << 31) | ((cf ^ of) << 30) | (af << 3)
      const ones = [...(result & 0xff).toString(2)].filter(c => c === '1').length
      const expected =
        cf | (ones % 2 === 0 ? 4 : 0) | (af << 4) | (result === 0 ? 0x40 : 0) | (result < 0 ? 0x80 : 0) | (of << 11)
      expect(arithmeticFlags(cpu)).toBe(expected)
    }),
    { seed: 1, numRuns: 500 },
  )
})

test.each([
  ['386', 0x0003ffd7 & ~0x8000],
  ['486', 0x0007ffd7 & ~0x8000],
  ['pentium4', 0x003f7fd7],
])('%s keeps exactly the flags it has', (name, kept) => {
  const { cpu: other } = new Fixture(name)
  setEflags(other, -1)
  other.resumeAt = other.retired
  expect(eflags(other)).toBe(kept)
  setEflags(other, 0)
  expect(eflags(other)).toBe(2)
})

test('RF holds only at the boundary it was set for', () => {
  setEflags(cpu, 0x10002)
  cpu.resumeAt = cpu.retired
  expect(eflags(cpu) & ~ARITHMETIC).toBe(0x10002)
  cpu.resumeAt = (cpu.retired - 1) | 0
  expect(eflags(cpu) & ~ARITHMETIC).toBe(2)
})
