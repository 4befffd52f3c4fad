// Frames that a domain takes and gives back.

import type { MemoryContext } from './context.js'
import { ALLOCATED, LENT } from './frame-table.js'
import { clearFrame } from './machine-memory.js'
import { NO_PLACE } from './machine-to-physical.js'

/** Gives adjacent frames to the domain, cleared; the first, or -1. */
export function take(context: MemoryContext, count: number): number {
  const { frames, memory, translations } = context
  const first = frames.allocate(context.id, count)
  if (first < 0) return -1
  // Whatever was translated to the frame before belongs to the past.
  frames.flushes++
  translations.flush()
  for (let frame = first; frame < first + count; frame++) clearFrame(memory, frame)
  return first
}

/** The domain gives up adjacent frames; false at the first that is not its own any more. Mappings keep a frame alive. */
export function giveBack(context: MemoryContext, first: number, count: number): boolean {
  const { frames, types, machineToPhysical } = context
  for (let frame = first; frame < first + count; frame++) {
    if (frame >= frames.frames || frames.owner[frame] !== context.id) return false
    const flags = frames.flags[frame]!
    if ((flags & (ALLOCATED | LENT)) !== ALLOCATED) return false
    frames.flags[frame] = flags & ~ALLOCATED
    machineToPhysical.set(frame, NO_PLACE)
    types.putPage(frame)
  }
  return true
}
