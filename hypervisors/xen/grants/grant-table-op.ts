// Hypercall grant_table_op (20): its commands, the table itself and its version (xen/include/public/grant_table.h). The
// call itself answers 0 and puts a status into each operation. Left out: transfer.

import { SELF } from '../domains.js'
import { EBUSY, EINVAL, ENOMEM, ENOSYS, EOPNOTSUPP, EPERM, ESRCH } from '../errors.js'
import type { MemoryContext } from '../memory/context.js'
import { ALLOCATED, LENT, WRITABLE } from '../memory/frame-table.js'
import { clearFrame, PAGE_BYTES } from '../memory/machine-memory.js'
import { grantCopy } from './grant-copy.js'
import { mapGrant, unmapAndReplace, unmapGrant } from './grant-mapping.js'
import { BAD_DOMAIN, GENERAL_ERROR, type GrantTable, OKAY, RESERVED_REFERENCES } from './grant-table.js'

// Commands.
const MAP = 0
const UNMAP = 1
const SETUP = 2
const COPY = 5
const QUERY_SIZE = 6
const UNMAP_AND_REPLACE = 7
const SET_VERSION = 8
const STATUS_FRAMES = 9
const GET_VERSION = 10
const SWAP = 11
const CACHE_FLUSH = 12
/** Bits above the command, which only a flush of caches may have. */
const ARGUMENT = ~0xfff

const MAP_BYTES = 32
const UNMAP_BYTES = 24
const SWAP_BYTES = 12
const FLUSH_BYTES = 16
const FRAMES_AT_MOST = 64
const MOST = 0x80000000
/** Frames of version 2's entries whose status fits into one frame. */
const ENTRIES_A_STATUS_FRAME = 8
/** A status frame that nobody maps: the reference that lending it has left. */
const LENT_ONLY = 1

// What a flush of caches is to do.
const CLEAN = 1
const INVALIDATE = 2

/** The hypercall. */
export function grantTableOp(
  context: MemoryContext,
  table: GrantTable,
  command: number,
  list: number,
  count: number,
): number {
  const each = (bytes: number, operate: (at: number) => void) => {
    for (let i = 0; i < count; i++) operate(list + i * bytes)
    return 0
  }
  if (count >= MOST) return EINVAL
  if ((command & ARGUMENT) !== 0 && (command & ~ARGUMENT) !== CACHE_FLUSH) return EINVAL
  switch (command & ~ARGUMENT) {
    case MAP:
      return each(MAP_BYTES, at => mapGrant(context, table, at))
    case UNMAP:
      return each(UNMAP_BYTES, at => unmapGrant(context, table, at))
    case UNMAP_AND_REPLACE:
      return each(UNMAP_BYTES, at => unmapAndReplace(context, table, at))
    case SETUP:
      return count === 1 ? setup(context, table, list) : EINVAL
    case COPY:
      return grantCopy(context, table, list, count)
    case QUERY_SIZE:
      return count === 1 ? querySize(context, table, list) : EINVAL
    case SET_VERSION:
      return setVersion(context, table, list)
    case STATUS_FRAMES:
      return count === 1 ? statusFrames(context, table, list) : EINVAL
    case GET_VERSION:
      if (!isSelf(context, context.guest.half(list))) return ESRCH
      context.guest.setWord(list + 4, table.version)
      return 0
    case SWAP: {
      const { guest } = context
      return each(SWAP_BYTES, at => guest.setHalf(at + 8, table.swap(guest.word(at), guest.word(at + 4))))
    }
    case CACHE_FLUSH:
      for (let i = 0; i < count; i++) {
        const error = cacheFlush(context, list + i * FLUSH_BYTES)
        if (error !== 0) return error
      }
      return 0
    default:
      return ENOSYS
  }
}

const isSelf = (context: MemoryContext, id: number) => id === SELF || id === context.id

