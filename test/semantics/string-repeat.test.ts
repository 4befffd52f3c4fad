// Repeated string instructions: the bulk paths against a model that goes one by one, budgets, faults in the middle,
// 16-bit addressing and ports.

import fc from 'fast-check'
import * as L from '../../src/cpu/layout.js'
import { STOP_AGAIN, STOP_NEXT } from '../../src/cpu/stops.js'
import { SemanticsMachine } from '../drivers/semantics-machine.js'

const REP = 0xf3
const opcodes = { movs: [0xa4, 0xa5], stos: [0xaa, 0xab], lods: [0xac, 0xad], scas: [0xae, 0xaf], cmps: [0xa6, 0xa7] }
const codeOf = (name: keyof typeof opcodes, size: number) =>
  size === 1 ? [REP, opcodes[name][0]!] : size === 2 ? [0x66, REP, opcodes[name][1]!] : [REP, opcodes[name][1]!]
const { EAX, ECX, ESI, EDI } = L
const FIRST = 0x400 // first linear page of four
const WINDOW = FIRST << 12

function machineWith(tlb: boolean, hosts = [1, 2, 3, 4]) {
  const machine = new SemanticsMachine()
  for (const [i, host] of hosts.entries()) machine.map(FIRST + i, host, { tlb })
  return machine
}
function set(machine: SemanticsMachine, values: Record<number, number>) {
  for (const [n, v] of Object.entries(values)) machine.cells[L.gprCell(Number(n)) >> 2] = v
}
const get = (machine: SemanticsMachine, n: number) => machine.cells[L.gprCell(n) >> 2]! >>> 0

/** Runs to completion with the given budget for each go; returns the instructions retired, the last one included. */
function complete(machine: SemanticsMachine, code: number[], budget: number): number {
  let retired = 0
  for (;;) {
    machine.cells[L.BUDGET >> 2] = budget
    const { ending, fault } = machine.run(code)
    if (fault) throw new Error(`fault ${fault.vector}`)
    retired += budget - machine.cells[L.BUDGET >> 2]!
    if (ending.kind === 'next') return retired + 1
    expect(ending).toEqual({ kind: 'stop', reason: STOP_AGAIN })
    expect(machine.cells[L.BUDGET >> 2]).toBe(0)
  }
}

const place = fc.oneof(fc.integer({ min: 0xfc0, max: 0x1040 }), fc.integer({ min: 0x400, max: 0x2400 }))
const work = fc.record({
  name: fc.constantFrom('movs' as const, 'stos' as const),
  size: fc.constantFrom(1, 2, 4),
  count: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 900 })),
  from: place,
  to: place,
  near: fc.option(fc.integer({ min: -9, max: 9 })),
  value: fc.constantFrom(0, 0x01010101, 0x12345678, -1, 0x3434),
  down: fc.boolean(),
  budget: fc.constantFrom(1, 3, 100, 5000),
  shared: fc.boolean(),
})

test('bulk copies and fills do what the elements do one by one, overlaps and shared frames included', () => {
  fc.assert(
    fc.property(work, w => {
      // Two linear pages may show the same frame.
      const hosts = w.shared ? [1, 2, 1, 3] : [1, 2, 3, 4]
      const results = [true, false].map(tlb => {
        const machine = machineWith(tlb, hosts)
        for (let i = 0; i < 0x4000; i += 4)
          machine.view.setUint32(L.RAM + 0x1000 + i, Math.imul(i + 7, 0x9e3779b1), true)
        const to = w.near === null ? w.to : Math.max(w.from + w.near, 0)
        machine.flags = w.down ? 0x402 : 2
        set(machine, { [EAX]: w.value, [ECX]: w.count, [ESI]: WINDOW + w.from, [EDI]: WINDOW + to })
        const skip = w.down && w.count * w.size > Math.min(w.from, to)
        if (skip) return undefined
        const retired = complete(machine, codeOf(w.name, w.size), w.budget)
        expect(retired).toBe(Math.max(w.count, 1))
        return { registers: machine.registers, memory: Buffer.from(machine.read(WINDOW, 0x4000)).toString('hex') }
      })
      expect(results[0]).toEqual(results[1])
    }),
    { numRuns: 40 },
  )
})

const scan = fc.record({
  name: fc.constantFrom('scas' as const, 'cmps' as const),
  size: fc.constantFrom(1, 2, 4),
  whileEqual: fc.boolean(),
  count: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 900 })),
  from: place,
  to: place,
  /** Bytes that differ from the rest. */
  odd: fc.array(fc.integer({ min: 0, max: 0x3fff }), { maxLength: 4 }),
  down: fc.boolean(),
  budget: fc.constantFrom(1, 3, 100, 5000),
})

