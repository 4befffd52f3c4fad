// Xen's 32-bit PAE interface for paravirtual guests: the hypervisor on its machine. It owns ring 0: descriptor tables and
// the table of page-directory pointers lie in its own frames, every gate and exception comes to it, and it goes back to
// the guest by setting the processor. Any number of domains share the processor (schedule/) and nothing else.

import type { GuestImage, Host, Hypervisor, HypervisorKind, Resume, SavedValue, Trap } from '../hypervisor.js'
import { buildDomain } from './build/domain-builder.js'
import { readKernel } from './build/kernel.js'
import { Processor, SYSTEM_CALL } from './cpu/processor.js'
import { TrapHandler } from './cpu/trap-handler.js'
import type { TrapEntry } from './cpu/trap-table.js'
import { Domain } from './domain.js'
import { writeTime, writeWallClock } from './events/timers.js'
import type { HypercallContext } from './hypercalls.js'
import { HYPERVISOR_START } from './layout.js'
import type { Roots } from './memory/audit.js'
import { ALLOCATED, FrameTable, LENT, WRITABLE } from './memory/frame-table.js'
import { HypervisorArea } from './memory/hypervisor-area.js'
import { clearFrame, type MachineMemory } from './memory/machine-memory.js'
import { MachineToPhysical } from './memory/machine-to-physical.js'
import type { MemoryRange } from './memory/memory-op.js'
import { PageTypes } from './memory/page-types.js'
import { type Profile, profiles } from './profile.js'
import { DomainClock } from './schedule/domain-clock.js'
import { Guest } from './schedule/guest.js'
import { Scheduler } from './schedule/scheduler.js'
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

/** What a domain is made of beside what is built in it. */
interface Made {
  readonly id: number
  readonly maximumFrames: number
  readonly sharedFrame: number
}

