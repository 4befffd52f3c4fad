// Rewriting in memory: every site redirected, every other byte as it was, undone byte for byte, with sites gone and with
// a memory that fails. The guest is the annotated mini.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { buildImage } from '../../images/index.js'
import { type ElfImage, loadElf, parseElf } from '../../src/loader/elf.js'
import { planRewrite, type RewritePlan } from '../../src/rewriter/plan.js'
import { countSites, RewriteError, rewrite, undo } from '../../src/rewriter/rewriter.js'
import { VECTOR_PAGE, virtualCpuAddress } from '../../src/rewriter/virtual-cpu.js'
import { physicalMemory } from '../loader/physical-memory.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const BYTES = 4 << 20

let elf: ElfImage
let plan: RewritePlan
beforeAll(async () => {
  const { path } = await buildImage('mini')
  elf = parseElf('mini', readFileSync(path))
  plan = planRewrite(elf, { fpu: 'real' })
}, 60_000)

function loaded() {
  const memory = physicalMemory(BYTES)
  loadElf(memory, elf)
  return memory
}
const planned = () =>
  plan.text.flatMap(({ sites, linear, physical, rewritten }) =>
    sites.map(site => {
      const at = site.address - linear
      return { site, physical: physical + at, rewritten: rewritten.subarray(at, at + site.bytes) }
    }),
  )

test('every site but those of the FPU is rewritten, and undone byte for byte', () => {
  expect(plan.left.filter(({ reason }) => reason !== 'fpu')).toEqual([])
  const memory = loaded()
  const before = memory.bytes.slice()
  const all = planned().length
  expect(rewrite(memory, plan)).toEqual({ changed: all, unchanged: 0, gone: [] })
  expect(countSites(memory, plan)).toEqual({ pristine: 0, rewritten: all, gone: 0 })
  const once = memory.bytes.slice()
  expect(rewrite(memory, plan)).toEqual({ changed: 0, unchanged: all, gone: [] })
  expect(undo(memory, plan)).toEqual({ changed: all, unchanged: 0, gone: [] })
  expect(Buffer.compare(memory.bytes, before)).toBe(0)
  rewrite(memory, plan)
  expect(Buffer.compare(memory.bytes, once)).toBe(0)
})

test('a FPU that is an image makes their sites calls too', () => {
  const all = planRewrite(elf, { fpu: 'image' })
  expect(all.left).toEqual([])
  expect(all.text.flatMap(({ sites }) => sites)).toHaveLength(planned().length + plan.left.length)
})

test('what stands at a site is one instruction, or a call and its operand', () => {
  const flag = virtualCpuAddress('interrupt_flag')
  for (const { site, rewritten } of planned()) {
    expect(rewritten).toHaveLength(site.bytes)
    if (site.class.name === 'cli')
      expect([...rewritten]).toEqual([0x3e, 0xc6, 0x05, ...new Uint8Array(Uint32Array.of(flag).buffer), 0])
    if (rewritten[0] !== 0xff || rewritten[1] !== 0x15) continue
    const vector = Buffer.from(rewritten).readUInt32LE(2)
    expect(vector >= VECTOR_PAGE && vector < VECTOR_PAGE + 4096 && vector % 4 === 0).toBe(true)
  }
})

test(`sites that are gone are left alone (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 40 }),
      changes => {
        const memory = loaded()
        const sites = planned()
        const gone = new Set<number>()
        for (const [which, where, bits] of changes) {
          const { site, physical } = sites[which % sites.length]!
          if (gone.has(site.address)) continue
          gone.add(site.address)
          memory.bytes[physical + (where % site.bytes)]! ^= bits
        }
        const before = memory.bytes.slice()
        const outcome = rewrite(memory, plan)
        expect(new Set(outcome.gone)).toEqual(gone)
        expect(outcome.changed).toBe(sites.length - gone.size)
        // An independent look: a byte differs only inside a site that is not gone.
        const inside = new Uint8Array(BYTES)
        for (const { site, physical } of sites)
          if (!gone.has(site.address)) inside.fill(1, physical, physical + site.bytes)
        expect(memory.bytes.every((byte, at) => inside[at] === 1 || byte === before[at])).toBe(true)
        expect(new Set(undo(memory, plan).gone)).toEqual(gone)
        expect(Buffer.compare(memory.bytes, before)).toBe(0)
      },
    ),
    { seed: SEED, numRuns: 20 },
  )
})

test(`a memory that does not keep what is written is found out (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (which, bits) => {
      const memory = loaded()
      const text = plan.text[which % plan.text.length]!
      const at = text.physical + (which % text.bytes)
      const failing = {
        ...memory,
        write: (address: number, data: Uint8Array) => {
          memory.write(address, data)
          memory.bytes[at]! ^= bits
        },
      }
      expect(() => rewrite(failing, plan)).toThrow(RewriteError)
    }),
    { seed: SEED, numRuns: 20 },
  )
})

test('damaged records are refused by name and offset', () => {
  const copy = new Uint8Array(elf.bytes)
  const section = elf.sections.find(({ name }) => name === '.afterburn')!
  copy[section.offset + 6] = 255
  expect(() => planRewrite(parseElf('mini', copy), { fpu: 'real' })).toThrow(/^mini at offset 0x[0-9a-f]+: .*class 255/)
  const plain = { ...elf, sections: elf.sections.filter(({ name }) => name !== '.afterburn') }
  expect(() => planRewrite(plain, { fpu: 'real' })).toThrow(/no records.*build it with the afterburner/)
})
