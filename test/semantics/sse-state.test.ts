// When MMX and SSE instructions may run, what alignment they ask for, and what MXCSR takes (SDM vol. 2, table 2-19 and
// the exception lists of the instructions; vol. 3, table 2-2).

import * as L from '../../src/cpu/layout.js'
import { MODE_NO_FPU, MODE_NO_SSE } from '../../src/cpu/mode.js'
import { SemanticsMachine } from '../drivers/semantics-machine.js'

const EM = 4
const TS = 8
const NE = 0x20
const LINEAR = 0x5000

const code: Record<string, number[]> = {
  'addps xmm0, xmm1': [0x0f, 0x58, 0xc1],
  'pxor xmm0, xmm1': [0x66, 0x0f, 0xef, 0xc1],
  'ldmxcsr [5000h]': [0x0f, 0xae, 0x15, 0, 0x50, 0, 0],
  'stmxcsr [5000h]': [0x0f, 0xae, 0x1d, 0, 0x50, 0, 0],
  'cvtsi2sd xmm0, eax': [0xf2, 0x0f, 0x2a, 0xc0],
  'movd xmm0, eax': [0x66, 0x0f, 0x6e, 0xc0],
}
const mmxCode: Record<string, number[]> = {
  'pxor mm0, mm1': [0x0f, 0xef, 0xc1],
  'movd mm0, eax': [0x0f, 0x6e, 0xc0],
  'psrlq mm0, 3': [0x0f, 0x73, 0xd0, 3],
  'pavgb mm0, mm1': [0x0f, 0xe0, 0xc1],
  'pextrw eax, mm0, 1': [0x0f, 0xc5, 0xc0, 1],
}

function machine(cr0 = 0, cr4 = 0x600): SemanticsMachine {
  const m = new SemanticsMachine()
  m.map(LINEAR >>> 12, 1)
  m.cells[L.CR0 >> 2] = cr0
  m.cells[L.CR4 >> 2] = cr4
  m.cells[L.MXCSR >> 2] = 0x1f80
  m.cells[L.MODE >> 2] = (cr0 & (EM | TS) ? MODE_NO_FPU : 0) | (!(cr4 & 0x200) || cr0 & EM ? MODE_NO_SSE : 0)
  return m
}
const vector = (m: SemanticsMachine, bytes: number[]) => m.run(bytes).fault?.vector

describe.each(Object.entries(code))('%s', (_, bytes) => {
  test.each([
    ['runs', 0, 0x200, undefined],
    ['is #UD without CR4.OSFXSR', 0, 0x400, 6],
    ['is #UD with CR0.EM', EM, 0x200, 6],
    ['is #NM with CR0.TS', TS, 0x200, 7],
    ['is #UD rather than #NM with CR0.EM and CR0.TS', EM | TS, 0x200, 6],
    ['is #UD rather than #NM without CR4.OSFXSR', TS, 0, 6],
  ])('%s', (_name, cr0, cr4, expected) => {
    expect(vector(machine(cr0, cr4), bytes)).toBe(expected)
  })
})

describe.each(Object.entries(mmxCode))('%s', (_, bytes) => {
  test.each([
    ['runs without CR4.OSFXSR', 0, undefined],
    ['is #UD with CR0.EM', EM, 6],
    ['is #NM with CR0.TS', TS, 7],
    ['is #UD rather than #NM with both', EM | TS, 6],
  ])('%s', (_name, cr0, expected) => {
    expect(vector(machine(cr0, 0), bytes)).toBe(expected)
  })
  test('reports a pending x87 error first', () => {
    const m = machine(NE, 0)
    m.view.setUint16(L.FPU_STATUS, 0x8081, true)
    m.cells[L.FPU_TOP >> 2] = 5
    expect(vector(m, bytes)).toBe(16)
    expect(m.cells[L.FPU_TOP >> 2]).toBe(5)
  })
  test('uses the interrupt line for it with CR0.NE clear', () => {
    const m = machine(0, 0)
    m.view.setUint16(L.FPU_STATUS, 0x8081, true)
    expect(vector(m, bytes)).toBeUndefined()
    expect(m.calls).toEqual([['fpu_error']])
  })
  test('leaves TOP 0 and all registers valid', () => {
    const m = machine(0, 0)
    m.cells[L.FPU_TOP >> 2] = 5
    m.cells[L.FPU_VALID >> 2] = 0x21
    expect(vector(m, bytes)).toBeUndefined()
    expect([m.cells[L.FPU_TOP >> 2], m.cells[L.FPU_VALID >> 2]]).toEqual([0, 0xff])
  })
})

