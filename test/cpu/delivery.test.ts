// Delivery of interrupts and exceptions, against frames and error codes written down from SDM vol. 3, 6.11 to 6.15
// and 20.1.4, 20.3.1, and vol. 2 INT n.

import { softwareInterrupt } from '../../src/cpu/delivery.js'
import { eflags, setEflags } from '../../src/cpu/eflags.js'
import { iret } from '../../src/cpu/iret.js'
import {
  CR2,
  FAULT_LINEAR,
  IDTR_LIMIT,
  NMI_BLOCKED,
  SHADOW,
  SHADOW_KIND,
  SHADOW_REPEATING,
} from '../../src/cpu/layout.js'
import { Fixture } from './fixture.js'

const frame = (f: Fixture, from: number, words: number) =>
  Array.from({ length: words }, (_, i) => f.read32(from + 4 * i))
const frame16 = (f: Fixture, from: number, words: number) =>
  Array.from({ length: words }, (_, i) => f.read16(from + 2 * i))

function machine(cpl: number, vector: number, access: number, selector = 0x08, offset = 0x5000) {
  const f = new Fixture()
  f.protectedMode(cpl)
  f.gate(0x2000 + vector * 8, selector, offset, access)
  return f
}

describe('32-bit gates', () => {
  test('an interrupt gate to ring 0 switches stacks and IRET comes back', () => {
    const f = machine(3, 0x20, 0x8e, 0x08, 0x12345678)
    const { cpu } = f
    setEflags(cpu, 0x3247)
    cpu.deliverInterrupt(0x20)
    expect([cpu.eip, cpu.cpl, cpu.register(4)]).toEqual([0x12345678, 0, 0x8000 - 20])
    expect(frame(f, 0x8000 - 20, 5)).toEqual([0x4000, 0x1b, 0x3247, 0x9000, 0x23])
    expect(eflags(cpu)).toBe(0x3047)
    expect(iret(cpu, 4, 0)).toBe(true)
    expect([cpu.eip, cpu.cpl, cpu.register(4), eflags(cpu)]).toEqual([0x4000, 3, 0x9000, 0x3247])
  })
  test('a page fault pushes its code, sets RF in the frame and loads CR2', () => {
    const f = machine(0, 14, 0x8f)
    const { cpu } = f
    cpu.i32[FAULT_LINEAR >> 2] = 0x1234
    setEflags(cpu, 0x202)
    cpu.deliverFault(14, 2)
    expect(frame(f, 0x9000 - 16, 4)).toEqual([2, 0x4000, 8, 0x10202])
    expect(cpu.i32[CR2 >> 2]).toBe(0x1234)
    expect(eflags(cpu)).toBe(0x202)
  })
  test('TF and NT are cleared, IF only by an interrupt gate', () => {
    for (const [access, expected] of [
      [0x8e, 0x2],
      [0x8f, 0x202],
    ] as const) {
      const f = machine(0, 0x30, access)
      setEflags(f.cpu, 0x4302)
      f.cpu.deliverInterrupt(0x30)
      expect(eflags(f.cpu)).toBe(expected)
      expect(f.read32(0x9000 - 4)).toBe(0x4302)
    }
  })
  test('a conforming handler runs at CPL 3 on the same stack', () => {
    const f = machine(3, 0x20, 0xee, 0x30)
    f.descriptor(0x1030, 0, 0xfffff, 0x9f, 0xc)
    f.cpu.deliverInterrupt(0x20)
    expect([f.cpu.cpl, f.cpu.register(4), f.cpu.state.cs.selector]).toEqual([3, 0x9000 - 12, 0x33])
  })
  test('an interrupt between two iterations of REP has RF set in its frame', () => {
    const f = machine(0, 0x20, 0x8e)
    f.cpu.i32[SHADOW_KIND >> 2] = SHADOW_REPEATING
    f.cpu.i32[SHADOW >> 2] = f.cpu.retired
    f.cpu.deliverInterrupt(0x20)
    expect(f.read32(0x9000 - 4)).toBe(0x10002)
  })
})

test('an NMI blocks the next one until IRET', () => {
  const f = machine(0, 2, 0x8e)
  f.cpu.deliverInterrupt(2)
  expect(f.cpu.i32[NMI_BLOCKED >> 2]).toBe(1)
  iret(f.cpu, 4, 0)
  expect(f.cpu.i32[NMI_BLOCKED >> 2]).toBe(0)
})

test('a 16-bit gate pushes 16-bit frames', () => {
  const f = machine(3, 0x20, 0x86, 0x08, 0x99995678 | 0)
  f.cpu.deliverInterrupt(0x20)
  expect([f.cpu.eip, f.cpu.register(4)]).toEqual([0x5678, 0x8000 - 10])
  expect(frame16(f, 0x8000 - 10, 5)).toEqual([0x4000, 0x1b, 2, 0x9000, 0x23])
})
test('the stack of a 16-bit TSS', () => {
  const f = machine(3, 0x20, 0x8e)
  f.cpu.state = { tr: { rights: 0x83, limit: 0x2b } }
  f.write16(0x3002, 0x7000, 0x10)
  f.cpu.deliverInterrupt(0x20)
  expect(f.cpu.register(4)).toBe(0x7000 - 20)
})

