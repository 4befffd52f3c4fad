// FSIN, FCOS, FSINCOS and FPTAN of arguments so small that only the rounding is left to see: results, exception flags
// and C1 as Intel's processors have them (measured on one with signature A0671H).

import type { FpuCase } from '../drivers/host-fpu.js'
import { transcendentalInstructions } from '../drivers/x87-instructions.js'
import { X87Machine } from '../drivers/x87-machine.js'

const ONE = '3fff8000000000000000'
const UNDER_ONE = '3ffeffffffffffffffff'
const [DOWN, UP, ZERO] = [1, 2, 3]
const C1 = 0x200
const [P, U, D] = [0x20, 0x10, 0x02]

const machine = new X87Machine()
const hex = (bytes: Uint8Array) => Buffer.from(bytes).reverse().toString('hex')

/** ST(0), and the register that was pushed after it, and the flags with C1. */
function behind(name: string, x: string, rounding: number): { results: string[]; flags: number } {
  const instruction = transcendentalInstructions.find(i => i.name === name)!
  const image = new Uint8Array(108)
  const view = new DataView(image.buffer)
  view.setUint32(0, 0xffff037f | (rounding << 10), true)
  view.setUint32(4, 0xffff0000, true)
  view.setUint32(8, 0xfffffffc, true)
  image.set(Buffer.from(x, 'hex').reverse(), 28)
  const before: FpuCase = { instruction: 0, eax: 0, eflags: 2, memory: new Uint8Array(16), image }
  const after = machine.run(machine.prepare(instruction), before).image
  const status = after[4]! | (after[5]! << 8)
  const pushed = (status >> 11) & 7 ? 2 : 1
  const results = [0, 1].slice(0, pushed).map(i => hex(after.subarray(28 + 10 * i, 38 + 10 * i)))
  return { results, flags: status & (0x3f | C1) }
}

const X69 = '3fbac90fdaa22168c235' // between 2^-69 and 2^-68
const X68 = '3fbbc90fdaa22168c235'
const X40 = 'bfd7c90fdaa22168c235'
const X40_LESS = 'bfd7c90fdaa22168c234'
const POWER = '3fde8000000000000000' // 2^-33
const DENORMAL = '00000000000000000003'

test.each([
  ['fsin', X69, DOWN, [X69], P],
  ['fsin', X69, 0, [X69], P],
  ['fsin', X68, DOWN, ['3fbbc90fdaa22168c234'], P],
  ['fsin', X68, UP, [X68], P | C1],
  ['fsin', DENORMAL, ZERO, [DENORMAL], P | U | D],
  ['fsin', '00018000000000000000', ZERO, ['00018000000000000000'], P],
  ['fcos', X69, ZERO, [ONE], P],
  ['fcos', X68, ZERO, [UNDER_ONE], P],
  ['fcos', DENORMAL, DOWN, [ONE], P | D],
  ['fsincos', X69, DOWN, [ONE, X69], P],
  ['fsincos', X68, DOWN, [UNDER_ONE, '3fbbc90fdaa22168c234'], P],
  ['fsincos', X40, DOWN, [UNDER_ONE, X40], P],
  ['fsincos', X40, UP, [ONE, X40_LESS], P | C1],
  ['fptan', X69, ZERO, [ONE, X69], P],
  ['fptan', X40, 0, [ONE, X40], P | C1],
  ['fptan', X40, DOWN, [ONE, X40], P | C1],
  ['fptan', X40, UP, [ONE, X40_LESS], P],
  ['fptan', X40, ZERO, [ONE, X40_LESS], P],
  ['fptan', POWER, UP, [ONE, POWER], P],
  ['fptan', DENORMAL, UP, [ONE, DENORMAL], P | U | D],
])('%s of %s, rounding %i', (name, x, rounding, results, flags) => {
  expect(behind(name, x, rounding)).toEqual({ results, flags })
})
