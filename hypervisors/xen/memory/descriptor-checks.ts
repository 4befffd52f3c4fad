// Which segment descriptors a guest may have: code and data of rings 1 to 3, call gates (made unusable from ring 3 on, so
// that using one is a fault), and what is not present. A DPL of 0 becomes 1 (xen/arch/x86/pv/descriptor-tables.c).

import { ENTRIES, type MachineMemory } from './machine-memory.js'

const PRESENT = 0x8000
const CODE_OR_DATA = 0x1000
const TYPE = 0xf00
const DPL = 0x6000
const LONG = 0x200000
const GRANULAR = 0x800000
const CALL_GATE = 0xc00
const GATE_RESERVED = 0xe0
const RING1 = 0x2000

/** First entry of the descriptor table that is the hypervisor's. */
export const FIRST_RESERVED_ENTRY = 14 * ENTRIES
/** Ring-1 code selector that the hypervisor offers. */
const FLAT_RING1_CODE = 0xe019
/** A limit past this is widened to 4 GiB: guests that stop at the hypervisor's area still see its tables. */
const HYPERVISOR_START = 0xf5800000

/** A descriptor as it may stand in a table, or undefined. */
export function checkedDescriptor(low: number, high: number): { low: number; high: number } | undefined {
  if ((high & PRESENT) === 0) return { low, high }
  const dpl = (high & DPL) === 0 ? RING1 : high & DPL
  if ((high & CODE_OR_DATA) !== 0) {
    if ((high & LONG) !== 0) return undefined
    const ringed = (high & ~DPL) | dpl
    const base = (high & 0xff0000ff) | (low & 0xffff0000)
    const bytes = ((high & 0xf0000) + (low & 0xffff) + 1) * ((high & GRANULAR) !== 0 ? 4096 : 1)
    if (base === 0 && bytes > HYPERVISOR_START) return { low: (low | 0xffff) >>> 0, high: (ringed | 0xf0000) >>> 0 }
    return { low, high: ringed >>> 0 }
  }
  if ((high & TYPE) === 0) return { low, high }
  if ((high & TYPE) !== CALL_GATE) return undefined
  const selector = low >>> 16
  const isGuests = selector >>> 3 < FIRST_RESERVED_ENTRY || selector === FLAT_RING1_CODE || (selector & 4) !== 0
  if (!isGuests || (high & GATE_RESERVED) !== 0) return undefined
  // The gate's DPL is kept as the RPL of its selector.
  const kept = (selector & ~3) | (dpl >>> 13)
  return { low: ((low & 0xffff) | (kept << 16)) >>> 0, high: (high & ~DPL) >>> 0 }
}

/** Checks a page of descriptors and puts those right that can be; false when one cannot. */
export function checkDescriptors(memory: MachineMemory, frame: number): boolean {
  const { u32 } = memory
  for (let at = frame * 1024; at < (frame + 1) * 1024; at += 2) {
    const checked = checkedDescriptor(u32[at]!, u32[at + 1]!)
    if (!checked) return false
    u32[at] = checked.low
    u32[at + 1] = checked.high
  }
  return true
}
