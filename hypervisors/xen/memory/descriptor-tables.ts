// Hypercalls set_gdt (2) and update_descriptor (10).

import { EINVAL } from '../errors.js'
import type { MemoryContext } from './context.js'
import { checkedDescriptor, FIRST_RESERVED_ENTRY } from './descriptor-checks.js'
import { SEGMENTS, WRITABLE } from './frame-table.js'
import { ENTRIES } from './machine-memory.js'

/** set_gdt: the frames of the descriptor table, and how many entries are used. */
export function setGdt(context: MemoryContext, list: number, entries: number): number {
  if (entries > FIRST_RESERVED_ENTRY) return EINVAL
  const { types, guest } = context
  const count = Math.ceil(entries / ENTRIES)
  const wanted = Array.from({ length: count }, (_, i) => guest.word(list + 4 * i))
  const taken: number[] = []
  for (const frame of wanted) {
    if (types.getPageAndType(frame, SEGMENTS, context.id) === 0) taken.push(frame)
    else {
      for (const frame of taken) types.putPageAndType(frame)
      return EINVAL
    }
  }
  const old = context.gdtFrames
  context.gdtFrames = taken
  context.gdtChanged()
  for (const frame of old) types.putPageAndType(frame)
  return 0
}

/** update_descriptor: writes one descriptor at a machine address. */
export function updateDescriptor(
  context: MemoryContext,
  address: number,
  addressHigh: number,
  low: number,
  high: number,
): number {
  const { types, frames, memory } = context
  const checked = checkedDescriptor(low, high)
  if (address % 8 !== 0 || !checked) return EINVAL
  const frame = (address >>> 12) + addressHigh * 0x100000
  if (!types.getPage(frame, context.id)) return EINVAL
  const isTable = frames.type[frame] === SEGMENTS
  const error = types.getType(frame, isTable ? SEGMENTS : WRITABLE)
  if (error === 0) {
    memory.u32[address >>> 2] = checked.low
    memory.u32[(address >>> 2) + 1] = checked.high
    memory.changed(address, 8)
    types.putType(frame)
  }
  types.putPage(frame)
  return error
}
