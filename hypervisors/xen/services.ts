// What serves a domain from beyond its edge: the two ends of its console and of xenstore, and the hypervisor's own console.
// An unprivileged domain has rings; the control domain reads and writes the hypervisor's console.

import type { GuestEnds } from '../hypervisor.js'
import { BlockDevice } from './block/block-device.js'
import { HypervisorConsole } from './console/console-io.js'
import { ConsoleRing } from './console/ring.js'
import type { Domain } from './domain.js'
import { type Listener, VIRQ_CONSOLE } from './events/channels.js'
import { NetDevice } from './net/net-device.js'
import { initialTree } from './store/initial-tree.js'
import { StoreRing } from './store/ring.js'
import { StoreServer } from './store/server.js'
import { StoreTree } from './store/tree.js'
import { DeviceBackEnd } from './xenbus/back-end.js'

const CONTROL_DOMAIN = 0
const PAGE = 4096
const PAGE_KILOBYTES = 4

/** Frames of the shared pages. */
interface SharedPages {
  readonly storeFrame: number
  readonly consoleFrame: number
}

export type SavedServices = ReturnType<Services['save']>

export class Services {
  readonly console: HypervisorConsole
  private ports = { store: 0, console: 0 }
  private pages: SharedPages = { storeFrame: 0, consoleFrame: 0 }
  private ring: ConsoleRing | undefined
  private store: StoreRing | undefined
  private server: StoreServer | undefined
  private readonly disk: BlockDevice | undefined
  private readonly net: NetDevice | undefined
  /** The devices as xenstore shows them. */
  private readonly devices: readonly DeviceBackEnd[]

  /**
   * @param ends what stands behind its devices
   * @param name the domain's name in the store
   * @param enter makes the hypervisor look at the domain soon, after input
   */
  constructor(
    private readonly domain: Domain,
    private readonly ends: GuestEnds,
    private readonly name: string,
    enter: () => void,
  ) {
    const { privileged, channels } = domain
    this.disk = ends.block && !privileged ? new BlockDevice(domain, ends.block) : undefined
    this.net = ends.net && !privileged ? new NetDevice(domain, ends.net, enter) : undefined
    this.devices = [this.disk, this.net].flatMap(model => (model ? new DeviceBackEnd(domain.id, model) : []))
    const output = privileged ? ends.console : ends.log
    this.console = new HypervisorConsole(byte => output.write(byte), privileged)
    ends.console.onInput = bytes => {
      if (this.ring) this.ring.input(bytes)
      else {
        this.console.input(bytes)
        channels.raiseVirq(VIRQ_CONSOLE)
      }
      enter()
    }
  }

  /** Makes the domain's ports for store and console. */
  openPorts(): { store: number; console: number } {
    const { channels } = this.domain
    this.ports.store = channels.connect(CONTROL_DOMAIN, () => this.serveStore())
    this.ports.console = channels.connect(CONTROL_DOMAIN, () => this.ring!.notified())
    return this.ports
  }
  /** The hypervisor's end of a port. */
  listenerOf(port: number): Listener | undefined {
    if (port === this.ports.store) return () => this.serveStore()
    if (port === this.ports.console) return () => this.ring!.notified()
    return this.disk?.listenerOf(port) ?? this.net?.listenerOf(port)
  }
  private serveStore() {
    for (const message of this.store!.take()) this.server!.request(message)
    this.store!.flush()
  }

  /** Attaches to the shared pages of a new domain. */
  connect(pages: SharedPages, frames: number) {
    const { domain, ports } = this
    if (domain.privileged) return
    const facts = { ...pages, storePort: ports.store, consolePort: ports.console }
    const tree = initialTree({
      domain: domain.id,
      name: this.name,
      memoryKilobytes: frames * PAGE_KILOBYTES,
      ...facts,
    })
    for (const device of this.devices) device.publish(tree)
    this.attach(pages, tree)
  }
  private attach(pages: SharedPages, tree: StoreTree) {
    const { domain, ends, ports } = this
    const { memory, channels } = domain
    this.pages = { storeFrame: pages.storeFrame, consoleFrame: pages.consoleFrame }
    this.ring = new ConsoleRing(
      memory,
      pages.consoleFrame * PAGE,
      byte => ends.console.write(byte),
      () => channels.raise(ports.console),
    )
    this.store = new StoreRing(memory, pages.storeFrame * PAGE, () => channels.raise(ports.store))
    const server = new StoreServer(tree, domain.id, message => this.store!.put(message))
    server.onWritten = path => {
      for (const device of this.devices) device.changed(server, path)
    }
    this.server = server
  }

  save() {
    const { console, ports, pages, ring, store, server } = this
    const rings = ring && store && server && { ring: ring.save(), store: store.save(), server: server.save() }
    const devices = { disk: this.disk?.save() ?? null, net: this.net?.save() ?? null }
    return { console: console.save(), ports: { ...ports }, pages: { ...pages }, rings: rings ?? null, devices }
  }
  restore(saved: SavedServices) {
    this.console.restore(saved.console)
    this.ports = { ...saved.ports }
    if (saved.rings === null) return
    this.attach(saved.pages, new StoreTree())
    this.ring!.restore(saved.rings.ring)
    this.store!.restore(saved.rings.store)
    this.server!.restore(saved.rings.server)
    this.disk?.restore(saved.devices.disk)
    this.net?.restore(saved.devices.net)
  }
}
