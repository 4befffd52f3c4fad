// createCpu by its contract, the same cases under every engine. Expected values are the SDM's, worked out by hand.

import { engineNames } from '../../src/engine/engines.js'
import { createCpu, type SingleCpu, type StepResult } from '../../src/index.js'

const CODE = 0x400000
const DATA = 0x10000
const STACK = 0x20000
const IDT = 0x30000
const GDT = 0x31000
const USER_CODE = { selector: 0x1b, base: 0, limit: 0xffffffff, rights: 0xc0fb }
const USER_DATA = { selector: 0x23, base: 0, limit: 0xffffffff, rights: 0xc0f3 }
const user = { cs: USER_CODE, ss: USER_DATA, ds: USER_DATA, es: USER_DATA, fs: USER_DATA, gs: USER_DATA }

const hex = (text: string) => Uint8Array.from(text.split(' '), byte => Number.parseInt(byte, 16))
const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer)
const word = (cpu: SingleCpu, linear: number) => new DataView(cpu.read(linear, 4).buffer).getUint32(0, true)

describe.each(engineNames)('%s', engine => {
  let cpu: SingleCpu
  beforeEach(() => {
    cpu = createCpu({ model: 'pentium4', engine })
    cpu.map(CODE, 0x2000, { write: true, user: true })
    cpu.map(DATA, 0x2000, { write: true, user: true })
    cpu.map(STACK, 0x1000, { write: true, user: true })
    cpu.map(IDT, 0x2000, { write: true, user: false })
    cpu.state = { eip: CODE, esp: STACK + 0x1000, idtr: { base: IDT, limit: 0x7ff }, gdtr: { base: GDT, limit: 0xff } }
    // Flat descriptors: ring 0 code 08, data 10; ring 3 code 18, data 20.
    cpu.write(GDT, words(0, 0, 0xffff, 0xcf9b00, 0xffff, 0xcf9300, 0xffff, 0xcffb00, 0xffff, 0xcff300))
  })
  const step = (code: string, options = {}): StepResult => {
    cpu.write(cpu.state.eip, hex(code))
    return cpu.step(options)
  }
  /** A 32-bit interrupt gate to 08:offset. */
  const gate = (vector: number, offset: number, dpl: number) =>
    cpu.write(IDT + 8 * vector, words(0x80000 | (offset & 0xffff), (offset & 0xffff0000) | 0x8e00 | (dpl << 13)))

  test('an instruction changes what it should and nothing else', () => {
    cpu.state = { eax: -1, ecx: 2, eflags: 0x202 }
    const before = cpu.state
    expect(step('01 c8')).toEqual({ kind: 'done' }) // add eax, ecx
    expect(cpu.state).toEqual({ ...before, eax: 1, eip: CODE + 2, eflags: 0x213 }) // CF AF
  })

  test('state merges at any depth, and reading it gives a snapshot', () => {
    const before = cpu.state
    cpu.state = { ebx: -2, es: { base: 0x1234 }, x87: { cw: 0x27f } }
    expect(before.ebx).toBe(0)
    expect(cpu.state).toEqual({
      ...before,
      ebx: 0xfffffffe,
      es: { ...before.es, base: 0x1234 },
      x87: { ...before.x87, cw: 0x27f },
    })
  })

  test('a page fault names address and error code, and changes neither registers nor memory', () => {
    cpu.state = { ...user, eax: 0x11223344, ebx: DATA + 0x1ffe }
    expect(step('89 03')).toEqual({ kind: 'fault', vector: 14, errorCode: 6, cr2: DATA + 0x2000 }) // mov [ebx], eax
    expect(cpu.read(DATA + 0x1ffe, 2)).toEqual(new Uint8Array(2))
    expect(cpu.state).toMatchObject({ eip: CODE, eax: 0x11223344, cr2: DATA + 0x2000, eflags: 0x10002 })
  })

  test.each([
    [true, '8b 03', { write: true, user: false }, 5],
    [true, '89 03', { write: false, user: true }, 7],
    [false, '89 03', { write: false, user: true }, 3],
    [false, '8b 03', { write: false, user: false }, undefined],
  ])('rights of a mapping: CPL 3 %s, %s, %j', (fromUser, code, rights, errorCode) => {
    cpu.map(DATA, 0x1000, rights)
    cpu.state = { ...(fromUser ? user : {}), ebx: DATA }
    const fault = { kind: 'fault', vector: 14, errorCode, cr2: DATA }
    expect(step(code)).toEqual(errorCode === undefined ? { kind: 'done' } : fault)
  })

  test('what is unmapped is not present, and comes back zeroed', () => {
    cpu.write(DATA, hex('aa bb'))
    cpu.state = { ebx: DATA }
    expect(step('8b 03')).toEqual({ kind: 'done' })
    cpu.unmap(DATA, 0x1000)
    expect(step('8b 03')).toEqual({ kind: 'fault', vector: 14, errorCode: 0, cr2: DATA })
    expect(() => cpu.read(DATA, 1)).toThrow(/nothing is mapped at 0x10000/)
    cpu.map(DATA, 0x1000)
    expect(step('8b 03')).toEqual({ kind: 'done' })
    expect(cpu.state.eax).toBe(0)
  })

  test('code is fetched from pages that are there: the fault names the first byte that is missing', () => {
    cpu.state = { eip: CODE + 0x1ffe }
    cpu.write(CODE + 0x1ffe, hex('b8 01'))
    expect(cpu.step()).toEqual({ kind: 'fault', vector: 14, errorCode: 0, cr2: CODE + 0x2000 })
    expect(cpu.state.eip).toBe(CODE + 0x1ffe)
    cpu.map(CODE + 0x2000, 1)
    cpu.write(CODE + 0x2000, hex('02 03 04'))
    expect(cpu.step()).toEqual({ kind: 'done' })
    expect(cpu.state).toMatchObject({ eax: 0x04030201, eip: CODE + 0x2003 })
  })

  test('what is written is executed, by write and by the program itself', () => {
    const code = 'b8 01 00 00 00 eb f9' // mov eax, 1; jmp back
    cpu.write(CODE, hex(code))
    for (let i = 0; i < 40; i++) cpu.step()
    cpu.write(CODE + 1, hex('07'))
    for (let i = 0; i < 2; i++) cpu.step()
    expect(cpu.state).toMatchObject({ eax: 7, eip: CODE })
    cpu.write(CODE, hex('c6 05 07 00 40 00 41 90')) // mov byte [CODE + 7], 41 (inc ecx)
    cpu.step()
    cpu.step()
    expect(cpu.state).toMatchObject({ ecx: 1, eip: CODE + 8 })
  })

  test('REP runs to its completion, or by iterations', () => {
    cpu.write(DATA, hex('01 02 03 04 05'))
    cpu.state = { esi: DATA, edi: DATA + 0x100, ecx: 5 }
    expect(step('f3 a4', { iterations: 1 })).toEqual({ kind: 'done' })
    expect(cpu.state).toMatchObject({ ecx: 4, esi: DATA + 1, edi: DATA + 0x101, eip: CODE })
    expect(cpu.step({ iterations: 2 })).toEqual({ kind: 'done' })
    expect(cpu.state).toMatchObject({ ecx: 2, eip: CODE })
    expect(cpu.step()).toEqual({ kind: 'done' })
    expect(cpu.state).toMatchObject({ ecx: 0, eip: CODE + 2 })
    expect(cpu.read(DATA + 0x100, 6)).toEqual(hex('01 02 03 04 05 00'))
    expect(step('f3 a4', { iterations: 1 })).toEqual({ kind: 'done' })
    expect(cpu.state.eip).toBe(CODE + 4)
  })

  test('REP that faults stands at the element that did', () => {
    cpu.state = { ...user, esi: DATA, edi: STACK + 0xffc, ecx: 3 }
    expect(step('f3 a5')).toEqual({ kind: 'fault', vector: 14, errorCode: 6, cr2: STACK + 0x1000 })
    expect(cpu.state).toMatchObject({ ecx: 2, esi: DATA + 4, edi: STACK + 0x1000, eip: CODE })
  })

  test('software interrupts are checked against the IDT, then reported behind the instruction', () => {
    gate(0x50, 0, 0)
    gate(0x80, 0, 3)
    gate(3, 0, 3)
    cpu.state = user
    expect(step('cd 50')).toEqual({ kind: 'fault', vector: 13, errorCode: 0x50 * 8 + 2 })
    expect(cpu.state.eip).toBe(CODE)
    expect(step('cd 80')).toEqual({ kind: 'fault', vector: 0x80 })
    expect(cpu.state).toMatchObject({ eip: CODE + 2, esp: STACK + 0x1000 })
    expect(step('cc')).toEqual({ kind: 'fault', vector: 3 })
    expect(cpu.state).toMatchObject({ eip: CODE + 3, eflags: 2 })
    expect(step('cd ff')).toEqual({ kind: 'fault', vector: 13, errorCode: 0xff * 8 + 2 })
  })

  test('with deliver an exception ends in its handler', () => {
    gate(13, CODE + 0x100, 0)
    cpu.state = { tr: { selector: 0x28, base: DATA, limit: 0x67, rights: 0x8b } }
    cpu.write(DATA + 4, words(STACK + 0x800, 0x10)) // ESP0, SS0
    cpu.state = { ...user, eflags: 0x202 }
    expect(step('f4', { deliver: true })).toEqual({ kind: 'done' }) // hlt at CPL 3: #GP(0)
    expect(cpu.state).toMatchObject({ eip: CODE + 0x100, esp: STACK + 0x800 - 24, cs: { selector: 8 }, eflags: 2 })
    expect([0, 4, 8, 12, 16, 20].map(n => word(cpu, STACK + 0x800 - 24 + n))).toEqual([
      0,
      CODE,
      0x1b,
      0x10202,
      STACK + 0x1000,
      0x23,
    ])
  })

  test('HLT, and shutdown by a triple fault', () => {
    expect(step('f4')).toEqual({ kind: 'halt' })
    expect(cpu.state.eip).toBe(CODE + 1)
    cpu.state = { idtr: { base: 0, limit: 0 } }
    expect(step('0f 0b', { deliver: true })).toEqual({ kind: 'shutdown' })
    expect(cpu.step()).toEqual({ kind: 'shutdown' })
    cpu.state = { eip: CODE }
    expect(step('0f 0b')).toEqual({ kind: 'fault', vector: 6 })
  })

  test('TF is a trap behind the instruction', () => {
    cpu.state = { eflags: 0x102 }
    expect(step('40')).toEqual({ kind: 'fault', vector: 1 })
    expect(cpu.state).toMatchObject({ eax: 1, eip: CODE + 1, eflags: 0x102 })
    expect(cpu.state.dr[6]).toBe(0xffff4ff0)
  })

  test('real mode by state: 16-bit code, segments, the interrupt table', () => {
    const segment = (selector: number, rights = 0x93) => ({ selector, base: selector * 16, limit: 0xffff, rights })
    cpu.map(0, 0x1000)
    cpu.state = { cr0: 0x10, cs: segment(0x1000, 0x9b), ds: segment(0x2000), ss: segment(0x2000), eip: 0x10, ebx: 0x20 }
    cpu.state = { esi: 0x4, esp: 0x100, idtr: { base: 0, limit: 0x3ff } }
    cpu.write(STACK + 0x24, hex('34 12'))
    cpu.write(DATA + 0x10, hex('8b 00 50 cd 21')) // mov ax, [bx+si]; push ax; int 21
    cpu.write(0x84, hex('78 56 00 10'))
    cpu.step()
    cpu.step()
    expect(cpu.state).toMatchObject({ eax: 0x1234, esp: 0xfe, eip: 0x13 })
    expect(cpu.read(STACK + 0xfe, 2)).toEqual(hex('34 12'))
    expect(cpu.step({ deliver: true })).toEqual({ kind: 'done' })
    expect(cpu.state).toMatchObject({ esp: 0xf8, eip: 0x5678, cs: { selector: 0x1000, base: DATA } })
  })

  test('virtual-8086 mode by state: INT n needs IOPL 3', () => {
    const segment = { selector: 0x1000, base: 0x10000, limit: 0xffff, rights: 0xf3 }
    gate(0x21, 0, 3)
    cpu.write(DATA, hex('cd 21'))
    cpu.state = {
      cs: segment,
      ds: segment,
      es: segment,
      ss: segment,
      fs: segment,
      gs: segment,
      eip: 0,
      eflags: 0x20002,
    }
    expect(cpu.step()).toEqual({ kind: 'fault', vector: 13, errorCode: 0 })
    cpu.state = { eflags: 0x23002 }
    expect(cpu.step()).toEqual({ kind: 'fault', vector: 0x21 })
    expect(cpu.state.eip).toBe(2)
  })

  test('the limit of CS comes before the page behind it', () => {
    cpu.state = { cs: { limit: CODE + 0x1fff }, eip: CODE + 0x1fff }
    cpu.write(CODE + 0x1fff, hex('b8'))
    expect(cpu.step()).toEqual({ kind: 'fault', vector: 13, errorCode: 0 })
    cpu.write(CODE + 0x1fff, hex('90'))
    expect(cpu.step()).toEqual({ kind: 'done' })
    expect(cpu.step()).toEqual({ kind: 'fault', vector: 13, errorCode: 0 })
    expect(cpu.state.eip).toBe(CODE + 0x2000)
  })

  test('use that cannot be meant is refused', () => {
    expect(() => cpu.map(0xfffff000, 0x2000)).toThrow(RangeError)
    expect(() => cpu.write(0x5000, hex('00'))).toThrow(/nothing is mapped at 0x5000/)
    expect(() => createCpu({ engine, memory: 0x10000 }).map(0, 0x10000)).toThrow(/larger memory/)
    expect(() => createCpu({ engine, model: 'z80' })).toThrow(/pentium4/)
  })
})
