// The CPU's registers as one object, for the library, debuggers and tests: read as a snapshot, set whole or in part.
// Rights and limits are those of the hidden parts of segment registers; CPL follows from CS (SDM vol. 3, 5.5).

import type { Cpu } from './cpu.js'
import { setDebugRegister } from './debug-registers.js'
import { eflags, setEflags, VM } from './eflags.js'
import * as L from './layout.js'
import { loadPdptes } from './paging.js'
import { segmentIndex, setSegment } from './segment-cache.js'

export interface SegmentState {
  selector: number
  base: number
  /** Effective limit in bytes. */
  limit: number
  /** Descriptor bytes 5 and 6: type, S, DPL, P in bits 0-7; AVL, D/B, G in bits 12, 14, 15; bit 16: null or unusable. */
  rights: number
}
export interface TableState {
  base: number
  limit: number
}
export interface X87State {
  cw: number
  /** Status word with TOP. */
  sw: number
  /** Bit i: physical register i is not empty. */
  tag: number
  /** ST(0) to ST(7), 10 bytes each, the values of empty registers too. */
  st: Uint8Array[]
  /** Last instruction and operand. */
  opcode: number
  ip: number
  cs: number
  dp: number
  ds: number
}
export interface MsrState {
  sysenterCs: number
  sysenterEsp: number
  sysenterEip: number
  apicBase: number
  pat: bigint
  miscEnable: bigint
  /** Added to virtual time to give the TSC. */
  tscOffset: bigint
}
const registers = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const
const segments = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const
const words = [
  ['eip', L.EIP],
  ['cr0', L.CR0],
  ['cr2', L.CR2],
  ['cr3', L.CR3],
  ['cr4', L.CR4],
  ['mxcsr', L.MXCSR],
] as const
const tables = [
  ['gdtr', L.GDTR_BASE, L.GDTR_LIMIT],
  ['idtr', L.IDTR_BASE, L.IDTR_LIMIT],
] as const
const msrWords = [
  ['sysenterCs', L.MSR_SYSENTER_CS],
  ['sysenterEsp', L.MSR_SYSENTER_ESP],
  ['sysenterEip', L.MSR_SYSENTER_EIP],
  ['apicBase', L.MSR_APIC_BASE],
] as const
const msrWide = [
  ['pat', L.MSR_PAT],
  ['miscEnable', L.MSR_MISC_ENABLE],
  ['tscOffset', L.TSC_OFFSET],
] as const
const x87Words = [
  ['opcode', L.FPU_OPCODE],
  ['ip', L.FPU_IP],
  ['cs', L.FPU_CS],
  ['dp', L.FPU_DP],
  ['ds', L.FPU_DS],
] as const
const TOP = 0x3800
const ST_BYTES = 10
const XMM_BYTES = 16

/** All registers. 32-bit values are unsigned. */
export interface CpuState
  extends Record<(typeof registers)[number] | (typeof words)[number][0] | 'eflags', number>,
    Record<(typeof segments)[number], SegmentState>,
    Record<(typeof tables)[number][0], TableState> {
  /** DR0-DR7; DR4 and DR5 are DR6 and DR7. */
  dr: number[]
  x87: X87State
  /** XMM0-XMM7, 16 bytes each. */
  xmm: Uint8Array[]
  msr: MsrState
}
/** Part of a state, at any depth; arrays are whole. */
export type PartialState = {
  [K in keyof CpuState]?: CpuState[K] extends unknown[] ? CpuState[K] : Partial<CpuState[K]>
}

function readSegment(cpu: Cpu, n: number): SegmentState {
  const at = segmentIndex(n)
  return {
    selector: cpu.u32[at + (L.SEG_SELECTOR >> 2)]!,
    base: cpu.u32[at + (L.SEG_BASE >> 2)]!,
    limit: cpu.u32[at + (L.SEG_LIMIT >> 2)]!,
    rights: cpu.u32[at + (L.SEG_RIGHTS >> 2)]!,
  }
}

