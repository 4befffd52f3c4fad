// What two machines that run the same guest must agree on after the same number of instructions: registers, time and
// events bit by bit, and guest memory. The comparison costs microseconds for registers, some 20 ms for 128 MB.

import * as L from '../cpu/layout.js'
import type { Machine } from '../machine/machine.js'

/** Cells compared raw, from and up to; the arithmetic flags stand in two cells that may differ and mean the same. */
const RANGES = [
  [L.GPR, L.FLAG_RESULT],
  [L.FLAGS, L.BUDGET],
  [L.INTR, L.INTR + 4],
  [L.MODE, L.TLB_READ],
  [L.SEGMENT, L.FPU_REGISTER],
  [L.FPU_REGISTER, L.STATE_END],
] as const
const PAGE_WORDS = 0x400
/** Differing bytes of memory that are listed at most. */
const BYTES_LISTED = 16

/** One value that differs, as each machine has it. */
export interface FieldDifference {
  readonly name: string
  readonly values: readonly [string, string]
}
export interface ByteDifference {
  /** Guest-physical address. */
  readonly physical: number
  readonly values: readonly [number, number]
}

/** Whether registers, counts and events are equal. */
export function sameRegisters(a: Machine, b: Machine): boolean {
  if (a.retired !== b.retired || a.haltedNanoseconds !== b.haltedNanoseconds) return false
  const x = a.cpu.i32
  const y = b.cpu.i32
  for (const [from, end] of RANGES) for (let i = from >> 2; i < end >> 2; i++) if (x[i] !== y[i]) return false
  if (x[L.FLAG_RESULT >> 2] !== y[L.FLAG_RESULT >> 2] || x[L.FLAG_AUX >> 2] !== y[L.FLAG_AUX >> 2])
    if (a.cpu.state.eflags !== b.cpu.state.eflags) return false
  return sameCounts(a, b)
}
function sameCounts({ cpu: a }: Machine, { cpu: b }: Machine): boolean {
  return (
    a.shutdown === b.shutdown &&
    a.exceptionCounts.every((n, i) => n === b.exceptionCounts[i]) &&
    a.interruptCounts.every((n, i) => n === b.interruptCounts[i])
  )
}

/** Numbers of the physical pages whose contents differ; all of RAM, or of the pages that are given. */
export function differentPages(a: Machine, b: Machine, among?: readonly number[]): number[] {
  const x = a.cpu.i32
  const y = b.cpu.i32
  const found: number[] = []
  const look = (page: number) => {
    const from = (L.RAM >> 2) + page * PAGE_WORDS
    for (let i = from; i < from + PAGE_WORDS; i++) if (x[i] !== y[i]) return found.push(page)
    return 0
  }
  if (among) for (const page of among) look(page)
  else for (let page = 0; page < a.memory.size / 0x1000; page++) look(page)
  return found
}

/** The first bytes that differ in these physical pages. */
export function differentBytes(a: Machine, b: Machine, pages: readonly number[]): ByteDifference[] {
  const found: ByteDifference[] = []
  for (const page of pages)
    for (let physical = page * 0x1000; physical < (page + 1) * 0x1000; physical++) {
      const values = [a.cpu.u8[L.RAM + physical]!, b.cpu.u8[L.RAM + physical]!] as const
      if (values[0] === values[1]) continue
      found.push({ physical, values })
      if (found.length === BYTES_LISTED) return found
    }
  return found
}

/** Everything that sameRegisters compares, by name, as text. */
export function fieldsOf(machine: Machine): Map<string, string> {
  const out = new Map<string, string>()
  out.set('retired', String(machine.retired))
  out.set('halted ns', String(machine.haltedNanoseconds))
  add(out, '', machine.cpu.state)
  const { cpu } = machine
  out.set('INTR', String(cpu.i32[L.INTR >> 2]))
  out.set('mode', hex(cpu.i32[L.MODE >> 2]!))
  out.set('shutdown', String(cpu.shutdown))
  cpu.exceptionCounts.forEach((n, vector) => {
    out.set(`exceptions ${vector}`, String(n))
  })
  cpu.interruptCounts.forEach((n, vector) => {
    out.set(`interrupts ${vector}`, String(n))
  })
  return out
}
function add(out: Map<string, string>, prefix: string, value: object) {
  for (const [key, v] of Object.entries(value)) {
    const name = prefix === '' ? key : `${prefix}.${key}`
    if (v instanceof Uint8Array) out.set(name, Array.from(v, byte => byte.toString(16).padStart(2, '0')).join(''))
    else if (typeof v === 'object') add(out, name, v as object)
    else out.set(name, hex(v as number | bigint))
  }
}
const hex = (n: number | bigint) => (typeof n === 'bigint' ? n : n >>> 0).toString(16).padStart(8, '0')

/** The fields whose values differ. */
export function differentFields(a: Machine, b: Machine): FieldDifference[] {
  const y = fieldsOf(b)
  return [...fieldsOf(a)].flatMap(([name, value]) =>
    value === y.get(name) ? [] : [{ name, values: [value, y.get(name)!] as const }],
  )
}
