// The digest of a machine: SHA-256 over its registers in a fixed order and all guest-physical memory. Equal runs have
// equal digests, whatever the engine and the host.

import { createHash } from 'node:crypto'
import { type CpuState, readState, type SegmentState } from '../cpu/state.js'
import type { Machine } from './machine.js'

/** The 32-bit registers in the order in which they are hashed, each as four bytes, least significant first. */
const WORDS = [
  ...['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', 'eip', 'eflags', 'cr0', 'cr2', 'cr3', 'cr4', 'mxcsr'],
] as readonly (keyof CpuState)[]
/** Then each of these: selector, base, limit, rights. */
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const

/** Hexadecimal SHA-256. Hashed after WORDS and SEGMENTS: GDTR, IDTR, DR0-DR7, x87, XMM, MSRs, memory. */
export function machineDigest({ cpu, memory }: Machine): string {
  return digestOf(readState(cpu), [memory.ram])
}

/** The same over any registers and memory, in parts one behind the other. */
export function digestOf(state: CpuState, memory: readonly Uint8Array[]): string {
  const words: number[] = WORDS.map(name => state[name] as number)
  for (const name of SEGMENTS) {
    const { selector, base, limit, rights }: SegmentState = state[name]
    words.push(selector, base, limit, rights)
  }
  for (const { base, limit } of [state.gdtr, state.idtr]) words.push(base, limit)
  const { x87, msr } = state
  words.push(...state.dr, x87.cw, x87.sw, x87.tag, x87.opcode, x87.ip, x87.cs, x87.dp, x87.ds)
  words.push(msr.sysenterCs, msr.sysenterEsp, msr.sysenterEip, msr.apicBase)
  for (const wide of [msr.pat, msr.miscEnable, msr.tscOffset])
    words.push(Number(wide & 0xffffffffn), Number((wide >> 32n) & 0xffffffffn))
  const hash = createHash('sha256')
  const view = new DataView(new ArrayBuffer(words.length * 4))
  words.forEach((word, i) => {
    view.setUint32(i * 4, word >>> 0, true)
  })
  hash.update(new Uint8Array(view.buffer))
  for (const bytes of [...x87.st, ...state.xmm]) hash.update(bytes)
  for (const part of memory) hash.update(part)
  return hash.digest('hex')
}