describe('virtual-8086 mode', () => {
  function v86(iopl: number) {
    const f = machine(3, 0x21, 0xee)
    f.cpu.state = {
      eflags: 0x20202 | (iopl << 12),
      cs: { selector: 0x1000, base: 0x10000, limit: 0xffff, rights: 0xf3 },
      ss: { selector: 0x2000, base: 0x20000, limit: 0xffff, rights: 0xf3 },
      ds: { selector: 0x3000, base: 0x30000, limit: 0xffff, rights: 0xf3 },
      es: { selector: 0x4000, base: 0x40000, limit: 0xffff, rights: 0xf3 },
      fs: { selector: 0x5000, base: 0x50000, limit: 0xffff, rights: 0xf3 },
      gs: { selector: 0x6000, base: 0x60000, limit: 0xffff, rights: 0xf3 },
      esp: 0xfffe,
    }
    return f
  }
  test('INT n needs IOPL 3, INT3 and INTO do not', () => {
    expect(softwareInterrupt(v86(2).cpu, 0x21, 0, 0)).toBe(false)
    expect(softwareInterrupt(v86(0).cpu, 0x21, 1, 0)).toBe(true)
    expect(softwareInterrupt(v86(3).cpu, 0x21, 0, 0)).toBe(true)
  })
  test('nine words on the ring 0 stack, data segments null, and IRET comes back', () => {
    const f = v86(3)
    const before = f.cpu.state
    f.cpu.deliverInterrupt(0x21)
    expect(frame(f, 0x8000 - 36, 9)).toEqual([0x4000, 0x1000, 0x23202, 0xfffe, 0x2000, 0x4000, 0x3000, 0x5000, 0x6000])
    const { ds, es, fs, gs, cs, eflags: flags } = f.cpu.state
    expect([ds.selector, es.selector, fs.selector, gs.selector, cs.selector, flags]).toEqual([0, 0, 0, 0, 8, 0x3002])
    expect(iret(f.cpu, 4, 0)).toBe(true)
    expect(f.cpu.state).toEqual(before)
  })
  test('a handler that is not at ring 0 is refused', () => {
    const f = v86(3)
    f.descriptor(0x1030, 0, 0xfffff, 0xbb, 0xc)
    f.gate(0x2000 + 0x21 * 8, 0x30, 0, 0xee)
    softwareInterrupt(f.cpu, 0x21, 0, 0)
    expect(f.raised()).toBe('13(30)')
  })
})

describe('error codes of INT 30 at CPL 3', () => {
  const descriptors = (f: Fixture) => {
    f.descriptor(0x1030, 0, 0xfffff, 0x1b, 0xc) // not present
    f.descriptor(0x1038, 0, 0xfff, 0x9b, 0x4) // limit FFF
  }
  test.each([
    ['gate of DPL 0', 0x8e, 0x08, '13(182)'],
    ['no gate type', 0xec, 0x08, '13(182)'],
    ['DPL is looked at before presence', 0x0e, 0x08, '13(182)'],
    ['not present', 0x6e, 0x08, '11(182)'],
    ['null code selector', 0xee, 0, '13(0)'],
    ['data selector', 0xee, 0x10, '13(10)'],
    ['beyond the GDT', 0xee, 0x1000, '13(1000)'],
    ['code not present', 0xee, 0x30, '11(30)'],
    ['EIP beyond the limit', 0xee, 0x38, '13(0)'],
  ])('%s', (_, access, selector, expected) => {
    const f = machine(3, 0x30, access, selector)
    descriptors(f)
    expect(softwareInterrupt(f.cpu, 0x30, 0, 0x4002)).toBe(false)
    expect(f.raised()).toBe(expected)
    expect([f.cpu.eip, f.cpu.cpl, f.cpu.register(4)]).toEqual([0x4000, 3, 0x9000])
  })
  test('beyond the IDT', () => {
    const f = machine(3, 0x30, 0xee)
    f.cpu.i32[IDTR_LIMIT >> 2] = 0x186
    softwareInterrupt(f.cpu, 0x30, 0, 0)
    expect(f.raised()).toBe('13(182)')
  })
  test.each([
    ['null', [0x8000, 0], '10(0)'],
    ['RPL', [0x8000, 0x13], '10(10)'],
    ['DPL', [0x8000, 0x20], '10(20)'],
    ['code', [0x8000, 0x08], '10(8)'],
    ['not present', [0x8000, 0x40], '12(40)'],
    ['no room', [0xffffffff, 0x48], '12(48)'],
  ])('stack segment of the TSS: %s', (_, words, expected) => {
    const f = machine(3, 0x30, 0xee)
    f.descriptor(0x1040, 0, 0xfffff, 0x13, 0xc)
    f.descriptor(0x1048, 0, 0xfff, 0x93, 0x4)
    f.write32(0x3004, ...words)
    softwareInterrupt(f.cpu, 0x30, 0, 0)
    expect(f.raised()).toBe(expected)
  })
  test('a TSS that ends before the stack', () => {
    const f = machine(3, 0x30, 0xee)
    f.cpu.state = { tr: { limit: 8 } }
    softwareInterrupt(f.cpu, 0x30, 0, 0)
    expect(f.raised()).toBe('10(28)')
  })
})

