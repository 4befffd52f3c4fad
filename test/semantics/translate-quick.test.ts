// The page walk and INVLPG in WebAssembly against those of cpu/paging.ts and tlb.ts: two machines with the same random tables meet the same
// accesses, and must be alike behind each: memory, translation tables and their bookkeeping, page faults.
import fc from 'fast-check'
import { Cpu } from '../../src/cpu/cpu.js'
import * as L from '../../src/cpu/layout.js'
import { translate } from '../../src/cpu/memory.js'
import { cpuModel } from '../../src/cpu/models.js'
import { instantiateCore } from '../../src/engine/core-instance.js'
import { compiledCore } from '../../src/engine/engines.js'
import { FAULTED, FILLED, NOT_DONE } from '../../src/semantics/translate-quick.js'

// RAM in pages. Tables and what they lead to are mostly in FIRST to END; some are below 1 MiB or no memory at all.
const END = 0x140
const FIRST = 0x100
const DIRECTORY = 0x100

function machine() {
  const pages = Math.ceil((L.RAM + END * 4096) / 65536)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const nothing = () => 0
  const cpu = new Cpu(
    memory.buffer as ArrayBuffer,
    {
      portIn: nothing,
      portOut: nothing,
      tsc: nothing,
      acknowledgeInterrupt: nothing,
      physicalPage: page => (page < END ? L.RAM + page * 4096 : -1),
      deviceRead: () => 0xffffffff,
      deviceWrite: nothing,
      onModeChange: nothing,
      onCodeWrite: nothing,
      onFlush: nothing,
      fpuError: () => false,
      halt: nothing,
      onApicBase: nothing,
    },
    cpuModel('pentium4'),
  )
  const { module, layout } = compiledCore()
  const { exports } = instantiateCore(module, layout, memory, cpu)
  const walk = exports.procedure_translate_quick as (linear: number, write: number) => number
  const invalidate = exports.procedure_invalidate_quick as (linear: number) => number
  return { cpu, walk, invalidate }
}
const [quick, plain] = [machine(), machine()]

/** Mostly present, accessed, for CPL 3 and writable. */
const entry = fc.record({
  page: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: FIRST, max: END - 1 }) }, fc.constantFrom(3, END, 0xfff00)),
  bits: fc.oneof(fc.constantFrom(0x67, 0x27, 7, 0x165, 0x61, 0x63), fc.integer({ min: 0, max: 0xfff })),
  high: fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, fc.constantFrom(1, 0x80000000, 16)),
})
const setting = fc.record({
  cr0: fc.constantFrom(0x80010001, 0x80000001, 0x80010001, 1),
  cr4: fc.constantFrom(0, 0x10, 0x20, 0xb0, 0x90, 0x80),
  directory: fc.oneof({ weight: 12, arbitrary: fc.constant(DIRECTORY) }, fc.constantFrom(5, END + 1)),
  entries: fc.array(entry, { minLength: 24, maxLength: 24 }),
  code: fc.array(fc.integer({ min: FIRST, max: END - 1 }), { maxLength: 4 }),
})
/** Few pages, so that they meet: in three directories' reach, some of them far apart. */
const access = fc.record({
  linear: fc
    .tuple(fc.constantFrom(0, 0x400000, 0x800000, 0xbfc00000, 0xffc00000, 0x600000), fc.integer({ min: 0, max: 3 }))
    .map(([region, page]) => (region + page * 4096 + 0x123) >>> 0),
  write: fc.boolean(),
  cpl: fc.constantFrom(0, 3, 3),
  event: fc.constantFrom('none', 'none', 'none', 'flush', 'flush all', 'invalidate'),
})

interface Setting {
  cr0: number
  cr4: number
  directory: number
  entries: { page: number; bits: number; high: number }[]
  code: number[]
}
function prepare({ cpu }: typeof quick, { cr0, cr4, directory, entries, code }: Setting) {
  const { i32, tlb } = cpu
  i32.fill(0, (L.RAM + FIRST * 4096) >> 2, (L.RAM + END * 4096) >> 2)
  tlb.unmarkAllCode()
  i32[L.CR0 >> 2] = cr0
  i32[L.CR3 >> 2] = directory << 12
  i32[L.CR4 >> 2] = cr4
  // The same words everywhere: each page of RAM may be met as directory or as table.
  const words = (cr4 & 0x20) !== 0 ? 2 : 1
  const put = (at: number, n: number) => {
    const { page, bits, high } = entries[n % entries.length]!
    i32[at >> 2] = (page << 12) | bits
    if (words === 2) i32[(at >> 2) + 1] = high
  }
  const places = words === 2 ? [0, 1, 2, 3, 4, 0x1fe, 0x1ff] : [0, 1, 2, 3, 0x2ff, 0x3ff]
  for (let page = FIRST; page < END; page++)
    places.forEach((place, i) => {
      put(L.RAM + page * 4096 + place * 4 * words, page + i)
    })
  for (let n = 0; n < 4; n++) {
    const { page, bits, high } = entries[n]!
    i32[(L.PDPTE >> 2) + 2 * n] = (page << 12) | (bits & 0xe19)
    i32[(L.PDPTE >> 2) + 2 * n + 1] = high & 15
  }
  for (const page of code) tlb.markCode(L.RAM + page * 4096)
}
const tables = ({ cpu }: typeof quick, page: number) =>
  [L.TLB_USER_READ, L.TLB_USER_WRITE, L.TLB_SUPERVISOR_READ, L.TLB_SUPERVISOR_WRITE].map(
    table => cpu.i32[(table >> 2) + page]!,
  )
