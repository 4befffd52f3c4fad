// grant_table_op 0, 1 and 7: a domain maps pages that are granted to it, into its memory, for a device, or both, and gives
// the mappings back, each for itself (xen/common/grant_table.c, xen/arch/x86/pv/grant_table.c).

import type { MemoryContext } from '../memory/context.js'
import { ACCESSED, DIRTY, frameOf, PRESENT, RW, USER } from '../memory/entry.js'
import { L1, WRITABLE } from '../memory/frame-table.js'
import { PAGE_BYTES } from '../memory/machine-memory.js'
import {
  type ActiveGrant,
  BAD_DEVICE_ADDRESS,
  BAD_DOMAIN,
  BAD_HANDLE,
  BAD_PAGE,
  BAD_REFERENCE,
  GENERAL_ERROR,
  type GrantTable,
  OKAY,
} from './grant-table.js'

// Flags of a mapping.
const DEVICE_MAP = 1
const HOST_MAP = 2
const READ_ONLY = 4
const APPLICATION_MAP = 8
const CONTAINS_PTE = 16
/** From this bit on the flags have the entry's available bits. */
const AVAILABLE_AT = 16
const ENTRY_AVAILABLE_AT = 9

const CONTROL_DOMAIN = 0
/** Entries of the control domain's table, none of which grants anything to others. */
const CONTROL_DOMAIN_ENTRIES = 512
const LINEAR_END = 2 ** 32

/** GNTTABOP_map_grant_ref, one operation. */
export function mapGrant(context: MemoryContext, table: GrantTable, at: number) {
  const { guest } = context
  const flags = guest.word(at + 8)
  const reference = guest.word(at + 12)
  const domain = guest.half(at + 16)
  const answer = (status: number) => guest.setHalf(at + 18, status)
  if ((flags & (HOST_MAP | DEVICE_MAP)) === 0) return answer(BAD_REFERENCE)
  if (domain !== context.id && domain === CONTROL_DOMAIN)
    return answer(reference < CONTROL_DOMAIN_ENTRIES ? GENERAL_ERROR : BAD_REFERENCE)
  if (domain !== context.id) return answer(BAD_DOMAIN)
  const writable = (flags & READ_ONLY) === 0
  const { frame, status } = table.frameOf(reference, domain, writable)
  if (status !== OKAY) return answer(status)
  if (!owns(context, frame)) return answer(BAD_PAGE)
  const grant: ActiveGrant = {
    reference,
    frame,
    writable,
    byEntry: (flags & CONTAINS_PTE) !== 0,
    host: (flags & HOST_MAP) !== 0,
    device: (flags & DEVICE_MAP) !== 0,
  }
  if (grant.device && !takeForDevice(context, grant)) return answer(GENERAL_ERROR)
  if (grant.host && !mapIntoMemory(context, grant, guest.long(at), flags)) {
    if (grant.device) giveBackOfDevice(context, grant)
    return answer(GENERAL_ERROR)
  }
  guest.setWord(at + 20, table.use(grant))
  guest.setLong(at + 24, frame * PAGE_BYTES)
  answer(OKAY)
}

const owns = ({ frames, id }: MemoryContext, frame: number) => frame < frames.frames && frames.owner[frame] === id

function takeForDevice({ types, id }: MemoryContext, { frame, writable }: ActiveGrant): boolean {
  return writable ? types.getPageAndType(frame, WRITABLE, id) === 0 : types.getPage(frame, id)
}
function giveBackOfDevice({ types }: MemoryContext, { frame, writable }: ActiveGrant) {
  if (writable) types.putPageAndType(frame)
  else types.putPage(frame)
}

