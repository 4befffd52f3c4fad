// Xen's 32-bit PAE interface for paravirtual guests: the hypervisor on its machine. It owns ring 0: descriptor tables and
// the table of page-directory pointers lie in its own frames, every gate and exception comes to it, and it goes back to
// the guest by setting the processor. One domain at a time.

import type { GuestImage, Host, Hypervisor, HypervisorKind, Resume, SavedValue, Trap } from '../hypervisor.js'
import { buildDomain } from './build/domain-builder.js'
import { readKernel } from './build/kernel.js'
import type { HypervisorConsole } from './console/console-io.js'
import { Processor, SYSTEM_CALL } from './cpu/processor.js'
import { TrapHandler } from './cpu/trap-handler.js'
import type { TrapEntry } from './cpu/trap-table.js'
import { Domain } from './domain.js'
import { writeTime, writeWallClock } from './events/timers.js'
import type { HypercallContext } from './hypercalls.js'
import { HYPERVISOR_START } from './layout.js'
import { ALLOCATED, FrameTable, LENT, WRITABLE } from './memory/frame-table.js'
import { HypervisorArea } from './memory/hypervisor-area.js'
import { clearFrame, type MachineMemory } from './memory/machine-memory.js'
import { MachineToPhysical } from './memory/machine-to-physical.js'
import type { MemoryRange } from './memory/memory-op.js'
import { PageTypes } from './memory/page-types.js'
import { type Profile, profiles } from './profile.js'
import { type SavedServices, Services } from './services.js'

const PAGE = 4096
/** Frames of the hypervisor's own: from 1 MiB on. */
const OWN_FIRST = 0x100
/** The table from machine to physical frames: one large page, enough for 2 GiB. */
const TABLE_ADDRESS = 0x200000
/** First frame that domains have. */
const DOMAINS_FIRST = 0x400
/** For what domains take beyond their memory: grant tables, frames in an exchange. */
const SPARE_BYTES = 4 << 20
const RESERVE_BYTES = DOMAINS_FIRST * PAGE + SPARE_BYTES
/** Time at boot, as the machine's clock chip has it: 2020-01-01. */
const WALL_CLOCK = 1_577_836_800
const CONTROL_DOMAIN = 0
const FIRST_DOMAIN = 1

/** Xen on a machine. */
export class Xen implements Hypervisor {
  readonly path = 'xen'
  readonly profile: string
  readonly reserved = [{ name: 'Xen', first: HYPERVISOR_START, last: 0xffffffff }]
  private readonly flavour: Profile
  readonly memory: MachineMemory
  readonly frames: FrameTable
  private readonly types: PageTypes
  private readonly area: HypervisorArea
  private readonly table: MachineToPhysical
  private readonly processor: Processor
  private ownNext = OWN_FIRST
  private handler: TrapHandler | undefined
  private services: Services | undefined
  /** The domain that boot() has built. */
  domain: Domain | undefined
  private alarm: number | undefined

  constructor(
    private readonly host: Host,
    profile: string | undefined,
  ) {
    this.flavour = profiles.find(({ name }) => name === profile) ?? profiles[0]!
    this.profile = this.flavour.name
    const { memory, vcpu } = host
    const { ram } = memory
    this.memory = {
      u8: ram,
      u32: new Uint32Array(ram.buffer, ram.byteOffset, memory.bytes >>> 2),
      changed: (address, bytes) => memory.changed(address, bytes),
    }
    this.frames = new FrameTable(memory.bytes / PAGE, DOMAINS_FIRST)
    this.table = new MachineToPhysical(this.memory, TABLE_ADDRESS, memory.bytes / PAGE)
    for (let frame = TABLE_ADDRESS / PAGE; frame < DOMAINS_FIRST; frame++) this.frames.flags[frame] = LENT
    this.area = new HypervisorArea(this.memory, this.table, {
      table: this.ownFrame(),
      empty: this.ownFrame(),
      descriptors: this.ownFrame(),
      idt: this.ownFrame(),
      tss: this.ownFrame(),
    })
    const pointers = this.ownFrame() * PAGE
    this.processor = new Processor(vcpu, this.memory, this.frames, this.area, pointers)
    this.types = new PageTypes(this.memory, this.frames, {
      flush: () => vcpu.flush(),
      fillHypervisorSlots: directory => this.area.fill(directory),
      mayMapIo: domain => domain === CONTROL_DOMAIN,
      tableWalked: () => {
        host.work.pageTablesWalked++
      },
    })
  }
  private ownFrame(): number {
    const frame = this.ownNext++
    clearFrame(this.memory, frame)
    return frame
  }

