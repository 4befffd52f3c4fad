// Fetching descriptors from the GDT and LDT (SDM vol. 3, 2.4, 3.4.2 to 3.5). The words found are left in the Cpu's
// descriptor fields; the accessed and busy bits are written here too.

import type { Cpu } from './cpu.js'
import { GDTR_BASE, GDTR_LIMIT, LDTR, SEG_BASE, SEG_LIMIT, SEG_RIGHTS } from './layout.js'
import { loadDescriptor, systemLoad, systemStore } from './memory.js'
import { segmentIndex, UNUSABLE } from './segment-cache.js'

// Types of system descriptors and gates (SDM vol. 3, table 3-2), with S = 0.
export const TSS16 = 1
export const LDT = 2
export const TSS16_BUSY = 3
export const CALL_GATE16 = 4
export const TASK_GATE = 5
export const INTERRUPT_GATE16 = 6
export const TRAP_GATE16 = 7
export const TSS32 = 9
export const TSS32_BUSY = 11
export const CALL_GATE32 = 12
export const INTERRUPT_GATE32 = 14
export const TRAP_GATE32 = 15

// Bits of a descriptor's high word.
export const HIGH_PRESENT = 0x8000
export const HIGH_S = 0x1000
export const HIGH_CODE = 0x800
/** Code: conforming. Data: expand-down. */
export const HIGH_CONFORMING = 0x400
/** Code: readable. Data: writable. */
export const HIGH_RW = 0x200
export const HIGH_ACCESSED = 0x100

export const descriptorType = (high: number) => (high >>> 8) & 0x1f
export const descriptorDpl = (high: number) => (high >>> 13) & 3

const LDTR_AT = segmentIndex(LDTR)

/** Linear address of a selector's descriptor, or -1 when it lies outside its table. */
function descriptorAddress(cpu: Cpu, selector: number): number {
  const offset = selector & 0xfff8
  if ((selector & 4) === 0) {
    if (offset + 7 > cpu.u32[GDTR_LIMIT >> 2]!) return -1
    return (cpu.i32[GDTR_BASE >> 2]! + offset) >>> 0
  }
  if ((cpu.i32[LDTR_AT + (SEG_RIGHTS >> 2)]! & UNUSABLE) !== 0) return -1
  if (offset + 7 > cpu.u32[LDTR_AT + (SEG_LIMIT >> 2)]!) return -1
  return (cpu.i32[LDTR_AT + (SEG_BASE >> 2)]! + offset) >>> 0
}

/** True when the selector is null: index 0 of the GDT. */
export const isNull = (selector: number) => (selector & 0xfffc) === 0

/**
 * Fetches the descriptor of a selector into cpu.descriptorLow/High/Address. Outside its table: raises `vector` with
 * the selector and `ext` (0 or 1) as error code. False when that, or #PF, was raised.
 */
export function fetchDescriptor(cpu: Cpu, selector: number, vector: number, ext: number): boolean {
  const address = descriptorAddress(cpu, selector)
  if (address < 0) return cpu.raise(vector, (selector & 0xfffc) | ext)
  cpu.descriptorAddress = address
  return loadDescriptor(cpu, address)
}

/** Like fetchDescriptor, but answers 0 for a selector outside its table, 1 when found, and -1 when #PF was raised. */
export function lookUpDescriptor(cpu: Cpu, selector: number): number {
  const address = descriptorAddress(cpu, selector)
  if (address < 0) return 0
  cpu.descriptorAddress = address
  return loadDescriptor(cpu, address) ? 1 : -1
}

/** Sets the accessed bit of the code or data descriptor fetched last, in memory and in cpu.descriptorHigh. */
export function setAccessed(cpu: Cpu): boolean {
  const high = cpu.descriptorHigh
  if ((high & HIGH_ACCESSED) !== 0) return true
  cpu.descriptorHigh = high | HIGH_ACCESSED
  return systemStore(cpu, (cpu.descriptorAddress + 5) | 0, 1, ((high >>> 8) & 0xff) | 1)
}

/** Sets or clears the busy bit of the TSS descriptor at an address. */
export function setBusy(cpu: Cpu, address: number, busy: boolean): boolean {
  const type = systemLoad(cpu, (address + 5) | 0, 1)
  if (cpu.faulted) return false
  return systemStore(cpu, (address + 5) | 0, 1, busy ? type | 2 : type & ~2)
}
