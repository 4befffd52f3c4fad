// A domain with granted pages and the two rings of a network interface, as far as the driver looks at them: what a guest
// writes is written here.

import fc from 'fast-check'
import { NetRings } from '../../../../hypervisors/xen/net/net-rings.js'
import { PacketLine } from '../../../../src/machine/line.js'
import { FOREIGN_PAGE, grantingDomain, OTHERS_PAGE, READ_ONLY_PAGE, TABLE_PAGE } from '../granting-domain.js'

const PAGE = 4096
/** References: the rings', and pages. */
export const SEND_RING = 8
export const RECEIVE_RING = 9
export const PAGES = Array.from({ length: 8 }, (_, i) => 10 + i)

/** A request to send; those of one packet have MORE in all flags but the last. */
export interface SendRequest {
  reference: number
  offset: number
  flags: number
  size: number
}

export function netWorld() {
  const domain = grantingDomain([SEND_RING, RECEIVE_RING], PAGES)
  const { view, memory, frames, types, grants, grant, page } = domain
  const [sendFrame, receiveFrame] = domain.ringFrames as [number, number]
  const wire = new PacketLine('wire')
  const sent: Uint8Array[] = []
  wire.output = frame => sent.push(frame)
  let notified = 0
  const pages = { send: SEND_RING, receive: RECEIVE_RING }
  const rings = new NetRings(domain, wire, pages, () => {
    notified++
  })
  const ring = (frame: number) => ({
    get: (field: number) => view.getUint32(frame * PAGE + field, true),
    set: (field: number, value: number) => view.setUint32(frame * PAGE + field, value >>> 0, true),
  })
  const [sending, receiving] = [ring(sendFrame), ring(receiveFrame)]
  /** Puts requests into the next slots of the ring for sending; `send` has them taken: ids and statuses of the answers. */
  const put = (...requests: readonly SendRequest[]) => {
    let at = sending.get(0)
    for (const { reference, offset, flags, size } of requests) {
      const slot = sendFrame * PAGE + 64 + (at % 256) * 12
      view.setUint32(slot, reference, true)
      const halves = Uint16Array.of(offset, flags, at, size)
      memory.u8.set(new Uint8Array(halves.buffer), slot + 4)
      at = (at + 1) >>> 0
    }
    sending.set(0, at)
  }
  const send = (...requests: readonly SendRequest[]) => {
    const before = sending.get(8)
    put(...requests)
    rings.takeSent()
    const answers: [id: number, status: number][] = []
    for (let n = before; n !== sending.get(8); n = (n + 1) >>> 0) {
      const slot = sendFrame * PAGE + 64 + (n % 256) * 12
      answers.push([view.getUint16(slot, true), view.getInt16(slot + 2, true)])
    }
    return answers
  }
  /** Gives buffers for receiving. */
  const post = (...references: readonly number[]) => {
    let at = receiving.get(0)
    for (const reference of references) {
      const slot = receiveFrame * PAGE + 64 + (at % 256) * 8
      view.setUint16(slot, 500 + at, true)
      view.setUint32(slot + 4, reference, true)
      at = (at + 1) >>> 0
    }
    receiving.set(0, at)
  }
  /** Packets come; what the new answers say: id, offset, flags, status. */
  const deliver = (...packets: readonly Uint8Array[]) => {
    const before = receiving.get(8)
    for (const packet of packets) wire.input(packet)
    rings.deliver()
    const answers: number[][] = []
    for (let n = before; n !== receiving.get(8); n = (n + 1) >>> 0) {
      const slot = receiveFrame * PAGE + 64 + (n % 256) * 8
      answers.push([0, 2, 4].map(at => view.getUint16(slot + at, true)).concat(view.getInt16(slot + 6, true)))
    }
    return answers
  }
  return {
    ...{ types, grants, rings, wire, sent, put, send, post, deliver, page, sending, receiving, frames, memory, grant },
    notified: () => notified,
  }
}

/** References, most of them good. */
export const anyReference = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PAGES) },
  fc.constantFrom(SEND_RING, RECEIVE_RING, READ_ONLY_PAGE, TABLE_PAGE, FOREIGN_PAGE, OTHERS_PAGE, 0, 600, 0xffffffff),
)
/** Requests of any kind, most of them nearly right. */
export const anySendRequest: fc.Arbitrary<SendRequest> = fc.record({
  reference: anyReference,
  offset: fc.oneof({ weight: 4, arbitrary: fc.nat(4096) }, fc.nat(0xffff)),
  flags: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(0, 0, 1, 2, 4, 8) }, fc.nat(0xffff)),
  size: fc.oneof({ weight: 4, arbitrary: fc.nat(1518) }, fc.nat(0xffff)),
})
