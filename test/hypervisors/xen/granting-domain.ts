// A domain with granted pages, as far as the rings of a device look at them: its grant table, frames of rings and of pages,
// and a reference of each kind that no device may use as it likes.

import { GrantTable } from '../../../hypervisors/xen/grants/grant-table.js'
import { FrameTable, L1 } from '../../../hypervisors/xen/memory/frame-table.js'
import { PageTypes } from '../../../hypervisors/xen/memory/page-types.js'

export const DOMAIN = 1
const FIRST = 4
const FRAMES = 24
const PAGE = 4096
const PERMIT = 1
const READ_ONLY = 4
/** A page table of the domain's, and a frame of another domain. */
export const TABLE_FRAME = FRAMES - 2
export const FOREIGN_FRAME = FRAMES - 1
/** References: a page for reading only; a page table; a frame of another's; a page for another domain. */
export const READ_ONLY_PAGE = 30
export const TABLE_PAGE = 31
export const FOREIGN_PAGE = 32
export const OTHERS_PAGE = 33

/**
 * @param rings references of the shared pages
 * @param pages references of the pages that may be read and written
 */
export function grantingDomain(rings: readonly number[], pages: readonly number[]) {
  const buffer = new ArrayBuffer(FRAMES * PAGE)
  const view = new DataView(buffer)
  const memory = { u8: new Uint8Array(buffer), u32: new Uint32Array(buffer), changed: () => {} }
  const frames = new FrameTable(FRAMES, FIRST)
  const types = new PageTypes(memory, frames, { flush: () => {}, fillHypervisorSlots: () => {}, mayMapIo: () => false })
  for (let frame = FIRST; frame < FOREIGN_FRAME; frame++) frames.allocate(DOMAIN)
  frames.allocate(DOMAIN + 1)
  expect(types.getPageAndType(TABLE_FRAME, L1, DOMAIN)).toBe(0)
  const grants = new GrantTable(memory)
  grants.frames.push(FIRST)
  const grant = (reference: number, frame: number, flags = PERMIT, domain = 0) => {
    view.setUint32(FIRST * PAGE + reference * 8, flags | (domain << 16), true)
    view.setUint32(FIRST * PAGE + reference * 8 + 4, frame, true)
  }
  const ringFrames = rings.map((_, n) => FIRST + 1 + n)
  const pageFrame = (index: number) => FIRST + 1 + rings.length + index
  rings.forEach((reference, n) => {
    grant(reference, ringFrames[n]!)
  })
  pages.forEach((reference, n) => {
    grant(reference, pageFrame(n))
  })
  grant(READ_ONLY_PAGE, pageFrame(0), PERMIT | READ_ONLY)
  grant(TABLE_PAGE, TABLE_FRAME)
  grant(FOREIGN_PAGE, FOREIGN_FRAME)
  grant(OTHERS_PAGE, pageFrame(0), PERMIT, 7)
  const page = (index: number) => memory.u8.subarray(pageFrame(index) * PAGE, (pageFrame(index) + 1) * PAGE)
  return { id: DOMAIN, view, memory, frames, types, grants, grant, ringFrames, page }
}
