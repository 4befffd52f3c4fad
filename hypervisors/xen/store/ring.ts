// The shared page between a domain and xenstore (xen/include/public/io/xs_wire.h): two rings of 1,024 bytes with free-running
// indices, and messages of a header of 16 bytes and a payload.

import { type MachineMemory, setWord } from '../memory/machine-memory.js'
import type { StoreMessage } from './server.js'

const RING_BYTES = 1024
const REQUESTS = 0
const RESPONSES = 1024
const REQUEST_CONSUMER = 2048
const REQUEST_PRODUCER = 2052
const RESPONSE_CONSUMER = 2056
const RESPONSE_PRODUCER = 2060
const HEADER_BYTES = 16
const PAYLOAD_AT_MOST = 4096

export class StoreRing {
  private received: number[] = []
  private waiting: number[] = []

  /** @param address machine address of the page */
  constructor(
    private readonly memory: MachineMemory,
    private readonly address: number,
    private readonly notify: () => void,
  ) {}

  private index(field: number): number {
    return this.memory.u32[(this.address + field) >>> 2]!
  }

  /** Takes what the guest has written; answers the whole messages in it. Bad indices are ignored, as an empty ring. */
  take(): StoreMessage[] {
    const { u8 } = this.memory
    let consumer = this.index(REQUEST_CONSUMER)
    const producer = this.index(REQUEST_PRODUCER)
    const used = (producer - consumer) >>> 0
    if (used > RING_BYTES) return []
    for (; consumer !== producer; consumer = (consumer + 1) >>> 0)
      this.received.push(u8[this.address + REQUESTS + (consumer % RING_BYTES)]!)
    if (used > 0) {
      setWord(this.memory, this.address + REQUEST_CONSUMER, consumer)
      this.notify()
    }
    const messages: StoreMessage[] = []
    for (;;) {
      if (this.received.length < HEADER_BYTES) return messages
      const header = new DataView(Uint8Array.from(this.received.slice(0, HEADER_BYTES)).buffer)
      const bytes = header.getUint32(12, true)
      if (bytes > PAYLOAD_AT_MOST) {
        this.received = []
        return messages
      }
      if (this.received.length < HEADER_BYTES + bytes) return messages
      messages.push({
        type: header.getUint32(0, true),
        request: header.getUint32(4, true),
        transaction: header.getUint32(8, true),
        payload: Uint8Array.from(this.received.slice(HEADER_BYTES, HEADER_BYTES + bytes)),
      })
      this.received = this.received.slice(HEADER_BYTES + bytes)
    }
  }

  /** A message that is not whole, and answers that have had no room. */
  save(): [received: Uint8Array, waiting: Uint8Array] {
    return [Uint8Array.from(this.received), Uint8Array.from(this.waiting)]
  }
  restore([received, waiting]: readonly [Uint8Array, Uint8Array]) {
    this.received = [...received]
    this.waiting = [...waiting]
  }

  /** Queues a message for the guest. */
  put({ type, request, transaction, payload }: StoreMessage) {
    const header = new DataView(new ArrayBuffer(HEADER_BYTES))
    ;[type, request, transaction, payload.length].forEach((value, i) => {
      header.setUint32(4 * i, value, true)
    })
    this.waiting.push(...new Uint8Array(header.buffer), ...payload)
    this.flush()
  }
  /** Writes what has room and tells the guest. */
  flush() {
    const { memory } = this
    let producer = this.index(RESPONSE_PRODUCER)
    const used = (producer - this.index(RESPONSE_CONSUMER)) >>> 0
    if (used > RING_BYTES) return
    const count = Math.min(RING_BYTES - used, this.waiting.length)
    if (count === 0) return
    for (const byte of this.waiting.splice(0, count)) {
      memory.u8[this.address + RESPONSES + (producer % RING_BYTES)] = byte
      producer = (producer + 1) >>> 0
    }
    setWord(memory, this.address + RESPONSE_PRODUCER, producer)
    this.notify()
  }
}
