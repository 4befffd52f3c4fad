// Virtio block device. Source: VIRTIO 1.1 section 5.2. One queue; read, write, flush and get-id requests.
// Left out: discard, write zeroes, several queues, topology.

import { type BlockStorage, MediaError, SECTOR_BYTES } from './block-storage.js'
import type { VirtioModel } from './virtio-mmio.js'
import { type Chain, DmaError, type Virtqueue, writableBytes } from './virtqueue.js'

const FEATURE_BLOCK_SIZE = 1 << 6
const FEATURE_FLUSH = 1 << 9
const HEADER_BYTES = 16
const READ = 0
const WRITE = 1
const FLUSH = 4
const GET_ID = 8
const STATUS_OK = 0
const STATUS_ERROR = 1
const STATUS_UNSUPPORTED = 2

export class VirtioBlock implements VirtioModel {
  readonly name = 'virtio-block'
  readonly deviceId = 2
  readonly features = FEATURE_BLOCK_SIZE | FEATURE_FLUSH
  readonly queues = 1
  readonly configuration = new Uint8Array(24)

  constructor(private readonly storage: BlockStorage) {
    const view = new DataView(this.configuration.buffer)
    view.setUint32(0, storage.sectors % 2 ** 32, true)
    view.setUint32(4, Math.floor(storage.sectors / 2 ** 32), true)
    view.setUint32(20, SECTOR_BYTES, true)
  }

  serve(_index: number, queue: Virtqueue, give: (chain: Chain, written: number) => void): void {
    for (let chain = queue.take(); chain !== undefined; chain = queue.take()) give(chain, this.request(queue, chain))
  }

  /** Carries out one request and returns the bytes written into it: the data and the status byte. */
  private request(queue: Virtqueue, chain: Chain): number {
    const bytes = queue.gather(chain)
    const room = writableBytes(chain) - 1
    if (bytes.length < HEADER_BYTES || room < 0) throw new DmaError('virtio block: a request without header or status')
    const view = new DataView(bytes.buffer)
    const sector = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32
    const data = new Uint8Array(room)
    const status = this.perform(view.getUint32(0, true), sector, bytes.subarray(HEADER_BYTES), data)
    queue.scatter(chain, data)
    queue.scatter(chain, Uint8Array.of(status), room)
    return room + 1
  }

  private perform(type: number, sector: number, written: Uint8Array, wanted: Uint8Array): number {
    const bytes = type === READ ? wanted.length : type === WRITE ? written.length : 0
    if (bytes % SECTOR_BYTES !== 0 || sector + bytes / SECTOR_BYTES > this.storage.sectors) return STATUS_ERROR
    try {
      if (type === READ) this.storage.read(sector, wanted)
      else if (type === WRITE) this.storage.write(sector, written)
      else if (type === FLUSH) this.storage.flush()
      else if (type === GET_ID) wanted.set(new TextEncoder().encode('previrt').subarray(0, wanted.length))
      else return STATUS_UNSUPPORTED
    } catch (error) {
      if (!(error instanceof MediaError)) throw error
      return STATUS_ERROR
    }
    return STATUS_OK
  }
}
