// CPUID out of the model (SDM vol. 2 CPUID). Leaves above the highest one answer 0.

import type { Cpu } from './cpu.js'
import { UD } from './exceptions.js'
import { EAX, EBX, ECX, EDX, MSR_APIC_BASE } from './layout.js'
import { APIC, CLFSH, type CpuModel } from './models.js'

const EXTENDED = 0x80000000
const APIC_ENABLED = 0x800

function answer(cpu: Cpu, eax: number, ebx: number, ecx: number, edx: number) {
  cpu.setRegister(EAX, eax)
  cpu.setRegister(EBX, ebx)
  cpu.setRegister(ECX, ecx)
  cpu.setRegister(EDX, edx)
}

/** Four characters of the brand string as a little-endian word. */
function brandWord(model: CpuModel, at: number): number {
  let word = 0
  for (let i = 3; i >= 0; i--) word = (word << 8) | (at + i < model.brand.length ? model.brand.charCodeAt(at + i) : 0)
  return word
}

/** CPUID with the leaf in EAX; answers in EAX, EBX, ECX, EDX. */
export function cpuid(cpu: Cpu): boolean {
  const { model } = cpu
  if (!model.hasCpuid) return cpu.raise(UD)
  const leaf = cpu.register(EAX)
  if (leaf === 0) answer(cpu, 2, 0x756e6547, 0x6c65746e, 0x49656e69)
  else if (leaf === 1) {
    let features = model.features
    if ((cpu.i32[MSR_APIC_BASE >> 2]! & APIC_ENABLED) === 0) features &= ~APIC
    answer(cpu, model.signature, (features & CLFSH) !== 0 ? 0x800 : 0, 0, features)
  } else if (leaf === 2) answer(cpu, ...model.leaf2)
  else if (leaf === EXTENDED && model.brand !== '') answer(cpu, (EXTENDED + 4) | 0, 0, 0, 0)
  else if (leaf > EXTENDED + 1 && leaf <= EXTENDED + 4 && model.brand !== '') {
    const at = (leaf - EXTENDED - 2) * 16
    answer(cpu, brandWord(model, at), brandWord(model, at + 4), brandWord(model, at + 8), brandWord(model, at + 12))
  } else answer(cpu, 0, 0, 0, 0)
  return true
}