describe('INT n', () => {
  test('returns behind itself', () => {
    const f = machine(3, 0x80, 0xef)
    expect(softwareInterrupt(f.cpu, 0x80, 0, 0x4002)).toBe(true)
    expect(f.read32(0x8000 - 20)).toBe(0x4002)
  })
  test('a monitor may take the gate over after its checks', () => {
    const f = machine(3, 0x80, 0xef)
    f.gate(0x2000, 0x08, 0, 0x8f)
    const seen: number[][] = []
    f.cpu.monitorGate = (...args) => seen.push([...args]) > 0
    expect(softwareInterrupt(f.cpu, 0x80, 0, 0x4002)).toBe(true)
    expect(softwareInterrupt(f.cpu, 0, 0, 0x4002)).toBe(false)
    expect(seen).toEqual([[0x80, 0, 0, 0x4002]])
    expect([f.cpu.eip, f.cpu.cpl]).toEqual([0x4002, 3])
  })
})

describe('double faults (table 6-5)', () => {
  // Vector n has a good gate only where listed; what stands in the handler's frame afterwards is the vector delivered.
  const good = (...vectors: number[]) => {
    const f = new Fixture()
    f.protectedMode(0)
    for (const v of vectors) f.gate(0x2000 + v * 8, 0x08, 0x1000 * v, 0x8e)
    return f
  }
  const delivered = (f: Fixture) => f.cpu.eip >>> 12
  test('contributory after contributory', () => {
    const f = good(8)
    f.cpu.deliverFault(11, 0x10)
    expect(delivered(f)).toBe(8)
    expect(f.read32(f.cpu.register(4))).toBe(0)
  })
  test('contributory after benign is delivered alone, with EXT', () => {
    const f = good(13)
    f.cpu.deliverFault(6)
    expect(delivered(f)).toBe(13)
    expect(f.read32(f.cpu.register(4))).toBe(6 * 8 + 3)
  })
  test('page fault after contributory is delivered alone', () => {
    const f = good(14)
    f.write32(0x10000, 0x11003)
    for (let i = 0; i < 0x30; i++) f.write32(0x11000 + 4 * i, (i << 12) | 3)
    // #GP's gate points to a code segment whose descriptor is on a page that is not there.
    f.gate(0x2000 + 13 * 8, 0x08, 0, 0x8e)
    f.cpu.state = { cr3: 0x10000, cr0: 0x80000001, gdtr: { base: 0x1000, limit: 0xffff } }
    f.gate(0x2000 + 13 * 8, 0x6000 - 0x1000, 0, 0x8e)
    f.write32(0x11000 + 4 * 6, 0)
    f.cpu.deliverFault(13, 0)
    expect(delivered(f)).toBe(14)
    expect(f.cpu.i32[CR2 >> 2]).toBe(0x6000)
  })
  test('contributory after page fault', () => {
    const f = good(8)
    f.cpu.deliverFault(14, 2)
    expect(delivered(f)).toBe(8)
  })
  test('a fault while delivering #DF shuts down', () => {
    const f = good()
    f.cpu.deliverFault(13, 0)
    expect(f.cpu.shutdown).toBe(true)
  })
  test('an interrupt whose gate is missing raises #GP with EXT', () => {
    const f = good(13)
    f.cpu.deliverInterrupt(0x20)
    expect(f.read32(f.cpu.register(4))).toBe(0x20 * 8 + 3)
  })
})

describe('real-address mode', () => {
  test('pushes FLAGS, CS and IP, clears IF and TF, and IRET comes back', () => {
    const f = new Fixture('386')
    const { cpu } = f
    cpu.state = { esp: 0x100, eip: 0x1234, cs: { selector: 0x2000, base: 0x20000 }, eflags: 0x7302 }
    f.write16(0x21 * 4, 0x5678, 0x3000)
    cpu.deliverInterrupt(0x21)
    expect(frame16(f, 0xfa, 3)).toEqual([0x1234, 0x2000, 0x7302])
    expect([cpu.eip, cpu.state.cs.base, eflags(cpu)]).toEqual([0x5678, 0x30000, 0x7002])
    expect(iret(cpu, 2, 0)).toBe(true)
    expect([cpu.eip, cpu.state.cs.selector, eflags(cpu), cpu.register(4)]).toEqual([0x1234, 0x2000, 0x7302, 0x100])
  })
  test('a vector beyond the table ends in #DF or shutdown', () => {
    const f = new Fixture('386')
    f.cpu.state = { esp: 0x100, idtr: { limit: 8 * 4 + 3 } }
    f.write16(8 * 4, 0x88, 0)
    f.cpu.deliverInterrupt(0x21)
    expect(f.cpu.eip).toBe(0x88)
    f.cpu.i32[IDTR_LIMIT >> 2] = 3
    f.cpu.deliverInterrupt(0x21)
    expect(f.cpu.shutdown).toBe(true)
  })
})
