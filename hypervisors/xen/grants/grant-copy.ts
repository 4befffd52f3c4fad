// grant_table_op 5, GNTTABOP_copy: bytes from a frame or grant to another, inside one page each.

import { SELF } from '../domains.js'
import type { MemoryContext } from '../memory/context.js'
import { WRITABLE } from '../memory/frame-table.js'
import { PAGE_BYTES } from '../memory/machine-memory.js'
import { type GrantTable, OKAY } from './grant-table.js'

const OPERATION_BYTES = 24
const SOURCE_IS_GRANT = 1
const DESTINATION_IS_GRANT = 2
const BAD_DOMAIN = -2
const BAD_PAGE = -9
const BAD_COPY = -10

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
    if (domain !== SELF && domain !== id) return { frame: -1, status: BAD_DOMAIN, offset }
    if (offset + length > PAGE_BYTES) return { frame: -1, status: BAD_COPY, offset }
    if (isGrant) return { ...table.frameOf(guest.word(from), id, write), offset }
    return { frame: guest.word(from), status: OKAY, offset }
  }
  const source = end(at, (flags & SOURCE_IS_GRANT) !== 0, false)
  if (source.status !== OKAY) return source.status
  const destination = end(at + 8, (flags & DESTINATION_IS_GRANT) !== 0, true)
  if (destination.status !== OKAY) return destination.status
  if (source.frame >= frames.frames || frames.owner[source.frame] !== id) return BAD_PAGE
  if (types.getPageAndType(destination.frame, WRITABLE, id) !== 0) return BAD_PAGE
  const from = source.frame * PAGE_BYTES + source.offset
  const to = destination.frame * PAGE_BYTES + destination.offset
  memory.u8.copyWithin(to, from, from + length)
  memory.changed(to, length)
  types.putPageAndType(destination.frame)
  return OKAY
}
