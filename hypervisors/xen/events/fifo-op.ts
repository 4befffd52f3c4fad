// The commands of event_channel_op (32) for the FIFO ABI: its control block, pages of event words, priorities. The first
// changes the domain over from the two-level ABI; a reset changes it back.

import type { Domain } from '../domain.js'
import { EINVAL, ENOENT, ENOSPC, ENOSYS } from '../errors.js'
import { WRITABLE } from '../memory/frame-table.js'
import { PAGE_BYTES } from '../memory/machine-memory.js'
import { PORTS } from './channels.js'
import { CONTROL_BYTES, FifoEvents, LINK_BITS, PRIORITIES } from './fifo.js'

export const FIRST_FIFO_COMMAND = 11
const INIT_CONTROL = 11
const EXPAND_ARRAY = 12
const SET_PRIORITY = 13
const ALIGNMENT = 8

/** The hypercall, for commands from 11 on. */
export function fifoOp(domain: Domain, command: number, at: number): number {
  const { guest, channels, shared } = domain
  const { fifo } = shared
  switch (command) {
    case INIT_CONTROL: {
      const result = initControl(domain, guest.word(at), guest.word(at + 4), guest.word(at + 8), guest.word(at + 12))
      if (result === 0) guest.setBytes(at + 16, Uint8Array.of(LINK_BITS))
      return result
    }
    case EXPAND_ARRAY: {
      if (!fifo) return ENOSYS
      if (fifo.isFull) return ENOSPC
      const address = take(domain, guest.word(at), guest.word(at + 4))
      if (address < 0) return EINVAL
      for (const port of fifo.addPage(address)) channels.raise(port)
      return 0
    }
    case SET_PRIORITY: {
      if (!channels.isOpen(guest.word(at))) return EINVAL
      if (!fifo) return ENOSYS
      if (guest.word(at + 4) >= PRIORITIES) return EINVAL
      fifo.setPriority(guest.word(at), guest.word(at + 4))
      return 0
    }
    default:
      return ENOSYS
  }
}

function initControl(domain: Domain, frame: number, frameHigh: number, offset: number, vcpu: number): number {
  const { shared, memory } = domain
  if (vcpu !== 0) return ENOENT
  if (offset > PAGE_BYTES - CONTROL_BYTES || offset % ALIGNMENT !== 0 || shared.fifo) return EINVAL
  const address = take(domain, frame, frameHigh)
  if (address < 0) return EINVAL
  const early = new Set<number>()
  for (let port = 1; port < PORTS; port++) if (shared.pending(port)) early.add(port)
  shared.fifo = new FifoEvents(memory, address + offset, early)
  return 0
}

/** Takes a page of the guest's to write to; its machine address, or -1. */
function take({ types, id }: Domain, frame: number, frameHigh: number): number {
  return frameHigh === 0 && types.getPageAndType(frame, WRITABLE, id) === 0 ? frame * PAGE_BYTES : -1
}
