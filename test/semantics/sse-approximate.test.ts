// RCPPS and RSQRTPS: within Intel's bound of the exact value, and its table of special values (SDM vol. 2).

import fc from 'fast-check'
import * as L from '../../src/cpu/layout.js'
import { SemanticsMachine } from '../drivers/semantics-machine.js'

const machine = new SemanticsMachine()
const rcpps = machine.prepare([0x0f, 0x53, 0xc1], 0)
const rsqrtps = machine.prepare([0x0f, 0x52, 0xc1], 0)
const rcpss = machine.prepare([0xf3, 0x0f, 0x53, 0xc1], 0)

/** Bits of lane 2 of XMM0 after the instruction; the others are 1.0. */
function lane(program: typeof rcpps, bits: number): number {
  const { view } = machine
  for (let i = 0; i < 4; i++) view.setUint32(L.xmmCell(1) + 4 * i, i === 2 ? bits : 0x3f800000, true)
  expect(machine.execute(program).fault).toBeUndefined()
  return view.getUint32(L.xmmCell(0) + 8, true)
}
const number = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]!
const BOUND = 1.5 * 2 ** -12

test.each([
  [0, 0x7f800000],
  [0x80000000, 0xff800000],
  [1, 0x7f800000],
  [0x807fffff, 0xff800000],
  [0x7f800000, 0],
  [0xff800000, 0x80000000],
  [0x7f000001, 0],
  [0xff7fffff, 0x80000000],
  [0x7fc12345, 0x7fc12345],
  [0xff812345, 0xffc12345],
  [0x3f800000, 0x3f800000],
])('the reciprocal of %i', (bits, expected) => {
  expect(lane(rcpps, bits)).toBe(expected)
})
test.each([
  [0, 0x7f800000],
  [0x80000000, 0xff800000],
  [1, 0x7f800000],
  [0x80000001, 0xff800000],
  [0x7f800000, 0],
  [0xff800000, 0xffc00000],
  [0xbf800000, 0xffc00000],
  [0x7f812345, 0x7fc12345],
  [0x3f800000, 0x3f800000],
  [0x40800000, 0x3f000000],
])('the reciprocal root of %i', (bits, expected) => {
  expect(lane(rsqrtps, bits)).toBe(expected)
})

test('both are within 1.5 * 2^-12', () => {
  const normal = fc.record({
    exponent: fc.integer({ min: 1, max: 251 }),
    fraction: fc.integer({ min: 0, max: 0x7fffff }),
  })
  fc.assert(
    fc.property(normal, ({ exponent, fraction }) => {
      const bits = (exponent << 23) | fraction
      const x = number(bits)
      expect(Math.abs(number(lane(rcpps, bits)) * x - 1)).toBeLessThanOrEqual(BOUND)
      expect(Math.abs(number(lane(rsqrtps, bits)) * Math.sqrt(x) - 1)).toBeLessThanOrEqual(BOUND)
    }),
    { numRuns: 1000 },
  )
})

test('the scalar form changes the low lane alone, and no flag', () => {
  const { view, cells } = machine
  cells[L.MXCSR >> 2] = 0
  for (let i = 0; i < 4; i++) {
    view.setUint32(L.xmmCell(0) + 4 * i, 0x11111111 * i, true)
    view.setUint32(L.xmmCell(1) + 4 * i, i ? 0x7f800001 : 0x40400000, true)
  }
  expect(machine.execute(rcpss).fault).toBeUndefined()
  expect(Math.abs(number(view.getUint32(L.xmmCell(0), true)) * 3 - 1)).toBeLessThanOrEqual(BOUND)
  expect([1, 2, 3].map(i => view.getUint32(L.xmmCell(0) + 4 * i, true))).toEqual([0x11111111, 0x22222222, 0x33333333])
  expect(cells[L.MXCSR >> 2]).toBe(0)
})
