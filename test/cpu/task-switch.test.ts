// Task switches (SDM vol. 3, 7.2, 7.3): what is saved and loaded, busy bits, links, NT, and exceptions on the way.
import { farCall, farJump } from '../../src/cpu/far-transfer.js'
import { iret } from '../../src/cpu/iret.js'
import { CR0, DR } from '../../src/cpu/layout.js'
import { Fixture } from './fixture.js'

const OLD = 0x3000
const NEW = 0x6000
const TSS_DESCRIPTOR = 0x1030 // selector 30
const busy = (f: Fixture, selector: number) => (f.read32(0x1000 + selector + 4) & 0x200) !== 0

/** A second task at selector 30: 32-bit TSS at 0x6000 with CPL 0 registers, EIP 0x7000. */
function machine(cpl = 0) {
  const f = new Fixture()
  f.protectedMode(cpl)
  f.descriptor(TSS_DESCRIPTOR, NEW, 0x67, 0x89, 0)
  f.write32(NEW + 0x1c, 0x77000, 0x7000, 0x202, 1, 2, 3, 4, 0x8800, 6, 7, 8, 0x10, 0x08, 0x10, 0x10, 0x23, 0, 0)
  const { cpu } = f
  cpu.state = {
    eax: 0xa,
    ecx: 0xb,
    edx: 0xc,
    ebx: 0xd,
    ebp: 0xe,
    esi: 0xf,
    edi: 0x10,
    dr: [0, 0, 0, 0, 0, 0, 0, 0x4ff],
  }
  return f
}

test('JMP saves the old task and loads the new one', () => {
  const f = machine()
  expect(farJump(f.cpu, 0x30, 0, 4, 0x4007)).toBe(true)
  expect(f.raised()).toBe('none')
  const saved = Array.from({ length: 16 }, (_, i) => f.read32(OLD + 0x20 + 4 * i))
  expect(saved).toEqual([0x4007, 2, 0xa, 0xb, 0xc, 0xd, 0x9000, 0xe, 0xf, 0x10, 0x10, 8, 0x10, 0x10, 0x10, 0x10])
  const s = f.cpu.state
  expect([s.eip, s.eflags, s.eax, s.esp, s.edi]).toEqual([0x7000, 0x202, 1, 0x8800, 8])
  expect([s.es, s.cs, s.ss, s.ds, s.fs, s.gs, s.tr].map(x => x.selector)).toEqual([
    0x10, 0x08, 0x10, 0x10, 0x23, 0, 0x30,
  ])
  expect([busy(f, 0x28), busy(f, 0x30)]).toEqual([false, true])
  // TS is set, local breakpoints are off, CR3 is not loaded without paging.
  expect([f.cpu.i32[CR0 >> 2]! & 8, f.cpu.i32[(DR >> 2) + 7], s.cr3]).toEqual([8, 0x4aa, 0])
})

test('CALL nests, IRET comes back', () => {
  const f = machine()
  expect(farCall(f.cpu, 0x30, 0, 4, 0x4007)).toBe(true)
  expect([f.read16(NEW), f.cpu.state.eflags, busy(f, 0x28), busy(f, 0x30)]).toEqual([0x28, 0x4202, true, true])
  expect(iret(f.cpu, 4, 0x7001)).toBe(true)
  const s = f.cpu.state
  expect([s.eip, s.esp, s.eax, s.eflags, s.tr.selector]).toEqual([0x4007, 0x9000, 0xa, 2, 0x28])
  expect([busy(f, 0x28), busy(f, 0x30)]).toEqual([true, false])
  // The nested task is saved with NT clear, at the instruction behind its IRET.
  expect([f.read32(NEW + 0x20), f.read32(NEW + 0x24)]).toEqual([0x7001, 0x202])
})

test('an exception through a task gate pushes its error code in the new task', () => {
  const f = machine(3)
  f.gate(0x2000 + 13 * 8, 0x30, 0, 0x85)
  f.cpu.deliverFault(13, 0x1234)
  expect([f.cpu.eip, f.cpu.cpl, f.cpu.register(4), f.read32(0x8800 - 4)]).toEqual([0x7000, 0, 0x8800 - 4, 0x1234])
  expect([f.read32(OLD + 0x20), f.read32(OLD + 0x24)]).toEqual([0x4000, 0x10002])
})

test('16-bit TSS: low halves only, FS and GS null', () => {
  const f = machine()
  f.descriptor(TSS_DESCRIPTOR, NEW, 0x2b, 0x81, 0)
  f.write16(NEW + 0x0e, 0x7000, 0x202, 1, 2, 3, 4, 0x8800, 6, 7, 8, 0x10, 0x08, 0x10, 0x10, 0)
  expect(farJump(f.cpu, 0x30, 0, 4, 0)).toBe(true)
  const s = f.cpu.state
  expect([s.eip, s.eax, s.esp, s.fs.selector, s.gs.rights]).toEqual([0x7000, 0xffff0001, 0xffff8800, 0, 0x10000])
})