function readTable(cpu: Cpu, base: number, limit: number): TableState {
  return { base: cpu.u32[base >> 2]!, limit: cpu.u32[limit >> 2]! }
}

function readX87(cpu: Cpu): X87State {
  const { u32, u16, u8 } = cpu
  const top = u32[L.FPU_TOP >> 2]! & 7
  const st: Uint8Array[] = []
  for (let i = 0; i < 8; i++) {
    const at = L.mmCell((top + i) & 7)
    st.push(u8.slice(at, at + ST_BYTES))
  }
  return {
    cw: u16[L.FPU_CONTROL >> 1]!,
    sw: (u16[L.FPU_STATUS >> 1]! & ~TOP) | (top << 11),
    tag: u32[L.FPU_VALID >> 2]! & 0xff,
    st,
    opcode: u32[L.FPU_OPCODE >> 2]!,
    ip: u32[L.FPU_IP >> 2]!,
    cs: u32[L.FPU_CS >> 2]!,
    dp: u32[L.FPU_DP >> 2]!,
    ds: u32[L.FPU_DS >> 2]!,
  }
}

/** A snapshot of all registers; control registers as the program sees them. */
export function readState(cpu: Cpu): CpuState {
  const { u32, u8, view } = cpu
  const dr = Array.from(u32.subarray(L.DR >> 2, (L.DR >> 2) + 8))
  dr[4] = dr[6]!
  dr[5] = dr[7]!
  const xmm: Uint8Array[] = []
  for (let n = 0; n < 8; n++) xmm.push(u8.slice(L.xmmCell(n), L.xmmCell(n) + XMM_BYTES))
  return {
    eax: cpu.register(L.EAX),
    ecx: cpu.register(L.ECX),
    edx: cpu.register(L.EDX),
    ebx: cpu.register(L.EBX),
    esp: cpu.register(L.ESP),
    ebp: cpu.register(L.EBP),
    esi: cpu.register(L.ESI),
    edi: cpu.register(L.EDI),
    eip: u32[L.EIP >> 2]!,
    eflags: eflags(cpu) >>> 0,
    cr0: u32[L.CR0 >> 2]!,
    cr2: u32[L.CR2 >> 2]!,
    cr3: u32[L.CR3 >> 2]!,
    cr4: u32[L.CR4 >> 2]!,
    ...cpu.monitor?.shown,
    dr,
    es: readSegment(cpu, L.ES),
    cs: readSegment(cpu, L.CS),
    ss: readSegment(cpu, L.SS),
    ds: readSegment(cpu, L.DS),
    fs: readSegment(cpu, L.FS),
    gs: readSegment(cpu, L.GS),
    ldtr: readSegment(cpu, L.LDTR),
    tr: readSegment(cpu, L.TR),
    gdtr: readTable(cpu, L.GDTR_BASE, L.GDTR_LIMIT),
    idtr: readTable(cpu, L.IDTR_BASE, L.IDTR_LIMIT),
    x87: readX87(cpu),
    mxcsr: u32[L.MXCSR >> 2]!,
    xmm,
    msr: {
      sysenterCs: u32[L.MSR_SYSENTER_CS >> 2]!,
      sysenterEsp: u32[L.MSR_SYSENTER_ESP >> 2]!,
      sysenterEip: u32[L.MSR_SYSENTER_EIP >> 2]!,
      apicBase: u32[L.MSR_APIC_BASE >> 2]!,
      pat: view.getBigUint64(L.MSR_PAT, true),
      miscEnable: view.getBigUint64(L.MSR_MISC_ENABLE, true),
      tscOffset: view.getBigUint64(L.TSC_OFFSET, true),
    },
  }
}

function checkArray(name: string, value: readonly unknown[], bytes: number) {
  const bad = value.length !== 8 || (bytes > 0 && value.some(v => !(v instanceof Uint8Array) || v.length !== bytes))
  if (!bad) return
  throw new TypeError(`state.${name}: give all 8 of them${bytes > 0 ? `, each a Uint8Array of ${bytes} bytes` : ''}`)
}