  boot([guest]: readonly GuestImage[]) {
    const { elf, notes } = readKernel(guest!)
    const pages = guest!.memoryBytes / PAGE
    const { privileged } = guest!
    const domain = this.makeDomain(privileged, pages, this.lendFrame(privileged))
    const image = { elf, notes, module: guest!.modules[0], commandLine: guest!.commandLine, pages }
    const services = new Services(domain, this.host, () => this.setAlarm(this.host.clock.now))
    const built = buildDomain(domain, image, () => services.openPorts())
    services.connect(built, pages)
    this.run(domain, services)
    this.processor.start(built.entry, built.stack, built.startInfo)
    const { now } = this.host.clock
    writeTime(domain.shared, now, now)
    writeWallClock(domain.shared, WALL_CLOCK, 0)
    domain.shared.upcallMask = 1
    this.setAlarm(domain.timers.next)
  }
  private run(domain: Domain, services: Services) {
    this.services = services
    this.handler = this.makeHandler(domain, services.console)
  }

  /** A frame that the hypervisor shares with a new domain. */
  private lendFrame(privileged: boolean): number {
    const { memory, frames, types } = this
    const frame = frames.allocate(privileged ? CONTROL_DOMAIN : FIRST_DOMAIN)
    clearFrame(memory, frame)
    types.getType(frame, WRITABLE)
    frames.flags[frame] = (frames.flags[frame]! & ~ALLOCATED) | LENT
    return frame
  }
  private makeDomain(privileged: boolean, maximumFrames: number, sharedFrame: number): Domain {
    const { memory, frames, types, area, table, processor, host } = this
    const domain = new Domain({
      id: privileged ? CONTROL_DOMAIN : FIRST_DOMAIN,
      privileged,
      memory,
      frames,
      types,
      area,
      machineToPhysical: table,
      translations: processor,
      pointers: processor.pointers,
      sharedFrame,
      maximumFrames,
      now: () => host.clock.now,
    })
    processor.domain = domain
    this.domain = domain
    return domain
  }

  private makeHandler(domain: Domain, console: HypervisorConsole): TrapHandler {
    const { host, processor, flavour, frames } = this
    const machineMap: MemoryRange[] = [
      { start: 0, bytes: 0xa0000, type: 1 },
      { start: 0xa0000, bytes: 0x60000, type: 2 },
      { start: 0x100000, bytes: frames.frames * PAGE - 0x100000, type: 1 },
    ]
    const context: HypercallContext = {
      vcpu: host.vcpu,
      domain,
      profile: flavour,
      console,
      machineMap,
      now: () => host.clock.now,
      stackChanged: () => processor.setKernelStack(domain.kernelStack),
      trapsChanged: () => {
        if (flavour.directSystemCalls) processor.setGates(this.directEntry(domain))
      },
      count: name => host.countHypercall(name),
      pageTableUpdate: () => {
        host.work.pageTableUpdates++
      },
    }
    return new TrapHandler(
      host.vcpu,
      domain,
      processor,
      context,
      at => this.setAlarm(at),
      kind => host.count(kind),
      host.work,
    )
  }
  private setAlarm(at: number | undefined) {
    if (at === this.alarm) return
    this.alarm = at
    this.host.clock.setAlarm(at)
  }

  handle(trap: Trap): Resume {
    if (trap.kind === 'alarm') this.alarm = undefined
    return this.handler!.handle(trap)
  }

  save(): SavedValue {
    const { domain, services, frames } = this
    const { privileged, maximumFrames, shared } = domain!
    return {
      domain: domain!.save(),
      services: services!.save(),
      frames: frames.save(),
      made: { privileged, maximumFrames, sharedFrame: shared.address / PAGE },
    }
  }
  restore(state: SavedValue) {
    const saved = state as unknown as SavedXen
    const { privileged, maximumFrames, sharedFrame } = saved.made
    this.frames.restore(saved.frames)
    const domain = this.makeDomain(privileged, maximumFrames, sharedFrame)
    const services = new Services(domain, this.host, () => this.setAlarm(this.host.clock.now))
    services.restore(saved.services)
    domain.restore(saved.domain, port => services.listenerOf(port))
    this.run(domain, services)
    this.processor.attach()
    this.processor.setGates(this.directEntry(domain))
    this.alarm = undefined
    this.setAlarm(domain.timers.next)
  }
  /** The guest's own gate for system calls, where the flavour lets it have one. */
  private directEntry({ traps }: Domain): TrapEntry | undefined {
    const entry = this.flavour.directSystemCalls ? traps.at(SYSTEM_CALL) : undefined
    return entry && entry.dpl === 3 && !entry.masks ? entry : undefined
  }
}

/** What save() answers. */
interface SavedXen {
  readonly domain: ReturnType<Domain['save']>
  readonly services: SavedServices
  readonly frames: readonly Uint8Array[]
  readonly made: { readonly privileged: boolean; readonly maximumFrames: number; readonly sharedFrame: number }
}

export const xen: HypervisorKind = {
  path: 'xen',
  profiles: profiles.map(({ name }) => name),
  reserveBytes: () => RESERVE_BYTES,
  make: (host, profile) => new Xen(host, profile),
}
