// RDMSR, WRMSR, RDTSC, RDPMC (SDM vol. 2; vol. 4 for the registers). Registers that a model's features do not
// announce raise #GP(0).

import { requireCpl0 } from './control-registers.js'
import type { Cpu } from './cpu.js'
import { GP, UD } from './exceptions.js'
import {
  CPL,
  CR4,
  EAX,
  ECX,
  EDX,
  MSR_APIC_BASE,
  MSR_MISC_ENABLE,
  MSR_PAT,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  TSC_OFFSET,
} from './layout.js'
import { APIC, MSR, PAT, SEP, TSC } from './models.js'

const IA32_TSC = 0x10
const IA32_PLATFORM_ID = 0x17
const IA32_APIC_BASE = 0x1b
const EBL_CR_POWERON = 0x2a
const IA32_BIOS_SIGN_ID = 0x8b
const IA32_SYSENTER_CS = 0x174
const IA32_SYSENTER_ESP = 0x175
const IA32_SYSENTER_EIP = 0x176
const IA32_MISC_ENABLE = 0x1a0
const IA32_PAT = 0x277

const CR4_TSD = 4
const CR4_PCE = 0x100
const TWO32 = 0x100000000
/** Bits of IA32_APIC_BASE that can be written: base and global enable. */
const APIC_BASE_WRITABLE = 0xfffff800 | 0
const APIC_BSP = 0x100

/** Reads the time-stamp counter into EDX:EAX. */
function readTsc(cpu: Cpu) {
  const ticks = cpu.host.tsc()
  const low = (ticks % TWO32) + cpu.u32[TSC_OFFSET >> 2]!
  const high = Math.floor(ticks / TWO32) + cpu.i32[(TSC_OFFSET >> 2) + 1]! + (low >= TWO32 ? 1 : 0)
  cpu.setRegister(EAX, low | 0)
  cpu.setRegister(EDX, high | 0)
}

/** Sets TSC_OFFSET so that the counter reads high:low now. */
function writeTsc(cpu: Cpu, low: number, high: number) {
  const ticks = cpu.host.tsc()
  const difference = (low >>> 0) - (ticks % TWO32)
  cpu.i32[TSC_OFFSET >> 2] = difference
  cpu.i32[(TSC_OFFSET >> 2) + 1] = high - Math.floor(ticks / TWO32) - (difference < 0 ? 1 : 0)
}

/** RDTSC; #GP(0) above CPL 0 with CR4.TSD. */
export function rdtsc(cpu: Cpu): boolean {
  if ((cpu.model.features & TSC) === 0) return cpu.raise(UD)
  if ((cpu.i32[CR4 >> 2]! & CR4_TSD) !== 0 && cpu.i32[CPL >> 2] !== 0) return cpu.raise(GP, 0)
  readTsc(cpu)
  return true
}

/** RDPMC: the counters exist and stand at 0. */
export function rdpmc(cpu: Cpu): boolean {
  const { model } = cpu
  if (model.generation < 6) return cpu.raise(UD)
  if ((cpu.i32[CR4 >> 2]! & CR4_PCE) === 0 && cpu.i32[CPL >> 2] !== 0) return cpu.raise(GP, 0)
  if ((cpu.register(ECX) & 0x7fffffff) >= (model.generation === 15 ? 18 : 2)) return cpu.raise(GP, 0)
  cpu.setRegister(EAX, 0)
  cpu.setRegister(EDX, 0)
  return true
}

function answer(cpu: Cpu, low: number, high: number): true {
  cpu.setRegister(EAX, low)
  cpu.setRegister(EDX, high)
  return true
}

const has = (cpu: Cpu, feature: number) => (cpu.model.features & feature) !== 0

/** RDMSR: register ECX into EDX:EAX. */
export function rdmsr(cpu: Cpu): boolean {
  const { i32 } = cpu
  if (!has(cpu, MSR)) return cpu.raise(UD)
  if (!requireCpl0(cpu)) return false
  switch (cpu.register(ECX)) {
    case IA32_TSC:
      readTsc(cpu)
      return true
    case IA32_APIC_BASE:
      return has(cpu, APIC) ? answer(cpu, i32[MSR_APIC_BASE >> 2]!, 0) : cpu.raise(GP, 0)
    case IA32_SYSENTER_CS:
      return has(cpu, SEP) ? answer(cpu, i32[MSR_SYSENTER_CS >> 2]!, 0) : cpu.raise(GP, 0)
    case IA32_SYSENTER_ESP:
      return has(cpu, SEP) ? answer(cpu, i32[MSR_SYSENTER_ESP >> 2]!, 0) : cpu.raise(GP, 0)
    case IA32_SYSENTER_EIP:
      return has(cpu, SEP) ? answer(cpu, i32[MSR_SYSENTER_EIP >> 2]!, 0) : cpu.raise(GP, 0)
    case IA32_PAT:
      return has(cpu, PAT) ? answer(cpu, i32[MSR_PAT >> 2]!, i32[(MSR_PAT >> 2) + 1]!) : cpu.raise(GP, 0)
    case IA32_MISC_ENABLE:
      return answer(cpu, i32[MSR_MISC_ENABLE >> 2]!, i32[(MSR_MISC_ENABLE >> 2) + 1]!)
    case IA32_PLATFORM_ID:
    case EBL_CR_POWERON:
    case IA32_BIOS_SIGN_ID:
      return answer(cpu, 0, 0)
    default:
      return cpu.raise(GP, 0)
  }
}

/** True when each byte of a PAT half is a memory type that exists: 0, 1, 4, 5, 6, 7. */
const patValid = (half: number) => (half & 0xf8f8f8f8) === 0 && ((half >>> 1) & ~(half >>> 2) & 0x01010101) === 0

/** WRMSR: EDX:EAX into register ECX. */
export function wrmsr(cpu: Cpu): boolean {
  const { i32 } = cpu
  if (!has(cpu, MSR)) return cpu.raise(UD)
  if (!requireCpl0(cpu)) return false
  const low = cpu.register(EAX) | 0
  const high = cpu.register(EDX) | 0
  const register = cpu.register(ECX)
  switch (register) {
    case IA32_TSC:
      writeTsc(cpu, low, high)
      return true
    case IA32_APIC_BASE:
      if (!has(cpu, APIC) || (high & ~15) !== 0 || (low & 0x6ff) !== 0) return cpu.raise(GP, 0)
      i32[MSR_APIC_BASE >> 2] = (low & APIC_BASE_WRITABLE) | APIC_BSP
      cpu.host.onApicBase(i32[MSR_APIC_BASE >> 2]!)
      return true
    case IA32_SYSENTER_CS:
    case IA32_SYSENTER_ESP:
    case IA32_SYSENTER_EIP:
      if (!has(cpu, SEP)) return cpu.raise(GP, 0)
      i32[(MSR_SYSENTER_CS >> 2) + register - IA32_SYSENTER_CS] = low
      return true
    case IA32_PAT:
      if (!has(cpu, PAT) || !patValid(low) || !patValid(high)) return cpu.raise(GP, 0)
      i32[MSR_PAT >> 2] = low
      i32[(MSR_PAT >> 2) + 1] = high
      return true
    case IA32_MISC_ENABLE:
      i32[MSR_MISC_ENABLE >> 2] = low
      i32[(MSR_MISC_ENABLE >> 2) + 1] = high
      return true
    case EBL_CR_POWERON:
    case IA32_BIOS_SIGN_ID:
      return true
    default:
      return cpu.raise(GP, 0)
  }
}
