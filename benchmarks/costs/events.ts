// The events that a cost table prices: what an execution is taken apart into before it is worth cycles. Those of the
// processor come on top of the retired instruction itself, so that native and virtualized execution pay alike. Work of
// monitors and hypervisors is priced by kind, since ours is written in TypeScript and retires no guest instruction.

/** Where cycles are shown. */
export const CATEGORIES = {
  user: 'guest user',
  kernel: 'guest kernel',
  vmm: 'VMM',
  firmware: 'firmware',
  privileged: 'privileged instructions',
  transitions: 'interrupts, exceptions, system calls',
  tlb: 'TLB refills',
  crossings: 'entries into the hypervisor',
  work: 'work of the hypervisor',
} as const

export type Category = keyof typeof CATEGORIES

/** What each event is. A table prices all of them; one without VT-x leaves out those of `OPTIONAL_EVENTS`. */
export const EVENTS = {
  instruction: 'one retired instruction',
  software_interrupt: 'INT n through a gate to an inner ring',
  exception: 'an exception delivered through the IDT',
  interrupt: 'an external interrupt delivered through the IDT',
  iret: 'IRET',
  sysenter: 'SYSENTER',
  sysexit: 'SYSEXIT',
  cr_write: 'a write of a control register; of CR3, with the loss of the TLB but not its refills',
  tlb_fill: 'one TLB refill by the page walker',
  invlpg: 'INVLPG',
  port: 'IN or OUT at a chip of the chip set',
  port_string_unit: 'one unit of a repeated INS or OUTS',
  cpuid: 'CPUID',
  rdtsc: 'RDTSC',
  msr: 'RDMSR or WRMSR',
  cli: 'CLI',
  sti: 'STI',
  pushf: 'PUSHF',
  popf: 'POPF',
  segment_load: 'a load of a data segment register',
  system_register: 'LGDT, LIDT, LLDT, LTR, CLTS, LMSW, debug registers',
  far_transfer: 'a far jump, call or return',
  vm_exit: 'VT-x: from guest to monitor',
  vm_entry: 'VT-x: from monitor to guest',
  monitor_switch: 'monitor: registers saved and restored, dispatch',
  emulate_simple: 'monitor: CLI, STI, PUSHF, CPUID and the like',
  emulate_control: 'monitor: control or system registers',
  emulate_segment: 'monitor: a segment register',
  emulate_iret: 'monitor: IRET, far transfers',
  emulate_port: 'monitor: a device access',
  emulate_string_unit: 'monitor: one unit of a repeated port instruction',
  switch_space: 'monitor: another page directory',
  shadow_fill: 'monitor: one shadow entry filled',
  table_write: 'monitor: a store to a guest page table',
  device_memory: 'monitor: an access to device memory',
  reflect: "monitor: an exception given to the guest's kernel",
  inject: 'monitor: an interrupt given to the guest',
  xen_bounce: "Xen: a trap or event given to the guest's kernel",
  xen_fault: 'Xen: a page or protection fault sorted out',
  xen_emulate: 'Xen: a privileged instruction emulated',
  xen_hypercall: 'Xen: a hypercall dispatched',
  xen_table_entry: 'Xen: one page-table entry validated and written',
  xen_pin: 'Xen: a whole page table validated or let go of',
  xen_base: 'Xen: a new table base, or another mmuext_op, checked',
  xen_flush: 'Xen: a flush asked for',
  xen_multicall_entry: 'Xen: one call of a multicall',
  xen_descriptor: 'Xen: one descriptor checked and written',
  xen_timer: 'Xen: a timer set',
  xen_event: 'Xen: an event channel operation',
  xen_schedule: 'Xen: block or yield',
  xen_iret: 'Xen: hypercall iret',
  xen_trivial: 'Xen: stack_switch, fpu_taskswitch',
  xen_other: 'Xen: any other hypercall',
} as const

export type PricedEvent = keyof typeof EVENTS

/** A machine without VT-x has no price for these; what they are part of has no cycles there. */
export const OPTIONAL_EVENTS: readonly PricedEvent[] = ['vm_exit', 'vm_entry']
