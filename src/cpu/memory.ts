// Guest memory by linear address: table look-up, walk and fill on a miss, accesses that cross a page (both pages are
// checked before a byte moves), device memory, code pages, alignment checks (SDM vol. 3, 4.6, 4.7, 5.11, 6.15 #AC).
// `user` means with the rights of CPL 3; descriptor tables and TSSs are always accessed as supervisor.

import type { Cpu } from './cpu.js'
import { noteAccess, watchesPage } from './data-breakpoints.js'
import {
  CPL,
  CR0,
  FAULT,
  MODE,
  RETRY,
  SCRATCH,
  TLB_CODE,
  TLB_SUPERVISOR_READ,
  TLB_SUPERVISOR_WRITE,
  TLB_USER_READ,
  TLB_USER_WRITE,
  TLB_VALID,
} from './layout.js'
import { MODE_ALIGNMENT } from './mode.js'
import { walk } from './paging.js'
import { SUPERVISOR_WRITABLE, USER, WRITABLE } from './tlb.js'

/** The address is device memory: physical page in cpu.frame. */
export const DEVICE = -1
/** An exception has been raised. */
export const FAULTED = -2

const USER_READ = TLB_USER_READ >> 2
const USER_WRITE = TLB_USER_WRITE >> 2
const SUPERVISOR_READ = TLB_SUPERVISOR_READ >> 2
const SUPERVISOR_WRITE = TLB_SUPERVISOR_WRITE >> 2
const ALL_RIGHTS = USER | WRITABLE | SUPERVISOR_WRITABLE

/** Host address of a linear address, or DEVICE or FAULTED (#PF raised). */
export function translate(cpu: Cpu, linear: number, write: boolean, user: boolean): number {
  const table = write ? (user ? USER_WRITE : SUPERVISOR_WRITE) : user ? USER_READ : SUPERVISOR_READ
  const entry = cpu.i32[table + (linear >>> 12)]!
  const tag = entry & 0xfff
  if (tag === TLB_VALID) return (linear + entry + TLB_VALID) >>> 0
  if (tag === TLB_VALID + TLB_CODE) {
    const host = (linear + entry + TLB_VALID - TLB_CODE) >>> 0
    if (!cpu.tlb.hasCode(host)) cpu.tlb.untag(linear >>> 12, host)
    return host
  }
  return miss(cpu, linear, write, user)
}

function miss(cpu: Cpu, linear: number, write: boolean, user: boolean): number {
  const page = linear >>> 12
  let rights = ALL_RIGHTS
  if (cpu.i32[CR0 >> 2]! < 0) {
    rights = walk(cpu, linear, write, user)
    if (rights < 0 && cpu.monitor?.repairs(linear, ~rights)) rights = walk(cpu, linear, write, user)
    if (rights < 0) {
      cpu.raisePageFault(linear, ~rights)
      return FAULTED
    }
  } else cpu.frame = page
  cpu.countFill()
  const host = cpu.host.physicalPage(cpu.frame, false)
  if (host < 0) return DEVICE
  let writable = true
  if ((rights & (WRITABLE | SUPERVISOR_WRITABLE)) !== 0) {
    writable = cpu.host.physicalPage(cpu.frame, true) >= 0
    if (!writable) rights &= ~(WRITABLE | SUPERVISOR_WRITABLE)
  }
  if (!cpu.watching || !watchesPage(cpu, page)) cpu.tlb.fill(page, host, rights)
  return write && !writable ? DEVICE : host + (linear & 0xfff)
}

/** Host address of the code byte at a linear address for the current CPL, or DEVICE or FAULTED. */
export function translateCode(cpu: Cpu, linear: number): number {
  return translate(cpu, linear, false, cpu.i32[CPL >> 2] === 3)
}

function readHost(cpu: Cpu, host: number, width: number): number {
  if (width === 4) return (host & 3) === 0 ? cpu.i32[host >>> 2]! : cpu.view.getInt32(host, true)
  return width === 2 ? cpu.view.getUint16(host, true) : cpu.u8[host]!
}

function writeHost(cpu: Cpu, host: number, width: number, value: number) {
  if (width === 4) cpu.view.setInt32(host, value, true)
  else if (width === 2) cpu.view.setUint16(host, value, true)
  else cpu.u8[host] = value
  if (cpu.tlb.hasCode(host)) cpu.host.onCodeWrite(host, width)
}

