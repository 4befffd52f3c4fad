// The page walk: two levels with 4 KiB and 4 MiB pages (PSE, PSE-36), three levels with PAE (SDM vol. 3, 4.3, 4.4,
// 4.6 to 4.8). Sets accessed and dirty bits only when the access is allowed. No execute-disable.

import type { Cpu } from './cpu.js'
import { CR0, CR3, CR4, PDPTE } from './layout.js'
import { PSE36 } from './models.js'
import { GLOBAL, LARGE, SUPERVISOR_WRITABLE, USER, WRITABLE } from './tlb.js'

export const CR0_WP = 0x10000
export const CR4_PSE = 0x10
export const CR4_PAE = 0x20
export const CR4_PGE = 0x80

// Bits of a paging-structure entry.
const PRESENT = 1
const RW = 2
const US = 4
const ACCESSED = 0x20
const DIRTY = 0x40
const PS = 0x80
const ENTRY_GLOBAL = 0x100

// Page-fault error code (SDM vol. 3, 4.7).
const PROTECTION = 1
const WRITE = 2
const FROM_USER = 4
const RESERVED = 8

/** Reads 4 bytes of physical memory for the walk; `page` is a physical page number, `offset` a multiple of 4. */
export function readPhysical(cpu: Cpu, page: number, offset: number): number {
  const host = cpu.host.physicalPage(page, false)
  return host < 0 ? cpu.host.deviceRead(page * 4096 + offset, 4) | 0 : cpu.i32[(host + offset) >>> 2]!
}

function writePhysical(cpu: Cpu, page: number, offset: number, value: number) {
  const host = cpu.host.physicalPage(page, true)
  if (host < 0) return cpu.host.deviceWrite(page * 4096 + offset, 4, value >>> 0)
  cpu.i32[(host + offset) >>> 2] = value
  if (cpu.tlb.hasCode(host)) cpu.host.onCodeWrite(host + offset, 4)
}

/** Error code of a walk that ends in a fault, as a negative number: ~code. */
const fault = (why: number, write: boolean, user: boolean) => ~(why | (write ? WRITE : 0) | (user ? FROM_USER : 0))

/**
 * Translates a linear address with paging on. Answers the rights (tlb.ts) and leaves the physical page number in
 * cpu.frame; or answers ~(error code of #PF), a negative number.
 */
export function walk(cpu: Cpu, linear: number, write: boolean, user: boolean): number {
  if ((cpu.i32[CR4 >> 2]! & CR4_PAE) !== 0) return walkPae(cpu, linear, write, user)
  const table = cpu.i32[CR3 >> 2]! >>> 12
  const directoryOffset = (linear >>> 20) & 0xffc
  const pde = readPhysical(cpu, table, directoryOffset)
  if ((pde & PRESENT) === 0) return fault(0, write, user)
  const paging = cpu.i32[CR4 >> 2]!
  if ((pde & PS) !== 0 && (paging & CR4_PSE) !== 0) {
    const wide = (cpu.model.features & PSE36) !== 0
    if ((pde & (wide ? 0x3e0000 : 0x3fe000)) !== 0) return fault(PROTECTION | RESERVED, write, user)
    const rights = allow(cpu, pde, pde, write, user)
    if (rights < 0) return rights
    setAccessed(cpu, table, directoryOffset, pde, write)
    cpu.frame = ((pde >>> 22) << 10) + ((linear >>> 12) & 0x3ff) + (((pde >>> 13) & 15) << 20)
    return rights | LARGE
  }
  const pteTable = pde >>> 12
  const tableOffset = (linear >>> 10) & 0xffc
  const pte = readPhysical(cpu, pteTable, tableOffset)
  if ((pte & PRESENT) === 0) return fault(0, write, user)
  const rights = allow(cpu, pde, pte, write, user)
  if (rights < 0) return rights
  if ((pde & ACCESSED) === 0) writePhysical(cpu, table, directoryOffset, pde | ACCESSED)
  setAccessed(cpu, pteTable, tableOffset, pte, write)
  cpu.frame = pte >>> 12
  return rights
}

