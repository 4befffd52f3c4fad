// A domain with granted pages and a block ring, as far as the ring looks at it: what a guest writes is written here.

import fc from 'fast-check'
import { BlockRing } from '../../../../hypervisors/xen/block/block-ring.js'
import type { BlockStorage } from '../../../../src/devices/block-storage.js'
import { FOREIGN_PAGE, grantingDomain, OTHERS_PAGE, READ_ONLY_PAGE, TABLE_PAGE } from '../granting-domain.js'

const PAGE = 4096
/** References: the ring's, and pages. */
export const RING = 8
export const PAGES = Array.from({ length: 12 }, (_, i) => 9 + i)

export interface Segment {
  reference: number
  first: number
  last: number
}
export interface Request {
  operation: number
  segments: readonly Segment[]
  sector: number
  /** Number of segments, where it is not the true one. */
  count?: number
}

export function blockWorld(storage: BlockStorage) {
  const domain = grantingDomain([RING], PAGES)
  const { view, memory, frames, types, grants, grant, page } = domain
  const ringFrame = domain.ringFrames[0]!
  let notified = 0
  const ring = new BlockRing(domain, storage, RING, () => {
    notified++
  })
  const at = ringFrame * PAGE
  const index = (field: number) => view.getUint32(at + field, true)
  const setIndex = (field: number, value: number) => view.setUint32(at + field, value >>> 0, true)
  let produced = 0
  /** Puts a request into the next slot; answers its id. */
  const put = ({ operation, segments, sector, count = segments.length }: Request): number => {
    const slot = at + 64 + (produced % 32) * 108
    view.setUint8(slot, operation)
    view.setUint8(slot + 1, count)
    view.setBigUint64(slot + 4, BigInt(1000 + produced), true)
    view.setBigUint64(slot + 12, BigInt(sector), true)
    segments.slice(0, 11).forEach(({ reference, first, last }, i) => {
      view.setUint32(slot + 20 + 8 * i, reference, true)
      view.setUint8(slot + 24 + 8 * i, first)
      view.setUint8(slot + 25 + 8 * i, last)
    })
    return 1000 + produced++
  }
  /** Hands over what has been put; answers what the new responses say. */
  const go = () => {
    const before = index(8)
    setIndex(0, produced)
    const usable = ring.serve()
    const responses: { id: number; operation: number; status: number }[] = []
    for (let n = before; n !== index(8); n = (n + 1) >>> 0) {
      const slot = at + 64 + (n % 32) * 108
      const id = Number(view.getBigUint64(slot, true))
      responses.push({ id, operation: view.getUint8(slot + 8), status: view.getInt16(slot + 10, true) })
    }
    return { usable, responses }
  }
  /** One request, its status. */
  const ask = (request: Request) => {
    put(request)
    return go().responses[0]?.status
  }
  return {
    ring,
    frames,
    memory,
    types,
    grants,
    ask,
    put,
    go,
    page,
    index,
    setIndex,
    grant,
    notified: () => notified,
    ringFrame,
  }
}

/** Requests of any kind, most of them nearly right. */
export const anyRequest: fc.Arbitrary<Request> = fc.record({
  operation: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(0, 1, 2, 3) }, fc.nat(255)),
  segments: fc.array(
    fc.record({
      reference: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...PAGES) },
        fc.constantFrom(RING, READ_ONLY_PAGE, TABLE_PAGE, FOREIGN_PAGE, OTHERS_PAGE, 0, 600, 0xffffffff),
      ),
      first: fc.oneof({ weight: 6, arbitrary: fc.nat(7) }, fc.nat(255)),
      last: fc.oneof({ weight: 6, arbitrary: fc.nat(7) }, fc.nat(255)),
    }),
    { maxLength: 11 },
  ),
  sector: fc.oneof({ weight: 6, arbitrary: fc.nat(300) }, fc.nat(Number.MAX_SAFE_INTEGER)),
  count: fc.option(fc.nat(255), { nil: undefined, freq: 8 }),
}) as fc.Arbitrary<Request>
