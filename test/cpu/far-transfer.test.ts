// Far JMP, CALL, RET and IRET (SDM vol. 2; vol. 3, 5.8), with call gates and returns to outer levels.
import { farCall, farJump, farReturn } from '../../src/cpu/far-transfer.js'
import { iret } from '../../src/cpu/iret.js'
import { Fixture } from './fixture.js'

/** GDT entries from 30 on, each [access, flags, limit]. */
function machine(cpl: number, ...entries: [number, number?, number?][]) {
  const f = new Fixture()
  f.protectedMode(cpl)
  entries.forEach(([access, flags = 0xc, limit = 0xfffff], i) => {
    f.descriptor(0x1030 + 8 * i, 0, limit, access, flags)
  })
  return f
}

describe('direct jumps', () => {
  test.each([
    ['null', 0, 0, [0x9b], '13(0)'],
    ['data', 0, 0x30, [0x93], '13(30)'],
    ['LDT descriptor', 0, 0x30, [0x82], '13(30)'],
    ['RPL above CPL', 0, 0x33, [0x9b], '13(30)'],
    ['DPL is not CPL', 3, 0x33, [0x9b], '13(30)'],
    ['conforming, DPL above CPL', 0, 0x30, [0xff], '13(30)'],
    ['not present', 0, 0x30, [0x1b], '11(30)'],
    ['beyond the limit', 0, 0x30, [0x9b, 4, 0xfff], '13(0)'],
    ['good', 0, 0x30, [0x9b], 'none'],
    ['conforming of a lower level', 3, 0x30, [0x9f], 'none'],
  ])('%s', (_, cpl, selector, entry, expected) => {
    const f = machine(cpl, entry as [number, number?, number?])
    farJump(f.cpu, selector, 0x1000, 4, 0)
    expect(f.raised()).toBe(expected)
    const { cs, eip } = f.cpu.state
    expect([eip, cs.selector]).toEqual(expected === 'none' ? [0x1000, (selector & ~3) | cpl] : [0x4000, cpl ? 0x1b : 8])
  })
  test('real mode', () => {
    const f = new Fixture('386')
    expect(farJump(f.cpu, 0x1234, 0x5678, 2, 0)).toBe(true)
    expect([f.cpu.eip, f.cpu.state.cs.base]).toEqual([0x5678, 0x12340])
    expect(farJump(f.cpu, 0x1234, 0x15678, 4, 0)).toBe(false)
    expect(f.raised()).toBe('13(0)')
  })
})

test('CALL and RET at the same level', () => {
  const f = machine(0, [0x9b])
  expect(farCall(f.cpu, 0x30, 0x1000, 4, 0x4007)).toBe(true)
  expect([f.read32(0x9000 - 8), f.read32(0x9000 - 4)]).toEqual([0x4007, 8])
  expect(farReturn(f.cpu, 4, 12)).toBe(true)
  expect([f.cpu.eip, f.cpu.register(4)]).toEqual([0x4007, 0x9000 + 12])
})

describe('call gates', () => {
  test('to ring 0 with parameters, and back with RET n', () => {
    const f = machine(3, [0x9b], [0xec])
    f.gate(0x1038, 0x30, 0x12345678, 0xec, 2)
    f.write32(0x9000, 0x111, 0x222, 0x333)
    expect(farCall(f.cpu, 0x3b, 0, 4, 0x4007)).toBe(true)
    expect([f.cpu.eip, f.cpu.cpl, f.cpu.register(4), f.cpu.state.cs.selector]).toEqual([
      0x12345678,
      0,
      0x8000 - 24,
      0x30,
    ])
    expect([0, 4, 8, 12, 16, 20].map(i => f.read32(0x8000 - 24 + i))).toEqual([
      0x4007, 0x1b, 0x111, 0x222, 0x9000, 0x23,
    ])
    expect(farReturn(f.cpu, 4, 8)).toBe(true)
    const { cs, ss, ds, esp, eip } = f.cpu.state
    expect([eip, cs.selector, ss.selector, esp, ds.selector]).toEqual([0x4007, 0x1b, 0x23, 0x9000 + 8, 0x23])
  })
  test('a 16-bit gate copies words', () => {
    const f = machine(3, [0x9b], [0xe4])
    f.gate(0x1038, 0x30, 0x5678, 0xe4, 1)
    f.write16(0x9000, 0xabc)
    expect(farCall(f.cpu, 0x3b, 0, 4, 0x4007)).toBe(true)
    expect([0, 2, 4, 6, 8].map(i => f.read16(0x8000 - 10 + i))).toEqual([0x4007, 0x1b, 0xabc, 0x9000, 0x23])
  })
  test.each([
    ['gate DPL below CPL', 3, 0x38, 0x8c, [0x9b], '13(38)'],
    ['gate DPL below RPL', 0, 0x3b, 0x8c, [0x9b], '13(38)'],
    ['gate not present', 3, 0x3b, 0x6c, [0x9b], '11(38)'],
    ['target is data', 3, 0x3b, 0xec, [0x93], '13(30)'],
    ['target not present', 3, 0x3b, 0xec, [0x1b], '11(30)'],
    ['target at an outer level', 0, 0x38, 0xec, [0xfb], '13(30)'],
    ['offset beyond the limit', 3, 0x3b, 0xec, [0x9b, 4, 0x10], '13(0)'],
  ])('%s', (_, cpl, selector, gate, entry, expected) => {
    const f = machine(cpl, entry as [number, number?, number?], [gate])
    f.gate(0x1038, 0x30, 0x1000, gate)
    farCall(f.cpu, selector, 0, 4, 0x4007)
    expect(f.raised()).toBe(expected)
  })
  test('JMP does not change the level', () => {
    const f = machine(3, [0x9b], [0xec])
    f.gate(0x1038, 0x30, 0x1000, 0xec)
    farJump(f.cpu, 0x3b, 0, 4, 0)
    expect(f.raised()).toBe('13(30)')
  })
})

