// Hypercall vcpu_op (24) for the one virtual CPU, and set_timer_op (15) (xen/include/public/vcpu.h).

import type { Domain } from './domain.js'
import { EEXIST, EINVAL, ENOENT, ENOSYS, ENXIO } from './errors.js'
import { TIME, TIME_BYTES, VCPU_INFO_BYTES } from './events/shared-info.js'
import { WRITABLE } from './memory/frame-table.js'
import { shutDown } from './sched-op.js'

const INITIALISE = 0
const UP = 1
const DOWN = 2
const IS_UP = 3
const RUN_STATE = 4
const REGISTER_RUN_STATE = 5
const SET_PERIODIC = 6
const STOP_PERIODIC = 7
const SET_SINGLE = 8
const STOP_SINGLE = 9
const REGISTER_INFO = 10
const SEND_NMI = 11
const PHYSICAL_ID = 12
const REGISTER_TIME = 13

const SHORTEST_PERIOD = 1_000_000
const LONGEST_PERIOD = 2 ** 62
/** Size of a new virtual CPU's context. */
const CONTEXT_BYTES = 2800
const POWER_OFF = 0
const LAST_TIME = 2 ** 50

/** vcpu_op. */
export function vcpuOp(domain: Domain, command: number, vcpu: number, at: number, now: number): number {
  if (vcpu !== 0) return ENOENT
  const { guest, timers } = domain
  switch (command) {
    case INITIALISE:
      guest.bytes(at, CONTEXT_BYTES)
      return EEXIST
    case UP:
      return 0
    case DOWN:
      // The last one ends the domain.
      return shutDown(domain, POWER_OFF)
    case IS_UP:
      return 1
    case RUN_STATE:
      domain.runStates.write(guest, at, now)
      return 0
    case REGISTER_RUN_STATE:
      domain.runStates.register(guest, guest.word(at), now)
      return 0
    case SET_PERIODIC: {
      const period = guest.long(at)
      if (period < SHORTEST_PERIOD || period > LONGEST_PERIOD) return EINVAL
      timers.setPeriod(period)
      return 0
    }
    case STOP_PERIODIC:
      timers.setPeriod(undefined)
      return 0
    case SET_SINGLE: {
      timers.single = guest.long(at)
      return 0
    }
    case STOP_SINGLE:
      timers.single = undefined
      return 0
    case REGISTER_INFO:
      return registerInfo(domain, guest.word(at), guest.word(at + 4), guest.word(at + 8))
    case SEND_NMI:
      if (at !== 0) return EINVAL
      domain.nmi.pending = true
      return 0
    case PHYSICAL_ID:
      return EINVAL
    case REGISTER_TIME:
      return registerTime(domain, guest.word(at))
    default:
      return ENOSYS
  }
}

/** Another place with the time fields of vcpu_info; they do not change while the guest runs. */
function registerTime({ guest, shared, memory }: Domain, at: number): number {
  if (at === 0) return 0
  const from = shared.vcpuInfo + TIME
  guest.setBytes(at, memory.u8.slice(from, from + TIME_BYTES))
  return 0
}

/** Moves vcpu_info into a frame of the guest's; that can be done once. */
function registerInfo(domain: Domain, frame: number, frameHigh: number, offset: number): number {
  const { types, shared, id } = domain
  if (offset > 4096 - VCPU_INFO_BYTES || offset % 4 !== 0) return ENXIO
  if (domain.vcpuInfoFrame >= 0 || frameHigh !== 0) return EINVAL
  if (types.getPageAndType(frame, WRITABLE, id) !== 0) return EINVAL
  domain.vcpuInfoFrame = frame
  shared.moveVcpuInfo(frame * 4096 + offset)
  return 0
}

/** set_timer_op: an absolute time in nanoseconds; 0 stops it. Absurdly late times fire soon, as guests expect. */
export function setTimer({ timers }: Domain, low: number, high: number, now: number): number {
  const at = low + high * 0x100000000
  timers.single = at === 0 ? undefined : at >= LAST_TIME ? now + 100_000_000 : at
  return 0
}
