// A domain with granted pages and a block ring, as far as the ring looks at it: what a guest writes is written here.

import fc from 'fast-check'
import { BlockRing } from '../../../../hypervisors/xen/block/block-ring.js'
import { GrantTable } from '../../../../hypervisors/xen/grants/grant-table.js'
import { FrameTable, L1 } from '../../../../hypervisors/xen/memory/frame-table.js'
import { PageTypes } from '../../../../hypervisors/xen/memory/page-types.js'
import type { BlockStorage } from '../../../../src/devices/block-storage.js'

export const DOMAIN = 1
const FIRST = 4
const FRAMES = 24
const PAGE = 4096
const PERMIT = 1
const READ_ONLY = 4
/** A page table of the domain's, and a frame of another domain. */
export const TABLE_FRAME = FIRST + 18
export const FOREIGN_FRAME = FRAMES - 1
/** References: the ring's; pages; one for reading only; a page table; a frame of another's; one for another domain. */
export const RING = 8
export const PAGES = Array.from({ length: 12 }, (_, i) => 9 + i)
export const READ_ONLY_PAGE = 30
export const TABLE_PAGE = 31
export const FOREIGN_PAGE = 32
export const OTHERS_PAGE = 33

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
  const buffer = new ArrayBuffer(FRAMES * PAGE)
  const view = new DataView(buffer)
  const memory = { u8: new Uint8Array(buffer), u32: new Uint32Array(buffer), changed: () => {} }
  const frames = new FrameTable(FRAMES, FIRST)
  const types = new PageTypes(memory, frames, { flush: () => {}, fillHypervisorSlots: () => {}, mayMapIo: () => false })
  for (let frame = FIRST; frame < FOREIGN_FRAME; frame++) frames.allocate(DOMAIN)
  frames.allocate(2)
  expect(types.getPageAndType(TABLE_FRAME, L1, DOMAIN)).toBe(0)
  const grants = new GrantTable(memory)
  const tableFrame = FIRST
  grants.frames.push(tableFrame)
  const grant = (reference: number, frame: number, flags = PERMIT, domain = 0) => {
    view.setUint32(tableFrame * PAGE + reference * 8, flags | (domain << 16), true)
    view.setUint32(tableFrame * PAGE + reference * 8 + 4, frame, true)
  }
  const ringFrame = FIRST + 1
  const pageFrame = (index: number) => FIRST + 2 + index
  grant(RING, ringFrame)
  PAGES.forEach((reference, i) => {
    grant(reference, pageFrame(i))
  })
  grant(READ_ONLY_PAGE, pageFrame(0), PERMIT | READ_ONLY)
  grant(TABLE_PAGE, TABLE_FRAME)
  grant(FOREIGN_PAGE, FOREIGN_FRAME)
  grant(OTHERS_PAGE, pageFrame(0), PERMIT, 7)
  let notified = 0
  const ring = new BlockRing({ id: DOMAIN, memory, types, grants }, storage, RING, () => {
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
  const page = (i: number) => memory.u8.subarray(pageFrame(i) * PAGE, pageFrame(i) * PAGE + PAGE)
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
