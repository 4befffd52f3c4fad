// The memory-mapped transport of VIRTIO 1.1, section 4.2, version 2 (not legacy): 512 bytes of registers and an interrupt
// line. The device behind it is a VirtioModel (virtio-block.ts, virtio-console.ts). Linux takes it by the command line,
// `virtio_mmio.device=512@0xd0000000:5`. Left out: shared memory regions, queue reset.

import { type AccessSize, type BusDevice, copyState, type Device, type DeviceState } from '../machine/bus.js'
import type { Line } from '../machine/line.js'
import { type Chain, DmaError, type DmaMemory, emptyQueue, Virtqueue, type VirtqueueState } from './virtqueue.js'

const MAGIC = 0x74726976 // "virt"
const VENDOR = 0x554d4551
const QUEUE_SIZE = 256
const CONFIGURATION = 0x100
const STATUS_DRIVER_OK = 0x04
const STATUS_FEATURES_OK = 0x08
const STATUS_NEEDS_RESET = 0x40
const INTERRUPT_QUEUE = 1
const INTERRUPT_CONFIGURATION = 2
const VERSION_1 = 1 // feature bit 32: bit 0 of the upper word

/** What a kind of virtio device adds to the transport. */
export interface VirtioModel {
  readonly name: string
  /** Device type, VIRTIO 1.1 section 5. */
  readonly deviceId: number
  /** Feature bits 0-31 that are offered. */
  readonly features: number
  readonly queues: number
  /** The device's configuration space. */
  readonly configuration: Uint8Array
  /** Requests may wait in a queue. `give` returns one to the driver. */
  serve(index: number, queue: Virtqueue, give: (chain: Chain, written: number) => void): void
  /** Set by the transport: the model calls it when it has something for the driver. */
  wake?: ((index: number) => void) | undefined
}

type State = {
  featuresSelect: number
  driverFeaturesSelect: number
  driverFeatures: number[]
  queueSelect: number
  interruptStatus: number
  status: number
}

const initialState = (): State => ({
  featuresSelect: 0,
  driverFeaturesSelect: 0,
  driverFeatures: [0, 0],
  queueSelect: 0,
  interruptStatus: 0,
  status: 0,
})

export class VirtioMmio implements Device, BusDevice {
  readonly name: string
  private state = initialState()
  private readonly queues: Virtqueue[]

  constructor(
    private readonly irq: Line,
    memory: DmaMemory,
    private readonly model: VirtioModel,
  ) {
    this.name = model.name
    this.queues = Array.from({ length: model.queues }, () => new Virtqueue(memory, QUEUE_SIZE))
    model.wake = index => this.serve(index)
  }

  reset(): void {
    this.state = initialState()
    for (const queue of this.queues) queue.state = emptyQueue()
    this.update()
  }

  save(): DeviceState {
    return copyState({ ...this.state, queues: this.queues.map(queue => queue.state) })
  }

  restore(saved: DeviceState): void {
    const { queues, ...state } = copyState(saved)
    this.state = state as State
    for (const [index, queue] of this.queues.entries()) queue.state = (queues as VirtqueueState[])[index]!
    this.irq.restore(this.state.interruptStatus !== 0)
  }

  read(offset: number, size: AccessSize): number {
    if (offset >= CONFIGURATION) {
      let value = 0
      for (let byte = 0; byte < size; byte++) {
        value += (this.model.configuration[offset - CONFIGURATION + byte] ?? 0) * 2 ** (8 * byte)
      }
      return value
    }
    return size === 4 ? this.readRegister(offset) >>> 0 : 0
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (offset >= CONFIGURATION || size !== 4) return
    this.writeRegister(offset, value)
    this.update()
  }

  private get queue(): Virtqueue | undefined {
    return this.queues[this.state.queueSelect]
  }

  private readRegister(offset: number): number {
    const state = this.state
    switch (offset) {
      case 0x000:
        return MAGIC
      case 0x004:
        return 2
      case 0x008:
        return this.model.deviceId
      case 0x00c:
        return VENDOR
      case 0x010:
        return [this.model.features, VERSION_1][state.featuresSelect] ?? 0
      case 0x034:
        return this.queue?.maximumSize ?? 0
      case 0x044:
        return this.queue?.state.ready ? 1 : 0
      case 0x060:
        return state.interruptStatus
      case 0x070:
        return state.status
      default:
        return 0
    }
  }

  private writeRegister(offset: number, value: number): void {
    const state = this.state
    switch (offset) {
      case 0x014:
        state.featuresSelect = value
        break
      case 0x020:
        if (state.driverFeaturesSelect < 2) state.driverFeatures[state.driverFeaturesSelect] = value
        break
      case 0x024:
        state.driverFeaturesSelect = value
        break
      case 0x030:
        state.queueSelect = value
        break
      case 0x050:
        this.serve(value)
        break
      case 0x064:
        state.interruptStatus &= ~value
        break
      case 0x070:
        this.writeStatus(value)
        break
      default:
        if (this.queue !== undefined) this.writeQueue(this.queue.state, offset, value)
    }
  }

  private writeQueue(queue: VirtqueueState, offset: number, value: number): void {
    switch (offset) {
      case 0x038:
        if (value <= QUEUE_SIZE && (value & (value - 1)) === 0) queue.size = value
        break
      case 0x044:
        queue.ready = (value & 1) !== 0
        if (!queue.ready) queue.taken = queue.returned = 0
        break
      case 0x080:
        queue.descriptors = value
        break
      case 0x090:
        queue.available = value
        break
      case 0x0a0:
        queue.used = value
        break
      case 0x084:
      case 0x094:
      case 0x0a4:
        if (value !== 0) this.demandReset() // the machine has no memory there
        break
    }
  }

  private writeStatus(value: number): void {
    if (value === 0) {
      this.reset()
      return
    }
    const [low, high] = this.state.driverFeatures as [number, number]
    const acceptable = (low & ~this.model.features) === 0 && high === VERSION_1
    this.state.status = acceptable ? value : value & ~STATUS_FEATURES_OK
    if (value & STATUS_DRIVER_OK) for (const index of this.queues.keys()) this.serve(index)
  }

  private serve(index: number): void {
    const queue = this.queues[index]
    const { status } = this.state
    if (queue === undefined || (status & STATUS_DRIVER_OK) === 0 || status & STATUS_NEEDS_RESET) return
    try {
      this.model.serve(index, queue, (chain, written) => {
        if (queue.give(chain, written)) this.state.interruptStatus |= INTERRUPT_QUEUE
      })
    } catch (error) {
      if (!(error instanceof DmaError)) throw error
      this.demandReset()
    }
    this.update()
  }

  private demandReset(): void {
    this.state.status |= STATUS_NEEDS_RESET
    this.state.interruptStatus |= INTERRUPT_CONFIGURATION
  }

  private update(): void {
    this.irq.set(this.state.interruptStatus !== 0)
  }
}
