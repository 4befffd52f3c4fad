// Control registers: MOV to and from CR0-CR4, LMSW, CLTS, INVLPG with their checks and what follows from a change
// (SDM vol. 2 MOV CRn, LMSW, CLTS; vol. 3, 2.5, 4.10.4, 9.9).

import type { Cpu } from './cpu.js'
import { GP, UD } from './exceptions.js'
import { CPL, CR0, CR2, CR3, CR4 } from './layout.js'
import { updateMode } from './mode.js'
import { operationNumber } from './operation-counts.js'
import { CR0_WP, CR4_PAE, CR4_PGE, CR4_PSE, loadPdptes } from './paging.js'
import { refreshSegments } from './segment-cache.js'

const PE = 1
const ET = 0x10
const NW = 0x20000000
const CD = 0x40000000
const PG = 0x80000000 | 0
const TS = 8
const CR3_WRITE = operationNumber('cr3_write')

/** Raises #GP(0) unless CPL is 0 (virtual-8086 mode is CPL 3). */
export function requireCpl0(cpu: Cpu): boolean {
  return cpu.i32[CPL >> 2] === 0 || cpu.raise(GP, 0)
}

function flushAll(cpu: Cpu) {
  cpu.tlb.flush(true)
  cpu.host.onFlush(-1)
}

/** MOV r32, CRn. */
export function readControlRegister(cpu: Cpu, n: number): number {
  if (!exists(cpu, n)) return Number(cpu.raise(UD))
  if (!requireCpl0(cpu)) return 0
  if (cpu.monitor && n !== 2) {
    const { cr0, cr3, cr4 } = cpu.monitor.shown
    return (n === 0 ? cr0 : n === 3 ? cr3 : cr4) | 0
  }
  return cpu.i32[(n === 0 ? CR0 : n === 2 ? CR2 : n === 3 ? CR3 : CR4) >> 2]!
}

const exists = (cpu: Cpu, n: number) => n === 0 || n === 2 || n === 3 || (n === 4 && cpu.model.cr4 !== 0)

/** MOV CRn, r32. False when an exception was raised. */
export function writeControlRegister(cpu: Cpu, n: number, value: number): boolean {
  if (!exists(cpu, n)) return cpu.raise(UD)
  if (!requireCpl0(cpu)) return false
  if (n === 0) return writeCr0(cpu, value)
  if (n === 3) return writeCr3(cpu, value)
  if (n === 4) return writeCr4(cpu, value)
  cpu.i32[CR2 >> 2] = value
  return true
}

/** Writes CR0 without looking at CPL. False when #GP(0) was raised. */
export function writeCr0(cpu: Cpu, value: number): boolean {
  const { i32, model } = cpu
  const old = i32[CR0 >> 2]!
  let next = (value & model.cr0) | (model.generation === 3 ? 0 : ET)
  if ((next & (PG | PE)) === PG || (next & (NW | CD)) === NW) return cpu.raise(GP, 0)
  const changed = old ^ next
  if ((changed & next & PG) !== 0 && (i32[CR4 >> 2]! & CR4_PAE) !== 0 && !loadPdptes(cpu, i32[CR3 >> 2]!))
    return cpu.raise(GP, 0)
  next |= 0
  i32[CR0 >> 2] = next
  if ((changed & (PG | PE | CR0_WP)) !== 0) flushAll(cpu)
  if ((changed & PE) !== 0) {
    i32[CPL >> 2] = 0
    refreshSegments(cpu)
  }
  updateMode(cpu)
  return true
}

/** Writes CR3 without looking at CPL: drops all translations but global ones. False when #GP(0) was raised. */
export function writeCr3(cpu: Cpu, value: number): boolean {
  const { i32 } = cpu
  if (i32[CR0 >> 2]! < 0 && (i32[CR4 >> 2]! & CR4_PAE) !== 0 && !loadPdptes(cpu, value)) return cpu.raise(GP, 0)
  i32[CR3 >> 2] = value
  cpu.operationCounts[CR3_WRITE]!++
  cpu.tlb.flush(false)
  cpu.host.onFlush(-1)
  return true
}

/** Writes CR4 without looking at CPL. False when #GP(0) was raised. */
export function writeCr4(cpu: Cpu, value: number): boolean {
  const { i32 } = cpu
  if ((value & ~cpu.model.cr4) !== 0) return cpu.raise(GP, 0)
  const changed = i32[CR4 >> 2]! ^ value
  if ((changed & (CR4_PAE | CR4_PSE | CR4_PGE)) !== 0) {
    if (i32[CR0 >> 2]! < 0 && (value & CR4_PAE) !== 0 && !loadPdptes(cpu, i32[CR3 >> 2]!)) return cpu.raise(GP, 0)
    i32[CR4 >> 2] = value
    flushAll(cpu)
  }
  i32[CR4 >> 2] = value
  updateMode(cpu)
  return true
}

/** LMSW: the low four bits of CR0; PE can be set but not cleared. */
export function loadMachineStatusWord(cpu: Cpu, value: number): boolean {
  if (!requireCpl0(cpu)) return false
  const old = cpu.i32[CR0 >> 2]!
  return writeCr0(cpu, (old & ~0xe) | (value & 0xf))
}

/** CLTS. */
export function clearTaskSwitched(cpu: Cpu): boolean {
  if (!requireCpl0(cpu)) return false
  cpu.i32[CR0 >> 2] = cpu.i32[CR0 >> 2]! & ~TS
  updateMode(cpu)
  return true
}

/** INVLPG. */
export function invalidatePage(cpu: Cpu, linear: number): boolean {
  if (!requireCpl0(cpu)) return false
  cpu.tlb.invalidate(linear >>> 12)
  cpu.host.onFlush(linear >>> 12)
  return true
}