/** Rights of a translation from its directory and its final entry, or ~error when this access is not allowed. */
function allow(cpu: Cpu, pde: number, entry: number, write: boolean, user: boolean): number {
  const both = pde & entry
  const protect = (cpu.i32[CR0 >> 2]! & CR0_WP) !== 0
  const supervisorWritable = (both & RW) !== 0 || !protect
  if (user ? (both & US) === 0 || (write && (both & RW) === 0) : write && !supervisorWritable)
    return fault(PROTECTION, write, user)
  let rights = (both & US) !== 0 ? USER : 0
  if (write || (entry & DIRTY) !== 0) {
    if ((both & RW) !== 0) rights |= WRITABLE
    if (supervisorWritable) rights |= SUPERVISOR_WRITABLE
  }
  if ((entry & ENTRY_GLOBAL) !== 0 && (cpu.i32[CR4 >> 2]! & CR4_PGE) !== 0) rights |= GLOBAL
  return rights
}

function setAccessed(cpu: Cpu, page: number, offset: number, entry: number, write: boolean) {
  const bits = write ? ACCESSED | DIRTY : ACCESSED
  if ((entry & bits) !== bits) writePhysical(cpu, page, offset, entry | bits)
}

/** Bits of the high half of a PAE entry that must be 0: physical addresses have 36 bits, there is no NX. */
const HIGH_RESERVED = ~15

function walkPae(cpu: Cpu, linear: number, write: boolean, user: boolean): number {
  const pointer = (PDPTE >> 2) + 2 * (linear >>> 30)
  const pdpte = cpu.i32[pointer]!
  if ((pdpte & PRESENT) === 0) return fault(0, write, user)
  const directory = (pdpte >>> 12) + ((cpu.i32[pointer + 1]! & 15) << 20)
  const directoryOffset = (linear >>> 18) & 0xff8
  const pde = readPhysical(cpu, directory, directoryOffset)
  const pdeHigh = readPhysical(cpu, directory, directoryOffset + 4)
  if ((pde & PRESENT) === 0) return fault(0, write, user)
  if ((pdeHigh & HIGH_RESERVED) !== 0) return fault(PROTECTION | RESERVED, write, user)
  if ((pde & PS) !== 0) {
    if ((pde & 0x1fe000) !== 0) return fault(PROTECTION | RESERVED, write, user)
    const rights = allow(cpu, pde, pde, write, user)
    if (rights < 0) return rights
    setAccessed(cpu, directory, directoryOffset, pde, write)
    cpu.frame = ((pde >>> 21) << 9) + ((linear >>> 12) & 0x1ff) + ((pdeHigh & 15) << 20)
    return rights | LARGE
  }
  const pteTable = (pde >>> 12) + ((pdeHigh & 15) << 20)
  const tableOffset = (linear >>> 9) & 0xff8
  const pte = readPhysical(cpu, pteTable, tableOffset)
  const pteHigh = readPhysical(cpu, pteTable, tableOffset + 4)
  if ((pte & PRESENT) === 0) return fault(0, write, user)
  if ((pteHigh & HIGH_RESERVED) !== 0) return fault(PROTECTION | RESERVED, write, user)
  const rights = allow(cpu, pde, pte, write, user)
  if (rights < 0) return rights
  if ((pde & ACCESSED) === 0) writePhysical(cpu, directory, directoryOffset, pde | ACCESSED)
  setAccessed(cpu, pteTable, tableOffset, pte, write)
  cpu.frame = (pte >>> 12) + ((pteHigh & 15) << 20)
  return rights
}

/**
 * Loads the four PDPTE cells from the table at a CR3 value (SDM vol. 3, 4.4.1). Answers false, with the cells
 * unchanged, when a present entry has a reserved bit set: the caller raises #GP(0).
 */
export function loadPdptes(cpu: Cpu, cr3: number): boolean {
  const page = cr3 >>> 12
  const base = cr3 & 0xfe0
  for (let i = 0; i < 4; i++) {
    const low = readPhysical(cpu, page, base + 8 * i)
    const high = readPhysical(cpu, page, base + 8 * i + 4)
    if ((low & PRESENT) !== 0 && ((low & 0x1e6) !== 0 || (high & HIGH_RESERVED) !== 0)) return false
  }
  for (let i = 0; i < 4; i++) {
    cpu.i32[(PDPTE >> 2) + 2 * i] = readPhysical(cpu, page, base + 8 * i)
    cpu.i32[(PDPTE >> 2) + 2 * i + 1] = readPhysical(cpu, page, base + 8 * i + 4)
  }
  return true
}
