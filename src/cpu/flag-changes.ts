// Who may change which EFLAGS: POPF, PUSHF, STI, CLI and the flags part of IRET (SDM vol. 2; vol. 3, 2.3, 20.2.2).
// No virtual interrupts (VME, PVI).

import type { Cpu } from './cpu.js'
import { AC, ARITHMETIC, DF, eflags, ID, IF, IOPL, NT, RF, setEflags, TF, VIF, VIP, VM } from './eflags.js'
import { GP } from './exceptions.js'
import { CPL, CR0, FLAGS, SHADOW, SHADOW_KIND } from './layout.js'
import { updateMode } from './mode.js'

/** Flags that any program may change. */
const FREE = ARITHMETIC | TF | DF | NT

/** True when CPL <= IOPL; in virtual-8086 mode when IOPL is 3. */
export function hasIoPrivilege(cpu: Cpu): boolean {
  if ((cpu.i32[CR0 >> 2]! & 1) === 0) return true
  return cpu.i32[CPL >> 2]! <= ((cpu.i32[FLAGS >> 2]! >>> 12) & 3)
}

const inV86 = (cpu: Cpu) => (cpu.i32[FLAGS >> 2]! & VM) !== 0

/** Writes the flags in `mask` from `value`; a set RF holds for the next instruction. */
export function changeFlags(cpu: Cpu, value: number, mask: number) {
  setEflags(cpu, (eflags(cpu) & ~mask) | (value & mask))
  cpu.resumeAt = (cpu.retired + 1) | 0
}

/** Flags that IRET and POPF with this operand size may change at the current privilege level. */
function changeable(cpu: Cpu, size: number): number {
  let mask = size === 4 ? FREE | AC | ID : FREE
  if (hasIoPrivilege(cpu)) mask |= IF
  if (cpu.i32[CPL >> 2] === 0) mask |= IOPL
  return mask
}

/** Flags of an IRET that stays out of virtual-8086 mode, or in it. */
export function iretFlags(cpu: Cpu, value: number, size: number) {
  let mask = changeable(cpu, size)
  if (size === 4) {
    mask |= RF
    if ((cpu.i32[CR0 >> 2]! & 1) !== 0 && cpu.i32[CPL >> 2] === 0) mask |= VIF | VIP
  }
  changeFlags(cpu, value, mask)
}

/** Flags of an IRET into virtual-8086 mode. */
export function iretFlagsToV86(cpu: Cpu, value: number) {
  changeFlags(cpu, value, FREE | IF | IOPL | RF | VM | AC | VIF | VIP | ID)
}

/** POPF with a value popped; false when #GP(0) was raised. */
export function popFlags(cpu: Cpu, value: number, size: number): boolean {
  if (inV86(cpu) && !hasIoPrivilege(cpu)) return cpu.raise(GP, 0)
  changeFlags(cpu, value & ~RF, changeable(cpu, size) | RF)
  updateMode(cpu)
  return true
}

/** PUSHF may be executed; false when #GP(0) was raised. */
export function pushFlagsAllowed(cpu: Cpu): boolean {
  return !inV86(cpu) || hasIoPrivilege(cpu) || cpu.raise(GP, 0)
}

/** STI: interrupts stay held back for one instruction when IF was clear. */
export function setInterruptFlag(cpu: Cpu): boolean {
  if (!hasIoPrivilege(cpu)) return cpu.raise(GP, 0)
  const flags = cpu.i32[FLAGS >> 2]!
  if ((flags & IF) !== 0) return true
  cpu.i32[FLAGS >> 2] = flags | IF
  cpu.i32[SHADOW >> 2] = (cpu.retired + 1) | 0
  cpu.i32[SHADOW_KIND >> 2] = 1
  return true
}

/** CLI. */
export function clearInterruptFlag(cpu: Cpu): boolean {
  if (!hasIoPrivilege(cpu)) return cpu.raise(GP, 0)
  cpu.i32[FLAGS >> 2] = cpu.i32[FLAGS >> 2]! & ~IF
  return true
}