test('bulk comparisons do what the elements do one by one', () => {
  fc.assert(
    fc.property(scan, w => {
      const reach = w.count * w.size
      if (w.down && reach > Math.min(w.from, w.to)) return
      // Bytes are alike but for the odd ones: REPE runs up to them, REPNE, which looks for a different value, too.
      const different = w.name === 'scas' && !w.whileEqual
      const results = [true, false].map(tlb => {
        const machine = machineWith(tlb)
        machine.write(WINDOW, new Uint8Array(0x4000).fill(different ? 1 : 7))
        for (const at of w.odd) machine.write(WINDOW + at, Uint8Array.of(different ? 7 : 1))
        machine.flags = w.down ? 0x402 : 2
        const value = 0x07070707
        set(machine, { [EAX]: value, [ECX]: w.count, [ESI]: WINDOW + w.from, [EDI]: WINDOW + w.to })
        const [first, ...rest] = codeOf(w.name, w.size)
        const prefix = w.whileEqual ? REP : 0xf2
        const code = first === REP ? [prefix, ...rest] : [first!, prefix, ...rest.slice(1)]
        const retired = complete(machine, code, w.budget)
        return { retired, registers: machine.registers, flags: machine.flags }
      })
      expect(results[0]).toEqual(results[1])
    }),
    { numRuns: 150 },
  )
})

test('a bulk copy across a page takes few steps and yields the bytes', () => {
  const machine = machineWith(true)
  machine.write(
    WINDOW,
    Array.from({ length: 300 }, (_, i) => i & 0xff),
  )
  set(machine, { [ECX]: 75, [ESI]: WINDOW, [EDI]: WINDOW + 0x1f80 })
  expect(complete(machine, codeOf('movs', 4), 1000)).toBe(75)
  expect(machine.read(WINDOW + 0x1f80, 300)).toEqual(machine.read(WINDOW, 300))
  expect([get(machine, ECX), get(machine, ESI), get(machine, EDI)]).toEqual([0, WINDOW + 300, WINDOW + 0x1f80 + 300])
})

test.each([true, false])('a fault in the middle leaves exact progress (tables filled: %p)', tlb => {
  const machine = new SemanticsMachine()
  machine.map(FIRST, 1, { tlb })
  set(machine, { [EAX]: 0x11223344, [ECX]: 100, [EDI]: WINDOW + 0x1000 - 42 })
  machine.cells[L.BUDGET >> 2] = 1000
  const { fault } = machine.run(codeOf('stos', 4))
  expect(fault).toEqual({ vector: 14, error: 2 })
  expect([get(machine, ECX), get(machine, EDI)]).toEqual([90, WINDOW + 0x1000 - 2])
  expect(machine.cells[L.BUDGET >> 2]).toBe(990)
})

test('a page that may not be written faults before anything moves', () => {
  const machine = new SemanticsMachine()
  machine.map(FIRST, 1, { tlb: true, write: false })
  set(machine, { [ECX]: 4, [ESI]: WINDOW, [EDI]: WINDOW + 64 })
  expect(machine.run(codeOf('movs', 1)).fault).toEqual({ vector: 14, error: 2 })
  expect(get(machine, ECX)).toBe(4)
})

test('with 16-bit addresses CX, SI and DI wrap and the upper halves stay', () => {
  for (const tlb of [true, false]) {
    const machine = new SemanticsMachine()
    for (let page = 0; page < 16; page++) machine.map(page, 1 + page, { tlb })
    machine.mode = { ...machine.mode, flat: false }
    machine.write(0xfffd, [1, 2, 3])
    machine.write(0, [4, 5])
    set(machine, { [ECX]: 0x70005, [ESI]: 0x5fffd, [EDI]: 0x60100 })
    machine.cells[L.BUDGET >> 2] = 1000
    expect(machine.run([0x67, REP, 0xa4]).ending.kind).toBe('next')
    expect([...machine.read(0x100, 5)]).toEqual([1, 2, 3, 4, 5])
    expect([get(machine, ECX), get(machine, ESI), get(machine, EDI)]).toEqual([0x70000, 0x50002, 0x60105])
  }
})

