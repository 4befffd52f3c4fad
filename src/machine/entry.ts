// Puts a machine at a guest's first instruction, as a loader described it.

import type { Cpu } from '../cpu/cpu.js'
import { setEflags } from '../cpu/eflags.js'
import * as L from '../cpu/layout.js'
import { setSegment } from '../cpu/segment-cache.js'

/** The CPU state at a guest's first instruction; see loader/entry.ts, whose EntryState it is by structure. */
export interface Entry {
  readonly cr0: number
  readonly eip: number
  readonly eflags: number
  readonly registers: Readonly<Record<'eax' | 'ecx' | 'edx' | 'ebx' | 'esp' | 'ebp' | 'esi' | 'edi', number>>
  readonly segments: Readonly<
    Record<
      'cs' | 'ds' | 'es' | 'fs' | 'gs' | 'ss',
      { readonly selector: number; readonly base: number; readonly limit: number; readonly rights: number }
    >
  >
  readonly gdtr: { readonly base: number; readonly limit: number }
  readonly idtr: { readonly base: number; readonly limit: number }
}

const order = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const
const segments = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const

/** Resets the CPU and applies the state. */
export function enter(cpu: Cpu, entry: Entry) {
  cpu.reset()
  const { i32 } = cpu
  order.forEach((name, n) => {
    i32[L.gprCell(n) >> 2] = entry.registers[name]
  })
  i32[L.CR0 >> 2] = entry.cr0
  i32[L.EIP >> 2] = entry.eip
  setEflags(cpu, entry.eflags)
  i32[L.GDTR_BASE >> 2] = entry.gdtr.base
  i32[L.GDTR_LIMIT >> 2] = entry.gdtr.limit
  i32[L.IDTR_BASE >> 2] = entry.idtr.base
  i32[L.IDTR_LIMIT >> 2] = entry.idtr.limit
  segments.forEach((name, n) => {
    const { selector, base, limit, rights } = entry.segments[name]
    setSegment(cpu, n, selector, base | 0, limit | 0, rights)
  })
  cpu.refresh()
}