test('into virtual-8086 mode', () => {
  const f = machine()
  f.write32(NEW + 0x24, 0x20202)
  f.write32(NEW + 0x48, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666)
  f.write32(NEW + 0x20, 0x70)
  expect(farJump(f.cpu, 0x30, 0, 4, 0)).toBe(true)
  const s = f.cpu.state
  expect([s.es, s.cs, s.ss, s.ds, s.fs, s.gs].map(x => x.base)).toEqual([
    0x11110, 0x22220, 0x33330, 0x44440, 0x55550, 0x66660,
  ])
  expect([f.cpu.cpl, s.cs.rights]).toEqual([3, 0xf3])
})

test('the T bit asks for a debug exception', () => {
  const f = machine()
  f.write32(NEW + 0x64, 1)
  farJump(f.cpu, 0x30, 0, 4, 0)
  expect(f.cpu.debugHits).toBe(0x8000)
})

describe('refused in the old task', () => {
  test.each([
    ['busy', 0x8b, 0x67, '13(30)'],
    ['not present', 0x09, 0x67, '11(30)'],
    ['too short', 0x89, 0x66, '10(30)'],
    ['16-bit too short', 0x81, 0x2a, '10(30)'],
  ])('%s', (_, access, limit, expected) => {
    const f = machine()
    f.descriptor(TSS_DESCRIPTOR, NEW, limit, access, 0)
    farJump(f.cpu, 0x30, 0, 4, 0)
    expect(f.raised()).toBe(expected)
    expect(f.cpu.state.tr.selector).toBe(0x28)
  })
  test('privilege of the descriptor', () => {
    const f = machine(3)
    farJump(f.cpu, 0x30, 0, 4, 0)
    expect(f.raised()).toBe('13(30)')
  })
  test('IRET to a task that is not busy', () => {
    const f = machine()
    f.write16(OLD, 0x30)
    f.cpu.state = { eflags: 0x4002 }
    iret(f.cpu, 4, 0)
    expect(f.raised()).toBe('10(30)')
  })
})

describe('exceptions of the new task are delivered in it', () => {
  test.each([
    ['LDT', 0x60, 0x10, 10, 0x10],
    ['CS null', 0x4c, 0, 10, 0],
    ['CS is data', 0x4c, 0x10, 10, 0x10],
    ['SS of another level', 0x50, 0x23, 10, 0x20],
    ['SS not present', 0x50, 0x40, 12, 0x40],
    ['DS not present', 0x54, 0x40, 11, 0x40],
    ['DS is a system segment', 0x54, 0x28, 10, 0x28],
  ])('%s', (_, field, selector, vector, code) => {
    const f = machine()
    f.descriptor(0x1040, 0, 0xfffff, 0x13, 0xc)
    f.write32(NEW + field, selector)
    // A task gate, so that the handler's stack does not depend on what the new task could load.
    f.descriptor(0x1048, 0xc000, 0x67, 0x89, 0)
    f.write32(0xc01c, 0, 0xf000, 2, 0, 0, 0, 0, 0xd000, 0, 0, 0, 0x10, 0x08, 0x10, 0x10, 0, 0, 0)
    f.gate(0x2000 + vector * 8, 0x48, 0, 0x85)
    expect(farJump(f.cpu, 0x30, 0, 4, 0x4007)).toBe(true)
    expect([f.cpu.eip, f.read32(0xd000 - 4), f.read16(0xc000), f.read32(NEW + 0x20)]).toEqual([
      0xf000,
      code,
      0x30,
      0x7000,
    ])
  })

  // What the processor has for CS and SS then is not documented; Bochs and KVM leave what the old task had there.
  test.each([
    ['LDT', 0x60, 0x10, 10, 0x10],
    ['CS null', 0x4c, 0, 10, 0],
    ['SS not present', 0x50, 0x40, 12, 0x40],
  ])('%s, through an interrupt gate on the stack of the new task', (_, field, selector, vector, code) => {
    const f = machine()
    f.descriptor(0x1040, 0, 0xfffff, 0x13, 0xc)
    f.write32(NEW + field, selector)
    f.gate(0x2000 + vector * 8, 0x08, 0xf000, 0x8e)
    expect(farJump(f.cpu, 0x30, 0, 4, 0x4007)).toBe(true)
    expect([f.cpu.eip, f.cpu.register(4), f.read32(0x87f0), f.read32(0x87f4)]).toEqual([0xf000, 0x87f0, code, 0x7000])
    expect(f.cpu.state.tr.selector).toBe(0x30)
  })
})
