// What a hypervisor is given: one processor, machine memory and its frames, a clock, and what stands behind the devices
// that it offers to its guests. All addresses are machine-physical unless they are called linear; a frame is 4 KiB.

import type { ControlShadow, InterruptedDelivery, CpuTrap as MonitorTrap } from '../cpu/monitor.js'
import type { CpuState, PartialState, SegmentState } from '../cpu/state.js'
import type { BlockStorage } from '../devices/block-storage.js'
import type { InterceptEvent } from '../engine/interception.js'
import type { Entry } from './entry.js'
import type { PacketLine } from './line.js'
import type { RunResult } from './machine.js'

/** An entry into the hypervisor. The engine has been left; all state is in the processor. */
export type Trap =
  | MonitorTrap
  /** An instruction of an intercepted class is at EIP and has not been executed, or `goesOn` after the run had ended in its midst. */
  | { readonly kind: 'instruction'; readonly event: InterceptEvent; readonly goesOn: boolean }
  /** The alarm of `Host.clock` has gone off. */
  | { readonly kind: 'alarm' }

/** What happens after an entry: go on at the processor's state, wait for an interrupt or alarm, or end the run. */
export type Resume = 'run' | 'idle' | { readonly end: RunResult }

/** An exception that an access or instruction on the guest's behalf met. */
export interface Fault {
  readonly vector: number
  readonly error: number | undefined
  /** Linear address of a page fault. */
  readonly linear: number
}

/** Classes of sensitive instructions, by the names of isa/sensitive.ts. */
export interface InterceptedClasses {
  /** Leave the guest at CPL 0 to 2; at CPL 3 they are executed as if nothing had been asked. */
  readonly kernel: Iterable<string>
  /** Leave the guest at any CPL. */
  readonly any: Iterable<string>
}

export interface Controls {
  readonly cr0: number
  readonly cr3: number
  readonly cr4: number
}

/** The processor, with the rights of ring 0. Accesses by linear address go through the page tables in force. */
export interface Vcpu {
  /** All registers: a snapshot; setting merges. The single registers below are quicker. */
  readonly state: CpuState
  set(state: PartialState): void
  /** Resets the processor and puts it where a loader says. */
  enter(entry: Entry): void
  /** General register n in encoding order (EAX 0 ... EDI 7), unsigned. */
  register(n: number): number
  setRegister(n: number, value: number): void
  eip: number
  eflags: number
  /** That of CS; set with setSegment. */
  readonly cpl: number
  cr2: number
  /** Segment register n: ES 0, CS 1, SS 2, DS 3, FS 4, GS 5, LDTR 6, TR 7, with its hidden part. */
  segment(n: number): SegmentState
  /** Sets a segment register with its hidden part, unchecked; CS also sets CPL to the selector's RPL. */
  setSegment(n: number, segment: SegmentState): void
  /** Loads DS, ES, FS, GS or SS from the descriptor tables, with the checks of MOV. */
  loadSegment(n: number, selector: number): Fault | undefined
  /**
   * CR0, CR3 and CR4 themselves. Setting them drops all translations, unless only MP, EM, TS and NE change; with PAE
   * the PDPTEs are loaded.
   */
  controls: Controls
  /** What the program sees in their place; undefined: themselves. */
  shownControls: ControlShadow | undefined
  /** Control registers as the program sees them. */
  readonly programControls: Controls
  /** The guest has dropped the translation of one linear page, or all (-1): INVLPG, MOV to CR3 and its like. */
  onFlush: ((page: number) => void) | undefined
  /**
   * Asked in the midst of an access that page-faults: true when the tables allow it now. For task switches, which cannot be
   * begun again once the new task's CR3 is loaded; elsewhere an `exception` trap says more.
   */
  onPageFault: ((linear: number, error: number) => boolean) | undefined
  /** Drops the translation of one linear page. */
  invalidate(linear: number): void
  /** Drops all translations. */
  flush(): void
  /** Reads up to 4 KiB with the rights of CPL 3 or of the supervisor. */
  readLinear(linear: number, bytes: number, user: boolean): Uint8Array | Fault
  /** Writes all or nothing. */
  writeLinear(linear: number, data: Uint8Array, user: boolean): Fault | undefined
  /** Reads 1, 2 or 4 bytes. */
  load(linear: number, bytes: number, user: boolean): number | Fault
  /** Writes 1, 2 or 4 bytes. */
  store(linear: number, bytes: number, value: number, user: boolean): Fault | undefined

