// What an 80386 does otherwise than its successors where the manuals leave it open, as measured by others on a 386EX
// (SingleStepTests/80386, its README and the notes of emulators that pass it): a SIB byte with a scale but no index, POPAD
// from a 16-bit stack, SHLD and SHRD of words by more than 16, byte shifts by 16 and 24, PUSHA and POPA that fault half-way,
// ENTER, undefined flags of bit instructions and double shifts, AAM 0, IDIV of bytes, comparisons repeated up to a fault,
// selectors in slots of four bytes. Later models: measured on Intel's processors.

import { engineNames } from '../../src/engine/engines.js'
import { createCpu, type PartialState, type SingleCpu } from '../../src/index.js'

const registers = { eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0, ebp: 0, esi: 0, edi: 0 }
const hex = (text: string) => Uint8Array.from(text.split(' '), byte => Number.parseInt(byte, 16))

describe.each(engineNames)('%s', engine => {
  const cpus = new Map<string, SingleCpu>()
  const inRealMode = (model: string, code: string, state: PartialState) => {
    const cpu = cpus.get(model) ?? createCpu({ model, engine })
    cpus.set(model, cpu)
    cpu.state = { cr0: 0x10, ...registers }
    cpu.map(0, 0x20000)
    cpu.write(0, new Uint8Array(0x20000))
    const real = { selector: 0, base: 0, limit: 0xffff, rights: 0x93 }
    cpu.state = { cs: real, ds: real, es: real, ss: real, eip: 0x1000, eflags: 2, ...state }
    cpu.write(0x1000, hex(code))
    cpu.write(0x8000, new Uint8Array(Uint32Array.from({ length: 8 }, (_, i) => 0xa0b0c000 + i).buffer))
    return cpu
  }
  const behind = (model: string, code: string, state: PartialState) => {
    const cpu = inRealMode(model, code, state)
    expect(cpu.step()).toEqual({ kind: 'done' })
    return cpu.state
  }
  const faulting = (model: string, code: string, vector: number, state: PartialState) => {
    const cpu = inRealMode(model, code, state)
    expect(cpu.step()).toMatchObject({ kind: 'fault', vector })
    return cpu
  }
  // Of a 386SX: what a test ROM for emulators expects. Columns: code, EAX, flags before, flags behind; CF PF AF ZF SF OF.
  test.each([
    ['aaa', '37', 0x7b, 0x010, 0x895],
    ['aaa', '37', 0x01, 0x8c4, 0x000],
    ['aas', '3f', 0x00, 0x010, 0x095],
    ['aas', '3f', 0x680, 0x010, 0x811],
    ['aad', 'd5 0a', 0xd8e, 0, 0x811],
    ['aad', 'd5 0a', 0x1f7, 0, 0x011],
    ['aad', 'd5 0a', 0x001, 0x811, 0],
    ['daa', '27', 0x1a, 0x001, 0x891],
    ['das', '2f', 0x80, 0x010, 0x810],
    ['shr', 'c0 e8 08', 0x80, 0, 0x055],
    ['shl', 'c0 e0 02', 0x41, 0, 0x811],
    ['shl', 'c1 e0 10', 0x01, 0, 0x855],
    ['shl', 'c0 e0 20', 0x01, 0, 0],
  ])('undefined flags of %s', (_, code, eax, before, expected) => {
    expect(behind('386', code, { eax, eflags: 2 | before }).eflags & 0x8d5).toBe(expected)
  })
  test('a scaled base', () => {
    const lea = '66 67 8d 44 a4 fe' // lea eax, [esp * 4 - 2]
    expect([behind('386', lea, { esp: 8 }).eax, behind('486', lea, { esp: 8 }).eax]).toEqual([0x1e, 6])
    const wide = '66 67 8d 84 e6 4d 00 00 00'
    expect(behind('386', wide, { esi: 0xa101 }).eax).toBe(0xa101 * 8 + 0x4d)
    expect(behind('386', '66 67 8d 44 24 fe', { esp: 8 }).eax).toBe(6)
  })
  test("POPAD's upper half of ESP", () => {
    const state = { esp: 0x12348000 }
    expect([behind('386', '66 61', state).esp, behind('pentium4', '66 61', state).esp]).toEqual([
      0xa0b08020, 0x12348020,
    ])
    expect(behind('386', '66 61', state).ebp).toBe(0xa0b0c002)
  })
  test('double shifts of words by 20', () => {
    const state = { eax: 0x1234, edx: 0xabcd }
    const shld = '0f a4 d0 14'
    const shrd = '0f ac d0 14'
    expect([behind('386', shld, state).eax, behind('pentium4', shld, state).eax]).toEqual([0xbcda, 0xbcd1])
    expect([behind('386', shrd, state).eax, behind('pentium4', shrd, state).eax]).toEqual([0xdabc, 0x4abc])
  })
  test.each([
    ['C0 /4', 'c0 e0 10', 0x01, 1],
    ['C0 /4', 'c0 e0 18', 0x80, 0],
    ['C0 /4', 'c0 e0 11', 0x01, 0],
    ['D2 /5', 'd2 e8', 0x80, 1],
    ['D2 /6', 'd2 f0', 0x80, 0],
  ])('carry of byte shifts by multiples of 8: %s (%s) of %i', (_, code, al, carry) => {
    const state = { eax: al, ecx: 0x18 }
    const { eax, eflags } = behind('386', code, state)
    expect([eax, eflags & 1]).toEqual([0, carry])
    expect(behind('pentium4', code, state).eflags & 1).toBe(0)
  })
  const image = { eax: 1, ecx: 2, edx: 3, ebx: 4, ebp: 6, esi: 7, edi: 8 }
  test('PUSHA stores from its lower end up to the fault', () => {
    const state = { ...image, esp: 11 }
    const stored = (model: string) => Array.from(faulting(model, '60', 12, state).read(0xfffb, 5))
    expect([stored('386'), stored('pentium4')]).toEqual([
      [8, 0, 7, 0, 0],
      [0, 0, 0, 0, 0],
    ])
    expect(faulting('386', '60', 12, state).state.esp).toBe(11)
  })
  test('POPA loads up to the fault', () => {
    const { edi, esi, ebp, ebx, esp } = faulting('386', '61', 12, { ...image, esp: 0xfffb }).state
    expect([edi, esi, ebp, ebx, esp]).toEqual([0, 0, 6, 4, 0xfffb])
    expect(faulting('pentium4', '61', 12, { ...image, esp: 0xfffb }).state).toMatchObject(image)
  })
  test('ENTER does not touch the new top of the stack', () => {
    const state = { esp: 0x9001, ebp: 0x1234 }
    const code = 'c8 00 90 00' // enter 9000h, 0: SP becomes FFFF
    expect(behind('386', code, state)).toMatchObject({ esp: 0xffff, ebp: 0x8fff })
    expect(faulting('pentium4', code, 12, state).state).toMatchObject(state)
  })
  test('AAM 0 leaves flags of half of AL', () => {
    const state = { eax: 0x87, eflags: 0x891 + 0x42 }
    expect(faulting('386', 'd4 00', 0, state).state.eflags & 0x8d5).toBe(0x811)
    expect(faulting('386', 'd4 00', 0, { ...state, eax: 1 }).state.eflags & 0x8d5).toBe(0x811 + 0x44)
    expect(faulting('pentium4', 'd4 00', 0, state).state.eflags & 0x8d5).toBe(0x8d1)
  })
  test.each([
    [-16513, 1, undefined], // 128 * (1 + 128) = 16512, and what is above it is not below 1
    [-16512, 1, 0x0080],
    [-16642, 2, undefined],
    [-16641, 2, 0xff80],
    [16641, -2, 0x0180],
    [16641, 2, undefined],
    [-32768, 127, undefined],
    [-32640, 127, 0x0080],
    [-32641, 127, 0xff80],
  ])('IDIV of %i by the byte %i', (dividend, divisor, ax) => {
    const state = { eax: dividend & 0xffff, ecx: divisor & 0xff }
    if (ax === undefined) faulting('386', 'f6 f9', 0, state)
    else expect(behind('386', 'f6 f9', state).eax).toBe(ax)
    faulting('pentium4', 'f6 f9', 0, state)
  })
  const ARITHMETIC = 0x8d5
  test.each([
    ['bt ax, cx', '0f a3 c8', { eax: 0x0008, ecx: 5 }, 0x8d5, 0x8d4], // bits 4 and 3 differ, bit 5 is 0
    ['bts ax, cx', '0f ab c8', { eax: 0x0018, ecx: 5 }, 0x8d5, 0x0d4],
    ['btr eax, 0', '66 0f ba f0 00', { eax: 0x40000001 }, 0, 0x801], // bits 31 and 30
    ['bsf ax, dx', '0f bc c2', { edx: 0 }, 0x8d5, 0x44],
    ['bsf ax, dx', '0f bc c2', { edx: 0x80 }, 0x8d5, 0], // index 7: odd parity
    ['bsf ax, dx', '0f bc c2', { edx: 0x8003 }, 0, 0x811], // 0 - x is 7FFD
    ['bsr ax, dx', '0f bd c2', { edx: 1 }, 0, 0x894], // FFFF
    ['bsr ax, dx', '0f bd c2', { edx: 0x40 }, 0x8d5, 0x84], // FFC0
    ['bsr eax, edx', '66 0f bd c2', { edx: 0x60000008 }, 0, 0x895 - 0x04], // 9FFFFFF8; bits 29 and 28
    ['shld ax, dx, 1', '0f a4 d0 01', { eax: 0x4000, edx: 0 }, 0, 0x894],
    ['shrd ax, dx, 20', '0f ac d0 14', { eax: 0, edx: 0x0010 }, 0x8d5, 0x10], // 1
  ] as const)('flags of %s', (_, code, state, before, after) => {
    expect(behind('386', code, { ...state, eflags: before | 2 }).eflags & ARITHMETIC).toBe(after)
  })
  test('flags of a comparison repeated up to a fault', () => {
    const state = { eax: 0x0101, ecx: 5, edi: 0xfffd, eflags: 0x8d7 } // repne scasw: 1 - 0, then the limit
    expect(faulting('386', 'f2 af', 13, state).state).toMatchObject({ ecx: 4, edi: 0xffff, eflags: 0x10002 })
    expect(faulting('pentium4', 'f2 af', 13, state).state).toMatchObject({ ecx: 4, edi: 0xffff, eflags: 0x108d7 })
  })
  test.each(['66 cb', '66 cf'])('the selector of %s lies in four bytes', code => {
    const state = { esp: 0xfff9 }
    expect(faulting('386', code, 12, state).state.esp).toBe(0xfff9)
    if (code === '66 cb') expect(behind('pentium4', code, state).esp).toBe(1)
  })
  test('DR7 has no bit that is always one', () => {
    const dr = [0, 0, 0, 0, 0, 0, 0xffff0ff0, 0]
    const code = '0f 21 f8' // mov eax, dr7
    expect(behind('386', code, { dr })).toMatchObject({ eax: 0, dr: [0, 0, 0, 0, 0xffff0ff0, 0, 0xffff0ff0, 0] })
    expect(behind('486', code, { dr }).eax).toBe(0x400)
  })
  test('a far call that its limit forbids leaves the stack alone', () => {
    const cpu = faulting('386', '66 9a 00 00 01 00 00 10', 13, { esp: 0x9000 })
    expect(Array.from(cpu.read(0x8ff8, 8))).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
  })
})
