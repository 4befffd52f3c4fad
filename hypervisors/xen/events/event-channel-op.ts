// Hypercall event_channel_op (32), and its old form (16) with the command in the structure: arguments in and out of the
// guest's memory around EventChannels.

import { SELF } from '../domains.js'
import { EINVAL, ENOSYS, EPERM } from '../errors.js'
import type { GuestMemory } from '../memory/guest-memory.js'
import { type EventChannels, INTERDOMAIN, PIRQ, PIRQS, UNBOUND, VIRQ } from './channels.js'

/** The hypercall's commands. */
const BIND_INTERDOMAIN = 0
const BIND_VIRQ = 1
const BIND_PIRQ = 2
const CLOSE = 3
const SEND = 4
const STATUS = 5
const ALLOCATE_UNBOUND = 6
const BIND_IPI = 7
const BIND_VCPU = 8
const UNMASK = 9
const RESET = 10

/** What it needs of the domain. */
export interface EventContext {
  readonly id: number
  readonly guest: GuestMemory
  readonly channels: EventChannels
  /** Goes back from the FIFO ABI to the two-level one. */
  leaveQueues?(): void
  /** The domain may bind physical interrupts. */
  readonly mayBindPirqs: boolean
}

/** The hypercall (32). */
export function eventChannelOp(context: EventContext, command: number, at: number): number {
  const { guest, channels } = context
  const word = (field: number) => guest.word(at + field)
  const opened = (port: number, field: number) => {
    if (port < 0) return port
    guest.setWord(at + field, port)
    return 0
  }
  switch (command) {
    case BIND_INTERDOMAIN:
      return opened(channels.bindInterdomain(guest.half(at), word(4)), 8)
    case BIND_VIRQ:
      return opened(channels.bindVirq(word(0), word(4)), 8)
    case BIND_PIRQ:
      if (word(0) >= PIRQS) return EINVAL
      return context.mayBindPirqs ? opened(channels.bindPirq(word(0)), 8) : EPERM
    case CLOSE:
      return channels.close(word(0))
    case SEND:
      return channels.send(word(0))
    case STATUS:
      return status(context, at)
    case ALLOCATE_UNBOUND:
      return opened(channels.allocateUnbound(guest.half(at), guest.half(at + 2)), 4)
    case BIND_IPI:
      return opened(channels.bindIpi(word(0)), 4)
    case BIND_VCPU:
      return channels.bindVcpu(word(0), word(4))
    case UNMASK:
      return channels.unmask(word(0))
    case RESET:
      if (guest.half(at) !== SELF && guest.half(at) !== context.id) return channels.refusal(guest.half(at))
      channels.reset()
      context.leaveQueues?.()
      return 0
    default:
      return ENOSYS
  }
}

/** The old form (16): the command is the first word of the structure. */
export function eventChannelOpCompat(context: EventContext, at: number): number {
  const command = context.guest.word(at)
  return command > UNMASK ? ENOSYS : eventChannelOp(context, command, at + 4)
}

function status({ id, guest, channels }: EventContext, at: number): number {
  const domain = guest.half(at)
  if (domain !== SELF && domain !== id) return channels.refusal(domain)
  const found = channels.status(guest.word(at + 4))
  if (!found) return EINVAL
  guest.setWord(at + 8, found.state)
  guest.setWord(at + 12, 0)
  if (found.state === UNBOUND) guest.setHalf(at + 16, found.remoteDomain)
  else if (found.state === INTERDOMAIN) {
    guest.setHalf(at + 16, found.remoteDomain)
    guest.setWord(at + 20, found.remotePort)
  } else if (found.state === PIRQ || found.state === VIRQ) guest.setWord(at + 16, found.source)
  return 0
}
