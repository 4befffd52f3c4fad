// The flavours of the hypervisor: which release it says it is, and what differs between them.

export interface Profile {
  readonly name: string
  /** Major << 16 | minor. */
  readonly version: number
  readonly extraVersion: string
  readonly capabilities: string
  /** Submap 0 of the features, without that of the control domain. */
  readonly features: number
  /** INT 0x80 enters ring 1 through a gate of the processor, where the guest's entry does not mask events. */
  readonly directSystemCalls: boolean
  /** The tool stack sets a memory map for an unprivileged domain. */
  readonly memoryMaps: boolean
  /** The hypervisor runs in long mode: SYSENTER comes to it, and IRET with NT set is #GP(0) instead of a task switch. */
  readonly longMode: boolean
  /** Event channels may be queued: the FIFO ABI. */
  readonly fifoEvents: boolean
  /** A return to bad selectors calls the failsafe callback; newer releases give the guest the exception. */
  readonly failsafeReturns: boolean
}

// Feature bits.
export const PAE_ABOVE_4GB = 1 << 4
const PRESERVE_AD = 1 << 5
const HIGHMEM_ASSIST = 1 << 6
const GRANT_MAP_AVAILABLE_BITS = 1 << 7
const MEMORY_OP_VNODE = 1 << 13
const DIRECT_MAPPED = 1 << 17
export const CONTROL_DOMAIN = 1 << 11

const xen417: Profile = {
  name: '4.17',
  version: 0x00040011,
  extraVersion: '.5',
  capabilities: 'xen-3.0-x86_64 xen-3.0-x86_32p ',
  features: PAE_ABOVE_4GB | PRESERVE_AD | HIGHMEM_ASSIST | GRANT_MAP_AVAILABLE_BITS | MEMORY_OP_VNODE | DIRECT_MAPPED,
  directSystemCalls: false,
  memoryMaps: true,
  longMode: true,
  fifoEvents: true,
  failsafeReturns: false,
}

const xen30: Profile = {
  name: '3.0',
  version: 0x00030000,
  extraVersion: '.4',
  capabilities: 'xen-3.0-x86_32p ',
  features: PAE_ABOVE_4GB,
  directSystemCalls: true,
  memoryMaps: false,
  longMode: false,
  fifoEvents: false,
  failsafeReturns: true,
}

/** By name; the first is the default. */
export const profiles: readonly Profile[] = [xen417, xen30]
