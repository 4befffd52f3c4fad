// x87 state in memory and the exceptions before an instruction (SDM vol. 1 8.1.10, figures 8-9 to 8-12; FXSAVE's
// table 3-47; vol. 3 2.5), by the reference evaluator.

import * as L from '../../src/cpu/layout.js'
import { MODE_NO_FPU } from '../../src/cpu/mode.js'
import { MEM } from '../../src/isa/form.js'
import { OPERAND_LINEAR, X87Machine } from '../drivers/x87-machine.js'

const CR0_PE = 1
const CR0_NE = 0x20
const FLAG_VM = 0x20000

/** A machine with distinct values everywhere: R0 and R5 filled, TOP 5, a masked exception noted. */
function filled(cr0 = CR0_PE | CR0_NE): X87Machine {
  const m = new X87Machine()
  const s = m.state
  s.setUint32(L.CR0, cr0, true)
  s.setUint32(L.MODE, cr0 & 0xc ? MODE_NO_FPU : 0, true)
  s.setUint16(L.FPU_CONTROL, 0x37f, true)
  s.setUint16(L.FPU_STATUS, 0x4320, true)
  s.setUint32(L.FPU_TOP, 5, true)
  s.setUint32(L.FPU_VALID, 0b100001, true)
  s.setUint32(L.FPU_IP, 0x12345678, true)
  s.setUint32(L.FPU_CS, 0x9abc, true)
  s.setUint32(L.FPU_DP, 0xdeadbeef, true)
  s.setUint32(L.FPU_DS, 0x1357, true)
  s.setUint32(L.FPU_OPCODE, 0x5a5, true)
  for (let i = 0; i < 8; i++) {
    s.setBigUint64(L.FPU_REGISTER + 16 * i, 0x8000000000000000n | BigInt(i), true)
    s.setUint16(L.FPU_REGISTER + 16 * i + 8, 0x3fff + i, true)
  }
  return m
}
function run(m: X87Machine, mnemonic: string, size: number, operandSize = 4) {
  const operands = size ? [{ kind: MEM, size }] : []
  return m.evaluate(m.prepare({ mnemonic, operands, fields: [], operandSize }))
}
const words = (m: X87Machine, count: number, width: 2 | 4) =>
  Array.from({ length: count }, (_, i) =>
    width === 4 ? m.memory.getUint32(OPERAND_LINEAR + 4 * i, true) : m.memory.getUint16(OPERAND_LINEAR + 2 * i, true),
  )
/** The x87 part of the state page. */
const stateOf = (m: X87Machine) => Buffer.from(m.state.buffer.slice(L.FPU_REGISTER, L.MXCSR)).toString('hex')

// R0 and R5 are valid numbers, the others empty.
const TAGS = 0xf3fc
const STATUS = 0x4320 | (5 << 11)

describe('FNSTENV', () => {
  test('32-bit protected mode', () => {
    const m = filled()
    run(m, 'fnstenv', 28)
    const filler = 0xffff0000
    expect(words(m, 7, 4)).toEqual([
      filler + 0x37f,
      filler + STATUS,
      filler + TAGS,
      0x12345678,
      0x5a59abc,
      0xdeadbeef,
      filler + 0x1357,
    ])
  })
  test('16-bit protected mode', () => {
    const m = filled()
    run(m, 'fnstenv', 14, 2)
    expect(words(m, 7, 2)).toEqual([0x37f, STATUS, TAGS, 0x5678, 0x9abc, 0xbeef, 0x1357])
  })
  test.each([
    ['real mode', CR0_NE, 0],
    ['virtual-8086 mode', CR0_PE | CR0_NE, FLAG_VM],
  ])('16-bit %s', (_, cr0, flags) => {
    const m = filled(cr0)
    m.state.setUint32(L.FLAGS, flags, true)
    m.state.setUint32(L.FPU_IP, 0x5678, true)
    m.state.setUint32(L.FPU_DP, 0xbeef, true)
    run(m, 'fnstenv', 14, 2)
    // Linear addresses 9ABC0 + 5678 = A0238 and 13570 + BEEF = 1F45F.
    expect(words(m, 7, 2)).toEqual([0x37f, STATUS, TAGS, 0x0238, 0xa5a5, 0xf45f, 0x1000])
  })
  test('32-bit real mode', () => {
    const m = filled(CR0_NE)
    m.state.setUint32(L.FPU_IP, 0x5678, true)
    m.state.setUint32(L.FPU_DP, 0xbeef, true)
    run(m, 'fnstenv', 28)
    expect(words(m, 7, 4).slice(3)).toEqual([0x0238, 0xa5a5, 0xf45f, 0x1000])
  })
  test('masks all exceptions afterwards', () => {
    const m = filled()
    m.state.setUint16(L.FPU_CONTROL, 0x35f, true)
    m.state.setUint16(L.FPU_STATUS, 0x80a0, true)
    run(m, 'fnstenv', 28)
    expect(words(m, 2, 4)).toEqual([0xffff035f, 0xffff80a0 + (5 << 11)])
    expect(m.state.getUint16(L.FPU_CONTROL, true)).toBe(0x37f)
    expect(m.state.getUint16(L.FPU_STATUS, true)).toBe(0x20)
  })
})