  /** Delivery through the gates of these vectors in the IDT becomes a trap. */
  setMonitorGates(vectors: Iterable<number>): void
  /** These exceptions become traps before the IDT is looked at. */
  setMonitorExceptions(vectors: Iterable<number>): void
  /** External interrupts become traps before they are acknowledged. */
  monitorInterrupts: boolean
  /** Which sensitive instructions leave the guest. */
  intercept(classes: InterceptedClasses): void
  /** Executes the instruction at EIP, intercepted or not; one iteration of a repeated one. A fault changes nothing. */
  execute(): Fault | undefined
  /** The same, but of a repeated instruction as many iterations as there may be before a device or interrupt is due. */
  executeStretch(): Fault | undefined
  /**
   * Executes the instruction at EIP with these control registers in force.
   * @returns what it has made of them; the processor's own are what they were before
   */
  executeUnder(controls: Controls): Controls | Fault
  /** A deadline is reached or an interrupt can be taken: a loop over execute() has to end. */
  readonly due: boolean
  /**
   * Delivers an exception through the IDT in IDTR as the processor does; one that has interrupted another may become a
   * double fault.
   */
  inject(fault: Fault, interrupted?: InterruptedDelivery): void
  /** Delivers again what an `exception` trap has interrupted. */
  resume(interrupted: InterruptedDelivery): void
  /** Acknowledges the machine's own interrupt that is asked for, and delivers it through the IDT in IDTR. */
  takeInterrupt(): void
  /** The machine's interrupt controller asks for attention. */
  readonly interruptPending: boolean
  /** Instructions retired. */
  readonly retired: number
  /** Everything that a program can tell of the processor, to be put back later. */
  saveContext(): Uint8Array
  /** Puts back what saveContext() answered; all translations are dropped. */
  loadContext(context: Uint8Array): void
  /** Nanoseconds that the time-stamp counter is behind virtual time. */
  counterLag: number
}

/** RAM of the machine: the guests' and the hypervisor's own. */
export interface MachineMemory {
  /** End of RAM in bytes. */
  readonly bytes: number
  /** Whether an address is RAM: it may be device memory in the midst of it, or lie behind its end. */
  isRam(address: number): boolean
  /** All of it, to be read only: what is written has to be seen by engines that translate. */
  readonly ram: Uint8Array
  read32(address: number): number
  write32(address: number, value: number): void
  read(address: number, bytes: number): Uint8Array
  write(address: number, data: Uint8Array): void
  fill(address: number, bytes: number, value: number): void
  /** Bytes of `ram` were written past these methods: what was translated from them is forgotten. */
  changed(address: number, bytes: number): void
}

/** The memory that a boot loader sees. */
export interface GuestMemory {
  /** Its end in bytes. */
  readonly size: number
  read(address: number, bytes: number): Uint8Array
  write(address: number, data: Uint8Array): void
}

/** Frames that nobody has yet. */
export interface Frames {
  readonly free: number
  /** `count` adjacent frames, the lowest that are free; the number of the first, or undefined when there are none. */
  allocate(count?: number): number | undefined
  release(frame: number, count?: number): void
}

export interface HostClock {
  /** Virtual time in nanoseconds. */
  readonly now: number
  /** An `alarm` trap at this time, in the place of the one set before; undefined: none. */
  setAlarm(at: number | undefined): void
}

export interface HostConsole {
  write(byte: number): void
  /** Receives what somebody types; the machine's COM1 does until then. */
  onInput: ((bytes: Uint8Array) => void) | undefined
}

/** What a hypervisor has done for its guests beside being entered. */
export interface HypervisorWork {
  /** Events that were delivered to a guest's handler. */
  upcalls: number
  /** Entries of page tables that guests have asked to be written, and in how many entries into the hypervisor. */
  pageTableUpdates: number
  pageTableBatches: number
  /** Whole page tables validated, or let go of with what they map. */
  pageTablesWalked: number
}

/** What stands behind the devices of one guest. */
export interface GuestEnds {
  readonly console: HostConsole
  /** What the hypervisor says on a console of its own; the command line shows it on standard error. */
  readonly log: { write(byte: number): void }
  readonly block: BlockStorage | undefined
  readonly net: PacketLine | undefined
}

/** Beside what all share, the ends of the first guest. */
export interface Host extends GuestEnds {
  readonly vcpu: Vcpu
  readonly memory: MachineMemory
  /** Frames behind the guest memory that the machine was made with; see `guestMemory`. */
  readonly frames: Frames
  /** RAM that loaders and the machine's own chips know of, from address 0. */
  readonly guestMemory: GuestMemory
  readonly clock: HostClock
  /** The ends of a guest, by its place in the list that boot() is given. */
  endsOf(guest: number): GuestEnds
  /** From now on the processor is this guest's, and what is counted goes to it; at first it is the first guest's. */
  assign(guest: number): void
  /** A guest has ended while the others go on; the last one's end ends the run. */
  ended(guest: number, result: RunResult): void
  /** Counts an entry. */
  count(kind: string): void
  /** Counts an entry that is no guest's, as when turns change. */
  countOwn(kind: string): void
  /** Counts a call by name. */
  countHypercall(name: string): void
  /** Counts what else is done for guests; to be added to. */
  readonly work: HypervisorWork
}