/**
 * Device memory is accessed by instructions that are executed alone: only then the count of instructions, and with it
 * virtual time, is exact, and an interrupt that the access causes comes right behind the instruction.
 */
function deviceRead(cpu: Cpu, physical: number, width: number): number {
  if (!cpu.devicesLater) return cpu.host.deviceRead(physical, width)
  cpu.i32[FAULT >> 2] = RETRY
  return 0
}
function deviceWrite(cpu: Cpu, physical: number, width: number, value: number) {
  if (cpu.devicesLater) cpu.i32[FAULT >> 2] = RETRY
  else cpu.host.deviceWrite(physical, width, value)
}

/** Reads `width` (1, 2, 4) bytes of physical memory inside one page that is not plainly writable. */
function readFrame(cpu: Cpu, frame: number, offset: number, width: number): number {
  const host = cpu.host.physicalPage(frame, false)
  if (host >= 0) return readHost(cpu, host + offset, width)
  const value = deviceRead(cpu, frame * 4096 + offset, width)
  return width === 4 ? value | 0 : value
}

/**
 * Reads 1, 2 or 4 bytes: zero-extended for 1 and 2, as i32 for 4. After a fault the answer is 0 and cpu.faulted is
 * true. With `write` the access is checked as a write.
 */
export function load(cpu: Cpu, linear: number, width: number, write: boolean, user: boolean): number {
  const offset = linear & 0xfff
  if (offset + width > 4096) return loadAcross(cpu, linear, width, write, user)
  const host = translate(cpu, linear, write, user)
  if (host >= 0) return readHost(cpu, host, width)
  return host === FAULTED ? 0 : readFrame(cpu, cpu.frame, offset, width)
}

/** Writes 1, 2 or 4 bytes. Answers false when an exception was raised; nothing is written then. */
export function store(cpu: Cpu, linear: number, width: number, value: number, user: boolean): boolean {
  const offset = linear & 0xfff
  if (offset + width > 4096) return storeAcross(cpu, linear, width, value, user)
  const host = translate(cpu, linear, true, user)
  if (host === FAULTED) return false
  if (host >= 0) writeHost(cpu, host, width, value)
  else
    deviceWrite(
      cpu,
      cpu.frame * 4096 + offset,
      width,
      width === 4 ? value >>> 0 : value & (width === 1 ? 0xff : 0xffff),
    )
  return !cpu.faulted
}

/** Reads 1, 2 or 4 bytes as supervisor. */
export const systemLoad = (cpu: Cpu, linear: number, width: number) => load(cpu, linear, width, false, false)
/** Writes 1, 2 or 4 bytes as supervisor; false when an exception was raised. */
export const systemStore = (cpu: Cpu, linear: number, width: number, value: number) =>
  store(cpu, linear, width, value, false)

/**
 * Reads the 8 bytes of a descriptor or gate as supervisor into cpu.descriptorLow and cpu.descriptorHigh. False when an
 * exception was raised.
 */
export function loadDescriptor(cpu: Cpu, linear: number): boolean {
  const { i32 } = cpu
  const entry = i32[SUPERVISOR_READ + (linear >>> 12)]!
  if (((entry | (linear & 7)) & 0xfff) === TLB_VALID) {
    const at = (linear + entry + TLB_VALID) >>> 2
    cpu.descriptorLow = i32[at]!
    cpu.descriptorHigh = i32[at + 1]!
    return true
  }
  cpu.descriptorLow = systemLoad(cpu, linear, 4)
  if (cpu.faulted) return false
  cpu.descriptorHigh = systemLoad(cpu, (linear + 4) | 0, 4)
  return !cpu.faulted
}

/** Reads bytes from linear into SCRATCH; the whole access lies in one page. False when an exception was raised. */
function loadPart(cpu: Cpu, linear: number, bytes: number, at: number, write: boolean, user: boolean): boolean {
  const host = translate(cpu, linear, write, user)
  if (host === FAULTED) return false
  if (host >= 0) cpu.u8.copyWithin(SCRATCH + at, host, host + bytes)
  else {
    const frame = cpu.frame
    const step = (bytes | linear) & 3 ? 1 : 4
    for (let i = 0; i < bytes; i += step)
      if (step === 4) cpu.view.setInt32(SCRATCH + at + i, readFrame(cpu, frame, (linear & 0xfff) + i, 4), true)
      else cpu.u8[SCRATCH + at + i] = readFrame(cpu, frame, (linear & 0xfff) + i, 1)
  }
  return true
}

