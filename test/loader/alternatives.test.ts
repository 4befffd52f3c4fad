// Settling of Linux alternatives on a hand-made kernel; the built kernel is compared with a real boot in
// alternatives.system.test.ts.
import fc from 'fast-check'
import { settleAlternatives } from '../../src/loader/alternatives.js'
import { parseElf } from '../../src/loader/elf.js'
import { linuxFeatures } from '../../src/loader/linux-features.js'
import { LoadError } from '../../src/loader/load-error.js'
import { halves, words, writeElf } from './elf-writer.js'

const TEXT = 0x80100000
const REPLACEMENTS = 0x80100080
const TABLE = 0x80100100
const ALWAYS = 3 * 32 + 21
const SSE2 = 26
const INVERTED = 0x8000

interface Entry {
  readonly at: number
  readonly bytes: number
  readonly condition: number
  readonly replacement: readonly number[]
}

/** A kernel with 64 bytes of INT3 as text, the replacements one after the other, and their table. */
function kernel(entries: readonly Entry[], change: (image: Uint8Array) => void = () => {}) {
  const data = new Uint8Array(0x100 + entries.length * 12).fill(0xcc, 0, 0x40)
  let next = 0x80
  entries.forEach((entry, i) => {
    data.set(entry.replacement, next)
    const row = 0x100 + i * 12
    data.set(
      [...words(entry.at - row, next - row - 4), ...halves(entry.condition), entry.bytes, entry.replacement.length],
      row,
    )
    next += entry.replacement.length
  })
  change(data)
  const image = writeElf({
    entry: TEXT,
    segments: [{ linear: TEXT, data }],
    sections: [
      { name: '.text', flags: 6, address: TEXT, data: data.subarray(0, 0x40) },
      { name: '.altinstr_replacement', flags: 6, address: REPLACEMENTS, data: data.subarray(0x80, 0x100) },
      { name: '.altinstructions', address: TABLE, data: data.subarray(0x100) },
    ],
  })
  return parseElf('vmlinux', image)
}

const features = (...present: number[]) => {
  const result = new Uint32Array(22)
  for (const feature of present) result[feature >>> 5]! |= 1 << (feature & 31)
  return result
}

function settledText(entries: readonly Entry[], present: Uint32Array) {
  const settled = settleAlternatives(kernel(entries), present)
  const segment = parseElf('settled', settled.bytes).segments[0]!
  return { ...settled, text: [...settled.bytes.subarray(segment.offset, segment.offset + 0x40)] }
}

const int3 = (count: number) => Array.from({ length: count }, () => 0xcc)

test('a replacement is made when the feature is present, or absent and inverted', () => {
  const entries = [
    { at: 0, bytes: 2, condition: SSE2, replacement: [0x40, 0x41] },
    { at: 2, bytes: 2, condition: SSE2 | INVERTED, replacement: [0x42, 0x43] },
  ]
  expect(settledText(entries, features(SSE2)).text.slice(0, 6)).toEqual([0x40, 0x41, ...int3(4)])
  expect(settledText(entries, features()).text.slice(0, 6)).toEqual([0xcc, 0xcc, 0x42, 0x43, 0xcc, 0xcc])
  expect(settledText(entries, features()).patched).toEqual([{ linear: TEXT + 2, bytes: 2, feature: SSE2 }])
})

test('later entries overwrite earlier ones', () => {
  const entries = [
    { at: 4, bytes: 3, condition: ALWAYS, replacement: [1, 2, 3] },
    { at: 4, bytes: 3, condition: SSE2, replacement: [4, 5, 6] },
  ]
  expect(settledText(entries, features(ALWAYS, SSE2)).text.slice(4, 7)).toEqual([4, 5, 6])
  expect(settledText(entries, features(ALWAYS)).text.slice(4, 7)).toEqual([1, 2, 3])
})

test.each([
  [1, [0x90]],
  [2, [0x89, 0xf6]],
  [3, [0x8d, 0x76, 0]],
  [4, [0x8d, 0x74, 0x26, 0]],
  [5, [0x3e, 0x8d, 0x74, 0x26, 0]],
  [6, [0x8d, 0xb6, 0, 0, 0, 0]],
  [7, [0x8d, 0xb4, 0x26, 0, 0, 0, 0]],
  [8, [0x3e, 0x8d, 0xb4, 0x26, 0, 0, 0, 0]],
  [11, [0x3e, 0x8d, 0xb4, 0x26, 0, 0, 0, 0, 0x8d, 0x76, 0]],
])('%i bytes that nothing replaces become the no-operations of the kernel', (bytes, nops) => {
  const { text } = settledText([{ at: 1, bytes, condition: ALWAYS, replacement: [] }], features(ALWAYS))
  expect(text.slice(0, bytes + 2)).toEqual([0xcc, ...nops, 0xcc])
})