function writeX87(cpu: Cpu, state: Partial<X87State>) {
  const { i32, u16 } = cpu
  if (state.cw !== undefined) u16[L.FPU_CONTROL >> 1] = state.cw
  if (state.sw !== undefined) {
    u16[L.FPU_STATUS >> 1] = state.sw & ~TOP
    i32[L.FPU_TOP >> 2] = (state.sw >>> 11) & 7
  }
  if (state.tag !== undefined) i32[L.FPU_VALID >> 2] = state.tag & 0xff
  for (const [name, cell] of x87Words) if (state[name] !== undefined) i32[cell >> 2] = state[name]
  if (state.st === undefined) return
  checkArray('x87.st', state.st, ST_BYTES)
  const top = i32[L.FPU_TOP >> 2]!
  state.st.forEach((bytes, i) => {
    cpu.u8.set(bytes, L.mmCell((top + i) & 7))
  })
}

/**
 * Sets the registers that are named; all others keep their values. Nothing is checked against the SDM's rules, so
 * that any state can be tried. Throws TypeError for an array that is not whole.
 */
export function writeState(cpu: Cpu, state: PartialState) {
  const { i32 } = cpu
  registers.forEach((name, n) => {
    if (state[name] !== undefined) cpu.setRegister(n, state[name])
  })
  for (const [name, cell] of words) if (state[name] !== undefined) i32[cell >> 2] = state[name]
  if (state.eflags !== undefined) {
    setEflags(cpu, state.eflags)
    cpu.resumeAt = cpu.retired
  }
  for (const [name, base, limit] of tables) {
    if (state[name]?.base !== undefined) i32[base >> 2] = state[name].base
    if (state[name]?.limit !== undefined) i32[limit >> 2] = state[name].limit
  }
  segments.forEach((name, n) => {
    if (state[name] === undefined) return
    const known = readSegment(cpu, n)
    const { selector = known.selector, base = known.base, limit = known.limit, rights = known.rights } = state[name]
    setSegment(cpu, n, selector & 0xffff, base | 0, limit | 0, rights)
  })
  if (state.eip !== undefined) {
    i32[L.SHADOW_KIND >> 2] = 0
    cpu.debugHits = 0
    cpu.shutdown = false
  }
  if (state.x87) writeX87(cpu, state.x87)
  if (state.xmm) {
    checkArray('xmm', state.xmm, XMM_BYTES)
    state.xmm.forEach((bytes, n) => {
      cpu.u8.set(bytes, L.xmmCell(n))
    })
  }
  for (const [name, cell] of msrWords) if (state.msr?.[name] !== undefined) i32[cell >> 2] = state.msr[name]
  for (const [name, cell] of msrWide)
    if (state.msr?.[name] !== undefined) cpu.view.setBigUint64(cell, BigInt.asUintN(64, state.msr[name]), true)
  settle(cpu)
  if (state.dr) {
    checkArray('dr', state.dr, 0)
    for (const n of [0, 1, 2, 3, 6, 7]) setDebugRegister(cpu, n, state.dr[n]!)
  }
}

/** Brings what follows from the registers in line with them: CPL, page-directory pointers, ranges, MODE, tables. */
function settle(cpu: Cpu) {
  const { i32 } = cpu
  const cr0 = i32[L.CR0 >> 2]!
  const code = i32[segmentIndex(L.CS) + (L.SEG_SELECTOR >> 2)]!
  cpu.setCpl((cr0 & 1) === 0 ? 0 : (i32[L.FLAGS >> 2]! & VM) !== 0 ? 3 : code & 3)
  if (cr0 < 0 && (i32[L.CR4 >> 2]! & 0x20) !== 0) loadPdptes(cpu, i32[L.CR3 >> 2]!)
  cpu.refresh()
}
