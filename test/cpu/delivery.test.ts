// Delivery through gates, against frames written down from SDM vol. 3, figures 6-4 and 20-4.

import { eflags, setEflags } from '../../src/cpu/eflags.js'
import { iret } from '../../src/cpu/iret.js'
import { CR2, FAULT_LINEAR } from '../../src/cpu/layout.js'
import { Fixture } from './fixture.js'

describe('32-bit gates', () => {
  test('an interrupt gate to ring 0 switches stacks and IRET comes back', () => {
    const f = new Fixture()
    f.protectedMode(3)
    const { cpu } = f
    f.gate(0x2000 + 0x20 * 8, 0x08, 0x12345678, 0x8e)
    setEflags(cpu, 0x3247)
    cpu.deliverInterrupt(0x20)
    expect(cpu.eip).toBe(0x12345678)
    expect(cpu.cpl).toBe(0)
    expect(cpu.register(4)).toBe(0x8000 - 20)
    expect([0, 4, 8, 12, 16].map(i => f.read32(0x8000 - 20 + i))).toEqual([0x4000, 0x1b, 0x3247, 0x9000, 0x23])
    expect(eflags(cpu)).toBe(0x3047)
    expect(iret(cpu, 4, 0)).toBe(true)
    expect(cpu.eip).toBe(0x4000)
    expect(cpu.cpl).toBe(3)
    expect(cpu.register(4)).toBe(0x9000)
    expect(eflags(cpu)).toBe(0x3247)
  })
  test('a page fault pushes its code, sets RF in the frame and loads CR2', () => {
    const f = new Fixture()
    f.protectedMode(0)
    const { cpu } = f
    f.gate(0x2000 + 14 * 8, 0x08, 0x5000, 0x8f)
    cpu.i32[FAULT_LINEAR >> 2] = 0x1234
    setEflags(cpu, 0x202)
    cpu.deliverFault(14, 2)
    expect([0, 4, 8, 12].map(i => f.read32(0x9000 - 16 + i))).toEqual([2, 0x4000, 8, 0x10202])
    expect(cpu.i32[CR2 >> 2]).toBe(0x1234)
    expect(eflags(cpu)).toBe(0x202)
  })
})
