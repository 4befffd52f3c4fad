// Chips that a machine may have or not: IDE disk, NE2000, virtio, test device, and a local APIC where the CPU model shows one.

import { defaultGeometry } from '../devices/ata-address.js'
import type { BlockStorage } from '../devices/block-storage.js'
import { IdeAta } from '../devices/ide-ata.js'
import { LocalApic } from '../devices/local-apic.js'
import { Ne2000 } from '../devices/ne2000-dp8390.js'
import { PcTestdev } from '../devices/pc-testdev.js'
import { VirtioBlock } from '../devices/virtio-block.js'
import { VirtioConsole } from '../devices/virtio-console.js'
import { VirtioMmio, type VirtioModel } from '../devices/virtio-mmio.js'
import type { DmaMemory } from '../devices/virtqueue.js'
import type { Mapping } from './bus.js'
import type { Clock } from './clock.js'
import { type CharacterLine, Line, type PacketLine } from './line.js'
import type { Platform } from './platform.js'

const TEST_MEMORY = 0xff000000
const APIC_BYTES = 0x1000
const VIRTIO = 0xd0000000
const VIRTIO_BYTES = 0x200
const VIRTIO_DISK_IRQ = 5
const VIRTIO_CONSOLE_IRQ = 10

/** Chips that a machine may leave out. */
export interface OptionalChips {
  /** What stands behind the IDE disk (0x1F0, IRQ 14). */
  readonly disk?: BlockStorage | undefined
  /** The wire of an NE2000 (0x300, IRQ 9). */
  readonly network?: PacketLine | undefined
  /** QEMU's pc-testdev, for multiboot test kernels. */
  readonly testDevice?: boolean | undefined
  /** What stands behind a virtio disk, which a guest finds by its command line: `virtio_mmio.device=512@0xd0000000:5`. */
  readonly virtioDisk?: BlockStorage | undefined
  /** The far end of a virtio console: `virtio_mmio.device=512@0xd0000200:10`. */
  readonly virtioConsole?: CharacterLine | undefined
  readonly apic: boolean
}

/** Puts an IDE disk on the primary channel: 0x1F0, 0x3F6, IRQ 14. */
export function addDisk(platform: Platform, storage: BlockStorage) {
  const disk = new IdeAta(platform.pic.irq[14]!, storage)
  platform.devices.push(disk)
  platform.map('IDE command block', 0x1f0, 8, disk.commandBlock)
  platform.map('IDE control block', 0x3f6, 1, disk.controlBlock)
}

/** What the BIOS is told of the disk. */
export function diskOf(storage: BlockStorage) {
  return { disk: defaultGeometry(storage.sectors) }
}

/** Puts an NE2000 at 0x300, IRQ 9, on a wire. */
export function addNetwork(platform: Platform, wire: PacketLine) {
  const card = new Ne2000(platform.pic.irq[9]!, wire, wire.station)
  platform.devices.push(card)
  platform.map('NE2000', 0x300, 0x20, card)
}

/** Puts in QEMU's pc-testdev. */
export function addTestDevice(platform: Platform) {
  const device = new PcTestdev(platform.pic.irq)
  platform.devices.push(device)
  platform.map('test latch', 0xe0, 4, device.latch)
  platform.map('test interrupt lines', 0x2000, 24, device.lines)
  platform.physical.map({ name: 'test memory', base: TEST_MEMORY, length: device.memoryBytes }, device.memory)
}

/** Virtio devices; they read and write guest memory themselves. */
export function addVirtio(platform: Platform, memory: DmaMemory, { virtioDisk, virtioConsole }: OptionalChips) {
  const add = (slot: number, irq: number, model: VirtioModel) => {
    const device = new VirtioMmio(platform.pic.irq[irq]!, memory, model)
    platform.devices.push(device)
    const base = VIRTIO + slot * VIRTIO_BYTES
    platform.physical.map({ name: model.name, base, length: VIRTIO_BYTES }, device)
  }
  if (virtioDisk) add(0, VIRTIO_DISK_IRQ, new VirtioBlock(virtioDisk))
  if (virtioConsole) add(1, VIRTIO_CONSOLE_IRQ, new VirtioConsole(virtioConsole))
}

/** The local APIC between the 8259 pair and the CPU. The guest may move it; what is there already stays. */
export function addApic(platform: Platform, clock: Clock, lint0: Line, nmi: () => void) {
  const intr = new Line('intr')
  const apic = new LocalApic(clock, { lint0, acknowledgeExternal: () => platform.pic.acknowledge(), intr, nmi })
  platform.devices.push(apic)
  let mapping: Mapping | undefined
  platform.moveApic = value => {
    apic.base = value >>> 0
    if (mapping) platform.physical.unmap(mapping)
    const base = (value & ~(APIC_BYTES - 1)) >>> 0
    const range = { name: 'local APIC', base, length: APIC_BYTES }
    mapping = apic.enabled && platform.physical.isFree(range) ? platform.physical.map(range, apic) : undefined
  }
  platform.moveApic(apic.base)
  return { intr, acknowledge: () => apic.acknowledge() }
}
