// Hypercalls sched_op (29) and its old form (6): give up the processor, wait for events, end (xen/include/public/sched.h).

import type { Domain } from './domain.js'
import { EINVAL, ENOSYS, EPERM, ESRCH } from './errors.js'

const YIELD = 0
const BLOCK = 1
const SHUTDOWN = 2
const POLL = 3
const REMOTE_SHUTDOWN = 4
const SHUTDOWN_CODE = 5
const WATCHDOG = 6
const PIN_OVERRIDE = 7

/** A reason is one byte of what is given. */
const REASON_MASK = 0xff
const PORTS_AT_MOST = 128
const CONTROL_DOMAIN = 0
const PORTS = 1024

/** The hypercall. A domain that ends has its reason in `shutdownCode`. */
export function schedOp(domain: Domain, command: number, at: number): number {
  const { guest } = domain
  switch (command) {
    case YIELD:
      domain.yields = true
      return 0
    case BLOCK:
      return block(domain)
    case SHUTDOWN:
      return shutDown(domain, guest.word(at))
    case POLL:
      return poll(domain, guest.word(at), guest.word(at + 4), guest.long(at + 8))
    case REMOTE_SHUTDOWN:
      return remoteShutdown(domain, guest.half(at), guest.word(at + 4))
    case SHUTDOWN_CODE:
      domain.reportedCode ??= guest.word(at) & REASON_MASK
      return 0
    case WATCHDOG:
      return domain.timers.setWatchdog(guest.word(at), guest.word(at + 4))
    case PIN_OVERRIDE:
      return domain.privileged ? 0 : EPERM
    default:
      return ENOSYS
  }
}

/** The old form: the argument itself, not where it is. */
export function schedOpCompat(domain: Domain, command: number, argument: number): number {
  if (command === YIELD) domain.yields = true
  if (command === YIELD) return 0
  if (command === BLOCK) return block(domain)
  if (command !== SHUTDOWN) return ENOSYS
  return shutDown(domain, argument)
}

/** Ends a domain, which the control domain may do. */
function remoteShutdown(domain: Domain, other: number, reason: number): number {
  if (other !== domain.id) return other === CONTROL_DOMAIN ? EPERM : ESRCH
  return domain.privileged ? shutDown(domain, reason) : EPERM
}

/** Ends a domain with the reason that it gives, or with the code that it has reported before. */
export function shutDown(domain: Domain, reason: number): number {
  domain.shutdownCode = domain.reportedCode ?? reason & REASON_MASK
  return 0
}

/** Unmasks events and waits for one. */
export function block(domain: Domain): number {
  domain.shared.upcallMask = 0
  if (!domain.shared.upcallPending) domain.waiting = 'event'
  return 0
}

/** Waits until one of some ports is pending, masked or not, or until a time. */
function poll(domain: Domain, list: number, count: number, timeout: number): number {
  if (count > PORTS_AT_MOST) return EINVAL
  const ports = Array.from({ length: count }, (_, i) => domain.guest.word(list + 4 * i))
  if (domain.upcallDue) return 0
  if (ports.some(port => port >= PORTS)) return EINVAL
  if (ports.some(port => domain.shared.pending(port))) return 0
  domain.waiting = { ports }
  domain.timers.poll = timeout === 0 ? undefined : timeout
  return 0
}
