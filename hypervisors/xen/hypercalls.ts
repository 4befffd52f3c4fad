// The table of hypercalls (xen/include/public/xen.h, __HYPERVISOR_*): names, and what each does with its arguments in EBX,
// ECX, EDX, ESI, EDI, EBP. Numbers without an entry are ENOSYS.

import type { Vcpu } from '../hypervisor.js'
import type { HypervisorConsole } from './console/console-io.js'
import { getDebugRegister, setDebugRegister } from './cpu/debug-registers.js'
import { setTaskSwitched } from './cpu/privileged.js'
import { callbackOp, ringed, setCallbacks } from './cpu/trap-table.js'
import type { Domain } from './domain.js'
import { SELF } from './domains.js'
import { BadPointer, EACCES, EFAULT, EINVAL, ENODEV, ENOSYS, EOPNOTSUPP, EPERM, ESRCH } from './errors.js'
import { eventChannelOp, eventChannelOpCompat } from './events/event-channel-op.js'
import { FIRST_FIFO_COMMAND, fifoOp } from './events/fifo-op.js'
import { grantTableOp } from './grants/grant-table-op.js'
import { setGdt, updateDescriptor } from './memory/descriptor-tables.js'
import { PAGE_BYTES } from './memory/machine-memory.js'
import { type MemoryRange, memoryOp, RAM } from './memory/memory-op.js'
import { mmuUpdate } from './memory/mmu-update.js'
import { mmuextOp } from './memory/mmuext-op.js'
import { updateVaMapping } from './memory/update-va-mapping.js'
import { physdevOp, physdevOpCompat } from './physdev-op.js'
import type { Profile } from './profile.js'
import { schedOp, schedOpCompat } from './sched-op.js'
import { setTimer, vcpuOp } from './vcpu-op.js'
import { xenVersion } from './version.js'
import { vmAssist } from './vm-assist.js'

/** What hypercalls reach beside their domain. */
export interface HypercallContext {
  readonly vcpu: Vcpu
  readonly domain: Domain
  readonly profile: Profile
  readonly console: HypervisorConsole
  readonly machineMap: readonly MemoryRange[]
  now(): number
  /** The kernel stack has been set. */
  stackChanged(): void
  /** The trap table has been set. */
  trapsChanged(): void
  count(name: string): void
  /** Hypercall iret; the EAX that it has set. */
  iret(): number
  /** An entry of a page table is to be written. */
  pageTableUpdate(): void
}

/** Versions of the tools' interfaces, and the size of their structures. */
const TOOL_VERSION = 0x15
const PLATFORM_VERSION = 0x03000001
const TOOL_BYTES = 136
const DOMCTL_BYTES = 144
const CREATE_DOMAIN = 1
const GET_DOMAIN_INFO = 5

type Arguments = readonly [number, number, number, number, number, number]
type Call = (context: HypercallContext, args: Arguments) => number

const MULTICALL = 13
export const IRET = 23
const MULTICALL_BYTES = 32

