// What an 80386 does otherwise than its successors where the manuals leave it open, as measured by others on a 386EX
// (SingleStepTests/80386): a SIB byte with a scale but no index, POPAD from a 16-bit stack, SHLD and SHRD of words by
// more than 16. Later models: measured on Intel's processors.

import { engineNames } from '../../src/engine/engines.js'
import { createCpu, type PartialState } from '../../src/index.js'

const hex = (text: string) => Uint8Array.from(text.split(' '), byte => Number.parseInt(byte, 16))

describe.each(engineNames)('%s', engine => {
  const behind = (model: string, code: string, state: PartialState) => {
    const cpu = createCpu({ model, engine })
    cpu.state = { cr0: 0x10 }
    cpu.map(0, 0x20000)
    const real = { selector: 0, base: 0, limit: 0xffff, rights: 0x93 }
    cpu.state = { cs: real, ds: real, ss: real, eip: 0x1000, ...state }
    cpu.write(0x1000, hex(code))
    cpu.write(0x8000, new Uint8Array(Uint32Array.from({ length: 8 }, (_, i) => 0xa0b0c000 + i).buffer))
    expect(cpu.step()).toEqual({ kind: 'done' })
    return cpu.state
  }
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
})
