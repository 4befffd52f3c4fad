// Hypercall mmuext_op (26): pin and unpin tables, change the table base, flush, set the local descriptor table, clear and
// copy pages (xen/include/public/xen.h, MMUEXT_*). Operations of 12 bytes: command, two arguments.

import { EACCES, EINVAL, ENOSYS, EOPNOTSUPP, EPERM } from '../errors.js'
import type { MemoryContext } from './context.js'
import { ownerOf } from './foreign.js'
import { L1, L2, L3, PINNED, WRITABLE } from './frame-table.js'
import { clearFrame, PAGE_BYTES } from './machine-memory.js'
import { requestList } from './request-list.js'

// Commands.
const PIN_L1 = 0
const PIN_L2 = 1
const PIN_L3 = 2
const PIN_L4 = 3
const UNPIN = 4
const NEW_BASE = 5
const FLUSH_LOCAL = 6
const INVALIDATE_LOCAL = 7
const FLUSH_MULTI = 8
const INVALIDATE_MULTI = 9
const FLUSH_ALL = 10
const INVALIDATE_ALL = 11
const FLUSH_CACHE = 12
const SET_LDT = 13
const NEW_USER_BASE = 15
const CLEAR_PAGE = 16
const COPY_PAGE = 17
const FLUSH_CACHE_GLOBAL = 18
const MARK_SUPER = 19
const UNMARK_SUPER = 20

const OPERATION_BYTES = 12
const LDT_ENTRIES_AT_MOST = 8192

/** The hypercall. `done` is the address of a word, or 0. */
export function mmuextOp(context: MemoryContext, list: number, count: number, done: number, foreign: number): number {
  const { guest } = context
  const owner = ownerOf(context, foreign & 0xffff)
  if (owner < 0) return owner
  return requestList(context, count, done, index => {
    const at = list + index * OPERATION_BYTES
    return operate(context, guest.word(at), guest.word(at + 4), guest.word(at + 8), owner)
  })
}

function operate(context: MemoryContext, command: number, first: number, second: number, owner: number): number {
  const { translations } = context
  const own = owner === context.id
  switch (command) {
    case PIN_L1:
      return pin(context, first, L1, owner)
    case PIN_L2:
      return pin(context, first, L2, owner)
    case PIN_L3:
      return pin(context, first, L3, owner)
    case PIN_L4:
      return 0
    case UNPIN:
      return unpin(context, first, owner)
    case NEW_BASE:
      return own ? newBase(context, first) : EPERM
    case FLUSH_LOCAL:
    case FLUSH_MULTI:
    case FLUSH_ALL:
      if (!own) return EPERM
      if (command === FLUSH_MULTI && !isMask(context, second)) return EINVAL
      translations.flush()
      return 0
    case INVALIDATE_LOCAL:
    case INVALIDATE_MULTI:
    case INVALIDATE_ALL:
      if (!own) return EPERM
      if (command === INVALIDATE_MULTI && !isMask(context, second)) return EINVAL
      translations.invalidate(first)
      return 0
    case FLUSH_CACHE:
      return !own ? EPERM : context.privileged ? 0 : EACCES
    case FLUSH_CACHE_GLOBAL:
      return !own ? EPERM : context.privileged ? 0 : EINVAL
    case SET_LDT:
      return own ? setLdt(context, first, second) : EPERM
    case NEW_USER_BASE:
      return EINVAL
    case CLEAR_PAGE:
    case COPY_PAGE:
      return fill(context, first, command === COPY_PAGE ? second : -1, owner)
    case MARK_SUPER:
    case UNMARK_SUPER:
      return EOPNOTSUPP
    default:
      return ENOSYS
  }
}

/** True where a mask of virtual CPUs can be read. */
const isMask = ({ guest }: MemoryContext, at: number) => guest.translate(at, false) >= 0

function pin({ types, frames }: MemoryContext, frame: number, type: number, owner: number): number {
  const error = types.getPageAndType(frame, type, owner)
  if (error !== 0) return error
  if ((frames.flags[frame]! & PINNED) !== 0) {
    types.putPageAndType(frame)
    return EINVAL
  }
  frames.flags[frame] = frames.flags[frame]! | PINNED
  return 0
}

function unpin({ types, frames }: MemoryContext, frame: number, owner: number): number {
  if (frame >= frames.frames || frames.owner[frame] !== owner || (frames.flags[frame]! & PINNED) === 0) return EINVAL
  frames.flags[frame] = frames.flags[frame]! & ~PINNED
  types.putPageAndType(frame)
  return 0
}

/** Makes a table of page-directory pointers the one in force; the old one is let go of. */
export function newBase(context: MemoryContext, frame: number): number {
  const { types } = context
  const old = context.base
  if (frame === old) {
    context.translations.flush()
    return 0
  }
  const error = types.getPageAndType(frame, L3, context.id)
  if (error !== 0) return error
  context.forgetLdt()
  context.base = frame
  context.translations.baseChanged()
  if (old >= 0) types.putPageAndType(old)
  return 0
}

function setLdt(context: MemoryContext, base: number, entries: number): number {
  if (entries > LDT_ENTRIES_AT_MOST || (entries > 0 && base % PAGE_BYTES !== 0)) return EINVAL
  context.forgetLdt()
  context.ldt = { base, entries }
  context.gdtChanged()
  return 0
}

/** Clears a page, or copies another one to it. */
function fill({ types, memory }: MemoryContext, frame: number, source: number, owner: number): number {
  if (source >= 0) {
    if (!types.getPage(source, owner)) return EINVAL
  }
  const error = types.getPageAndType(frame, WRITABLE, owner)
  if (error === 0) {
    if (source < 0) clearFrame(memory, frame)
    else {
      memory.u8.copyWithin(frame * PAGE_BYTES, source * PAGE_BYTES, (source + 1) * PAGE_BYTES)
      memory.changed(frame * PAGE_BYTES, PAGE_BYTES)
    }
    types.putPageAndType(frame)
  }
  if (source >= 0) types.putPage(source)
  return error === 0 ? 0 : EINVAL
}