const state = ({ cpu }: typeof quick, page: number) => {
  const bytes = (at: number, n: number) => Buffer.from(cpu.u8.subarray(at, at + n)).toString('latin1')
  return {
    fault: [L.FAULT, L.FAULT_ERROR, L.FAULT_HAS_ERROR, L.FAULT_LINEAR].map(cell => cpu.i32[cell >> 2]),
    tables: tables({ cpu } as typeof quick, page),
    counts: [L.TLB_COUNT, L.TLB_GLOBAL_COUNT, L.TLB_ANY_LARGE].map(cell => cpu.i32[cell >> 2]),
    fills: cpu.tlbFills,
    invalidations: cpu.tlb.invalidations,
    lists: [bytes(L.TLB_LIST, 128), bytes(L.TLB_GLOBAL_LIST, 128), bytes(L.TLB_LARGE, 1024)],
    listed: cpu.u8[L.TLB_LISTED + page],
    host: [bytes(L.HOST_CODE + (L.RAM >>> 12), END), bytes(L.HOST_WRITTEN + (L.RAM >>> 12), END)],
    memory: bytes(L.RAM + FIRST * 4096, (END - FIRST) * 4096),
  }
}

const done = new Map<number, number>()
const dropped = new Set<boolean>()

test('tables and faults are those of the plain walk', () => {
  quick.cpu.i32[L.PLAIN_PAGES >> 2] = END - FIRST
  fc.assert(
    fc.property(setting, fc.array(access, { minLength: 1, maxLength: 12 }), (given, accesses) => {
      for (const m of [quick, plain]) prepare(m, given)
      for (const { linear, write, cpl, event } of accesses) {
        const page = linear >>> 12
        for (const m of [quick, plain]) {
          const { cpu } = m
          cpu.i32[L.FAULT >> 2] = 0
          cpu.setCpl(cpl)
          if (event === 'flush') cpu.tlb.flush(false)
          else if (event === 'flush all') cpu.tlb.flush(true)
          else if (event === 'invalidate') {
            const isDone = m === quick && m.invalidate(linear) !== NOT_DONE
            if (!isDone) cpu.tlb.invalidate(page)
            dropped.add(isDone)
          }
        }
        const table = (cpl === 3 ? 0 : 2) + Number(write)
        if (tables(quick, page)[table] === 0) {
          const answer = quick.walk(linear, Number(write))
          done.set(answer, (done.get(answer) ?? 0) + 1)
          if (answer === FILLED) expect(tables(quick, page)[table]).not.toBe(0)
          if (answer === NOT_DONE) translate(quick.cpu, linear, write, cpl === 3)
          else expect(quick.cpu.faulted).toBe(answer === FAULTED)
        }
        translate(plain.cpu, linear, write, cpl === 3)
        expect(state(quick, page)).toEqual(state(plain, page))
      }
    }),
    { numRuns: 400, endOnFailure: true },
  )
})

test('the usual cases are done by it', () => {
  expect(dropped.has(true)).toBe(true)
  for (const answer of [FILLED, FAULTED]) expect(done.get(answer)).toBeGreaterThan(50)
})

test('somebody who watches is not passed over', () => {
  const { cpu, walk } = quick
  const usual = { page: DIRECTORY, bits: 0x67, high: 0 }
  const given = { cr0: 0x80010001, cr4: 0, directory: DIRECTORY, entries: Array(24).fill(usual), code: [] }
  prepare(quick, given)
  cpu.setCpl(3)
  cpu.watching = true
  expect(walk(0x123, 0)).toBe(NOT_DONE)
  cpu.watching = false
  expect(walk(0x123, 0)).toBe(FILLED)
  prepare(quick, { ...given, entries: Array(24).fill({ ...usual, bits: 0 }) })
  cpu.i32[L.FLUSH_WATCHED >> 2] = 1
  expect(quick.invalidate(0x123)).toBe(NOT_DONE)
  cpu.i32[L.FLUSH_WATCHED >> 2] = 0
  cpu.i32[L.MONITORED >> 2] = 1
  expect(walk(0x123, 0)).toBe(NOT_DONE)
  cpu.i32[L.MONITORED >> 2] = 0
  expect(walk(0x123, 0)).toBe(FAULTED)
})