test('a bulk fill stops at the segment limit with #GP(0)', () => {
  const machine = machineWith(true)
  machine.mode = { ...machine.mode, flat: false }
  machine.segment(L.ES, WINDOW, 0xff)
  set(machine, { [ECX]: 100, [EDI]: 0x80 })
  machine.cells[L.BUDGET >> 2] = 1000
  expect(machine.run(codeOf('stos', 4)).fault).toEqual({ vector: 13, error: 0 })
  expect([get(machine, ECX), get(machine, EDI)]).toEqual([68, 0x100])
})

test('a segment override moves the source only', () => {
  const machine = machineWith(true)
  machine.mode = { ...machine.mode, flat: true }
  machine.segment(L.FS, 0x100, 0xffffffff)
  machine.write(WINDOW + 0x100, [7, 8, 9, 10])
  set(machine, { [ECX]: 1, [ESI]: WINDOW, [EDI]: WINDOW + 0x300 })
  expect(machine.run([0x64, REP, 0xa5]).ending.kind).toBe('next')
  expect([...machine.read(WINDOW + 0x300, 4)]).toEqual([7, 8, 9, 10])
})

describe('scans', () => {
  test('REPNE SCAS ends behind the match and charges what it did', () => {
    const machine = machineWith(false)
    machine.write(WINDOW, [1, 2, 3, 4, 5])
    set(machine, { [EAX]: 4, [ECX]: 10, [EDI]: WINDOW })
    machine.cells[L.BUDGET >> 2] = 100
    expect(machine.run([0xf2, 0xae]).ending.kind).toBe('next')
    expect([get(machine, ECX), get(machine, EDI), machine.flags & 0x40]).toEqual([6, WINDOW + 4, 0x40])
    expect(machine.cells[L.BUDGET >> 2]).toBe(97)
  })
  test('a count of 0 leaves the flags alone and charges nothing itself', () => {
    const machine = machineWith(false)
    machine.flags = 0x8d7
    set(machine, { [ECX]: 0, [EDI]: WINDOW })
    machine.cells[L.BUDGET >> 2] = 100
    expect(machine.run([0xf3, 0xa6]).ending.kind).toBe('next')
    expect(machine.flags).toBe(0x8d7)
    expect(machine.cells[L.BUDGET >> 2]).toBe(100)
  })
})

describe('ports', () => {
  test('REP INS reads the port once an element and only when memory takes it', () => {
    const machine = machineWith(false)
    let next = 0x40
    machine.helpers.in = () => next++
    set(machine, { [ECX]: 3, [L.EDX]: 0x1f0, [EDI]: WINDOW + 0x3ffe })
    machine.cells[L.BUDGET >> 2] = 100
    expect(machine.run([REP, 0x6c]).fault).toEqual({ vector: 14, error: 2 })
    expect(machine.calls).toEqual([
      ['in', 0x1f0, 1],
      ['in', 0x1f0, 1],
    ])
    expect([...machine.read(WINDOW + 0x3ffe, 2)]).toEqual([0x40, 0x41])
    expect(get(machine, ECX)).toBe(1)
  })
  test('REP OUTS writes in order and leaves the engine; an interrupt ends it between elements', () => {
    const machine = machineWith(false)
    machine.write(WINDOW, [1, 2, 3, 4])
    machine.helpers.out = (_port, _size, value) => {
      if (value === 2) machine.cells[L.INTR >> 2] = 1
      return 0
    }
    machine.flags = 0x202
    set(machine, { [ECX]: 4, [L.EDX]: 0x3f8, [ESI]: WINDOW })
    machine.cells[L.BUDGET >> 2] = 100
    expect(machine.run([REP, 0x6e]).ending).toEqual({ kind: 'stop', reason: STOP_AGAIN })
    expect([get(machine, ECX), machine.cells[L.BUDGET >> 2]]).toEqual([2, 98])
    machine.cells[L.INTR >> 2] = 0
    expect(machine.run([REP, 0x6e]).ending).toEqual({ kind: 'stop', reason: STOP_NEXT })
    expect(machine.calls.map(c => c[3])).toEqual([1, 2, 3, 4])
  })
  test('above IOPL the permission bitmap is asked first', () => {
    const machine = machineWith(false)
    machine.cells[L.CPL >> 2] = 3
    machine.helpers.check_io = () => {
      machine.fault = { vector: 13, error: 0 }
      return 0
    }
    set(machine, { [ECX]: 2, [L.EDX]: 0x80, [ESI]: WINDOW })
    expect(machine.run([REP, 0x6e]).fault).toEqual({ vector: 13, error: 0 })
    expect(machine.calls).toEqual([['check_io', 0x80, 1]])
  })
})
