// The quick ways of deliveries, IRET and segment loads (semantics/deliver-quick.ts, segment-quick.ts) against the plain
// ones: two machines alike, but one tries the quick way first, with the translations of all its pages at hand. The machines
// must be alike afterwards too.
import fc from 'fast-check'
import { softwareInterrupt } from '../../src/cpu/delivery.js'
import { setEflags } from '../../src/cpu/eflags.js'
import { iret } from '../../src/cpu/iret.js'
import {
  CODE_SUPERVISOR_MODE,
  CODE_USER_MODE,
  CPL,
  GDTR_LIMIT,
  gprCell,
  RAM,
  STATE_END,
  segmentCell,
  USER_RETIRED,
} from '../../src/cpu/layout.js'
import { load } from '../../src/cpu/memory.js'
import { MODE_CODE32, MODE_FLAT, MODE_PROTECTED, MODE_STACK32, MODE_USER, updateMode } from '../../src/cpu/mode.js'
import { setNullSegment, setSegment } from '../../src/cpu/segment-cache.js'
import { loadSegment } from '../../src/cpu/segmentation.js'
import { Evaluator, type Program, prepare } from '../../src/ir/evaluate.js'
import { Fixture } from '../cpu/fixture.js'
import { procedure } from '../drivers/static-context.js'

const fixtures = [new Fixture(), new Fixture()]
const USED = 0xa000
const FLAT_MODE = MODE_CODE32 | MODE_STACK32 | MODE_FLAT | MODE_PROTECTED
const STACK_PAGES = [7, 8, 9]
const programs = new Map<string, Program>()
/** How often a quick way has done it. */
const done = new Map<string, number>()

/** Mostly what kernels have, sometimes anything else. */
const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
const byte = (usual: number) =>
  mostly(usual, usual & ~1, usual ^ 0x60, usual ^ 8, usual & 0x7f, usual ^ 2, usual ^ 4, usual & ~0x10)
const selector = (usual: number) =>
  mostly(usual, 0, 3, 0x08, 0x0b, 0x10, 0x13, 0x1b, 0x23, 0x18, 0x2c, 0xff8, usual | 4)
const start = fc.record({
  cpl: fc.constantFrom(0, 3),
  access: fc.tuple(byte(0x9b), byte(0x93), byte(0xfb), byte(0xf3), mostly(0x8b, 0x89, 0x83, 0x0b)),
  flags: fc.tuple(mostly(12, 4, 8, 13), mostly(12, 4, 8, 13), mostly(12, 4, 13), mostly(12, 4, 13)),
  stack: mostly(0x8000, 0x8002, 0x800c, 0x8004, 4),
  taskLimit: mostly(0x67, 9, 8, 11),
  eflags: mostly(0x246, 0x4246, 0x40246, 0x10346, 0x2c47),
})
type Start = typeof start extends fc.Arbitrary<infer T> ? T : never

const usual: Start = {
  cpl: 3,
  access: [0x9b, 0x93, 0xfb, 0xf3, 0x8b],
  flags: [12, 12, 12, 12],
  stack: 0x8000,
  taskLimit: 0x67,
  eflags: 0x246,
}

