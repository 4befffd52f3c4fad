// One new entry in a table that is in use: what it needs is taken before the entry is written, what the old one held is
// given back after that. A change of flags that matter to nobody is written at once.

import { EINVAL, EPERM } from '../errors.js'
import type { MemoryContext } from './context.js'
import { ACCESSED, AVAILABLE, DIRTY, GLOBAL, PRESENT, RW, USER } from './entry.js'
import { L1, L3, XEN_L2 } from './frame-table.js'
import { HYPERVISOR_SLOT } from './page-types.js'

const HARMLESS = ACCESSED | DIRTY | USER | GLOBAL | AVAILABLE

/**
 * Writes an entry of a page table, directory or table of directory pointers.
 * @param frame the table, of type `type`, in use
 * @param owner whose frames the entry may map
 * @param preserve keeps the accessed and dirty bits of the old entry
 */
export function updateEntry(
  context: MemoryContext,
  frame: number,
  type: number,
  slot: number,
  low: number,
  high: number,
  owner: number,
  preserve: boolean,
): number {
  const { memory, types, frames } = context
  const at = frame * 1024 + 2 * slot
  const oldLow = memory.u32[at]!
  const oldHigh = memory.u32[at + 1]!
  if (type === L3 && slot >= 3) return EINVAL
  if (type !== L1 && (frames.flags[frame]! & XEN_L2) !== 0 && slot >= HYPERVISOR_SLOT) return EPERM
  let value = preserve ? low | (oldLow & (ACCESSED | DIRTY)) : low
  if (type === L3 && (low & PRESENT) !== 0) value |= USER | RW
  const similar = (oldLow & low & PRESENT) !== 0 && oldHigh === high && ((oldLow ^ low) & ~HARMLESS) === 0
  if (type === L1 && similar) {
    memory.u32[at] = value
    return 0
  }
  const error = type === L1 ? types.getL1Entry(low, high, owner) : types.getUpperEntry(type, slot, low, high, owner)
  if (error !== 0) return error
  memory.u32[at] = value
  memory.u32[at + 1] = high
  memory.changed(at * 4, 8)
  if (type === L1) types.putL1Entry(oldLow, oldHigh)
  else types.putUpperEntry(oldLow, oldHigh)
  if (type === L3 && frame === context.base) context.translations.baseChanged()
  return 0
}
