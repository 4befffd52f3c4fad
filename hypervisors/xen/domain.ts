// A domain: its memory, what its one virtual CPU has registered, its event channels, grants and timers. The state that the
// hypercalls in the other files work on.

import { STATUS_AT_START } from './cpu/debug-registers.js'
import type { Entry } from './cpu/trap-table.js'
import { type Callbacks, TrapTable } from './cpu/trap-table.js'
import { EventChannels, type Listener, VIRQ_TIMER } from './events/channels.js'
import { FifoEvents } from './events/fifo.js'
import { RunStates } from './events/run-states.js'
import { SharedInfo } from './events/shared-info.js'
import { Timers } from './events/timers.js'
import { GrantTable } from './grants/grant-table.js'
import { HYPERVISOR_START, RING1_DATA } from './layout.js'
import type { Roots } from './memory/audit.js'
import type { MemoryContext, TranslationCache } from './memory/context.js'
import type { FrameTable } from './memory/frame-table.js'
import { GuestMemory } from './memory/guest-memory.js'
import type { HypervisorArea } from './memory/hypervisor-area.js'
import type { MachineMemory } from './memory/machine-memory.js'
import type { MachineToPhysical } from './memory/machine-to-physical.js'
import type { PageTypes } from './memory/page-types.js'
import { EXTENDED_CR3 } from './vm-assist.js'

/** vm_assist: the I/O privilege is in EFLAGS, as on bare hardware. */
const ARCHITECTURAL_IOPL = 1 << 4

/** The reason of a domain's end when it has let a watchdog run out. */
const WATCHDOG_REASON = 4

/** What a virtual CPU waits for. */
export type Waiting = 'nothing' | 'event' | { readonly ports: readonly number[] }

/** What a domain is made of. */
export interface DomainParts {
  readonly id: number
  readonly privileged: boolean
  readonly memory: MachineMemory
  readonly frames: FrameTable
  readonly types: PageTypes
  readonly area: HypervisorArea
  readonly machineToPhysical: MachineToPhysical
  readonly translations: TranslationCache
  /** Machine address of the four page-directory pointers in force. */
  readonly pointers: number
  readonly sharedFrame: number
  /** Frames that it may have. */
  readonly maximumFrames: number
  readonly now: () => number
  /** The event channels of another domain. */
  readonly channelsOf: (domain: number) => EventChannels | undefined
  /** Another domain has raised an event of this one. */
  readonly stirred: () => void
}

type SavedDomain = ReturnType<Domain['save']>

export class Domain implements MemoryContext {
  readonly id: number
  readonly privileged: boolean
  readonly memory: MachineMemory
  readonly frames: FrameTable
  readonly types: PageTypes
  readonly machineToPhysical: MachineToPhysical
  readonly translations: TranslationCache
  readonly guest: GuestMemory
  readonly shared: SharedInfo
  readonly channels: EventChannels
  readonly grants: GrantTable
  readonly timers: Timers
  readonly runStates = new RunStates()
  readonly maximumFrames: number

  // Memory.
  base = -1
  gdtFrames: readonly number[] = []
  ldt = { base: 0, entries: 0 }
  /** Frames of mapped pages of the local descriptor table, by page. */
  readonly ldtFrames = new Map<number, number>()

  // The virtual CPU.
  readonly traps = new TrapTable()
  readonly callbacks: Callbacks = {
    event: undefined,
    failsafe: undefined,
    sysenter: undefined,
    syscall32: undefined,
  }
  kernelStack = { selector: RING1_DATA, esp: 0 }
  iopl = 0
  /** The guest's map of ports that its user mode may use. */
  ioBitmap = { address: 0, ports: 0 }
  assists = EXTENDED_CR3
  /** Bits of CR4 that it has set itself. */
  cr4 = 0
  waiting: Waiting = 'nothing'
  /** Called while it waits, before that is believed. */
  onWait: () => void = () => {}
  /** Others may have the processor first. */
  yields = false
  debugRegisters = [0, 0, 0, 0, 0, 0, STATUS_AT_START, 0x400]
  /** Registers behind ports that every domain may read back. */
  readonly latches = { pciAddress: 0, clockIndex: 0 }
  /** A non-maskable interrupt that it has sent to itself, and that one is being handled. */
  readonly nmi = { pending: false, handled: false }
  /** The guest's own frame with vcpu_info, once it has one. */
  vcpuInfoFrame = -1
  shutdownCode: number | undefined
  /** The reason that it has given before it ends, which then counts. */
  reportedCode: number | undefined

  private readonly area: HypervisorArea

  constructor(parts: DomainParts) {
    this.id = parts.id
    this.privileged = parts.privileged
    this.memory = parts.memory
    this.frames = parts.frames
    this.types = parts.types
    this.area = parts.area
    this.machineToPhysical = parts.machineToPhysical
    this.translations = parts.translations
    this.maximumFrames = parts.maximumFrames
    this.guest = new GuestMemory(parts.memory, () => parts.pointers, HYPERVISOR_START)
    this.shared = new SharedInfo(parts.memory, parts.sharedFrame * 4096)
    const others = { channelsOf: parts.channelsOf, stirred: parts.stirred }
    this.channels = new EventChannels(parts.id, this.shared, port => this.portRaised(port), others)
    this.grants = new GrantTable(parts.memory)
    this.timers = new Timers(
      parts.now,
      () => this.channels.raiseVirq(VIRQ_TIMER),
      () => {
        this.shutdownCode ??= this.reportedCode ?? WATCHDOG_REASON
      },
    )
  }

