// Processor state after power-up or RESET (SDM vol. 3, 9.1.1, table 9-1).

import type { Cpu } from './cpu.js'
import { dr7Fixed } from './debug-registers.js'
import { setEflags } from './eflags.js'
import {
  CR0,
  CR2,
  CR3,
  CR4,
  CS,
  DR,
  EDX,
  EIP,
  ES,
  FAULT,
  FPU_CONTROL,
  FPU_REGISTER,
  GDTR_BASE,
  GDTR_LIMIT,
  GENERATION,
  GPR,
  GS,
  gprCell,
  IDTR_BASE,
  IDTR_LIMIT,
  LDTR,
  MSR_APIC_BASE,
  MSR_PAT,
  MXCSR,
  SHADOW_KIND,
  STATE_END,
  TR,
} from './layout.js'
import { APIC, FPU, PAT, SSE } from './models.js'
import { REAL_MODE_RIGHTS, setSegment } from './segment-cache.js'

/** Puts all state cells into their power-on values; the engine's slice (BUDGET, SLICE_END) and INTR stay. */
export function reset(cpu: Cpu) {
  const { i32, model } = cpu
  i32.fill(0, GPR >> 2, EIP >> 2)
  i32[gprCell(EDX) >> 2] = model.signature
  i32[EIP >> 2] = 0xfff0
  i32[GENERATION >> 2] = model.generation
  i32.fill(0, CR0 >> 2, FPU_REGISTER >> 2)
  i32.fill(0, FPU_REGISTER >> 2, STATE_END >> 2)
  i32[SHADOW_KIND >> 2] = 0
  i32[FAULT >> 2] = 0
  i32[CR0 >> 2] = model.generation === 3 ? 0 : 0x60000010
  i32[CR2 >> 2] = 0
  i32[CR3 >> 2] = 0
  i32[CR4 >> 2] = 0
  setEflags(cpu, 2)
  for (let n = ES; n <= GS; n++) setSegment(cpu, n, 0, 0, 0xffff, REAL_MODE_RIGHTS)
  setSegment(cpu, CS, 0xf000, 0xffff0000 | 0, 0xffff, REAL_MODE_RIGHTS)
  setSegment(cpu, LDTR, 0, 0, 0xffff, 0x82)
  setSegment(cpu, TR, 0, 0, 0xffff, 0x8b)
  i32[GDTR_BASE >> 2] = 0
  i32[GDTR_LIMIT >> 2] = 0xffff
  i32[IDTR_BASE >> 2] = 0
  i32[IDTR_LIMIT >> 2] = model.generation === 3 ? 0x3ff : 0xffff
  i32[(DR >> 2) + 6] = 0xffff0ff0 | 0
  i32[(DR >> 2) + 7] = dr7Fixed(cpu)
  if ((model.features & FPU) !== 0) i32[FPU_CONTROL >> 2] = 0x40
  if ((model.features & SSE) !== 0) i32[MXCSR >> 2] = 0x1f80
  if ((model.features & APIC) !== 0) i32[MSR_APIC_BASE >> 2] = 0xfee00900 | 0
  if ((model.features & PAT) !== 0) {
    i32[MSR_PAT >> 2] = 0x00070406
    i32[(MSR_PAT >> 2) + 1] = 0x00070406
  }
  cpu.setCpl(0)
  cpu.resumeAt = 0
  cpu.debugHits = 0
  cpu.tracing = false
  cpu.watching = cpu.watchpoints.length > 0
  cpu.shutdown = false
  cpu.refresh()
}