function machine({ cpl, access, flags, stack, taskLimit, eflags }: Start, quick: boolean) {
  const f = fixtures[Number(quick)]!
  f.cpu.u8.fill(0, RAM, RAM + USED)
  f.cpu.tlb.flush(true)
  f.protectedMode(cpl)
  for (let i = 0; i < 4; i++) f.descriptor(0x1008 + 8 * i, 0, 0xfffff, access[i]!, flags[i]!)
  f.write32(0x3004, stack, 0x10)
  const { cpu } = f
  cpu.i32[segmentCell(7, 0x18) >> 2] = taskLimit
  cpu.i32[segmentCell(7, 0x1c) >> 2] = access[4]
  setEflags(cpu, eflags)
  updateMode(cpu)
  cpu.i32[USER_RETIRED >> 2] = 0
  cpu.exceptionCounts.fill(0)
  cpu.softwareCounts.fill(0)
  cpu.i32[CODE_SUPERVISOR_MODE >> 2] = FLAT_MODE
  cpu.i32[CODE_USER_MODE >> 2] = FLAT_MODE | MODE_USER
  cpu.deliverQuick = quick ? (...args) => tryQuick(f, 'deliver_quick', args) : undefined
  if (quick) for (const page of [0, 1, 2, 3, ...STACK_PAGES]) load(cpu, page << 12, 4, true, false)
  return f
}
/** State and memory as text: arrays take the test runner too long to compare. */
const snapshot = ({ cpu }: Fixture) => [
  Array.from(cpu.u32.subarray(0x100 >> 2, STATE_END >> 2), (v, i) => `${(0x100 + 4 * i).toString(16)}: ${v}`).join(),
  Buffer.from(cpu.u8.subarray(RAM, RAM + USED)).toString('latin1'),
  cpu.flatSegments & 15,
  cpu.resumeAt,
  cpu.i32[USER_RETIRED >> 2],
  cpu.exceptionCounts[14],
  cpu.softwareCounts[0x80],
]
function alike(given: Start, run: (f: Fixture, isQuick: boolean) => unknown) {
  const [quick, plain] = [machine(given, true), machine(given, false)]
  expect(run(quick, true)).toEqual(run(plain, false))
  expect(snapshot(quick)).toEqual(snapshot(plain))
}

const gate = fc.record({ kind: mostly(0x8e, 0x8f, 0xee, 0xef, 0x86, 0x87, 0x85, 0x0e), target: selector(0x08) })

test('interrupts, faults and INT n', () => {
  fc.assert(
    fc.property(start, gate, fc.constantFrom('software', 'external', 'fault'), (given, { kind, target }, source) => {
      alike(given, (f, isQuick) => {
        f.gate(0x2000 + 8 * 0x80, target, 0x5678, kind)
        f.gate(0x2000 + 8 * 14, target, 0x1234567, kind)
        if (source === 'external') f.cpu.deliverInterrupt(0x80)
        else if (source === 'fault') {
          f.cpu.raisePageFault(0x12345678, 7)
          if (!isQuick || tryQuick(f, 'fault_quick', []) === 0) f.cpu.deliverRaised()
        } else if (!isQuick || tryQuick(f, 'interrupt_quick', [0x80, 0x4002]) === 0) {
          f.cpu.transferring = 1
          softwareInterrupt(f.cpu, 0x80, 0, 0x4002)
          f.cpu.transferring = 0
        }
        return f.raised()
      })
    }),
    { numRuns: 500 },
  )
})

test('IRET', () => {
  const frame = fc.tuple(
    fc.constant(0x12345),
    selector(0x1b),
    mostly(0x3246, 0x4246, 0x20246, 0x50346, 0x200000),
    fc.constant(0x8abc),
    selector(0x23),
  )
  const right = mostly(0xc0f3, 0xc093, 0xc09f, 0, 0xc0b3)
  const data = fc.tuple(right, mostly(0xc0f3, 0xc093), right, right)
  fc.assert(
    fc.property(start, frame, mostly(0x8100, 0x8102, 0x8ff4, 0x8fec, 0x8fe8), data, (given, words, esp, rights) => {
      alike({ ...given, cpl: 0 }, (f, isQuick) => {
        for (const [i, n] of [0, 3, 4, 5].entries()) {
          if (rights[i] === 0) setNullSegment(f.cpu, n, 0)
          else setSegment(f.cpu, n, 0x23, 0, -1, rights[i]!)
        }
        updateMode(f.cpu)
        f.write32(esp, ...words)
        f.cpu.setRegister(4, esp)
        if (isQuick && tryQuick(f, 'iret_quick', []) !== 0) return f.raised()
        f.cpu.transferring = 1
        iret(f.cpu, 4, 0)
        f.cpu.transferring = 0
        return f.raised()
      })
    }),
    { numRuns: 500, examples: [[usual, [1, 0x0b, 2, 0, 0], 0x8100, [0xc0f3, 0xc0f3, 0xc0f3, 0xc0f3]]] },
  )
})

