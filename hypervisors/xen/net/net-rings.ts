// The two shared pages of a network device (xen/include/public/io/netif.h and ring.h, layout of 32-bit x86): packets that
// the guest sends, and empty buffers for those that it receives. Whatever stands there is the guest's and may be nonsense:
// a bad request gets an error response, an index that is out of range ends the service. Left out: segmentation offload,
// multicast control and other extra segments (answered with an error).

import type { PacketLine } from '../../hypervisor.js'
import { type Granter, withGrant } from '../grants/grant-access.js'
import { type MachineMemory, PAGE_BYTES, setWord } from '../memory/machine-memory.js'
import { completeChecksum } from './checksum-offload.js'

// A page: indices, then slots.
const REQUEST_PRODUCER = 0
const REQUEST_EVENT = 4
const RESPONSE_PRODUCER = 8
const RESPONSE_EVENT = 12
const SLOTS = 64
const RING_SLOTS = 256
// A request to send: grant u32, offset u16, flags u16, id u16, size u16; its response: id u16, status s16.
const SEND_BYTES = 12
// A buffer for receiving: id u16, unused u16, grant u32; its response: id u16, offset u16, flags u16, status s16.
const RECEIVE_BYTES = 8

// Flags of a request to send.
const CHECKSUM_BLANK = 1
const MORE_DATA = 4
const EXTRA_INFO = 8
/** In an extra segment's byte of flags. */
const EXTRA_MORE = 1

const OKAY = 0
const ERROR = -1
const NO_RESPONSE = 1

const HEADER_BYTES = 14
/** With a VLAN tag, without CRC. */
const FRAME_AT_MOST = 1518
const SLOTS_A_PACKET = 18

/** References of the two pages. */
export interface RingPages {
  readonly send: number
  readonly receive: number
}

export class NetRings {
  /** Next request of each ring, and its response's place. */
  private sent = 0
  private received = 0
  private failed = false

  /** @param notify tells the guest that there are responses */
  constructor(
    private readonly domain: Granter & { readonly memory: MachineMemory },
    private readonly wire: PacketLine,
    private readonly pages: RingPages,
    private readonly notify: () => void,
  ) {}

  /** False once the guest has made its rings unusable. */
  get usable(): boolean {
    return !this.failed
  }
  save(): [sent: number, received: number, failed: number] {
    return [this.sent, this.received, Number(this.failed)]
  }
  restore([sent, received, failed]: readonly number[]) {
    this.sent = sent!
    this.received = received!
    this.failed = failed !== 0
  }

  /** Puts everything that the guest has sent on the wire; the number of requests that it took. */
  takeSent(): number {
    let taken = 0
    this.use(this.pages.send, page => {
      const from = this.sent
      const producer = this.word(page + REQUEST_PRODUCER)
      if ((producer - from) >>> 0 > RING_SLOTS) {
        this.failed = true
        return
      }
      while (this.sent !== producer) this.takePacket(page, producer)
      taken = (this.sent - from) >>> 0
      this.respond(page, from, this.sent)
    })
    return taken
  }
  /** Asks for a notification of the next packet that the guest sends; false when there is one already. */
  askForNotification(): boolean {
    let isEmpty = false
    this.use(this.pages.send, page => {
      setWord(this.domain.memory, page + REQUEST_EVENT, (this.sent + 1) >>> 0)
      isEmpty = this.word(page + REQUEST_PRODUCER) === this.sent
    })
    return isEmpty
  }

  /** Gives the guest the packets that wait on the wire, as many as it has buffers for. */
  deliver() {
    if (this.wire.next === undefined) return
    this.use(this.pages.receive, page => {
      const from = this.received
      const producer = this.word(page + REQUEST_PRODUCER)
      if ((producer - from) >>> 0 > RING_SLOTS) {
        this.failed = true
        return
      }
      for (; this.wire.next !== undefined && this.received !== producer; this.received = (this.received + 1) >>> 0)
        this.fill(page + SLOTS + (this.received % RING_SLOTS) * RECEIVE_BYTES, this.wire.take()!)
      // Where buffers are missing the guest says when there are more.
      if (this.wire.next !== undefined) setWord(this.domain.memory, page + REQUEST_EVENT, (producer + 1) >>> 0)
      this.respond(page, from, this.received)
    })
  }

