// Xen's 32-bit PAE interface for paravirtual guests: the hypervisor on its machine. It owns ring 0: descriptor tables and
// the table of page-directory pointers lie in its own frames, every gate and exception comes to it, and it goes back to
// the guest by setting the processor. One domain at a time.

import type { GuestImage, Host, Hypervisor, HypervisorKind, Resume, SavedValue, Trap } from '../hypervisor.js'
import { buildDomain } from './build/domain-builder.js'
import { readKernel } from './build/kernel.js'
import { HypervisorConsole } from './console/console-io.js'
import { ConsoleRing } from './console/ring.js'
import { Processor } from './cpu/processor.js'
import { TrapHandler } from './cpu/trap-handler.js'
import { Domain } from './domain.js'
import { VIRQ_CONSOLE } from './events/channels.js'
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
import { initialTree } from './store/initial-tree.js'
import { StoreRing } from './store/ring.js'
import { type StoreMessage, StoreServer } from './store/server.js'

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
    })
  }
  private ownFrame(): number {
    const frame = this.ownNext++
    clearFrame(this.memory, frame)
    return frame
  }

  boot([guest]: readonly GuestImage[]) {
    const { elf, notes } = readKernel(guest!)
    const domain = this.makeDomain(guest!)
    const pages = guest!.memoryBytes / PAGE
    const image = { elf, notes, module: guest!.modules[0], commandLine: guest!.commandLine, pages }
    const { host, processor } = this
    let ring: ConsoleRing | undefined
    let store: StoreRing | undefined
    let serve: (message: StoreMessage) => void = () => {}
    const ports = { store: 0, console: 0 }
    const built = buildDomain(domain, image, () => {
      const { channels } = domain
      ports.store = channels.connect(CONTROL_DOMAIN, () => {
        for (const message of store!.take()) serve(message)
        store!.flush()
      })
      ports.console = channels.connect(CONTROL_DOMAIN, () => ring!.notified())
      return ports
    })
    const screen = (byte: number) => host.console.write(byte)
    const log = (byte: number) => host.log.write(byte)
    const console = new HypervisorConsole(domain.privileged ? screen : log, domain.privileged)
    if (!domain.privileged) {
      const { storeFrame, consoleFrame } = built
      ring = new ConsoleRing(this.memory, consoleFrame * PAGE, screen, () => domain.channels.raise(ports.console))
      store = new StoreRing(this.memory, storeFrame * PAGE, () => domain.channels.raise(ports.store))
      const facts = { storeFrame, consoleFrame, storePort: ports.store, consolePort: ports.console }
      const tree = initialTree({ domain: domain.id, name: 'guest', memoryKilobytes: pages * 4, ...facts })
      const server = new StoreServer(tree, domain.id, message => store!.put(message))
      serve = message => server.request(message)
    }
    host.console.onInput = bytes => {
      if (ring) ring.input(bytes)
      else {
        console.input(bytes)
        domain.channels.raiseVirq(VIRQ_CONSOLE)
      }
      this.setAlarm(host.clock.now)
    }
    this.handler = this.makeHandler(domain, console)
    processor.start(built.entry, built.stack, built.startInfo)
    writeTime(domain.shared, host.clock.now, host.clock.now)
    writeWallClock(domain.shared, WALL_CLOCK, 0)
    domain.shared.upcallMask = 1
    this.setAlarm(domain.timers.next)
  }

  private makeDomain({ privileged, memoryBytes }: GuestImage): Domain {
    const { memory, frames, types, area, table, processor, host } = this
    const sharedFrame = frames.allocate(privileged ? CONTROL_DOMAIN : FIRST_DOMAIN)
    clearFrame(memory, sharedFrame)
    types.getType(sharedFrame, WRITABLE)
    frames.flags[sharedFrame] = (frames.flags[sharedFrame]! & ~ALLOCATED) | LENT
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
      maximumFrames: memoryBytes / PAGE,
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
        if (!flavour.directSystemCalls) return
        const entry = domain.traps.at(0x80)
        processor.setGates(entry && entry.dpl === 3 && !entry.masks ? entry : undefined)
      },
      count: name => host.countHypercall(name),
    }
    return new TrapHandler(
      host.vcpu,
      domain,
      processor,
      context,
      at => this.setAlarm(at),
      kind => host.count(kind),
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
    throw new Error('a guest on xen cannot be saved in this version')
  }
  restore() {
    throw new Error('a guest on xen cannot be restored in this version')
  }
}

export const xen: HypervisorKind = {
  path: 'xen',
  profiles: profiles.map(({ name }) => name),
  reserveBytes: () => RESERVE_BYTES,
  make: (host, profile) => new Xen(host, profile),
}
