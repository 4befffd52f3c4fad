// A split virtqueue in guest memory, seen from the device. Source: Virtual I/O Device (VIRTIO) 1.1, section 2.6.
// Left out: indirect descriptors, event indices, packed rings (none is offered).

/** Guest-physical memory as a device that is bus master sees it. */
export interface DmaMemory {
  /** A copy or view of `length` bytes. @throws DmaError outside RAM. */
  read(physical: number, length: number): Uint8Array
  /** @throws DmaError outside RAM. */
  write(physical: number, bytes: Uint8Array): void
}

/** The guest gave an address outside RAM or a ring that makes no sense; the device asks to be reset. */
export class DmaError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'DmaError'
  }
}

const DESCRIPTOR_BYTES = 16
const FLAG_NEXT = 1
const FLAG_WRITE = 2
const AVAILABLE_NO_INTERRUPT = 1
const LARGEST_REQUEST = 1 << 26 // bytes

interface Segment {
  readonly physical: number
  readonly length: number
}

/** One request: what the driver wrote, and where the device may write. */
export interface Chain {
  readonly head: number
  readonly readable: readonly Segment[]
  readonly writable: readonly Segment[]
}

export type VirtqueueState = {
  size: number
  ready: boolean
  descriptors: number
  available: number
  used: number
  taken: number // available entries consumed, modulo 65536
  returned: number // used entries produced, modulo 65536
}

export class Virtqueue {
  state: VirtqueueState = emptyQueue()

  constructor(
    private readonly memory: DmaMemory,
    readonly maximumSize: number,
  ) {}

  /** The next request, undefined when there is none. @throws DmaError for a broken ring. */
  take(): Chain | undefined {
    const { state } = this
    if (!state.ready || state.size === 0) return undefined
    if (this.read16(state.available + 2) === state.taken) return undefined
    const head = this.read16(state.available + 4 + 2 * (state.taken % state.size))
    const chain = this.follow(head)
    state.taken = (state.taken + 1) & 0xffff
    return chain
  }

  /** Returns a request with the number of bytes written into it; true when the driver wants an interrupt. */
  give(chain: Chain, written: number): boolean {
    const { state } = this
    const entry = new Uint8Array(8)
    const view = new DataView(entry.buffer)
    view.setUint32(0, chain.head, true)
    view.setUint32(4, written, true)
    this.memory.write(state.used + 4 + 8 * (state.returned % state.size), entry)
    state.returned = (state.returned + 1) & 0xffff
    this.memory.write(state.used + 2, Uint8Array.of(state.returned & 0xff, state.returned >> 8))
    return (this.read16(state.available) & AVAILABLE_NO_INTERRUPT) === 0
  }

  /** All bytes that the driver wrote into a request. */
  gather(chain: Chain): Uint8Array {
    const parts = chain.readable.map(({ physical, length }) => this.memory.read(physical, length))
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let position = 0
    for (const part of parts) {
      bytes.set(part, position)
      position += part.length
    }
    return bytes
  }

  /** Writes bytes into a request from its byte `offset` on; what does not fit is dropped. Returns the bytes written. */
  scatter(chain: Chain, bytes: Uint8Array, offset = 0): number {
    let skip = offset
    let position = 0
    for (const { physical, length } of chain.writable) {
      const take = Math.min(Math.max(length - skip, 0), bytes.length - position)
      if (take > 0) this.memory.write(physical + skip, bytes.subarray(position, position + take))
      skip = Math.max(skip - length, 0)
      position += take
    }
    return position
  }

  private follow(head: number): Chain {
    const { state } = this
    const readable: Segment[] = []
    const writable: Segment[] = []
    let index = head
    let bytes = 0
    for (let count = 0; count < state.size; count++) {
      if (index >= state.size) throw new DmaError(`virtqueue: descriptor ${index} of ${state.size}`)
      const descriptor = this.memory.read(state.descriptors + DESCRIPTOR_BYTES * index, DESCRIPTOR_BYTES)
      const view = new DataView(descriptor.buffer, descriptor.byteOffset, DESCRIPTOR_BYTES)
      if (view.getUint32(4, true) !== 0) throw new DmaError('virtqueue: buffer above 4 GiB')
      const flags = view.getUint16(12, true)
      const segment = { physical: view.getUint32(0, true), length: view.getUint32(8, true) }
      bytes += segment.length
      if (bytes > LARGEST_REQUEST) throw new DmaError(`virtqueue: a request of more than ${LARGEST_REQUEST} bytes`)
      if (flags & FLAG_WRITE) writable.push(segment)
      else readable.push(segment)
      if ((flags & FLAG_NEXT) === 0) return { head, readable, writable }
      index = view.getUint16(14, true)
    }
    throw new DmaError('virtqueue: a chain of descriptors without end')
  }

  private read16(physical: number): number {
    const bytes = this.memory.read(physical, 2)
    return bytes[0]! | (bytes[1]! << 8)
  }
}

/** The state of a queue that the driver has not set up. */
export function emptyQueue(): VirtqueueState {
  return { size: 0, ready: false, descriptors: 0, available: 0, used: 0, taken: 0, returned: 0 }
}

/** Bytes that the device may write into a request. */
export function writableBytes(chain: Chain): number {
  return chain.writable.reduce((sum, { length }) => sum + length, 0)
}
