// memory_op 11, XENMEM_exchange: the domain swaps frames that nothing maps for others, of another extent order; that is how
// a guest comes to adjacent frames.

import { EINVAL, ENOMEM, EPERM } from '../errors.js'
import type { MemoryContext } from './context.js'
import { ALLOCATED, LENT, PINNED } from './frame-table.js'
import { isSelf, ORDER_AT_MOST, ORDER_UNPRIVILEGED, refusal } from './memory-op.js'
import { giveBack, take } from './reservation.js'

const OUT = 20
const EXCHANGED = 40

/** Answers 0 or an error; the number of extents exchanged is in the argument. */
export function memoryExchange(context: MemoryContext, argument: number): number {
  const { guest, frames, machineToPhysical } = context
  const reservation = (at: number) => ({
    list: guest.word(at),
    extents: guest.word(at + 4),
    order: guest.word(at + 8),
    domain: guest.half(at + 16),
  })
  const give = reservation(argument)
  const get = reservation(argument + OUT)
  const done = guest.word(argument + EXCHANGED)
  const most = context.privileged ? ORDER_AT_MOST : ORDER_UNPRIVILEGED
  if (give.order > most || get.order > most) return EPERM
  if (done > give.extents || give.domain !== get.domain) return EINVAL
  if (give.extents * 2 ** give.order !== get.extents * 2 ** get.order) return EINVAL
  if (done === give.extents) return 0
  if (!isSelf(context, give.domain)) return refusal(give.domain)
  const chunk = Math.max(give.order, get.order)
  const giveEach = 1 << (chunk - give.order)
  const getEach = 1 << (chunk - get.order)
  if (give.extents % giveEach !== 0 || get.extents % getEach !== 0) return EINVAL
  for (let i = done / giveEach; i < give.extents / giveEach; i++) {
    const old: number[] = []
    for (let j = 0; j < giveEach; j++) {
      const first = guest.word(give.list + 4 * (i * giveEach + j))
      for (let k = 0; k < 1 << give.order; k++) old.push(first + k)
    }
    if (new Set(old).size !== old.length || !old.every(frame => isLoose(context, frame))) return stop(i, EINVAL)
    const places = Array.from({ length: getEach }, (_, j) => guest.word(get.list + 4 * (i * getEach + j)))
    const fresh: number[] = []
    for (let j = 0; j < getEach; j++) {
      const first = take(context, 1 << get.order)
      if (first < 0) {
        for (const frame of fresh) giveBack(context, frame, 1 << get.order)
        return stop(i, ENOMEM)
      }
      fresh.push(first)
    }
    for (const frame of old) giveBack(context, frame, 1)
    fresh.forEach((first, j) => {
      for (let k = 0; k < 1 << get.order; k++) machineToPhysical.set(first + k, places[j]! + k)
      guest.setWord(get.list + 4 * (i * getEach + j), first)
    })
  }
  guest.setWord(argument + EXCHANGED, give.extents)
  return 0

  function stop(chunks: number, error: number): number {
    guest.setWord(argument + EXCHANGED, chunks * giveEach)
    return error
  }
  function isLoose({ id }: MemoryContext, frame: number): boolean {
    if (frame >= frames.frames || frames.owner[frame] !== id || frames.references[frame] !== 1) return false
    return (frames.flags[frame]! & (ALLOCATED | LENT | PINNED)) === ALLOCATED
  }
}
