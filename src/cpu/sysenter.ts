// SYSENTER and SYSEXIT (SDM vol. 2; vol. 3, 5.8.7): flat segments made out of MSR_SYSENTER_CS, no descriptor is read.

import type { Cpu } from './cpu.js'
import { IF, RF, VM } from './eflags.js'
import { GP, UD } from './exceptions.js'
import {
  CPL,
  CR0,
  CS,
  ECX,
  EDX,
  EIP,
  ESP,
  FLAGS,
  gprCell,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  SS,
} from './layout.js'
import { updateMode } from './mode.js'
import { SEP } from './models.js'
import { setSegment } from './segment-cache.js'

/** Present, code, readable, accessed; D and G. */
const FLAT_CODE = 0xc09b
/** Present, data, writable, accessed; B and G. */
const FLAT_DATA = 0xc093
const DPL3 = 0x60

function allowed(cpu: Cpu): boolean {
  if ((cpu.model.features & SEP) === 0) return cpu.raise(UD)
  const isProtected = (cpu.i32[CR0 >> 2]! & 1) !== 0
  return (isProtected && (cpu.i32[MSR_SYSENTER_CS >> 2]! & 0xfffc) !== 0) || cpu.raise(GP, 0)
}

function enter(cpu: Cpu, selector: number, level: number, dpl: number) {
  cpu.i32[CPL >> 2] = level
  setSegment(cpu, CS, (selector & 0xfffc) | level, 0, -1, FLAT_CODE | dpl)
  setSegment(cpu, SS, ((selector + 8) & 0xfffc) | level, 0, -1, FLAT_DATA | dpl)
  updateMode(cpu)
}

/** SYSENTER: to CPL 0 at the MSRs' ESP and EIP. */
export function sysenter(cpu: Cpu): boolean {
  const { i32 } = cpu
  if (!allowed(cpu)) return false
  i32[FLAGS >> 2] = i32[FLAGS >> 2]! & ~(VM | IF | RF)
  i32[gprCell(ESP) >> 2] = i32[MSR_SYSENTER_ESP >> 2]!
  i32[EIP >> 2] = i32[MSR_SYSENTER_EIP >> 2]!
  enter(cpu, i32[MSR_SYSENTER_CS >> 2]!, 0, 0)
  return true
}

/** SYSEXIT: to CPL 3 with ESP from ECX and EIP from EDX. */
export function sysexit(cpu: Cpu): boolean {
  const { i32 } = cpu
  if (!allowed(cpu)) return false
  if (i32[CPL >> 2] !== 0) return cpu.raise(GP, 0)
  i32[gprCell(ESP) >> 2] = i32[gprCell(ECX) >> 2]!
  i32[EIP >> 2] = i32[gprCell(EDX) >> 2]!
  enter(cpu, i32[MSR_SYSENTER_CS >> 2]! + 16, 3, DPL3)
  return true
}
