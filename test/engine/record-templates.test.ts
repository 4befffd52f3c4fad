// Records by template against records of a decoder that has decoded nothing before: every opcode, with and without 0F in
// front, with random bytes behind it, so that most templates are used for other bytes than they were made of.
import fc from 'fast-check'
import { ZERO } from '../../src/cpu/layout.js'
import { writeRecord } from '../../src/engine/record-area.js'
import { ENDS, LENGTH_MASK, REACH, RecordTemplates } from '../../src/engine/record-templates.js'
import { endsRecords, handlerOf } from '../../src/engine/slots.js'
import { Decoder } from '../../src/isa/decode.js'
import { ALL_FEATURES, INTEL486, PROTECTED } from '../../src/isa/features.js'
import { forms } from '../../src/isa/forms.js'

const HOST = 0x100
const COUNT = 8000
const ROUNDS = 200

test.each([
  ['all features', ALL_FEATURES | PROTECTED],
  ['an 80386', PROTECTED & ~INTEL486],
])('templates write what the decoder would: %s', (_, features) => {
  const mode = { code32: true, flat: true, features }
  const buffer = new ArrayBuffer(4096)
  const [i32, u8] = [new Int32Array(buffer), new Uint8Array(buffer)]
  const templates = new RecordTemplates(i32, u8)
  const none = new Uint8Array(forms.length)
  const expected = new Int32Array(8)
  const used = new Decoder()
  let written = 0
  fc.assert(
    fc.property(fc.uint8Array({ minLength: REACH, maxLength: REACH }), fc.nat(), (tail, eip) => {
      for (let opcode = 0; opcode < 512; opcode++) {
        const bytes = opcode < 256 ? [opcode, ...tail] : [0x0f, opcode & 255, ...tail]
        u8.set(bytes, HOST)
        const decoded = templates.write(0, HOST, eip, COUNT, none)
        if (decoded === 0) {
          templates.learn(used, used.decode(u8, HOST, REACH, mode))
          continue
        }
        written++
        const decoder = new Decoder()
        const form = decoder.decode(u8, HOST, REACH, mode)
        writeRecord(expected, 0, decoder, form, handlerOf(form, decoder.index !== ZERO), eip, COUNT)
        if (decoded !== (decoder.length | (endsRecords[form] ? ENDS : 0)) || expected.some((v, i) => v !== i32[i]))
          throw new Error(`differs: ${Buffer.from(bytes).toString('hex')}, length ${decoded & LENGTH_MASK}`)
      }
    }),
    { numRuns: ROUNDS },
  )
  // Prefixes, undefined opcodes and rare immediates are about a third.
  expect(written).toBeGreaterThan((512 * ROUNDS) / 3)
})

test('a form that is excluded is left to the decoder', () => {
  const buffer = new ArrayBuffer(4096)
  const u8 = new Uint8Array(buffer)
  const templates = new RecordTemplates(new Int32Array(buffer), u8)
  const decoder = new Decoder()
  const mode = { code32: true, flat: true, features: ALL_FEATURES | PROTECTED }
  const write = (excluded: string) =>
    templates.write(
      0,
      HOST,
      0,
      COUNT,
      Uint8Array.from(forms, f => Number(f.mnemonic === excluded)),
    )
  u8[HOST] = 0xfa // cli
  for (let met = 0; met < 4; met++) {
    expect(write('sti')).toBe(0)
    templates.learn(decoder, decoder.decode(u8, HOST, REACH, mode))
  }
  expect(write('sti')).toBe(1)
  expect(write('cli')).toBe(0)
})
