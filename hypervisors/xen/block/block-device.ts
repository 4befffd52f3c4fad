// A virtual block device (`vbd`) of a domain, the driver in the control domain: what xenstore says of it, and its ring once
// the front end has published one (xen/include/public/io/blkif.h).

import type { BlockStorage } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import type { Listener } from '../events/channels.js'
import type { DeviceModel } from '../xenbus/back-end.js'
import { BlockRing } from './block-ring.js'

/** xvda: major number 202, minor number 0. */
const FIRST_DISK = 202 << 8
const SECTOR_BYTES = 512
const CONTROL_DOMAIN = 0
const PROTOCOL = 'x86_32-abi'

/** The ring in use: what its front end has published. */
type Connection = { reference: number; port: number }

export class BlockDevice implements DeviceModel {
  readonly kind = 'vbd'
  readonly number = FIRST_DISK
  readonly frontNodes = { 'virtual-device': FIRST_DISK, 'device-type': 'disk', trusted: 1, protocol: PROTOCOL }
  readonly backNodes = {
    params: '/dev/disk',
    script: '/etc/xen/scripts/block',
    'hotplug-status': 'connected',
    dev: 'xvda',
    type: 'phy',
    mode: 'w',
    bootable: 1,
    removable: 0,
    'device-type': 'disk',
    'discard-enable': 1,
    specification: 'xen',
    'feature-flush-cache': 1,
    'feature-barrier': 1,
    'feature-persistent': 1,
  }
  readonly connectsInitialised = true
  private connection: Connection | undefined
  private ring: BlockRing | undefined

  constructor(
    private readonly domain: Domain,
    private readonly storage: BlockStorage,
  ) {}

  connect(read: (name: string) => string | undefined) {
    const reference = numberOf(read('ring-ref') ?? read('ring-ref0'))
    const port = numberOf(read('event-channel'))
    if (reference === undefined || port === undefined || (read('protocol') ?? PROTOCOL) !== PROTOCOL) return undefined
    if (Number(read('num-ring-pages') ?? 1) !== 1) return undefined
    if (!this.domain.channels.attach(port, CONTROL_DOMAIN, this.listener)) return undefined
    this.open({ reference, port })
    this.listener()
    return { sectors: this.storage.sectors, 'sector-size': SECTOR_BYTES, 'physical-sector-size': SECTOR_BYTES, info: 0 }
  }
  disconnect() {
    if (this.connection) this.domain.channels.detach(this.connection.port)
    this.connection = undefined
    this.ring = undefined
  }
  private open(connection: Connection) {
    const { domain, storage } = this
    this.connection = connection
    this.ring = new BlockRing(domain, storage, connection.reference, () => domain.channels.raise(connection.port))
  }
  private readonly listener: Listener = () => {
    if (this.ring?.serve() === false) this.ring = undefined
  }

  /** Listens at a port of this device's; undefined for any other. */
  listenerOf(port: number): Listener | undefined {
    return port === this.connection?.port ? this.listener : undefined
  }
  save() {
    const { connection, ring } = this
    return connection ? { ...connection, consumer: ring ? ring.save() : -1 } : null
  }
  restore(saved: ReturnType<BlockDevice['save']>) {
    this.disconnect()
    if (!saved) return
    const { consumer, ...connection } = saved
    this.open(connection)
    if (consumer < 0) this.ring = undefined
    else this.ring!.restore(consumer)
  }
}

/** A whole number of 32 bits as a node has it. */
function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) >>> 0 : undefined
}