test.each([
  ['fnsave', 'frstor', 108, 4],
  ['fnsave', 'frstor', 94, 2],
  ['fnstenv', 'fldenv', 28, 4],
  ['fxsave', 'fxrstor', 512, 4],
])('%s then %s gives the state back (%d bytes)', (save, restore, size, operandSize) => {
  const m = filled()
  if (operandSize === 2) {
    m.state.setUint32(L.FPU_IP, 0x5678, true)
    m.state.setUint32(L.FPU_DP, 0xbeef, true)
    m.state.setUint32(L.FPU_OPCODE, 0, true) // the 16-bit protected format has no place for it
  }
  const before = stateOf(m)
  run(m, save, size, operandSize)
  if (save !== 'fnstenv') run(m, 'fninit', 0)
  run(m, restore, size, operandSize)
  expect(m.raised).toBe(0)
  expect(stateOf(m)).toBe(before)
})

test('FXSAVE lays out the image and leaves XMM alone without CR4.OSFXSR', () => {
  const m = filled()
  m.state.setUint32(L.MXCSR, 0x1f80, true)
  m.state.setUint32(L.XMM, 0x11223344, true)
  run(m, 'fxsave', 512)
  const at = (offset: number) => m.memory.getUint32(OPERAND_LINEAR + offset, true)
  expect([0, 4, 8, 12, 16, 20, 24, 28].map(at)).toEqual([
    0x37f + STATUS * 0x10000,
    0x21 + 0x5a50000,
    0x12345678,
    0x9abc,
    0xdeadbeef,
    0x1357,
    0x1f80,
    0xffff,
  ])
  expect(at(32)).toBe(5) // ST(0) is R5
  expect(at(160)).toBe(0)
  m.state.setUint32(L.CR4, 0x200, true)
  run(m, 'fxsave', 512)
  expect(at(160)).toBe(0x11223344)
})

test('FXRSTOR refuses reserved bits of MXCSR with #GP and changes nothing', () => {
  const m = filled()
  m.state.setUint32(L.CR4, 0x200, true)
  run(m, 'fxsave', 512)
  m.memory.setUint32(OPERAND_LINEAR + 24, 0x10000, true)
  m.memory.setUint32(OPERAND_LINEAR, 0, true)
  const before = stateOf(m)
  run(m, 'fxrstor', 512)
  expect(m.raised).toBe(14)
  expect(stateOf(m)).toBe(before)
})

describe('before an instruction', () => {
  const TS = 8
  const EM = 4
  const MP = 2
  test.each([
    ['fld1', TS, 8],
    ['fld1', EM, 8],
    ['fninit', TS, 8],
    ['fwait', TS, 0],
    ['fwait', EM, 0],
    ['fwait', TS | MP, 8],
    ['fld1', MP, 0],
  ])('%s with CR0 bits %d raises vector + 1 = %d', (mnemonic, bits, raised) => {
    const m = filled(CR0_PE | CR0_NE | bits)
    run(m, mnemonic, 0)
    expect(m.raised).toBe(raised)
  })
  test.each([
    ['fld1', 17],
    ['fwait', 17],
    ['fldenv', 17],
    ['fnclex', 0],
    ['fninit', 0],
    ['fnstenv', 0],
    ['fxsave', 0],
    ['emms', 17],
  ])('%s with an open exception raises vector + 1 = %d', (mnemonic, raised) => {
    const m = filled()
    m.state.setUint16(L.FPU_CONTROL, 0x35f, true)
    m.state.setUint16(L.FPU_STATUS, 0x80a0, true)
    run(m, mnemonic, mnemonic.endsWith('env') ? 28 : mnemonic === 'fxsave' ? 512 : 0)
    expect(m.raised).toBe(raised)
  })
  test('with CR0.NE clear the instruction starts again once, then goes on', () => {
    const m = filled(CR0_PE)
    m.state.setUint16(L.FPU_CONTROL, 0x35f, true)
    m.state.setUint16(L.FPU_STATUS, 0x80a0, true)
    expect(run(m, 'fincstp', 0)).toEqual({ kind: 'stop', reason: 1 })
    expect(m.state.getUint32(L.FPU_TOP, true)).toBe(5)
    m.errorLineWasUp = true
    expect(run(m, 'fincstp', 0)).toEqual({ kind: 'next' })
    expect(m.state.getUint32(L.FPU_TOP, true)).toBe(6)
  })
})
