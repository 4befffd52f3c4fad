// The shared page of a block device (xen/include/public/io/blkif.h and ring.h, layout of 32-bit x86): requests, which name
// granted pages, and responses in the same slots. Whatever stands there is the guest's and may be nonsense: a bad request
// gets an error response, an index that is out of range ends the service. Left out: discard, indirect segments.

import { type BlockStorage, MediaError } from '../../hypervisor.js'
import { type Granter, withGrant } from '../grants/grant-access.js'
import { type MachineMemory, setWord } from '../memory/machine-memory.js'

// The page: indices, then slots.
const REQUEST_PRODUCER = 0
const REQUEST_EVENT = 4
const RESPONSE_PRODUCER = 8
const RESPONSE_EVENT = 12
const SLOTS = 64
const SLOT_BYTES = 108
const RING_SLOTS = 32

// A request: operation u8, segments u8, handle u16, id u64, sector u64, then segments of grant u32, first u8, last u8.
const ID = 4
const SECTOR = 12
const SEGMENTS = 20
const SEGMENT_BYTES = 8
const SEGMENTS_AT_MOST = 11
const SECTORS_A_PAGE = 8
const SECTOR_BYTES = 512
// A response: id u64, operation u8, status s16.
const RESPONSE_OPERATION = 8
const RESPONSE_STATUS = 10

// Operations.
const READ = 0
const WRITE = 1
const WRITE_BARRIER = 2
const FLUSH = 3

// Status.
const OKAY = 0
const ERROR = -1
const NOT_SUPPORTED = -2

/** A segment, its page and sectors checked against each other. */
interface Segment {
  readonly reference: number
  readonly first: number
  readonly sectors: number
}

export class BlockRing {
  /** Next request to be taken, and its response's place. */
  private consumer = 0

  /**
   * @param reference grant of the page
   * @param notify tells the guest that there are responses
   */
  constructor(
    private readonly domain: Granter & { readonly memory: MachineMemory },
    private readonly storage: BlockStorage,
    private readonly reference: number,
    private readonly notify: () => void,
  ) {}

  /** Carries out what the guest has asked for. False when the ring cannot be used any more. */
  serve(): boolean {
    let usable = false
    const granted = withGrant(this.domain, this.reference, true, page => {
      usable = this.serveAt(page)
    })
    return granted && usable
  }
  save(): number {
    return this.consumer
  }
  restore(consumer: number) {
    this.consumer = consumer
  }

  private serveAt(page: number): boolean {
    const { memory } = this.domain
    const index = (field: number) => memory.u32[(page + field) >>> 2]!
    const producer = index(REQUEST_PRODUCER)
    const from = this.consumer
    if ((producer - from) >>> 0 > RING_SLOTS) return false
    for (; this.consumer !== producer; this.consumer = (this.consumer + 1) >>> 0) {
      const slot = page + SLOTS + (this.consumer % RING_SLOTS) * SLOT_BYTES
      // The response overwrites the request; no page of the request can change it meanwhile.
      const request = memory.u8.slice(slot, slot + SLOT_BYTES)
      const status = this.carryOut(new DataView(request.buffer))
      memory.u8.set(request.subarray(ID, ID + 8), slot)
      memory.u8[slot + RESPONSE_OPERATION] = request[0]!
      memory.u8[slot + RESPONSE_STATUS] = status & 0xff
      memory.u8[slot + RESPONSE_STATUS + 1] = (status >> 8) & 0xff
      memory.changed(slot, SLOT_BYTES)
    }
    setWord(memory, page + RESPONSE_PRODUCER, producer)
    setWord(memory, page + REQUEST_EVENT, (producer + 1) >>> 0)
    const wanted = (producer - index(RESPONSE_EVENT)) >>> 0
    if (wanted < (producer - from) >>> 0) this.notify()
    return true
  }

  private carryOut(request: DataView): number {
    const operation = request.getUint8(0)
    const count = request.getUint8(1)
    if (operation === FLUSH) return this.flush()
    if (operation !== READ && operation !== WRITE && operation !== WRITE_BARRIER) return NOT_SUPPORTED
    if (count > SEGMENTS_AT_MOST) return ERROR
    const sector = request.getUint32(SECTOR, true) + request.getUint32(SECTOR + 4, true) * 2 ** 32
    const segments: Segment[] = []
    let sectors = 0
    for (let n = 0; n < count; n++) {
      const at = SEGMENTS + n * SEGMENT_BYTES
      const first = request.getUint8(at + 4)
      const last = request.getUint8(at + 5)
      if (last >= SECTORS_A_PAGE || first > last) return ERROR
      segments.push({ reference: request.getUint32(at, true), first, sectors: last - first + 1 })
      sectors += last - first + 1
    }
    if (sector + sectors > this.storage.sectors) return ERROR
    if (operation === READ) return count === 0 ? ERROR : this.read(sector, sectors, segments)
    if (operation === WRITE_BARRIER) {
      const before = this.flush()
      if (before !== OKAY || count === 0) return before
      const written = this.write(sector, sectors, segments)
      return written === OKAY ? this.flush() : written
    }
    return count === 0 ? ERROR : this.write(sector, sectors, segments)
  }

  private read(sector: number, sectors: number, segments: readonly Segment[]): number {
    const { memory } = this.domain
    const buffer = new Uint8Array(sectors * SECTOR_BYTES)
    if (!worked(() => this.storage.read(sector, buffer))) return ERROR
    return this.each(segments, true, (address, from, bytes) => {
      memory.u8.set(buffer.subarray(from, from + bytes), address)
      memory.changed(address, bytes)
    })
  }
  private write(sector: number, sectors: number, segments: readonly Segment[]): number {
    const { u8 } = this.domain.memory
    const buffer = new Uint8Array(sectors * SECTOR_BYTES)
    const gathered = this.each(segments, false, (address, from, bytes) => {
      buffer.set(u8.subarray(address, address + bytes), from)
    })
    if (gathered !== OKAY) return gathered
    return worked(() => this.storage.write(sector, buffer)) ? OKAY : ERROR
  }
  private flush(): number {
    return worked(() => this.storage.flush()) ? OKAY : ERROR
  }

  /** Calls `move` for each segment with its machine address and its place among all bytes. */
  private each(segments: readonly Segment[], write: boolean, move: (at: number, from: number, bytes: number) => void) {
    let from = 0
    for (const { reference, first, sectors } of segments) {
      const bytes = sectors * SECTOR_BYTES
      if (!withGrant(this.domain, reference, write, page => move(page + first * SECTOR_BYTES, from, bytes)))
        return ERROR
      from += bytes
    }
    return OKAY
  }
}

/** Runs an access to the medium; false when that has failed. */
function worked(access: () => void): boolean {
  try {
    access()
    return true
  } catch (error) {
    if (!(error instanceof MediaError)) throw error
    return false
  }
}
