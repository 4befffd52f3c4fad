// Memory operands of more than one part at the end of 16-bit addresses: each part wraps by itself, and only a part that
// does not fit is #GP(0). 16-bit code runs on past FFFF, only its branches stay below. Measured on Intel's processors in
// 16-bit segments; table registers as the same two accesses.

import { engineNames } from '../../src/engine/engines.js'
import { createCpu, type SingleCpu } from '../../src/index.js'

const DATA = 0x20000
const hex = (text: string) => Uint8Array.from(text.split(' '), byte => Number.parseInt(byte, 16))
const protection = { kind: 'fault', vector: 13, errorCode: 0 }

describe.each(engineNames)('%s', engine => {
  let cpu: SingleCpu
  const step = (code: string) => {
    cpu.write(0x10100, hex(code))
    cpu.state = { eip: 0x100, eax: 6 }
    return cpu.step()
  }
  beforeEach(() => {
    cpu = createCpu({ engine })
    cpu.state = { cr0: 0x10 }
    cpu.map(0, 0x40000)
    const real = (paragraph: number) => ({ selector: paragraph, base: paragraph << 4, limit: 0xffff, rights: 0x93 })
    cpu.state = { cs: real(0x1000), ds: real(0x2000), es: real(0), ss: real(0x3000), esp: 0x8000, edx: 2 }
    cpu.write(DATA + 0xfff8, hex('01 00 00 00 05 00 04 80'))
    cpu.write(DATA, hex('00 40 07 00'))
  })

  test('far pointers: offset and selector', () => {
    cpu.write(DATA + 0xfffe, hex('34 12'))
    expect(step('c4 06 fe ff')).toEqual({ kind: 'done' }) // les ax, [fffe]
    expect(cpu.state).toMatchObject({ eax: 0x1234, es: { selector: 0x4000 } })
    expect(step('66 0f b4 06 fc ff')).toEqual({ kind: 'done' }) // lfs eax, [fffc]
    expect(cpu.state).toMatchObject({ eax: 0x12340005, fs: { selector: 0x4000 } })
    expect(step('ff 2e fe ff')).toEqual({ kind: 'done' }) // jmp far [fffe]
    expect(cpu.state).toMatchObject({ eip: 0x1234, cs: { selector: 0x4000 } })
  })
  test('a part that does not fit, and 32-bit addresses', () => {
    for (const code of ['c4 06 fd ff', 'c4 06 ff ff', '66 c4 06 fe ff', '62 06 ff ff', '66 a1 fe ff', 'db 2e fa ff'])
      expect(step(code)).toEqual(protection)
    expect(step('67 c4 05 fe ff 00 00')).toEqual(protection)
  })
  test('both bounds of BOUND', () => {
    cpu.write(DATA + 0xfffe, hex('05 00'))
    cpu.write(DATA, hex('07 00'))
    expect(step('62 06 fe ff')).toEqual({ kind: 'done' })
    cpu.write(DATA, hex('05 00'))
    expect(step('62 06 fe ff')).toEqual({ kind: 'fault', vector: 5 })
  })
  test('significand and exponent of a number in extended precision', () => {
    expect(step('db 2e f8 ff')).toEqual({ kind: 'done' }) // fld tbyte [fff8]
    expect(cpu.state.x87.st[0]).toEqual(hex('01 00 00 00 05 00 04 80 00 40'))
    cpu.write(DATA, hex('00 00'))
    expect(step('db 3e f8 ff')).toEqual({ kind: 'done' }) // fstp tbyte [fff8]
    expect(cpu.read(DATA, 2)).toEqual(hex('00 40'))
  })
  test('instructions behind FFFF, within the limit of CS or not', () => {
    const at = (code: string, eip: number, limit: number) => {
      cpu.write(0x10000 + eip, hex(code))
      cpu.state = { eip, cs: { limit } }
      const result = cpu.step()
      return [result.kind, cpu.state.eip]
    }
    expect(at('90', 0xffff, 0xffff)).toEqual(['done', 0x10000])
    expect(cpu.step()).toEqual(protection)
    expect(cpu.state.eip).toBe(0x10000)
    expect(at('f4', 0xffff, 0xffff)).toEqual(['halt', 0x10000])
    expect(at('b8 34 12', 0xfffe, 0xffff)).toEqual(['fault', 0xfffe])
    expect(at('b8 34 12', 0xfffe, 0x1ffff)).toEqual(['done', 0x10001])
    expect(at('75 05', 0xfffe, 0xffff)).toEqual(['done', 5])
    expect(at('eb 02', 0x10010, 0x1ffff)).toEqual(['done', 0x14])
    expect(at('66 e9 20 00 00 00', 0xfff0, 0x1ffff)).toEqual(['done', 0x10016])
    expect(at('e8 02 00', 0xfffd, 0xffff)).toEqual(['done', 2])
    expect(cpu.read(0x37ffe, 2)).toEqual(hex('00 00'))
  })
  test('limit and base of a descriptor table', () => {
    cpu.write(DATA + 0xfffe, hex('ff 03'))
    expect(step('66 0f 01 16 fe ff')).toEqual({ kind: 'done' }) // lgdt [fffe]
    expect(cpu.state.gdtr).toEqual({ base: 0x74000, limit: 0x3ff })
    cpu.write(DATA, hex('00 00 00 00'))
    expect(step('0f 01 06 fe ff')).toEqual({ kind: 'done' }) // sgdt [fffe]
    expect(cpu.read(DATA, 4)).toEqual(hex('00 40 07 00'))
  })
})