describe('branches keep their targets', () => {
  test('a call', () => {
    const target = 0x20
    const call = [0xe8, ...words(target - (0x80 + 5))]
    const { text } = settledText([{ at: 8, bytes: 6, condition: ALWAYS, replacement: call }], features(ALWAYS))
    expect(text.slice(8, 14)).toEqual([0xe8, ...words(target - (8 + 5)), 0x90])
  })

  test('a near jump forward becomes short, one backward stays long', () => {
    const jump = (target: number) => [0xe9, ...words(target - (0x80 + 5))]
    const forward = settledText([{ at: 8, bytes: 5, condition: ALWAYS, replacement: jump(0x30) }], features(ALWAYS))
    expect(forward.text.slice(8, 13)).toEqual([0xeb, 0x30 - 10, 0x8d, 0x76, 0])
    const backward = settledText([{ at: 8, bytes: 5, condition: ALWAYS, replacement: jump(2) }], features(ALWAYS))
    expect(backward.text.slice(8, 13)).toEqual([0xe9, ...words(2 - 13)])
  })

  test('the longest short jump, and the shortest long one', () => {
    const at = (target: number) => [0xe9, ...words(target - (0x80 + 5))]
    const first = (target: number) =>
      settledText([{ at: 0, bytes: 5, condition: ALWAYS, replacement: at(target) }], features(ALWAYS)).text.slice(0, 2)
    expect(first(129)).toEqual([0xeb, 127])
    expect(first(130)).toEqual([0xe9, 125])
  })
})

test('the table has no lengths left, its conditions stay', () => {
  const { bytes, entries } = settledText(
    [
      { at: 0, bytes: 2, condition: SSE2, replacement: [0x40] },
      { at: 2, bytes: 9, condition: ALWAYS, replacement: [] },
    ],
    features(ALWAYS),
  )
  const segment = parseElf('settled', bytes).segments[0]!
  const rows = bytes.subarray(segment.offset + 0x100, segment.offset + 0x118)
  expect(entries).toBe(2)
  expect([...rows.subarray(8, 12), ...rows.subarray(20, 24)]).toEqual([...halves(SSE2), 0, 0, ...halves(ALWAYS), 0, 0])
})

test('settling again changes nothing', () => {
  const once = settleAlternatives(
    kernel([{ at: 0, bytes: 4, condition: ALWAYS, replacement: [0x40] }]),
    features(ALWAYS),
  )
  const twice = settleAlternatives(parseElf('again', once.bytes), features(ALWAYS))
  expect(Buffer.compare(twice.bytes, once.bytes)).toBe(0)
})

test('the image given is not changed, a Node buffer neither', () => {
  const elf = kernel([{ at: 0, bytes: 4, condition: ALWAYS, replacement: [0x40] }])
  const buffer = Buffer.from(elf.bytes)
  const settled = settleAlternatives(parseElf('vmlinux', buffer), features(ALWAYS))
  expect(buffer.equals(elf.bytes)).toBe(true)
  expect(buffer.equals(settled.bytes)).toBe(false)
})

test('an image without a table is left alone', () => {
  const elf = parseElf('plain', writeElf({ entry: 0 }))
  expect(settleAlternatives(elf, features(ALWAYS))).toEqual({
    bytes: new Uint8Array(elf.bytes),
    entries: 0,
    patched: [],
  })
})

test.each([
  ['code outside the kernel', [0x102, 0x7f], "an alternative's code at"],
  ['a replacement outside', [0x106, 0x7f], "an alternative's replacement at"],
  ['a replacement that is too long', [0x10b, 5], 'an alternative of 5 bytes for 4 bytes of code'],
])('%s is refused', (_, [at, value], message) => {
  const elf = kernel([{ at: 0, bytes: 4, condition: ALWAYS, replacement: [0x40] }], image => {
    image[at!] = value!
  })
  expect(() => settleAlternatives(elf, features())).toThrow(message)
})

test('any table: settled or a LoadError', () => {
  const damage = fc.array(fc.tuple(fc.integer({ min: 0x100, max: 0x117 }), fc.nat(255)), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(damage, changes => {
      const entry = { at: 0, bytes: 4, condition: ALWAYS, replacement: [0x40] }
      const elf = kernel([entry, entry], image => {
        for (const [at, value] of changes) image[at] = value
      })
      try {
        settleAlternatives(elf, features(ALWAYS))
      } catch (error) {
        expect(error).toBeInstanceOf(LoadError)
      }
    }),
    { numRuns: 1000 },
  )
})

describe('feature words', () => {
  const model = (eax: number, edx: number) => (leaf: number) => ({
    eax: leaf === 0 ? 2 : leaf === 1 ? eax : 0,
    ebx: 0xffffffff,
    ecx: 0,
    edx: leaf === 1 ? edx : 0xffffffff,
  })
  const FPU_TO_SSE2 = 0x07808911

  test('are the CPUID leaves that exist and the synthetic bits of an Intel processor', () => {
    const words_ = linuxFeatures(model(0x683, FPU_TO_SSE2))
    expect(words_[0]).toBe(FPU_TO_SSE2)
    expect([1, 9, 18].map(word => words_[word])).toEqual([0, 0, 0])
    expect(words_[3]).toBe((1 << 6) | (1 << 18) | (1 << 21) | (1 << 25))
  })

  test('know that a Pentium Pro has no SYSENTER and that SSE needs FXSAVE', () => {
    expect(linuxFeatures(model(0x619, 0x801))[0]).toBe(1)
    expect(linuxFeatures(model(0x683, 0x07000000 & ~(1 << 24)))[0]).toBe(0)
  })
})
