// The x87 instructions as bytes and as the decoder presents them (SDM vol. 2, table A-7 to A-22). Memory operands are
// at 16(%esi), as the host oracle has them.

import { MEM, type Operand, REG, ST } from '../../src/isa/form.js'
import type { Instruction } from './x87-machine.js'

export interface Encoded extends Instruction {
  readonly name: string
  readonly bytes: readonly number[]
}

const st: Operand = { kind: ST, size: 10 }
const memory = (size: number): Operand => ({ kind: MEM, size })

const inMemory = (mnemonic: string, size: number, opcode: number, reg: number): Encoded => ({
  name: `${mnemonic} m${8 * size}`,
  mnemonic,
  operands: [memory(size)],
  fields: [],
  bytes: [opcode, 0x46 | (reg << 3), 16],
})
const plain = (mnemonic: string, ...bytes: number[]): Encoded => ({
  name: mnemonic,
  mnemonic,
  operands: [],
  fields: [],
  bytes,
})
/** One, two or no explicit stack operands: `sti` stands for the i of the encoding. */
const onStack = (mnemonic: string, opcode: number, base: number, i: number, ...order: ('st' | 'sti')[]): Encoded => ({
  name: `${mnemonic} ${order.map(o => (o === 'st' ? 'st' : `st${i}`)).join()}`,
  mnemonic,
  operands: order.map(() => st),
  fields: order.map(o => (o === 'st' ? 0 : i)),
  bytes: [opcode, base + i],
})

const arithmetic = ['fadd', 'fmul', 'fcom', 'fcomp', 'fsub', 'fsubr', 'fdiv', 'fdivr']
const isCompare = (name: string) => name.startsWith('fcom')

/** FADD to FDIVR and FCOM in all forms. */
export const arithmeticInstructions: Encoded[] = [
  ...arithmetic.flatMap((name, reg) => [
    inMemory(name, 4, 0xd8, reg),
    inMemory(name, 8, 0xdc, reg),
    inMemory(`fi${name.slice(1)}`, 4, 0xda, reg),
    inMemory(`fi${name.slice(1)}`, 2, 0xde, reg),
    onStack(name, 0xd8, 0xc0 + 8 * reg, 1, 'st', 'sti'),
    onStack(name, 0xd8, 0xc0 + 8 * reg, 0, 'st', 'sti'),
  ]),
  ...arithmetic.flatMap((name, reg) => {
    // In the forms that write ST(i) FSUB and FSUBR, FDIV and FDIVR have exchanged their places.
    const base = 0xc0 + 8 * (reg >= 4 ? reg ^ 1 : reg)
    if (isCompare(name)) return []
    return [onStack(name, 0xdc, base, 2, 'sti', 'st'), onStack(`${name}p`, 0xde, base, 1, 'sti', 'st')]
  }),
  plain('fsqrt', 0xd9, 0xfa),
  plain('fabs', 0xd9, 0xe1),
  plain('fchs', 0xd9, 0xe0),
]

export const compareInstructions: Encoded[] = [
  plain('fcompp', 0xde, 0xd9),
  plain('fucompp', 0xda, 0xe9),
  onStack('fucom', 0xdd, 0xe0, 1, 'st', 'sti'),
  onStack('fucomp', 0xdd, 0xe8, 1, 'st', 'sti'),
  onStack('fcomi', 0xdb, 0xf0, 1, 'st', 'sti'),
  onStack('fcomip', 0xdf, 0xf0, 1, 'st', 'sti'),
  onStack('fucomi', 0xdb, 0xe8, 1, 'st', 'sti'),
  onStack('fucomip', 0xdf, 0xe8, 1, 'st', 'sti'),
  plain('ftst', 0xd9, 0xe4),
  plain('fxam', 0xd9, 0xe5),
  ...['b', 'e', 'be', 'u'].flatMap((c, n) => [
    onStack(`fcmov${c}`, 0xda, 0xc0 + 8 * n, 1, 'st', 'sti'),
    onStack(`fcmovn${c}`, 0xdb, 0xc0 + 8 * n, 1, 'st', 'sti'),
  ]),
  onStack('fxch', 0xd9, 0xc8, 1, 'st', 'sti'),
]

export const loadInstructions: Encoded[] = [
  inMemory('fld', 4, 0xd9, 0),
  inMemory('fld', 8, 0xdd, 0),
  inMemory('fld', 10, 0xdb, 5),
  onStack('fld', 0xd9, 0xc0, 1, 'sti'),
  inMemory('fild', 2, 0xdf, 0),
  inMemory('fild', 4, 0xdb, 0),
  inMemory('fild', 8, 0xdf, 5),
  inMemory('fbld', 10, 0xdf, 4),
  ...['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz'].map((name, i) => plain(name, 0xd9, 0xe8 + i)),
]

export const storeInstructions: Encoded[] = [
  inMemory('fst', 4, 0xd9, 2),
  inMemory('fstp', 4, 0xd9, 3),
  inMemory('fst', 8, 0xdd, 2),
  inMemory('fstp', 8, 0xdd, 3),
  inMemory('fstp', 10, 0xdb, 7),
  onStack('fst', 0xdd, 0xd0, 1, 'sti'),
  onStack('fstp', 0xdd, 0xd8, 1, 'sti'),
  inMemory('fist', 2, 0xdf, 2),
  inMemory('fistp', 2, 0xdf, 3),
  inMemory('fist', 4, 0xdb, 2),
  inMemory('fistp', 4, 0xdb, 3),
  inMemory('fistp', 8, 0xdf, 7),
  inMemory('fbstp', 10, 0xdf, 6),
]

export const stepInstructions: Encoded[] = [
  plain('frndint', 0xd9, 0xfc),
  plain('fscale', 0xd9, 0xfd),
  plain('fxtract', 0xd9, 0xf4),
  plain('fprem', 0xd9, 0xf8),
  plain('fprem1', 0xd9, 0xf5),
]

export const transcendentalInstructions: Encoded[] = [
  plain('f2xm1', 0xd9, 0xf0),
  plain('fyl2x', 0xd9, 0xf1),
  plain('fyl2xp1', 0xd9, 0xf9),
  plain('fpatan', 0xd9, 0xf3),
  plain('fptan', 0xd9, 0xf2),
  plain('fsin', 0xd9, 0xfe),
  plain('fcos', 0xd9, 0xff),
  plain('fsincos', 0xd9, 0xfb),
]

export const controlInstructions: Encoded[] = [
  plain('fninit', 0xdb, 0xe3),
  plain('fnclex', 0xdb, 0xe2),
  plain('fnop', 0xd9, 0xd0),
  plain('fincstp', 0xd9, 0xf7),
  plain('fdecstp', 0xd9, 0xf6),
  plain('emms', 0x0f, 0x77),
  onStack('ffree', 0xdd, 0xc0, 1, 'sti'),
  onStack('ffreep', 0xdf, 0xc0, 1, 'sti'),
  inMemory('fldcw', 2, 0xd9, 5),
  inMemory('fnstcw', 2, 0xd9, 7),
  inMemory('fnstsw', 2, 0xdd, 7),
  { ...plain('fnstsw', 0xdf, 0xe0), operands: [{ kind: REG, size: 2 }], fields: [0x100] },
]
