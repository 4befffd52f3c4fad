// Hypercall grant_table_op (20): map and unmap, set up the table, copy, query (xen/include/public/grant_table.h). The call
// itself answers 0 and puts a status into each operation. Left out: transfer, swapping references, flushing caches.

import { SELF } from '../domains.js'
import { EBUSY, EFAULT, EINVAL, ENOMEM, ENOSYS, ESRCH } from '../errors.js'
import type { MemoryContext } from '../memory/context.js'
import { ALLOCATED, L1, LENT, WRITABLE } from '../memory/frame-table.js'
import { clearFrame, PAGE_BYTES } from '../memory/machine-memory.js'
import { grantCopy } from './grant-copy.js'
import { BAD_HANDLE, GENERAL_ERROR, type GrantTable, OKAY } from './grant-table.js'

// Commands.
const MAP = 0
const UNMAP = 1
const SETUP = 2
const COPY = 5
const QUERY_SIZE = 6
const SET_VERSION = 8
const STATUS_FRAMES = 9
const GET_VERSION = 10

const MAP_BYTES = 32
const UNMAP_BYTES = 24
const FRAMES_AT_MOST = 64
/** Frames of version 2's entries whose status fits into one frame. */
const ENTRIES_A_STATUS_FRAME = 8
const BAD_DOMAIN = -2
const BAD_ADDRESS = -5

// Flags of a mapping.
const HOST_MAP = 2
const READ_ONLY = 4
const CONTAINS_PTE = 16

const PTE_PRESENT = 1
const PTE_RW = 2
const PTE_ACCESSED_DIRTY = 0x60

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
  switch (command) {
    case MAP:
      return each(MAP_BYTES, at => map(context, table, at))
    case UNMAP:
      return each(UNMAP_BYTES, at => unmap(context, table, at))
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
    default:
      return ENOSYS
  }
}

const isSelf = (context: MemoryContext, id: number) => id === SELF || id === context.id

/** Lends frames to the domain until the table has so many, and version 2's status. False when there are no more frames. */
function grow(context: MemoryContext, table: GrantTable, frames: number): boolean {
  const lend = (list: number[], wanted: number) => {
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
  const status = table.version === 1 ? 0 : Math.ceil(table.frames.length / ENTRIES_A_STATUS_FRAME)
  return lend(table.frames, frames) && lend(table.statusFrames, Math.max(status, table.version === 1 ? 0 : 1))
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

/** Another version may be chosen while nothing is mapped; entries are read in its form from then on. */
function setVersion(context: MemoryContext, table: GrantTable, at: number): number {
  const version = context.guest.word(at)
  if (version !== 1 && version !== 2) return EINVAL
  if (version !== table.version && table.mapped.length > 0) return EBUSY
  table.version = version
  if (!grow(context, table, Math.max(table.frames.length, 1))) return ENOMEM
  context.guest.setWord(at, version)
  return 0
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

function map(context: MemoryContext, table: GrantTable, at: number) {
  const { guest, types } = context
  const linear = guest.long(at)
  const flags = guest.word(at + 8)
  const reference = guest.word(at + 12)
  const status = (code: number) => guest.setHalf(at + 18, code)
  if (guest.half(at + 16) !== context.id && guest.half(at + 16) !== SELF) return status(BAD_DOMAIN)
  const writable = (flags & READ_ONLY) === 0
  const granted = table.frameOf(reference, context.id, writable)
  if (granted.status !== OKAY) return status(granted.status)
  const { frame } = granted
  let slot = -1
  if ((flags & HOST_MAP) !== 0) {
    slot = (flags & CONTAINS_PTE) !== 0 ? Math.floor(linear / 4) : guest.entryIndex(linear)
    const bits = PTE_PRESENT | PTE_ACCESSED_DIRTY | (writable ? PTE_RW : 0)
    const written = writeSlot(context, slot, ((frame << 12) | bits) >>> 0)
    if (written !== 0) return status(written === EFAULT ? BAD_ADDRESS : GENERAL_ERROR)
  } else if (!types.getPage(frame, context.id)) return status(GENERAL_ERROR)
  const handle = table.use({ reference, frame, writable, slot })
  guest.setWord(at + 20, handle)
  guest.setLong(at + 24, frame * PAGE_BYTES)
  status(OKAY)
}

function unmap(context: MemoryContext, table: GrantTable, at: number) {
  const { guest } = context
  const linear = guest.long(at)
  const handle = guest.word(at + 16)
  const grant = table.find(handle)
  const status = (code: number) => guest.setHalf(at + 20, code)
  if (!grant) return status(BAD_HANDLE)
  if (grant.slot < 0) context.types.putPage(grant.frame)
  else {
    // Without an address the mapping stays, and so does its handle.
    if (linear === 0) return status(OKAY)
    const slot = slotOf(context, linear, grant.slot)
    if (slot !== grant.slot || context.memory.u32[slot]! >>> 12 !== grant.frame) return status(GENERAL_ERROR)
    if (writeSlot(context, slot, 0) !== 0) return status(GENERAL_ERROR)
    context.translations.flush()
  }
  table.end(handle)
  status(OKAY)
}

/** The entry that an address means: of a page that is mapped there, or the machine address of the entry itself. */
function slotOf({ guest }: MemoryContext, address: number, mapped: number): number {
  return address === mapped * 4 ? mapped : guest.entryIndex(address)
}

/** Writes the entry of a page table at this index of u32; 0, EFAULT when it is no entry of the domain's, or an error. */
function writeSlot(context: MemoryContext, slot: number, low: number): number {
  const { frames, types, memory, id } = context
  const table = slot >>> 10
  if (slot < 0 || table >= frames.frames || frames.owner[table] !== id) return EFAULT
  if (frames.type[table] !== L1 || frames.typeCount[table] === 0) return EFAULT
  const error = types.getL1Entry(low, 0, id)
  if (error !== 0) return error
  const oldLow = memory.u32[slot]!
  const oldHigh = memory.u32[slot + 1]!
  memory.u32[slot] = low
  memory.u32[slot + 1] = 0
  memory.changed(slot * 4, 8)
  types.putL1Entry(oldLow, oldHigh)
  return 0
}