function storePart(cpu: Cpu, linear: number, bytes: number, at: number, user: boolean): boolean {
  const host = translate(cpu, linear, true, user)
  if (host === FAULTED) return false
  if (host >= 0) {
    cpu.u8.copyWithin(host, SCRATCH + at, SCRATCH + at + bytes)
    if (cpu.tlb.hasCode(host)) cpu.host.onCodeWrite(host, bytes)
    return true
  }
  const physical = cpu.frame * 4096 + (linear & 0xfff)
  const step = (bytes | linear) & 3 ? 1 : 4
  for (let i = 0; i < bytes; i += step)
    if (step === 4) deviceWrite(cpu, physical + i, 4, cpu.view.getUint32(SCRATCH + at + i, true))
    else deviceWrite(cpu, physical + i, 1, cpu.u8[SCRATCH + at + i]!)
  return true
}

/** Checks that `bytes` (at most 4096) at linear may be accessed; false when #PF was raised. */
export function probe(cpu: Cpu, linear: number, bytes: number, write: boolean, user: boolean): boolean {
  if (translate(cpu, linear, write, user) === FAULTED) return false
  if ((linear & 0xfff) + bytes <= 4096) return true
  return translate(cpu, (linear | 0xfff) + 1, write, user) !== FAULTED
}

function loadBytes(cpu: Cpu, linear: number, bytes: number, write: boolean, user: boolean): boolean {
  const first = 4096 - (linear & 0xfff)
  if (first >= bytes) return loadPart(cpu, linear, bytes, 0, write, user)
  if (!probe(cpu, linear, bytes, write, user)) return false
  return (
    loadPart(cpu, linear, first, 0, write, user) && loadPart(cpu, linear + first, bytes - first, first, write, user)
  )
}

function storeBytes(cpu: Cpu, linear: number, bytes: number, user: boolean): boolean {
  const first = 4096 - (linear & 0xfff)
  if (first >= bytes) return storePart(cpu, linear, bytes, 0, user)
  if (!probe(cpu, linear, bytes, true, user)) return false
  return storePart(cpu, linear, first, 0, user) && storePart(cpu, linear + first, bytes - first, first, user)
}

function loadAcross(cpu: Cpu, linear: number, width: number, write: boolean, user: boolean): number {
  if (!loadBytes(cpu, linear, width, write, user)) return 0
  return readHost(cpu, SCRATCH, width)
}

function storeAcross(cpu: Cpu, linear: number, width: number, value: number, user: boolean): boolean {
  cpu.view.setInt32(SCRATCH, value, true)
  return storeBytes(cpu, linear, width, user)
}

/** Sixteen bytes at any address are those of MOVUPS, MOVUPD and MOVDQU, which Intel's processors do not check. */
function misaligned(cpu: Cpu, linear: number, width: number): boolean {
  return width < 16 && (linear & (width - 1)) !== 0 && (cpu.i32[MODE >> 2]! & MODE_ALIGNMENT) !== 0
}

/**
 * Load by the running program where the fast path does not apply. Width 1, 2, 4: the value; 8, 16: the bytes are in
 * SCRATCH. `willWrite` not 0: the access is checked as a write. Faults (#AC, #PF) are raised and answer 0.
 */
export function loadSlow(cpu: Cpu, linear: number, width: number, willWrite: number): number {
  const user = cpu.i32[CPL >> 2] === 3
  if (misaligned(cpu, linear, width)) return Number(cpu.raise(17, 0))
  if (cpu.watching && !noteAccess(cpu, linear, width, willWrite !== 0)) return 0
  if (width <= 4) return load(cpu, linear, width, willWrite !== 0, user)
  loadBytes(cpu, linear, width, willWrite !== 0, user)
  return 0
}

/** Store by the running program, like loadSlow; for widths 8 and 16 the bytes are in SCRATCH. */
export function storeSlow(cpu: Cpu, linear: number, width: number, value: number) {
  const user = cpu.i32[CPL >> 2] === 3
  if (misaligned(cpu, linear, width)) cpu.raise(17, 0)
  else {
    if (cpu.watching && !noteAccess(cpu, linear, width, true)) return
    if (width <= 4) store(cpu, linear, width, value, user)
    else storeBytes(cpu, linear, width, user)
  }
}