  private use(reference: number, work: (page: number) => void) {
    if (!this.failed && !withGrant(this.domain, reference, true, work)) this.failed = true
  }
  private word(address: number): number {
    return this.domain.memory.u32[address >>> 2]!
  }
  /** Responses up to a place are there. */
  private respond(page: number, from: number, to: number) {
    if (from === to) return
    setWord(this.domain.memory, page + RESPONSE_PRODUCER, to)
    if ((to - this.word(page + RESPONSE_EVENT)) >>> 0 < (to - from) >>> 0) this.notify()
  }

  /** One packet: the requests that make it up, each with a response. */
  private takePacket(page: number, producer: number) {
    const { memory } = this.domain
    const slotAt = (index: number) => page + SLOTS + (index % RING_SLOTS) * SEND_BYTES
    const left = (producer - this.sent) >>> 0
    // The responses overwrite the requests; no page of the requests can change them meanwhile.
    const requests: DataView[] = []
    const extras: number[] = []
    let flags = MORE_DATA
    let n = 0
    for (; (flags & MORE_DATA) !== 0 && n < left && n < SLOTS_A_PACKET; n++) {
      const at = slotAt(this.sent + n)
      const request = new DataView(memory.u8.slice(at, at + SEND_BYTES).buffer)
      requests.push(request)
      flags = request.getUint16(6, true)
      if (n > 0 || (flags & EXTRA_INFO) === 0) continue
      do extras.push(++n)
      while (n < left && (memory.u8[slotAt(this.sent + n) + 1]! & EXTRA_MORE) !== 0)
    }
    const slots = Math.min(n, left)
    const isWhole = (flags & MORE_DATA) === 0 && n <= left && extras.length === 0
    const frame = isWhole ? this.gather(requests) : undefined
    const status = frame ? OKAY : ERROR
    let request = 0
    for (let i = 0; i < slots; i++) {
      const isExtra = extras.includes(i)
      const id = isExtra ? 0 : requests[request++]!.getUint16(8, true)
      setWord(memory, slotAt(this.sent + i), (id | ((isExtra ? NO_RESPONSE : status) << 16)) >>> 0)
    }
    this.sent = (this.sent + slots) >>> 0
    if (!frame) return
    if ((requests[0]!.getUint16(6, true) & CHECKSUM_BLANK) !== 0) completeChecksum(frame)
    this.wire.transmit(frame)
  }

  /** The bytes of a packet; undefined where the requests do not fit together. The first one says how many there are. */
  private gather(requests: readonly DataView[]): Uint8Array | undefined {
    const sizes = requests.map(request => request.getUint16(10, true))
    const bytes = sizes[0]!
    sizes[0] = bytes - sizes.slice(1).reduce((sum, size) => sum + size, 0)
    if (bytes < HEADER_BYTES || bytes > FRAME_AT_MOST || sizes[0] < 0) return undefined
    const frame = new Uint8Array(bytes)
    let at = 0
    for (const [i, request] of requests.entries()) {
      const offset = request.getUint16(4, true)
      const size = sizes[i]!
      if (offset + size > PAGE_BYTES) return undefined
      const isRead = withGrant(this.domain, request.getUint32(0, true), false, page => {
        frame.set(this.domain.memory.u8.subarray(page + offset, page + offset + size), at)
      })
      if (!isRead) return undefined
      at += size
    }
    return frame
  }

  /** Writes a packet into the buffer that a request names, and the response into its place. */
  private fill(slot: number, frame: Uint8Array) {
    const { memory } = this.domain
    const id = this.word(slot) & 0xffff
    const fits = frame.length <= PAGE_BYTES
    const isWritten =
      fits &&
      withGrant(this.domain, this.word(slot + 4), true, page => {
        memory.u8.set(frame, page)
        memory.changed(page, frame.length)
      })
    setWord(memory, slot, id)
    setWord(memory, slot + 4, ((isWritten ? frame.length : ERROR) << 16) >>> 0)
  }
}
