// DR0-DR7 and the debug exception: MOV to and from DRn, instruction and I/O breakpoints, single step
// (SDM vol. 3, 17.2, 17.3; vol. 2 MOV DRn). Data breakpoints are compared in data-breakpoints.ts. While `stepping`
// holds, the engine runs one instruction at a time, between beforeStep and afterStep.

import { requireCpl0 } from './control-registers.js'
import type { Cpu } from './cpu.js'
import { breakpointBytes, breakpointEnabled, breakpointKind } from './data-breakpoints.js'
import { eflags, RF, TF } from './eflags.js'
import { DB, UD } from './exceptions.js'
import { CR4, CS, DR, EIP, FLAGS, SEG_BASE, SHADOW, SHADOW_KIND, segmentCell } from './layout.js'

const DR6 = (DR >> 2) + 6
const DR7 = (DR >> 2) + 7
const GD = 0x2000
// DR6 bits.
const HITS = 15
const BD = 0x2000
const BS = 0x4000
const BT = 0x8000
const DR6_WRITABLE = 0xe00f
const DR6_FIXED = 0xffff0ff0
const DR7_WRITABLE = 0xffff23ff
const DR7_FIXED = 0x400
const CR4_DE = 8
const ENABLES = 0xff

/** True while TF, an enabled breakpoint or a task's T bit asks for single steps. */
export function stepping(cpu: Cpu): boolean {
  return (cpu.i32[FLAGS >> 2]! & TF) !== 0 || (cpu.i32[DR7]! & ENABLES) !== 0 || (cpu.debugHits & BT) !== 0
}

function index(cpu: Cpu, n: number): number {
  if (n !== 4 && n !== 5) return n
  return (cpu.i32[CR4 >> 2]! & CR4_DE) !== 0 ? -1 : n + 2
}

/** Says in DR6 why #DB is raised: bits 0 to 3 are those of this time, the others stay once they are set. */
function report(cpu: Cpu, why: number) {
  cpu.i32[DR6] = (cpu.i32[DR6]! & ~HITS) | why
}

/** Checks shared by both directions; the number of the register, or -1 when #UD, #GP(0) or #DB was raised. */
function access(cpu: Cpu, n: number): number {
  const register = index(cpu, n)
  if (register < 0) cpu.raise(UD)
  else if (!requireCpl0(cpu)) return -1
  else if ((cpu.i32[DR7]! & GD) !== 0) {
    report(cpu, BD)
    cpu.raise(DB)
    return -1
  }
  return register
}

/** MOV r32, DRn. */
export function readDebugRegister(cpu: Cpu, n: number): number {
  const register = access(cpu, n)
  return register < 0 ? 0 : cpu.i32[(DR >> 2) + register]!
}

/** MOV DRn, r32. */
export function writeDebugRegister(cpu: Cpu, n: number, value: number) {
  const register = access(cpu, n)
  if (register >= 0) setDebugRegister(cpu, register, value)
}

/** Bits of DR7 that read as one: from the 80486 on (on a 386EX DR7 is 0 where nothing is set). */
export const dr7Fixed = (cpu: Cpu) => (cpu.model.generation === 3 ? 0 : DR7_FIXED)

/** Sets DR0-DR3, DR6 or DR7 with the reserved bits as they read, and arms the data breakpoints. */
export function setDebugRegister(cpu: Cpu, n: number, value: number) {
  if (n === 6) value = (value & DR6_WRITABLE) | DR6_FIXED
  if (n === 7) value = (value & DR7_WRITABLE) | dr7Fixed(cpu)
  cpu.i32[(DR >> 2) + n] = value
  if (n !== 6) armBreakpoints(cpu)
}

/** Takes the pages of data breakpoints and watchpoints out of the translation tables. */
export function armBreakpoints(cpu: Cpu) {
  const dr7 = cpu.i32[DR7]!
  const before = cpu.watching
  cpu.watching = cpu.watchpoints.length > 0
  for (let i = 0; i < 4; i++) if (breakpointEnabled(dr7, i) && (breakpointKind(dr7, i) & 1) !== 0) cpu.watching = true
  if (!cpu.watching && !before) return
  cpu.tlb.flush(true)
  cpu.host.onFlush(-1)
}

/** MOV SS or POP SS has just been executed: debug exceptions wait for the next boundary. */
const held = (cpu: Cpu) => cpu.i32[SHADOW_KIND >> 2] === 2 && cpu.i32[SHADOW >> 2] === cpu.retired

/**
 * Before the instruction at CS:EIP. False when #DB was raised: by the T bit of a new task, or by an instruction
 * breakpoint (a fault) with RF clear.
 */
export function beforeStep(cpu: Cpu): boolean {
  const { i32 } = cpu
  if ((cpu.debugHits & BT) !== 0) {
    cpu.debugHits = 0
    report(cpu, BT)
    return cpu.raise(DB)
  }
  cpu.tracing = (i32[FLAGS >> 2]! & TF) !== 0
  if (held(cpu)) return true
  cpu.debugHits = 0
  const dr7 = i32[DR7]!
  if ((dr7 & ENABLES) === 0 || (eflags(cpu) & RF) !== 0) return true
  const linear = (i32[segmentCell(CS, SEG_BASE) >> 2]! + i32[EIP >> 2]!) | 0
  let hits = 0
  let enabled = false
  for (let i = 0; i < 4; i++) {
    if (breakpointKind(dr7, i) !== 0 || i32[(DR >> 2) + i] !== linear) continue
    hits |= 1 << i
    enabled ||= breakpointEnabled(dr7, i)
  }
  if (!enabled) return true
  report(cpu, hits)
  return cpu.raise(DB)
}

/** Notes I/O breakpoints (CR4.DE) that an access to a port meets. */
export function noteIo(cpu: Cpu, port: number, size: number) {
  if ((cpu.i32[CR4 >> 2]! & CR4_DE) === 0) return
  const dr7 = cpu.i32[DR7]!
  for (let i = 0; i < 4; i++) {
    if (breakpointKind(dr7, i) !== 2) continue
    const bytes = breakpointBytes(dr7, i)
    const from = cpu.i32[(DR >> 2) + i]! & -bytes
    if (port < from + bytes && from < port + size) cpu.debugHits |= 1 << i
  }
}

/** INT1 behind MOV SS: what was held back is part of its #DB. */
export function joinHeld(cpu: Cpu) {
  const hits = cpu.debugHits & HITS
  cpu.debugHits &= BT
  if (hits !== 0) report(cpu, hits)
}

/**
 * After an instruction that has completed: whether #DB is due as a trap, with DR6 set, because TF was set before it or
 * it met an enabled data or I/O breakpoint. MOV SS holds it back by one instruction; what delivered an interrupt itself
 * is not traced.
 */
export function trapDue(cpu: Cpu): boolean {
  const { i32 } = cpu
  if (held(cpu)) return false
  let hits = cpu.debugHits & HITS
  const dr7 = i32[DR7]!
  let due = cpu.tracing
  for (let i = 0; i < 4; i++) if ((hits & (1 << i)) !== 0 && breakpointEnabled(dr7, i)) due = true
  cpu.debugHits &= BT
  if (!due) return false
  if (cpu.tracing) hits |= BS
  report(cpu, hits)
  return true
}
/** After an instruction that has completed: delivers the debug trap, which also ends HLT, and says whether it was due. */
export function afterStep(cpu: Cpu): boolean {
  const due = trapDue(cpu)
  if (due) cpu.deliverTrap(DB)
  return due
}