/** Xen on a machine. */
export class Xen implements Hypervisor {
  readonly path = 'xen'
  readonly profile: string
  readonly reserved = [{ name: 'Xen', first: HYPERVISOR_START, last: 0xffffffff }]
  private readonly flavour: Profile
  readonly memory: MachineMemory
  readonly frames: FrameTable
  readonly guests: Guest[] = []
  private readonly types: PageTypes
  private readonly table: MachineToPhysical
  readonly scheduler: Scheduler
  private readonly areas = new Map<number, HypervisorArea>()
  private ownNext = OWN_FIRST

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
    this.types = new PageTypes(this.memory, this.frames, {
      flush: () => vcpu.flush(),
      fillHypervisorSlots: directory => this.areas.get(this.frames.owner[directory]!)!.fill(directory),
      mayMapIo: domain => domain === CONTROL_DOMAIN,
      tableWalked: () => {
        host.work.pageTablesWalked++
      },
    })
    this.scheduler = new Scheduler(host)
  }
  private ownFrame(): number {
    const frame = this.ownNext++
    clearFrame(this.memory, frame)
    return frame
  }

  /** The first domain. */
  get domain(): Domain | undefined {
    return this.guests[0]?.domain
  }
  /** What all domains hold, for a check of all. */
  get roots(): Roots {
    const all = this.guests.map(({ domain }) => domain.roots)
    return {
      bases: all.flatMap(({ bases }) => bases),
      descriptorFrames: all.flatMap(({ descriptorFrames }) => descriptorFrames),
      lent: all.flatMap(({ lent }) => lent),
      granted: all.flatMap(({ granted }) => granted ?? []),
    }
  }

  boot(guests: readonly GuestImage[]) {
    for (const guest of guests) this.build(guest)
    Processor.attach(this.host.vcpu)
    this.scheduler.begin(this.guests)
  }
  private build(image: GuestImage) {
    const { elf, notes } = readKernel(image)
    const { privileged, modules, commandLine } = image
    const pages = image.memoryBytes / PAGE
    const id = privileged
      ? CONTROL_DOMAIN
      : FIRST_DOMAIN + this.guests.filter(({ domain }) => !domain.privileged).length
    this.host.assign(this.guests.length)
    const guest = this.make({ id, maximumFrames: pages, sharedFrame: this.lendFrame(id) }, image.name)
    const { domain, services, processor } = guest
    const parts = { elf, notes, module: modules[0], commandLine, pages }
    const built = buildDomain(domain, parts, () => services.openPorts())
    services.connect(built, pages)
    processor.start(built.entry, built.stack, built.startInfo)
    const { now } = guest.clock
    writeTime(domain.shared, now, now)
    writeWallClock(domain.shared, WALL_CLOCK, 0)
    domain.shared.upcallMask = 1
    guest.context = this.host.vcpu.saveContext()
  }

  /** A frame that the hypervisor shares with a new domain. */
  private lendFrame(id: number): number {
    const { memory, frames, types } = this
    const frame = frames.allocate(id)
    clearFrame(memory, frame)
    types.getType(frame, WRITABLE)
    frames.flags[frame] = (frames.flags[frame]! & ~ALLOCATED) | LENT
    return frame
  }
  private make({ id, maximumFrames, sharedFrame }: Made, name: string): Guest {
    const { memory, frames, types, table, host } = this
    const area = new HypervisorArea(memory, table, {
      table: this.ownFrame(),
      empty: this.ownFrame(),
      descriptors: this.ownFrame(),
      idt: this.ownFrame(),
      tss: this.ownFrame(),
    })
    this.areas.set(id, area)
    const processor = new Processor(host.vcpu, memory, frames, area, this.ownFrame() * PAGE)
    const clock = new DomainClock(() => host.clock.now)
    const stirred = () => this.scheduler.stir(guest)
    const domain = new Domain({
      id,
      privileged: id === CONTROL_DOMAIN,
      memory,
      frames,
      types,
      area,
      machineToPhysical: table,
      translations: processor,
      pointers: processor.pointers,
      sharedFrame,
      maximumFrames,
      now: () => clock.now,
      channelsOf: other =>
        this.guests.find(each => each.domain.id === other && each.phase !== 'ended')?.domain.channels,
      stirred,
    })
    processor.domain = domain
    const services = new Services(domain, host.endsOf(this.guests.length), name, stirred)
    const handler = this.makeHandler(domain, processor, services, clock)
    const guest = new Guest(domain, processor, handler, services, clock, maximumFrames)
    this.guests.push(guest)
    return guest
  }

  private makeHandler(domain: Domain, processor: Processor, { console }: Services, clock: DomainClock): TrapHandler {
    const { host, flavour, frames } = this
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
      now: () => clock.now,
      stackChanged: () => processor.setKernelStack(domain.kernelStack),
      trapsChanged: () => {
        if (flavour.directSystemCalls) processor.setGates(this.directEntry(domain))
      },
      count: name => host.countHypercall(name),
      iret: () => handler.iret(),
      pageTableUpdate: () => {
        host.work.pageTableUpdates++
      },
    }
    const handler = new TrapHandler(host.vcpu, domain, processor, context, kind => host.count(kind), host.work)
    return handler
  }

  handle(trap: Trap): Resume {
    return this.scheduler.handle(trap)
  }
  show(guest: number) {
    this.scheduler.load(this.guests[guest]!)
  }

  save(): SavedValue {
    const guests = this.guests.map(guest => {
      const { domain, services } = guest
      const { id, maximumFrames, shared } = domain
      const made: Made = { id, maximumFrames, sharedFrame: shared.address / PAGE }
      return { made, domain: domain.save(), services: services.save(), guest: guest.save() }
    })
    return { guests, frames: this.frames.save(), scheduler: this.scheduler.save() } as unknown as SavedValue
  }
  restore(state: SavedValue) {
    const saved = state as unknown as SavedXen
    this.frames.restore(saved.frames)
    this.guests.length = 0
    this.ownNext = OWN_FIRST
    const ownMemory = this.memory.u8.slice(OWN_FIRST * PAGE, TABLE_ADDRESS)
    for (const each of saved.guests) {
      const guest = this.make(each.made, '')
      const { domain, services, processor } = guest
      services.restore(each.services)
      domain.restore(each.domain, port => services.listenerOf(port))
      guest.restore(each.guest)
      processor.setGates(this.directEntry(domain))
    }
    this.memory.u8.set(ownMemory, OWN_FIRST * PAGE)
    Processor.attach(this.host.vcpu)
    this.scheduler.restore(this.guests, saved.scheduler)
    this.guests[saved.scheduler.loaded]!.processor.takeOver()
  }
  /** The guest's own gate for system calls, where the flavour lets it have one. */
  private directEntry({ traps }: Domain): TrapEntry | undefined {
    const entry = this.flavour.directSystemCalls ? traps.at(SYSTEM_CALL) : undefined
    return entry && entry.dpl === 3 && !entry.masks ? entry : undefined
  }
}

/** What save() answers. */
interface SavedXen {
  readonly guests: readonly {
    readonly made: Made
    readonly domain: ReturnType<Domain['save']>
    readonly services: SavedServices
    readonly guest: ReturnType<Guest['save']>
  }[]
  readonly frames: readonly Uint8Array[]
  readonly scheduler: ReturnType<Scheduler['save']>
}

export const xen: HypervisorKind = {
  path: 'xen',
  profiles: profiles.map(({ name }) => name),
  hostsSeveral: true,
  reserveBytes: () => RESERVE_BYTES,
  make: (host, profile) => new Xen(host, profile),
}