describe('returns to CPL 3', () => {
  function outer(cs: number, ss: number, ...entries: [number, number?, number?][]) {
    const f = machine(0, ...entries)
    f.write32(0x9000, 0x7000, cs, 0x202, 0x6000, ss)
    return f
  }
  test('IRET nulls what CPL 3 may not hold', () => {
    const f = outer(0x1b, 0x23, [0x9f])
    f.cpu.state = { fs: { selector: 0x30, rights: 0xc09f }, gs: { selector: 3, base: 0, limit: 0, rights: 0x10000 } }
    expect(iret(f.cpu, 4, 0)).toBe(true)
    const { eip, cs, ss, esp, ds, es, fs, gs } = f.cpu.state
    expect([eip, cs.selector, ss.selector, esp]).toEqual([0x7000, 0x1b, 0x23, 0x6000])
    expect([ds, es, fs, gs].map(s => s.selector)).toEqual([0, 0, 0x30, 0])
    expect(ds.rights).toBe(0x10000)
  })
  test.each([
    ['CS null', 3, 0x23, '13(0)'],
    ['CS is data', 0x23, 0x23, '13(20)'],
    ['DPL of CS is not its RPL', 0x0b, 0x23, '13(8)'],
    ['CS not present', 0x33, 0x23, '11(30)'],
    ['EIP beyond the limit', 0x3b, 0x23, '13(0)'],
    ['SS null', 0x1b, 0, '13(0)'],
    ['RPL of SS', 0x1b, 0x20, '13(20)'],
    ['DPL of SS', 0x1b, 0x13, '13(10)'],
    ['SS not present', 0x1b, 0x43, '12(40)'],
  ])('%s', (_, cs, ss, expected) => {
    const f = outer(cs, ss, [0x7b], [0xfb, 4, 0x10], [0x73])
    iret(f.cpu, 4, 0)
    expect(f.raised()).toBe(expected)
    expect([f.cpu.cpl, f.cpu.register(4)]).toEqual([0, 0x9000])
  })
  test('a stack without room for the frame', () => {
    const f = outer(0x1b, 0x23)
    f.cpu.state = { ss: { limit: 0x900f, rights: 0x4093 } }
    iret(f.cpu, 4, 0)
    expect(f.raised()).toBe('12(0)')
  })
  test('CPL 3 cannot return inward', () => {
    const f = outer(0x08, 0x10)
    f.cpu.state = { cs: { selector: 0x1b }, ss: { selector: 0x23 } }
    iret(f.cpu, 4, 0)
    expect(f.raised()).toBe('13(8)')
  })
  test('to a 16-bit stack only SP is loaded', () => {
    const f = outer(0x1b, 0x33, [0xf3, 0])
    f.cpu.state = { esp: 0x9000 }
    expect(iret(f.cpu, 4, 0)).toBe(true)
    expect(f.cpu.register(4)).toBe(0x6000)
    const g = outer(0x1b, 0x33, [0xf3, 0])
    for (let i = 0; i < 5; i++) g.write32(0x19000 + 4 * i, g.read32(0x9000 + 4 * i))
    g.cpu.state = { esp: 0x19000 }
    expect(iret(g.cpu, 4, 0)).toBe(true)
    expect(g.cpu.register(4)).toBe(0x16000)
  })
})

describe('flags of IRET', () => {
  test.each([
    ['CPL 0 changes all', 0, 0x2, 0x247fd7, 4, 0x247fd7],
    ['CPL 3 with IOPL 0: neither IF nor IOPL', 3, 0x2, 0x247fd7, 4, 0x244dd7],
    ['CPL 3 with IOPL 3: IF, not IOPL', 3, 0x3002, 0x240fd7, 4, 0x243fd7],
    ['16 bits leave the upper half', 0, 0x240002, 0x0ed7, 2, 0x240ed7],
  ])('%s', (_, cpl, before, popped, size, expected) => {
    const f = machine(cpl)
    f.cpu.state = { eflags: before }
    const cs = cpl === 0 ? 8 : 0x1b
    if (size === 4) f.write32(0x9000, 0x7000, cs, popped)
    else f.write16(0x9000, 0x7000, cs, popped)
    expect(iret(f.cpu, size, 0)).toBe(true)
    expect(f.cpu.state.eflags).toBe(expected)
  })
  test('virtual-8086 mode needs IOPL 3 and keeps it', () => {
    const f = machine(3)
    f.cpu.state = { eflags: 0x22002, ss: { base: 0 } }
    expect(iret(f.cpu, 2, 0)).toBe(false)
    expect(f.raised()).toBe('13(0)')
    f.cpu.state = { eflags: 0x23002 }
    f.write16(0x9000, 0x7000, 0x1234, 0x0202)
    expect(iret(f.cpu, 2, 0)).toBe(true)
    expect([f.cpu.state.eflags, f.cpu.state.cs.base, f.cpu.eip]).toEqual([0x23202, 0x12340, 0x7000])
  })
})
