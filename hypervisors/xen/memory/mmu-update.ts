// Hypercall mmu_update (1): a list of pairs of 64-bit numbers, where to write and what (xen/include/public/xen.h). The low
// bits of the first say how. Stops at the first error; the number of those done is stored on request.

import { EINVAL, ENOSYS, EPERM, ESRCH } from '../errors.js'
import type { MemoryContext } from './context.js'
import { updateEntry } from './entry-update.js'
import { ownerOf } from './foreign.js'
import { L1, L2, L3, WRITABLE } from './frame-table.js'
import { requestList } from './request-list.js'

// Commands.
const NORMAL = 0
const MACHINE_TO_PHYSICAL = 1
const PRESERVE_AD = 2
const NO_TRANSLATE = 3
const COMMAND_BITS = 7

const REQUEST_BYTES = 16
const PREEMPTED = 0x80000000

/** The request at hand. */
const request = new Uint32Array(REQUEST_BYTES / 4)

/**
 * The hypercall. `done` is the address of a word, or 0.
 * @param onEntry told of each entry of a page table that is to be written
 */
export function mmuUpdate(
  context: MemoryContext,
  list: number,
  count: number,
  done: number,
  foreign: number,
  onEntry: () => void = () => {},
): number {
  const { guest } = context
  const owner = ownerOf(context, foreign & 0xffff)
  if (owner < 0) return owner
  // The high half, if any, names whose tables they are, counted from 1.
  const tables = foreign >>> 16
  if (tables !== 0 && tables - 1 !== context.id) return tables === 1 ? EPERM : ESRCH
  return requestList(context, (count & ~PREEMPTED) >>> 0, done, index => {
    guest.fourWords(list + index * REQUEST_BYTES, request)
    return updateOne(context, request[0]!, request[1]!, request[2]!, request[3]!, owner, onEntry)
  })
}

function updateOne(
  context: MemoryContext,
  place: number,
  placeHigh: number,
  low: number,
  high: number,
  owner: number,
  onEntry: () => void,
): number {
  const { types, machineToPhysical } = context
  const command = place & COMMAND_BITS
  const frame = (place >>> 12) + placeHigh * 0x100000
  if (command === MACHINE_TO_PHYSICAL) {
    if (!types.getPage(frame, owner)) return EINVAL
    machineToPhysical.set(frame, low)
    types.putPage(frame)
    return 0
  }
  if (command !== NORMAL && command !== PRESERVE_AD && command !== NO_TRANSLATE) return ENOSYS
  onEntry()
  if (!types.getPage(frame, context.id)) return EINVAL
  const result = writeEntry(context, frame, place, low, high, owner, command === PRESERVE_AD)
  types.putPage(frame)
  return result
}

/** A page table's entry is checked; any other page of the domain is written as it is. */
function writeEntry(
  context: MemoryContext,
  frame: number,
  place: number,
  low: number,
  high: number,
  owner: number,
  preserve: boolean,
): number {
  const { types, frames, memory } = context
  const type = frames.typeCount[frame]! > 0 ? frames.type[frame]! : 0
  if (type === L1 || type === L2 || type === L3)
    return updateEntry(context, frame, type, (place & 0xfff) >>> 3, low, high, owner, preserve)
  if (types.getType(frame, WRITABLE) !== 0) return EINVAL
  const at = (place & ~COMMAND_BITS) >>> 2
  memory.u32[at] = low
  memory.u32[at + 1] = high
  memory.changed(at * 4, 8)
  types.putType(frame)
  return 0
}
