// Hypercall memory_op (12): what memory the domain has, giving frames back and taking others (xen/include/public/memory.h,
// XENMEM_*). Answers the number of extents done, or an error. Left out: everything that is for translated guests or tools.

import { SELF } from '../domains.js'
import { BadPointer, EACCES, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, ESRCH } from '../errors.js'
import type { MemoryContext } from './context.js'
import { memoryExchange } from './memory-exchange.js'
import { giveBack, take } from './reservation.js'

// Commands.
const INCREASE = 0
const DECREASE = 1
const MAXIMUM_FRAME = 2
const CURRENT = 3
const MAXIMUM = 4
const MACHPHYS_LIST = 5
const POPULATE = 6
const ADD_TO_PHYSMAP = 7
const MEMORY_MAP = 9
const MACHINE_MEMORY_MAP = 10
const EXCHANGE = 11
const MACHPHYS_MAPPING = 12
const MAXIMUM_PLACE = 14
const REMOVE_FROM_PHYSMAP = 15
const ADD_BATCH = 23
const CLAIM = 24
const VIRTUAL_NODES = 26

const COMMAND_BITS = 6
const LARGE_FRAMES = 512
const EXTENTS_AT_MOST = 0xffffffff >>> COMMAND_BITS
const TABLE_START = 0xf5800000
const TABLE_END = 0xffe00000
export const ORDER_AT_MOST = 18
/** An unprivileged domain takes at most extents of so many frames: 2^9. */
export const ORDER_UNPRIVILEGED = 9

export const RAM = 1

/** A part of a memory map: type 1 is RAM, 2 reserved. */
export interface MemoryRange {
  readonly start: number
  readonly bytes: number
  readonly type: number
}

export interface MemoryLimits {
  /** Frames that the domain may have. */
  readonly maximum: number
  readonly machineMap: readonly MemoryRange[]
  /** Its own map as the tool stack has set it; empty: none. */
  readonly ownMap: readonly MemoryRange[]
  /** The highest place in its memory, as the domain itself has told. */
  maximumPlace(): number
}

/** The hypercall. The high bits of `operation` say where to go on. */
export function memoryOp(context: MemoryContext, limits: MemoryLimits, operation: number, argument: number): number {
  const { guest, frames } = context
  const start = operation >>> COMMAND_BITS
  switch (operation & ((1 << COMMAND_BITS) - 1)) {
    case INCREASE:
    case DECREASE:
    case POPULATE:
      return reserve(context, limits, operation & ((1 << COMMAND_BITS) - 1), start, argument)
    case MAXIMUM_FRAME:
      return frames.frames
    case CURRENT:
      return isSelf(context, guest.half(argument)) ? frames.heldBy(context.id) : refusal(guest.half(argument))
    case MAXIMUM:
      return isSelf(context, guest.half(argument)) ? limits.maximum : refusal(guest.half(argument))
    case MAXIMUM_PLACE:
      return isSelf(context, guest.half(argument)) ? limits.maximumPlace() : refusal(guest.half(argument))
    case MACHPHYS_LIST:
      return tableFrames(context, argument)
    case ADD_TO_PHYSMAP:
    case REMOVE_FROM_PHYSMAP:
    case ADD_BATCH:
      return isSelf(context, guest.half(argument)) ? EACCES : refusal(guest.half(argument))
    case CLAIM:
      return claim(context, argument)
    case VIRTUAL_NODES:
      return isSelf(context, guest.half(argument)) ? EOPNOTSUPP : refusal(guest.half(argument))
    case MEMORY_MAP:
      return ownMap(context, limits.ownMap, argument)
    case MACHINE_MEMORY_MAP:
      return context.privileged ? machineMap(context, limits.machineMap, argument) : EPERM
    case EXCHANGE:
      return memoryExchange(context, argument)
    case MACHPHYS_MAPPING:
      guest.setWord(argument, TABLE_START)
      guest.setWord(argument + 4, TABLE_END)
      guest.setWord(argument + 8, (TABLE_END - TABLE_START) / 4 - 1)
      return 0
    default:
      return ENOSYS
  }
}

/** The error for another domain as the one to work on. */
export const refusal = (domain: number) => (domain === 0 ? EPERM : ESRCH)

export const isSelf = (context: MemoryContext, id: number) => id === SELF || id === context.id

/** INCREASE, DECREASE and POPULATE: a struct xen_memory_reservation. */
function reserve(
  context: MemoryContext,
  limits: MemoryLimits,
  command: number,
  start: number,
  argument: number,
): number {
  const { guest, frames, machineToPhysical } = context
  let done = start
  // Whatever is wrong: the answer is how many were done.
  try {
    const list = guest.word(argument)
    const extents = guest.word(argument + 4)
    const order = guest.word(argument + 8)
    const most = context.privileged ? ORDER_AT_MOST : ORDER_UNPRIVILEGED
    if (!isSelf(context, guest.half(argument + 16)) || order > most || extents > EXTENTS_AT_MOST) return start
    const room = limits.maximum - frames.heldBy(context.id)
    for (; done < extents; done++) {
      if (command === DECREASE) {
        if (!giveBack(context, guest.word(list + 4 * done), 1 << order)) break
        continue
      }
      const place = command === POPULATE ? guest.word(list + 4 * done) : -1
      if ((done - start + 1) * (1 << order) > room) break
      const first = take(context, 1 << order)
      if (first < 0) break
      if (place >= 0) for (let i = 0; i < 1 << order; i++) machineToPhysical.set(first + i, place + i)
      if (list !== 0) guest.setWord(list + 4 * done, first)
    }
  } catch (error) {
    if (!(error instanceof BadPointer)) throw error
  }
  return done
}

/** Frames set aside for a domain that is to be built. */
function claim(context: MemoryContext, argument: number): number {
  const { guest } = context
  const fields = [guest.word(argument), guest.word(argument + 8), guest.word(argument + 12)]
  const domain = guest.half(argument + 16)
  if (fields.some(field => field !== 0) || (domain !== context.id && domain !== 0)) return EINVAL
  return context.privileged ? ENOSYS : EPERM
}

/** The frames that the table from machine to physical frames consists of, one for each 2 MiB. */
function tableFrames({ guest, machineToPhysical }: MemoryContext, argument: number): number {
  const most = guest.word(argument)
  const list = guest.word(argument + 4)
  const first = machineToPhysical.address >>> 12
  const count = Math.ceil(machineToPhysical.bytes / (LARGE_FRAMES * 4096))
  const given = Math.min(most, count)
  for (let i = 0; i < given; i++) guest.setWord(list + 4 * i, first + i * LARGE_FRAMES)
  guest.setWord(argument + 8, given)
  return 0
}

/** As much of the domain's map as there is room for. */
function ownMap(context: MemoryContext, map: readonly MemoryRange[], argument: number): number {
  if (map.length === 0) return ENOSYS
  return putMap(context, map.slice(0, context.guest.word(argument)), argument)
}

/** The machine's map, for which one entry more than it has must have room. */
function machineMap(context: MemoryContext, map: readonly MemoryRange[], argument: number): number {
  return context.guest.word(argument) <= map.length ? EINVAL : putMap(context, map, argument)
}

function putMap({ guest }: MemoryContext, map: readonly MemoryRange[], argument: number): number {
  const buffer = guest.word(argument + 4)
  map.forEach(({ start, bytes, type }, i) => {
    guest.setLong(buffer + 20 * i, start)
    guest.setLong(buffer + 20 * i + 8, bytes)
    guest.setWord(buffer + 20 * i + 16, type)
  })
  guest.setWord(argument, map.length)
  return 0
}