test('DS, ES, FS and GS', () => {
  const segment = fc.constantFrom(0, 3, 4, 5)
  const descriptor = fc.record({
    base: mostly(0, 0x12345678),
    limit: mostly(0xfffff, 0x123),
    access: byte(0xf3),
    flags: mostly(12, 4, 8, 13),
  })
  fc.assert(
    fc.property(start, descriptor, segment, selector(0x33), mostly(0x37, 0x36, 0x2f), (given, d, n, chosen, limit) => {
      alike(given, (f, isQuick) => {
        f.descriptor(0x1030, d.base, d.limit, d.access, d.flags)
        f.cpu.i32[GDTR_LIMIT >> 2] = limit
        if (!isQuick || quickLoad(f, n, chosen) === 0) loadSegment(f.cpu, n, chosen)
        return f.raised()
      })
    }),
    { numRuns: 500 },
  )
})

test('the usual case is the quick one', () => {
  const f = machine(usual, true)
  f.gate(0x2000 + 8 * 0x80, 0x08, 0x5678, 0xee)
  expect(tryQuick(f, 'interrupt_quick', [0x80, 0x4000])).toBe(1)
  expect([f.cpu.i32[CPL >> 2], f.cpu.i32[gprCell(4) >> 2]]).toEqual([0, 0x8000 - 20])
  expect(tryQuick(f, 'iret_quick', [])).toBe(1)
  expect(f.cpu.i32[CPL >> 2]).toBe(3)
  f.gate(0x2000 + 8 * 14, 0x08, 0x5678, 0x8e)
  f.cpu.raisePageFault(0x1000, 4)
  expect([tryQuick(f, 'fault_quick', []), f.cpu.faulted, f.cpu.state.cr2]).toEqual([1, false, 0x1000])
  expect(tryQuick(f, 'iret_quick', [])).toBe(0) // the error code is still on the stack
  f.cpu.setRegister(4, 0x8000 - 20)
  expect(tryQuick(f, 'iret_quick', [])).toBe(1)
  f.cpu.onDelivery = () => undefined
  expect(tryQuick(f, 'interrupt_quick', [0x80, 0x4000])).toBe(0)
  f.cpu.onDelivery = undefined
  for (const chosen of [0x23, 0, 0x23]) expect(quickLoad(f, 4, chosen)).toBe(1)
  expect(quickLoad(f, 3, 0x23)).toBe(1)
})

test('the quick ways were taken', () => {
  for (const name of ['deliver_quick', 'interrupt_quick', 'fault_quick', 'iret_quick', 'load_segment_quick'])
    expect([name, (done.get(name) ?? 0) > 20]).toEqual([name, true])
})

/** What MOV and POP to a segment register try first: 1 when it is done. */
const quickLoad = (f: Fixture, n: number, chosen: number) => tryQuick(f, 'load_segment_quick', [n, chosen])

/** The answer of a quick way: 0 when it has done nothing. */
function tryQuick({ cpu }: Fixture, name: string, args: number[]): number {
  let program = programs.get(name)
  if (!program) {
    program = prepare(procedure(name).tape)
    programs.set(name, program)
  }
  const unexpected = () => {
    throw new Error('a quick way accesses no guest memory and raises nothing')
  }
  const environment = { guestLoad: unexpected, guestStore: unexpected, helper: unexpected, raise: unexpected }
  const evaluator = new Evaluator(cpu.buffer, { ...environment, procedure, fault: () => false })
  evaluator.run(program, args)
  const answer = Reflect.get(evaluator, 'returned') as number
  if (answer !== 0) done.set(name, (done.get(name) ?? 0) + 1)
  return answer
}