const calls: Readonly<Record<number, readonly [name: string, call: Call]>> = {
  0: [
    'set_trap_table',
    (context, [list]) => {
      const result = context.domain.traps.set(context.domain.guest, list)
      context.trapsChanged()
      return result
    },
  ],
  1: [
    'mmu_update',
    ({ domain, pageTableUpdate }, [list, count, done, owner]) =>
      mmuUpdate(domain, list, count, done, owner, pageTableUpdate),
  ],
  2: ['set_gdt', ({ domain }, [list, entries]) => setGdt(domain, list, entries)],
  3: [
    'stack_switch',
    (context, [selector, esp]) => {
      context.domain.kernelStack = { selector: ringed(selector), esp }
      context.stackChanged()
      return 0
    },
  ],
  4: ['set_callbacks', ({ domain }, args) => setCallbacks(domain.callbacks, args)],
  5: [
    'fpu_taskswitch',
    ({ vcpu }, [on]) => {
      setTaskSwitched(vcpu, on !== 0)
      return 0
    },
  ],
  6: ['sched_op_compat', ({ domain }, [command, argument]) => schedOpCompat(domain, command, argument)],
  7: ['platform_op', ({ domain }, [at]) => toolOp(domain, at, 4, PLATFORM_VERSION)],
  8: ['set_debugreg', ({ vcpu, domain }, [register, value]) => setDebugRegister(vcpu, domain, register, value)],
  9: ['get_debugreg', ({ domain }, [register]) => getDebugRegister(domain, register) ?? ENODEV],
  10: ['update_descriptor', ({ domain }, args) => updateDescriptor(domain, args[0], args[1], args[2], args[3])],
  12: [
    'memory_op',
    ({ domain, profile, machineMap }, [operation, at]) => {
      const maximum = domain.maximumFrames
      const hasMap = profile.memoryMaps && !domain.privileged
      const ownMap = hasMap ? [{ start: 0, bytes: maximum * PAGE_BYTES, type: RAM }] : []
      const maximumPlace = () => Math.max(domain.shared.maximumPlace, 1) - 1
      return memoryOp(domain, { maximum, machineMap, ownMap, maximumPlace }, operation, at)
    },
  ],
  14: [
    'update_va_mapping',
    ({ domain, pageTableUpdate }, [linear, low, high, flags]) => {
      pageTableUpdate()
      return updateVaMapping(domain, linear, low, high, flags, SELF)
    },
  ],
  15: ['set_timer_op', ({ domain, now }, [low, high]) => setTimer(domain, low, high, now())],
  16: ['event_channel_op_compat', ({ domain }, [at]) => eventChannelOpCompat(domain, at)],
  17: ['xen_version', ({ domain, profile }, [command, at]) => xenVersion(domain, profile, command, at)],
  18: ['console_io', ({ domain, console }, [command, count, at]) => console.operate(domain.guest, command, count, at)],
  19: ['physdev_op_compat', ({ domain }, [at]) => physdevOpCompat(domain, at)],
  20: [
    'grant_table_op',
    ({ domain }, [command, list, count]) => grantTableOp(domain, domain.grants, command, list, count),
  ],
  21: ['vm_assist', ({ domain }, [command, type]) => vmAssist(domain, command, type)],
  22: [
    'update_va_mapping_otherdomain',
    ({ domain, pageTableUpdate }, [linear, low, high, flags, owner]) => {
      pageTableUpdate()
      return updateVaMapping(domain, linear, low, high, flags, owner)
    },
  ],
  24: ['vcpu_op', ({ domain, now }, [command, vcpu, at]) => vcpuOp(domain, command, vcpu, at, now())],
  26: ['mmuext_op', ({ domain }, [list, count, done, owner]) => mmuextOp(domain, list, count, done, owner)],
  27: ['xsm_op', () => ENOSYS],
  28: ['nmi_op', nmiOp],
  29: ['sched_op', ({ domain }, [command, at]) => schedOp(domain, command, at)],
  30: ['callback_op', ({ domain, profile }, [command, at]) => callbackOp(domain, profile.longMode, command, at)],
  31: ['xenoprof_op', () => ENOSYS],
  32: [
    'event_channel_op',
    ({ domain, profile }, [command, at]) =>
      command >= FIRST_FIFO_COMMAND && profile.fifoEvents
        ? fifoOp(domain, command, at)
        : eventChannelOp(domain, command, at),
  ],
  33: ['physdev_op', ({ domain }, [command, at]) => physdevOp(domain, command, at)],
  35: ['sysctl', ({ domain }, [at]) => toolOp(domain, at, 4, TOOL_VERSION)],
  36: ['domctl', ({ domain }, [at]) => domctl(domain, at)],
  37: ['kexec_op', ({ domain }) => (domain.privileged ? ENOSYS : EPERM)],
  40: ['xenpmu_op', () => EOPNOTSUPP],
  42: ['hypfs_op', ({ domain }) => (domain.privileged ? ENOSYS : EPERM)],
  48: ['mca', ({ domain }) => (domain.privileged ? ENOSYS : EPERM)],
}

/** sysctl and platform_op: for tools in the control domain, of which there are none here. */
function toolOp({ guest, privileged }: Domain, at: number, field: number, version: number, bytes = TOOL_BYTES): number {
  guest.bytes(at, bytes)
  if (guest.word(at + field) !== version) return EACCES
  return privileged ? ENOSYS : EPERM
}

/** domctl: the domain that it names is looked for before the caller's rights. */
function domctl(domain: Domain, at: number): number {
  const { guest, id } = domain
  const result = toolOp(domain, at, 4, TOOL_VERSION, DOMCTL_BYTES)
  const command = guest.word(at)
  const named = guest.half(at + 8)
  const isNobody = named !== id && named !== 0 && command !== CREATE_DOMAIN && command !== GET_DOMAIN_INFO
  return result !== EACCES && isNobody ? ESRCH : result
}

/** nmi_op: registers and takes back the handler of non-maskable interrupts. */
function nmiOp({ domain }: HypercallContext, [command, at]: Arguments): number {
  if (command > 1) return ENOSYS
  domain.traps.setNmi(command === 0 ? domain.guest.word(at) : undefined)
  return 0
}

/** Performs a hypercall; the result goes to EAX. Number 23, iret, is none of these. */
export function hypercall(context: HypercallContext, number: number, args: Arguments): number {
  if (number === MULTICALL) {
    context.count('multicall')
    return guarded(() => multicall(context, args[0], args[1]))
  }
  return perform(context, number, args)
}

function perform(context: HypercallContext, number: number, args: Arguments): number {
  const found = Object.hasOwn(calls, number) ? calls[number] : undefined
  if (!found) {
    context.count(`unknown_${number}`)
    return ENOSYS
  }
  context.count(found[0])
  return guarded(() => found[1](context, args))
}

function guarded(call: () => number): number {
  try {
    return call()
  } catch (error) {
    if (error instanceof BadPointer) return EFAULT
    throw error
  }
}

/** A list of calls, each with its result; one inside another is refused. A return to the guest ends it. */
function multicall(context: HypercallContext, list: number, count: number): number {
  const { guest } = context.domain
  for (let i = 0; i < count; i++) {
    const at = list + i * MULTICALL_BYTES
    const word = (n: number) => guest.word(at + 8 + 4 * n)
    const number = guest.word(at)
    const args: Arguments = [word(0), word(1), word(2), word(3), word(4), word(5)]
    if (number === IRET) {
      const result = context.iret()
      guest.setWord(at + 4, result)
      return result
    }
    guest.setWord(at + 4, number === MULTICALL ? EINVAL : perform(context, number, args))
  }
  return 0
}
