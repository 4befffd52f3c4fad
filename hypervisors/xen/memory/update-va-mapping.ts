// Hypercalls update_va_mapping (14) and update_va_mapping_otherdomain (22): the entry that maps a linear address, and what
// to flush after it.

import { EFAULT, EINVAL } from '../errors.js'
import type { MemoryContext } from './context.js'
import { updateEntry } from './entry-update.js'
import { ownerOf } from './foreign.js'
import { L1 } from './frame-table.js'

const FLUSH_KIND = 3
const FLUSH_ALL = 1
const FLUSH_PAGE = 2
const EVERYWHERE = 4
const HYPERVISOR_START = 0xf5800000

/** The hypercall; `foreign` names whose frame is mapped. Above the kind of flush the flags have a mask of virtual CPUs. */
export function updateVaMapping(
  context: MemoryContext,
  linear: number,
  low: number,
  high: number,
  flags: number,
  foreign: number,
): number {
  const owner = ownerOf(context, foreign)
  if (owner < 0) return owner
  const result = update(context, linear, low, high, owner)
  if (result !== 0) return result
  if ((flags & FLUSH_KIND) === FLUSH_ALL) context.translations.flush()
  else if ((flags & FLUSH_KIND) === FLUSH_PAGE) context.translations.invalidate(linear)
  const mask = flags & ~FLUSH_KIND
  const isLimited = (flags & FLUSH_KIND) !== 0 && mask !== 0 && mask !== EVERYWHERE
  return isLimited && context.guest.translate(mask >>> 0, false) < 0 ? EFAULT : 0
}

function update(context: MemoryContext, linear: number, low: number, high: number, owner: number): number {
  const { frames, guest } = context
  if (linear >= HYPERVISOR_START) return EINVAL
  const at = guest.entryIndex(linear)
  if (at < 0) return EINVAL
  const table = at >>> 10
  if (frames.owner[table] !== context.id || frames.type[table] !== L1) return EINVAL
  return updateEntry(context, table, L1, (at & 1023) >>> 1, low, high, owner, false)
}