  leaveQueues() {
    const frames = this.shared.fifo?.frames ?? []
    this.shared.fifo = undefined
    for (const frame of frames) this.types.putPageAndType(frame)
  }

  get mayBindPirqs(): boolean {
    return this.privileged
  }

  /** True when code at this level has the I/O privilege; a kernel that asked for the architecture's rules is at ring 0. */
  mayUsePorts(cpl: number): boolean {
    const level = cpl === 1 && this.hasArchitecturalIopl ? 0 : cpl
    return this.iopl >= level
  }
  get hasArchitecturalIopl(): boolean {
    return (this.assists & ARCHITECTURAL_IOPL) !== 0
  }

  private portRaised(port: number) {
    if (typeof this.waiting === 'object' && this.waiting.ports.includes(port)) this.wake()
  }
  /** Ends a wait. */
  wake() {
    this.waiting = 'nothing'
    this.timers.poll = undefined
  }
  /** An upcall is to be delivered. */
  get upcallDue(): boolean {
    return this.shared.upcallPending && this.shared.upcallMask === 0
  }

  gdtChanged() {
    this.area.showGdt(this.gdtFrames)
    this.translations.gdtChanged()
  }
  forgetLdt() {
    for (const frame of this.ldtFrames.values()) this.types.putPageAndType(frame)
    if (this.ldtFrames.size > 0) this.translations.flush()
    this.ldtFrames.clear()
    this.area.hideLdt()
  }
  /** Maps a page of the local descriptor table. */
  mapLdtPage(page: number, frame: number) {
    this.ldtFrames.set(page, frame)
    this.area.showLdtPage(page, frame)
  }

  /** Uses of frames that stand in no page table, for a check of all. */
  get roots(): Roots {
    const { grants, shared } = this
    const queues = shared.fifo?.frames ?? []
    const lent = [shared.address / 4096, ...grants.frames, ...grants.statusFrames, ...queues]
    return {
      bases: [this.base],
      descriptorFrames: [...this.gdtFrames, ...this.ldtFrames.values()],
      lent: this.vcpuInfoFrame < 0 ? lent : [...lent, this.vcpuInfoFrame],
      granted: grants.mapped.filter(({ device }) => device),
    }
  }

  save() {
    const {
      base,
      ldt,
      kernelStack,
      iopl,
      ioBitmap,
      assists,
      cr4,
      waiting,
      vcpuInfoFrame,
      shutdownCode,
      reportedCode,
      nmi,
    } = this
    const callbacks = Object.entries(this.callbacks).map(([name, entry]) => [name, entry ? { ...entry } : null])
    return {
      numbers: [base, iopl, assists, cr4, vcpuInfoFrame, shutdownCode ?? -1, reportedCode ?? -1, this.shared.vcpuInfo],
      nmi: { ...nmi },
      latches: { ...this.latches },
      ldt: { ...ldt },
      ldtFrames: [...this.ldtFrames].map(pair => [...pair]),
      gdtFrames: [...this.gdtFrames],
      kernelStack: { ...kernelStack },
      ioBitmap: { ...ioBitmap },
      debugRegisters: [...this.debugRegisters],
      waiting: typeof waiting === 'string' ? waiting : [...waiting.ports],
      traps: this.traps.all().map(([vector, entry]) => ({ vector, ...entry })),
      callbacks,
      channels: this.channels.save(),
      grants: this.grants.save(),
      timers: this.timers.save(),
      runStates: this.runStates.save(),
      fifo: this.shared.fifo?.save() ?? null,
    }
  }
  /** @param listenerOf the hypervisor's end of a port */
  restore(saved: SavedDomain, listenerOf: (port: number) => Listener | undefined) {
    const [base, iopl, assists, cr4, vcpuInfoFrame, shutdownCode, reportedCode, vcpuInfo] = saved.numbers
    this.base = base!
    this.iopl = iopl!
    this.assists = assists!
    this.cr4 = cr4!
    this.vcpuInfoFrame = vcpuInfoFrame!
    Object.assign(this.nmi, saved.nmi)
    Object.assign(this.latches, saved.latches)
    this.shutdownCode = shutdownCode! < 0 ? undefined : shutdownCode!
    this.reportedCode = reportedCode! < 0 ? undefined : reportedCode!
    this.shared.vcpuInfo = vcpuInfo!
    this.ldt = saved.ldt
    this.ldtFrames.clear()
    for (const [page, frame] of saved.ldtFrames) this.ldtFrames.set(page!, frame!)
    this.gdtFrames = saved.gdtFrames
    this.kernelStack = saved.kernelStack
    this.ioBitmap = saved.ioBitmap
    this.debugRegisters = saved.debugRegisters
    this.waiting = typeof saved.waiting === 'string' ? saved.waiting : { ports: saved.waiting }
    this.traps.replace(saved.traps.map(({ vector, ...entry }) => [vector, entry]))
    for (const [name, entry] of saved.callbacks)
      this.callbacks[name as keyof Callbacks] = (entry as Entry | null) ?? undefined
    this.channels.restore(saved.channels, listenerOf)
    this.grants.restore(saved.grants)
    this.timers.restore(saved.timers)
    this.runStates.restore(saved.runStates)
    this.shared.fifo = saved.fifo === null ? undefined : FifoEvents.restored(this.memory, saved.fifo)
  }
}
