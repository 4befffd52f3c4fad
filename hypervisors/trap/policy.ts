// What leaves the guest, by policy. `all`: the pure virtualization of a processor on which everything sensitive can be
// made to trap. `vtx`: what an early VT-x makes exit at least: writes of control registers, INVLPG, CPUID, MSRs, ports and
// HLT (SDM vol. 3, 25.1). Page faults and external interrupts leave the guest under both.

import type { InterceptedClasses } from '../hypervisor.js'

export interface Policy extends InterceptedClasses {
  /** Exceptions other than page faults leave the guest too. */
  readonly exceptions: boolean
}

const split = (names: string) => names.split(' ')

const KERNEL_VTX = split('mov_to_control lmsw invlpg rdmsr wrmsr hlt invd wbinvd')
/** What a guest program at CPL 3 may execute too, and still exits. */
const ANY_VTX = split('cpuid in out ins outs')
const KERNEL_ALL = [
  ...KERNEL_VTX,
  ...split('cli sti pushf popf iret cpuid in out ins outs mov_from_control mov_from_debug mov_to_debug clts smsw'),
  ...split('rdtsc rdpmc lgdt sgdt lidt sidt lldt sldt ltr str mov_to_segment mov_from_segment push_segment'),
  ...split('pop_segment load_far_pointer lar lsl verr verw arpl far_jump far_call far_return sysexit'),
]
/** At CPL 3 a deprivileged guest is left alone but where it enters its kernel. */
const ANY_ALL = split('int into sysenter')

export const policies: Readonly<Record<string, Policy>> = {
  all: { exceptions: true, kernel: KERNEL_ALL, any: ANY_ALL },
  vtx: { exceptions: false, kernel: KERNEL_VTX, any: ANY_VTX },
}