describe('sixteen bytes in memory', () => {
  // ModR/M 05H: XMM0 and an absolute address.
  const at = (opcode: number[], address: number) => [...opcode, 5, address & 0xff, address >> 8, 0, 0]
  const alignedForms: [string, number[]][] = [
    ['movaps load', [0x0f, 0x28]],
    ['movaps store', [0x0f, 0x29]],
    ['movdqa load', [0x66, 0x0f, 0x6f]],
    ['movdqa store', [0x66, 0x0f, 0x7f]],
    ['movntps', [0x0f, 0x2b]],
    ['movntdq', [0x66, 0x0f, 0xe7]],
    ['addps', [0x0f, 0x58]],
    ['sqrtpd', [0x66, 0x0f, 0x51]],
    ['andps', [0x0f, 0x54]],
    ['paddb', [0x66, 0x0f, 0xfc]],
    ['psllw', [0x66, 0x0f, 0xf1]],
    ['unpcklps', [0x0f, 0x14]],
    ['punpcklbw', [0x66, 0x0f, 0x60]],
    ['minps', [0x0f, 0x5d]],
    ['rcpps', [0x0f, 0x53]],
    ['cvtdq2ps', [0x0f, 0x5b]],
    ['cvtpd2ps', [0x66, 0x0f, 0x5a]],
    ['cvtpd2pi', [0x66, 0x0f, 0x2d]],
  ]
  test.each(alignedForms)('%s raises #GP(0) when they are not aligned', (_, opcode) => {
    const m = machine()
    expect(m.run(at(opcode, LINEAR + 8)).fault).toEqual({ vector: 13, error: 0 })
    expect(m.run(at(opcode, LINEAR + 16)).fault).toBeUndefined()
  })
  const unalignedForms: [string, number[]][] = [
    ['movups load', [0x0f, 0x10]],
    ['movups store', [0x0f, 0x11]],
    ['movdqu load', [0xf3, 0x0f, 0x6f]],
    ['addss', [0xf3, 0x0f, 0x58]],
    ['cvtps2pd', [0x0f, 0x5a]],
    ['cvtdq2pd', [0xf3, 0x0f, 0xe6]],
    ['movhps', [0x0f, 0x16]],
    ['paddb mm', [0x0f, 0xfc]],
  ]
  test.each(unalignedForms)('%s does not mind', (_, opcode) => {
    expect(machine().run(at(opcode, LINEAR + 9)).fault).toBeUndefined()
  })
})

test.each([
  [0xffff, undefined],
  [0x1f80, undefined],
  [0x10000, 13],
  [0x80001f80, 13],
])('LDMXCSR of %i', (value, expected) => {
  const m = machine()
  m.write(LINEAR, [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24])
  expect(vector(m, code['ldmxcsr [5000h]']!)).toBe(expected)
  expect(m.cells[L.MXCSR >> 2]).toBe(expected ? 0x1f80 : value)
})

test.each([
  ['#XM with CR4.OSXMMEXCPT', 0x600, 19],
  ['#UD without', 0x200, 6],
])('an exception that is not masked is %s', (_, cr4, expected) => {
  const m = machine(0, cr4)
  m.cells[L.MXCSR >> 2] = 0x1f00 // IM clear
  m.view.setUint32(L.xmmCell(0), 0x7f800000, true)
  m.view.setUint32(L.xmmCell(1), 0xff800000, true)
  expect(vector(m, code['addps xmm0, xmm1']!)).toBe(expected)
  expect(m.cells[L.MXCSR >> 2]).toBe(0x1f01)
  expect(m.view.getUint32(L.xmmCell(0), true)).toBe(0x7f800000)
})