function mapIntoMemory(context: MemoryContext, grant: ActiveGrant, address: number, flags: number): boolean {
  const { types, id, memory } = context
  const slot = slotOf(context, grant, address)
  if (slot < 0) return false
  const available = ((flags >>> AVAILABLE_AT) & 7) << ENTRY_AVAILABLE_AT
  const user = (flags & APPLICATION_MAP) !== 0 ? USER : 0
  const low = ((grant.frame << 12) | rightsOf(grant) | ACCESSED | DIRTY | available | user) >>> 0
  if (types.getL1Entry(low, 0, id) !== 0) return false
  const [oldLow, oldHigh] = [memory.u32[slot]!, memory.u32[slot + 1]!]
  write(context, slot, low, 0)
  types.putL1Entry(oldLow, oldHigh)
  return true
}

const rightsOf = ({ writable }: ActiveGrant) => PRESENT | (writable ? RW : 0)

/** Index in u32 of the last-level entry that an address of a mapping means; -1 where there is none of the domain's. */
function slotOf(context: MemoryContext, { byEntry }: ActiveGrant, address: number): number {
  const { frames, guest } = context
  if (byEntry ? address % 8 !== 0 : address >= LINEAR_END) return -1
  const slot = byEntry ? address / 4 : guest.entryIndex(address)
  const table = Math.floor(slot / 1024)
  const isTable = slot >= 0 && owns(context, table) && frames.type[table] === L1 && frames.typeCount[table]! > 0
  return isTable ? slot : -1
}

function write({ memory }: MemoryContext, slot: number, low: number, high: number) {
  memory.u32[slot] = low
  memory.u32[slot + 1] = high
  memory.changed(slot * 4, 8)
}

/** GNTTABOP_unmap_grant_ref, one operation. */
export function unmapGrant(context: MemoryContext, table: GrantTable, at: number) {
  const { guest } = context
  const status = unmap(context, table, guest.word(at + 16), { host: guest.long(at), device: guest.long(at + 8), by: 0 })
  guest.setHalf(at + 20, status)
}

/** GNTTABOP_unmap_and_replace, one operation: the entry of another address takes the place of the mapping. */
export function unmapAndReplace(context: MemoryContext, table: GrantTable, at: number) {
  const { guest } = context
  const status = unmap(context, table, guest.word(at + 16), { host: guest.long(at), device: 0, by: guest.long(at + 8) })
  guest.setHalf(at + 20, status)
}

/** Ends those mappings of a handle for which an address is given. */
function unmap(
  context: MemoryContext,
  table: GrantTable,
  handle: number,
  { host, device, by }: { host: number; device: number; by: number },
): number {
  const grant = table.find(handle)
  if (!grant) return BAD_HANDLE
  if (device !== 0 && grant.device && device !== grant.frame * PAGE_BYTES) return BAD_DEVICE_ADDRESS
  if (host !== 0 && grant.host) {
    if (!replace(context, grant, host, by)) return GENERAL_ERROR
    context.translations.flush()
    table.end(handle, 'host')
  }
  if (device !== 0 && grant.device) {
    giveBackOfDevice(context, grant)
    table.end(handle, 'device')
  }
  return OKAY
}

/** Puts an empty entry, or that of another linear address, in the place of a mapping. */
function replace(context: MemoryContext, grant: ActiveGrant, address: number, by: number): boolean {
  const { memory, types } = context
  const { u32 } = memory
  if (by !== 0 && grant.byEntry) return false
  let [newLow, newHigh] = [0, 0]
  if (by !== 0) {
    const stolen = slotOf(context, grant, by)
    if (stolen < 0) return false
    ;[newLow, newHigh] = [u32[stolen]!, u32[stolen + 1]!]
    write(context, stolen, 0, 0)
  }
  const slot = slotOf(context, grant, address)
  const isMapping =
    slot >= 0 &&
    frameOf(u32[slot]!, u32[slot + 1]!) === grant.frame &&
    (u32[slot]! & (PRESENT | RW)) === rightsOf(grant)
  if (!isMapping) {
    types.putL1Entry(newLow, newHigh)
    return false
  }
  const [oldLow, oldHigh] = [u32[slot]!, u32[slot + 1]!]
  write(context, slot, newLow, newHigh)
  types.putL1Entry(oldLow, oldHigh)
  return true
}
