// What processors do where two things are wrong at once, and what a fault half-way leaves: measured on Intel's (the
// SDM says it for REP, ARPL and BOUND). The same cases under every engine.

import { engineNames } from '../../src/engine/engines.js'
import { createCpu, type SingleCpu, type StepResult } from '../../src/index.js'

const CODE = 0x400000
const DATA = 0x10000
const NOWHERE = 0x70000000
const READ_ONLY = { selector: 0x2b, base: 0, limit: 0xffffffff, rights: 0xc0f1 }
const SMALL_CODE = { selector: 0x08, base: 0, limit: CODE + 0xfff, rights: 0x409b }
const pageFault = (cr2: number, errorCode: number) => ({ kind: 'fault', vector: 14, errorCode, cr2 })

const hex = (text: string) => Uint8Array.from(text.split(' '), byte => Number.parseInt(byte, 16))
const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer)

describe.each(engineNames)('%s', engine => {
  let cpu: SingleCpu
  beforeEach(() => {
    cpu = createCpu({ engine })
    cpu.map(CODE, 0x1000, { write: true, user: true })
    cpu.map(DATA, 0x2000, { write: true, user: true })
    cpu.state = { eip: CODE, esp: DATA + 0x1000, eflags: 0x202 }
  })
  const step = (code: string, options = {}): StepResult => {
    cpu.write(cpu.state.eip, hex(code))
    return cpu.step(options)
  }

  test('ARPL writes, and needs write access, only where the RPL changes', () => {
    cpu.write(DATA, Uint8Array.of(3, 0, 1, 0))
    cpu.state = { ds: READ_ONLY, eax: 2, ebx: DATA }
    expect(step('63 03')).toEqual({ kind: 'done' }) // arpl [ebx], ax
    expect(cpu.state.eflags & 0x40).toBe(0)
    expect(step('63 43 02')).toEqual({ kind: 'fault', vector: 13, errorCode: 0 }) // arpl [ebx+2], ax
  })

  test('of several MOV SS in a row only the first holds the single-step trap back', () => {
    cpu.write(DATA, words(0, 0, 0xffff, 0xcf9300))
    cpu.state = { gdtr: { base: DATA, limit: 0xf }, eax: 8, eflags: 0x302 }
    const addresses = []
    cpu.write(CODE, hex('8e d0 8e d0 8e d0 90'))
    for (let i = 0; i < 4; i++) if (cpu.step().kind === 'fault') addresses.push(cpu.state.eip - CODE)
    expect(addresses).toEqual([4, 7]) // what the third holds back comes behind the NOP
  })

  test('MOVUPS and MOVDQU do not ask for alignment where it is checked, MASKMOVDQU for that of eight bytes', () => {
    const user = { selector: 0x23, base: 0, limit: 0xffffffff, rights: 0xc0f3 }
    cpu.state = {
      cr0: cpu.state.cr0 | 0x40000,
      cs: { ...user, rights: 0xc0fb },
      ss: user,
      ds: user,
      es: user,
      eflags: 0x40202,
    }
    cpu.state = { cr4: 0x200, ebx: DATA + 1, edi: DATA + 8 }
    for (const code of ['0f 10 03', '0f 11 03', '66 0f 10 03', 'f3 0f 6f 03', 'f3 0f 7f 03', '66 0f f7 c1'])
      expect(step(code)).toEqual({ kind: 'done' })
    cpu.state = { edi: DATA + 4 }
    expect(step('66 0f f7 c1')).toEqual({ kind: 'fault', vector: 17, errorCode: 0 })
    expect(step('8b 03')).toEqual({ kind: 'fault', vector: 17, errorCode: 0 })
  })

  test('REPE CMPSB and SCASB leave the flags to their last iteration', () => {
    cpu.state = { ecx: 5, esi: DATA, edi: DATA + 0x1ffe, eflags: 0xad6 }
    expect(step('f3 a6')).toEqual(pageFault(DATA + 0x2000, 0)) // repe cmpsb
    expect(cpu.state).toMatchObject({ ecx: 3, esi: DATA + 2, edi: DATA + 0x2000 })
    expect(cpu.state.eflags & 0xfff).toBe(0xad6)
    cpu.state = { ecx: 3, eax: 0, edi: DATA, eflags: 0x203 }
    expect(step('f3 ae', { iterations: 1 })).toEqual({ kind: 'done' }) // repe scasb
    expect(cpu.state).toMatchObject({ ecx: 2, eip: CODE })
    expect(cpu.state.eflags & 0x8d5).toBe(1)
    expect(cpu.step()).toEqual({ kind: 'done' })
    expect(cpu.state.eflags & 0x8d5).toBe(0x44)
  })

  test('CMPS faults at its second operand first, RETF and IRET at the end of their frames', () => {
    cpu.state = { esi: NOWHERE, edi: NOWHERE + 0x5000 }
    expect(step('a7')).toEqual(pageFault(NOWHERE + 0x5000, 0)) // cmpsd
    cpu.state = { esp: NOWHERE }
    expect(step('cb')).toEqual(pageFault(NOWHERE + 4, 0)) // retf
    expect(step('cf')).toEqual(pageFault(NOWHERE + 8, 0)) // iret
  })

  test('BOUND looks at the upper bound only when the index is not below the lower one', () => {
    cpu.write(DATA + 0x1ffc, words(7))
    cpu.state = { eax: 6, ebx: DATA + 0x1ffc }
    expect(step('62 03')).toEqual({ kind: 'fault', vector: 5 }) // bound eax, [ebx]
    cpu.state = { eax: 7 }
    expect(step('62 03')).toEqual(pageFault(DATA + 0x2000, 0))
  })

  test('CALL, near and far, stores the return address before it finds the target outside CS', () => {
    cpu.state = { cs: SMALL_CODE, esp: NOWHERE }
    expect(step('e8 00 00 10 00')).toEqual(pageFault(NOWHERE - 4, 2))
    cpu.state = { esp: DATA + 0x1000 }
    expect(cpu.step()).toEqual({ kind: 'fault', vector: 13, errorCode: 0 })
    expect(cpu.state).toMatchObject({ eip: CODE, esp: DATA + 0x1000 })
    expect(cpu.read(DATA + 0xffc, 4)).toEqual(words(CODE + 5))
    cpu.write(DATA, words(0, 0, (CODE + 0xfff) & 0xffff, 0x409b00 | ((CODE + 0xfff) & 0xf0000)))
    cpu.state = { gdtr: { base: DATA, limit: 0xf } }
    expect(step('9a 00 10 40 00 08 00')).toEqual({ kind: 'fault', vector: 13, errorCode: 0 }) // call far
    expect(cpu.state).toMatchObject({ eip: CODE, esp: DATA + 0x1000 })
    expect(cpu.read(DATA + 0xff8, 8)).toEqual(words(CODE + 7, 8))
  })

  test('an x87 store looks at memory only when something is to be stored', () => {
    const st = Array.from({ length: 8 }, () => hex('01 00 00 00 00 00 00 80 ff 7f')) // signalling NaNs
    cpu.state = { ds: READ_ONLY, ebx: DATA, x87: { cw: 0x37e, sw: 0, tag: 0xff, st } }
    expect(step('d9 13')).toEqual({ kind: 'done' }) // fst dword [ebx]: invalid, not masked
    expect(cpu.state.x87.sw).toBe(0x8081)
    cpu.state = { eip: CODE, x87: { cw: 0x37f, sw: 0 } }
    expect(cpu.step()).toEqual({ kind: 'fault', vector: 13, errorCode: 0 })
    cpu.state = { ds: { rights: 0xc0f3 }, ebx: DATA + 0x1ffc }
    expect(step('db 3b')).toEqual(pageFault(DATA + 0x2000, 2)) // fstp tbyte [ebx]
    cpu.state = { ebx: NOWHERE }
    expect(cpu.step()).toEqual(pageFault(NOWHERE, 2))
  })

  test('FNSAVE, FNSTENV, FLDENV and FRSTOR ask for the first field and the last byte, and store nothing when a page is missing', () => {
    cpu.state = { ebx: DATA + 0x1ff8 }
    expect(step('dd 33')).toEqual(pageFault(DATA + 0x1ff8 + 107, 2)) // fnsave [ebx]
    expect(step('d9 33')).toEqual(pageFault(DATA + 0x1ff8 + 27, 2)) // fnstenv [ebx]
    expect(step('66 d9 33')).toEqual(pageFault(DATA + 0x1ff8 + 13, 2))
    expect(step('d9 23')).toEqual(pageFault(DATA + 0x1ff8 + 27, 0)) // fldenv [ebx]
    expect(step('dd 23')).toEqual(pageFault(DATA + 0x1ff8 + 107, 0)) // frstor [ebx]
    cpu.state = { ebx: DATA + 0x1ffe }
    expect(step('dd 33')).toEqual(pageFault(DATA + 0x2000, 2))
    expect(step('66 dd 33')).toEqual(pageFault(DATA + 0x1ffe + 93, 2))
    cpu.state = { ebx: NOWHERE + 0xffc }
    expect(step('dd 33')).toEqual(pageFault(NOWHERE + 0xffc, 2))
    cpu.state = { ebx: DATA + 0x1ff8 }
    expect(cpu.read(DATA + 0x1ff8, 8)).toEqual(new Uint8Array(8))
  })

  test('between two iterations RF is set in the frame of a trap', () => {
    cpu.state = { ecx: 2, esi: DATA, edi: DATA + 0x100, eflags: 0x302 }
    expect(step('f3 a4', { iterations: 1 })).toEqual({ kind: 'fault', vector: 1 }) // rep movsb
    expect(cpu.state).toMatchObject({ eip: CODE, eflags: 0x10302 })
    expect(cpu.step({ iterations: 1 })).toEqual({ kind: 'fault', vector: 1 })
    expect(cpu.state).toMatchObject({ eip: CODE + 2, eflags: 0x302 })
  })

  test('an exception of the new task is reported with the new task in place', () => {
    const GDT = DATA + 0x1000
    const NEW = DATA + 0x800
    const tss = words(...Array.from({ length: 26 }, (_, i) => (i === 8 ? 0x1234 : i === 9 ? 2 : 0)))
    tss.set([0x18], 0x4c) // CS is a data segment
    cpu.write(NEW, tss)
    cpu.write(
      GDT,
      words(0, 0, 0xffff, 0xcf9b00, 0xffff, 0xcf9300, 0xffff, 0xcf9300, 0x8000067, 0x8901, 0xc000067, 0x8b01),
    )
    cpu.state = {
      gdtr: { base: GDT, limit: 0x2f },
      tr: { selector: 0x28, base: DATA + 0xc00, limit: 0x67, rights: 0x8b },
    }
    expect(step('ea 00 00 00 00 20 00')).toEqual({ kind: 'fault', vector: 10, errorCode: 0x18 })
    expect(cpu.state).toMatchObject({ eip: 0x1234, tr: { selector: 0x20 }, cs: { selector: 0x18 } })
    expect(cpu.read(GDT + 0x2d, 1)[0]).toBe(0x89)
  })

  test("the long NOPs are the P6 family's, an 80386 has a coprocessor", () => {
    for (const [model, kind] of [
      ['486', 'fault'],
      ['pentium3', 'done'],
    ]) {
      const old = createCpu({ model: model!, engine })
      old.map(CODE, 0x1000)
      old.write(CODE, hex('0f 1f 40 00'))
      old.state = { eip: CODE }
      expect(old.step().kind).toBe(kind)
    }
    const old = createCpu({ model: '386', engine })
    old.map(CODE, 0x1000)
    old.write(CODE, hex('9b db e3'))
    old.state = { eip: CODE, cr0: old.state.cr0 & ~0xe }
    expect([old.step().kind, old.step().kind]).toEqual(['done', 'done']) // fwait, fninit
  })

  test('MASKMOVDQU faults at the upper half of its destination first', () => {
    cpu.state = { edi: NOWHERE }
    expect(step('66 0f f7 c1')).toEqual(pageFault(NOWHERE + 8, 2))
  })

  test('FPREM makes a pseudo-denormal that it leaves alone the normal number that it is', () => {
    const st = Array.from({ length: 8 }, () => new Uint8Array(10))
    st[0] = hex('05 00 00 00 00 00 00 80 00 00')
    st[1] = hex('00 00 00 00 00 00 00 80 ff 7f')
    cpu.state = { x87: { cw: 0x37f, sw: 0, tag: 0xff, st } }
    expect(step('d9 f8')).toEqual({ kind: 'done' })
    expect(cpu.state.x87.st[0]).toEqual(hex('05 00 00 00 00 00 00 80 01 00'))
  })
})
