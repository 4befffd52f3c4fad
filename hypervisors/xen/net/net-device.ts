// A virtual network interface (`vif`) of a domain, the driver in the control domain: what xenstore says of it, and its rings
// once the front end has published them (xen/include/public/io/netif.h). The driver looks at the rings by itself while there
// is traffic, now and then and whenever the domain waits, and asks for notifications when there is none: what is sent and
// received meanwhile costs the guest no hypercall, and many packets come with one event.

import type { PacketLine } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import type { Listener } from '../events/channels.js'
import type { DeviceModel } from '../xenbus/back-end.js'
import { NetRings } from './net-rings.js'

const CONTROL_DOMAIN = 0
/** While there is traffic the rings are looked at so often. */
const POLL_NANOSECONDS = 2_000_000

/** What the front end has published. */
type Connection = { send: number; receive: number; port: number }

export class NetDevice implements DeviceModel {
  readonly kind = 'vif'
  readonly number = 0
  readonly connectsInitialised = false
  readonly frontNodes: Readonly<Record<string, string | number>>
  readonly backNodes: Readonly<Record<string, string | number>>
  private connection: Connection | undefined
  private rings: NetRings | undefined
  private serving = false

  /** @param enter makes the hypervisor look at the domain soon, after packets have come by themselves */
  constructor(
    private readonly domain: Domain,
    private readonly wire: PacketLine,
    enter: () => void,
  ) {
    const mac = Array.from(wire.station, byte => byte.toString(16).padStart(2, '0')).join(':')
    this.frontNodes = { handle: 0, mac }
    this.backNodes = {
      handle: 0,
      mac,
      type: 'vif',
      script: '/etc/xen/scripts/vif-bridge',
      bridge: 'xenbr0',
      'feature-rx-copy': 1,
      'feature-rx-flip': 0,
      'feature-sg': 0,
      'feature-gso-tcpv4': 0,
      'feature-split-event-channels': 0,
      'hotplug-status': 'connected',
    }
    wire.onInput = () => {
      if (this.serving || !this.rings) return
      this.rings.deliver()
      enter()
    }
    domain.timers.onDevices = () => this.serve(true)
    domain.onWait = () => this.serve(false)
  }

  connect(read: (name: string) => string | undefined) {
    const [send, receive, port] = ['tx-ring-ref', 'rx-ring-ref', 'event-channel'].map(name => numberOf(read(name)))
    if (send === undefined || receive === undefined || port === undefined) return undefined
    if (read('request-rx-copy') !== '1') return undefined
    if (!this.domain.channels.attach(port, CONTROL_DOMAIN, this.listener)) return undefined
    this.open({ send, receive, port })
    this.serve(true)
    return {}
  }
  disconnect() {
    if (this.connection) this.domain.channels.detach(this.connection.port)
    this.connection = undefined
    this.rings = undefined
    this.domain.timers.devices = undefined
  }
  private open(connection: Connection) {
    const { domain, wire } = this
    this.connection = connection
    this.rings = new NetRings(domain, wire, connection, () => domain.channels.raise(connection.port))
  }
  private readonly listener: Listener = () => this.serve(false)

  /** @param isPoll a time without traffic ends the looking */
  private serve(isPoll: boolean) {
    const { rings, domain } = this
    if (!rings) return
    this.serving = true
    const count = rings.takeSent()
    rings.deliver()
    this.serving = false
    if (!rings.usable) this.rings = undefined
    else if (count > 0) domain.timers.devices ??= domain.timers.now() + POLL_NANOSECONDS
    else if (isPoll && !rings.askForNotification()) this.serve(true)
  }

  /** Listens at a port of this device's; undefined for any other. */
  listenerOf(port: number): Listener | undefined {
    return port === this.connection?.port ? this.listener : undefined
  }
  save() {
    const { connection, rings } = this
    return connection ? { ...connection, rings: rings?.save() ?? null } : null
  }
  restore(saved: ReturnType<NetDevice['save']>) {
    this.disconnect()
    if (!saved) return
    const { rings, ...connection } = saved
    this.open(connection)
    if (rings) this.rings!.restore(rings)
    else this.rings = undefined
  }
}

/** A whole number of 32 bits as a node has it. */
function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) >>> 0 : undefined
}
