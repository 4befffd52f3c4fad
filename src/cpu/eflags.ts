// EFLAGS packed from and unpacked into the cells of cpu/layout.ts. The six arithmetic flags are kept as a result and
// a vector of carries, encoded as semantics/flags.ts describes (SDM vol. 1, 3.4.3).

import type { Cpu } from './cpu.js'
import { FLAG_AUX, FLAG_RESULT, FLAGS } from './layout.js'

export const CF = 1
export const PF = 4
export const AF = 0x10
export const ZF = 0x40
export const SF = 0x80
export const TF = 0x100
export const IF = 0x200
export const DF = 0x400
export const OF = 0x800
export const IOPL = 0x3000
export const NT = 0x4000
export const RF = 0x10000
export const VM = 0x20000
export const AC = 0x40000
export const VIF = 0x80000
export const VIP = 0x100000
export const ID = 0x200000
export const ARITHMETIC = CF | PF | AF | ZF | SF | OF

/** The six arithmetic flags in EFLAGS' layout. */
export function arithmeticFlags(cpu: Cpu): number {
  const result = cpu.i32[FLAG_RESULT >> 2]!
  const aux = cpu.i32[FLAG_AUX >> 2]!
  let parity = (result ^ (aux >>> 8)) & 0xff
  parity ^= parity >>> 4
  parity = (0x9669 >>> (parity & 15)) & 1
  const sign = (result >>> 31) ^ (aux & 1)
  const overflow = (aux ^ (aux << 1)) >>> 31
  const zero = result === 0 ? ZF : 0
  return (aux >>> 31) | (parity << 2) | ((aux & 8) << 1) | zero | (sign << 7) | (overflow << 11)
}

/** Sets the six arithmetic flags from a word in EFLAGS' layout. */
export function setArithmeticFlags(cpu: Cpu, word: number) {
  const carry = word & 1
  cpu.i32[FLAG_RESULT >> 2] = (word & ZF) !== 0 ? 0 : 0x100
  cpu.i32[FLAG_AUX >> 2] =
    (carry << 31) |
    ((carry ^ ((word >>> 11) & 1)) << 30) |
    ((word & AF) >>> 1) |
    (((word & PF) ^ PF) << 6) |
    ((word & SF) >>> 7)
}

/** The whole EFLAGS word. RF counts only at the instruction boundary that IRET or a task switch left it for. */
export function eflags(cpu: Cpu): number {
  const system = cpu.i32[FLAGS >> 2]!
  return arithmeticFlags(cpu) | ((system & RF) !== 0 && cpu.resumeAt !== cpu.retired ? system & ~RF : system)
}

/** Sets the whole EFLAGS word as it is given; callers have applied the rules of who may change what. */
export function setEflags(cpu: Cpu, word: number) {
  setArithmeticFlags(cpu, word)
  cpu.i32[FLAGS >> 2] = ((word & ~ARITHMETIC & 0x3f7fd7) | 2) & cpu.model.eflags
}
