// The register object (merge rules, formats) and the state after power-on (SDM vol. 3, table 9-1).
import { FPU_REGISTER, FPU_TOP, FPU_VALID, MODE } from '../../src/cpu/layout.js'
import { MODE_PROTECTED, MODE_USER, MODE_V86 } from '../../src/cpu/mode.js'
import { Fixture } from './fixture.js'

test('power-on state', () => {
  const { cpu } = new Fixture('pentium3')
  const s = cpu.state
  expect([s.eip, s.cs.selector, s.cs.base, s.cs.limit]).toEqual([0xfff0, 0xf000, 0xffff0000, 0xffff])
  expect([s.eflags, s.cr0, s.cr4, s.edx, s.eax]).toEqual([2, 0x60000010, 0, 0x683, 0])
  expect([s.ds.base, s.ds.limit, s.idtr.limit, s.mxcsr]).toEqual([0, 0xffff, 0xffff, 0x1f80])
  expect([s.dr[6], s.dr[7], s.x87.cw, s.x87.tag]).toEqual([0xffff0ff0, 0x400, 0x40, 0])
})

test('what is not named keeps its value; values are unsigned when read', () => {
  const { cpu } = new Fixture()
  cpu.state = { eax: -1, ebx: 0xfffffffe, ds: { selector: 7, rights: 0xc0f3 }, gdtr: { base: 5 } }
  cpu.state = { ds: { base: -4096 }, gdtr: { limit: 9 } }
  const s = cpu.state
  expect([s.eax, s.ebx, s.ecx]).toEqual([0xffffffff, 0xfffffffe, 0])
  expect(s.ds).toEqual({ selector: 7, base: 0xfffff000, limit: 0xffff, rights: 0xc0f3 })
  expect(s.gdtr).toEqual({ base: 5, limit: 9 })
})

test('setting what was read changes nothing', () => {
  const f = new Fixture()
  f.protectedMode(3)
  const { cpu } = f
  cpu.state = { eflags: 0x3ad7, msr: { pat: 0x0706050400010406n, sysenterCs: 8 }, cr2: 77, mxcsr: 0x1fa0 }
  const before = cpu.state
  cpu.reset()
  cpu.state = before
  expect(cpu.state).toEqual(before)
})

test('the x87 stack is in stack order, its tag in register order', () => {
  const { cpu } = new Fixture()
  const st = Array.from({ length: 8 }, (_, i) => Uint8Array.from({ length: 10 }, (_, k) => 16 * i + k))
  cpu.state = { x87: { cw: 0x37f, sw: 0x3841 | (6 << 11), tag: 0xc0, st } }
  expect([cpu.i32[FPU_TOP >> 2], cpu.i32[FPU_VALID >> 2]]).toEqual([7, 0xc0])
  // ST(0) is physical register 7, ST(1) register 0.
  expect(cpu.u8[FPU_REGISTER + 16 * 7 + 3]).toBe(3)
  expect(cpu.u8[FPU_REGISTER + 9]).toBe(16 + 9)
  cpu.state = { x87: { sw: 0 } }
  const { x87 } = cpu.state
  expect([x87.sw, x87.cw, x87.st[0]![0], x87.st[7]![0]]).toEqual([0, 0x37f, 16, 0])
})

test('arrays are whole', () => {
  const { cpu } = new Fixture()
  expect(() => {
    cpu.state = { xmm: [new Uint8Array(16)] }
  }).toThrow('state.xmm: give all 8 of them, each a Uint8Array of 16 bytes')
  const xmm = Array.from({ length: 8 }, (_, i) => new Uint8Array(16).fill(i))
  cpu.state = { xmm, dr: [1, 2, 3, 4, 0, 0, 0, 0] }
  expect(cpu.state.xmm).toEqual(xmm)
  expect(cpu.state.dr).toEqual([1, 2, 3, 4, 0xffff0ff0, 0x400, 0xffff0ff0, 0x400])
})

test.each([
  ['real mode', { cr0: 0x10, cs: { selector: 0x1003 } }, 0, 0],
  ['CPL 3', { cr0: 0x11, cs: { selector: 0x1b } }, 3, MODE_PROTECTED | MODE_USER],
  ['virtual-8086 mode', { cr0: 0x11, eflags: 0x20002, cs: { selector: 8 } }, 3, MODE_PROTECTED | MODE_USER | MODE_V86],
])('CPL and mode follow: %s', (_, state, cpl, mode) => {
  const { cpu } = new Fixture()
  cpu.state = state
  expect(cpu.cpl).toBe(cpl)
  expect(cpu.i32[MODE >> 2]! & (MODE_PROTECTED | MODE_USER | MODE_V86)).toBe(mode)
})
