// grant_table_op 5, GNTTABOP_copy: bytes from a frame or grant to another, inside one page each.

import { SELF } from '../domains.js'
import type { MemoryContext } from '../memory/context.js'
import { WRITABLE } from '../memory/frame-table.js'
import { PAGE_BYTES } from '../memory/machine-memory.js'
import {
  BAD_COPY,
  BAD_DOMAIN,
  BAD_PAGE,
  GENERAL_ERROR,
  type GrantTable,
  OKAY,
  PERMISSION_DENIED,
} from './grant-table.js'

const OPERATION_BYTES = 24
const SOURCE_IS_GRANT = 1
const DESTINATION_IS_GRANT = 2

/** The operations in a list; the call answers 0, each operation has its status. */
export function grantCopy(context: MemoryContext, table: GrantTable, list: number, count: number): number {
  for (let i = 0; i < count; i++) {
    const at = list + i * OPERATION_BYTES
    context.guest.setHalf(at + 20, copyOne(context, table, at))
  }
  return 0
}

function copyOne(context: MemoryContext, table: GrantTable, at: number): number {
  const { guest, types, memory, frames, id } = context
  const length = guest.half(at + 16)
  const flags = guest.half(at + 18)
  const end = (from: number, isGrant: boolean, write: boolean) => {
    const domain = guest.half(from + 4)
    const offset = guest.half(from + 6)
    const claim = () => {
      const found = isGrant ? table.frameOf(guest.word(from), id, write) : { frame: guest.word(from), status: OKAY }
      const isOwn = found.frame < frames.frames && frames.owner[found.frame] === id
      return found.status === OKAY && !isOwn ? { frame: -1, status: BAD_PAGE } : found
    }
    // A frame that is not granted may be the caller's only, and the caller is named as such.
    const status = domain === SELF || (isGrant && domain === id) ? OKAY : isGrant ? BAD_DOMAIN : PERMISSION_DENIED
    return { offset, status, claim }
  }
  const source = end(at, (flags & SOURCE_IS_GRANT) !== 0, false)
  const destination = end(at + 8, (flags & DESTINATION_IS_GRANT) !== 0, true)
  if (source.status !== OKAY) return source.status
  if (destination.status !== OKAY) return destination.status
  const from = source.claim()
  if (from.status !== OKAY) return from.status
  const to = destination.claim()
  if (to.status !== OKAY) return to.status
  if (types.getPageAndType(to.frame, WRITABLE, id) !== 0) return GENERAL_ERROR
  const fits = source.offset + length <= PAGE_BYTES && destination.offset + length <= PAGE_BYTES
  if (fits) {
    const target = to.frame * PAGE_BYTES + destination.offset
    const first = from.frame * PAGE_BYTES + source.offset
    memory.u8.copyWithin(target, first, first + length)
    memory.changed(target, length)
  }
  types.putPageAndType(to.frame)
  return fits ? OKAY : BAD_COPY
}