/** Lends frames to the domain until the table has so many, and version 2's status. False when there are no more frames. */
function grow(context: MemoryContext, table: GrantTable, frames: number): boolean {
  return lend(context, table.frames, frames) && (table.version === 1 || growStatus(context, table))
}
function growStatus(context: MemoryContext, table: GrantTable): boolean {
  return lend(context, table.statusFrames, Math.ceil(table.frames.length / ENTRIES_A_STATUS_FRAME))
}
function lend(context: MemoryContext, list: number[], wanted: number): boolean {
  while (list.length < wanted) {
    const frame = context.frames.allocate(context.id)
    if (frame < 0) return false
    // Whatever was translated to the frame before belongs to the past.
    context.translations.flush()
    clearFrame(context.memory, frame)
    context.types.getType(frame, WRITABLE)
    context.frames.flags[frame] = (context.frames.flags[frame]! & ~ALLOCATED) | LENT
    list.push(frame)
  }
  return true
}

function setup(context: MemoryContext, table: GrantTable, at: number): number {
  const { guest } = context
  const wanted = guest.word(at + 4)
  const status = !isSelf(context, guest.half(at))
    ? BAD_DOMAIN
    : wanted > FRAMES_AT_MOST || !grow(context, table, wanted)
      ? GENERAL_ERROR
      : OKAY
  guest.setHalf(at + 8, status)
  if (status !== OKAY) return 0
  const list = guest.word(at + 12)
  for (let i = 0; i < wanted; i++) guest.setWord(list + 4 * i, table.frames[i]!)
  return 0
}

function querySize({ guest, id }: MemoryContext, table: GrantTable, at: number): number {
  const self = guest.half(at) === SELF || guest.half(at) === id
  guest.setWord(at + 4, Math.max(table.frames.length, 1))
  guest.setWord(at + 8, FRAMES_AT_MOST)
  guest.setHalf(at + 12, self ? OKAY : BAD_DOMAIN)
  return 0
}

/** Another version may be chosen while nothing but reserved references is in use; all other entries are empty then. */
function setVersion(context: MemoryContext, table: GrantTable, at: number): number {
  const version = context.guest.word(at)
  const answer = (result: number) => {
    context.guest.setWord(at, table.version)
    return result
  }
  if (version !== 1 && version !== 2) return answer(EINVAL)
  if (!grow(context, table, Math.max(table.frames.length, 1))) return answer(ENOMEM)
  if (version === table.version) return answer(0)
  if (table.mapped.some(({ reference }) => reference >= RESERVED_REFERENCES)) return answer(EBUSY)
  if (version === 2) {
    if (!growStatus(context, table)) return answer(ENOMEM)
    table.convert(version)
  } else {
    if (table.statusFrames.some(frame => context.frames.references[frame]! > LENT_ONLY)) return answer(EBUSY)
    table.convert(version)
    for (const frame of table.statusFrames.splice(0)) context.types.putPageAndType(frame)
  }
  return answer(0)
}

/** Where the status of version 2's entries is. */
function statusFrames(context: MemoryContext, table: GrantTable, at: number): number {
  const { guest } = context
  const wanted = guest.word(at)
  const self = isSelf(context, guest.half(at + 4))
  const status = !self ? BAD_DOMAIN : wanted > table.statusFrames.length ? GENERAL_ERROR : OKAY
  guest.setHalf(at + 6, status)
  if (status !== OKAY) return 0
  const list = guest.word(at + 8)
  for (let i = 0; i < wanted; i++) guest.setLong(list + 8 * i, table.statusFrames[i]!)
  return 0
}

/** A flush of the processor's caches, which has no effect here, for a part of one of the domain's frames. */
function cacheFlush({ guest, frames, id }: MemoryContext, at: number): number {
  const address = guest.long(at)
  const offset = guest.half(at + 8)
  const length = guest.half(at + 10)
  const operation = guest.word(at + 12)
  if (offset >= PAGE_BYTES || offset + length > PAGE_BYTES) return EINVAL
  if ((operation & ~(CLEAN | INVALIDATE)) !== 0) return EINVAL
  if (length === 0 || operation === 0) return 0
  const frame = Math.floor(address / PAGE_BYTES)
  if (frame >= frames.frames) return EINVAL
  if (frames.owner[frame] !== id) return EPERM
  return operation === INVALIDATE ? EOPNOTSUPP : 0
}
