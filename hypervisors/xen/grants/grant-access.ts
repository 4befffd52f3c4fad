// What a driver in the control domain does with a page that a guest has granted to it. The page is used inside one call
// only: its type is held meanwhile, so that no page table or descriptor table can be written this way.

import { WRITABLE } from '../memory/frame-table.js'
import { PAGE_BYTES } from '../memory/machine-memory.js'
import type { PageTypes } from '../memory/page-types.js'
import { type GrantTable, OKAY } from './grant-table.js'

const CONTROL_DOMAIN = 0

/** The domain whose pages are granted. */
export interface Granter {
  readonly id: number
  readonly types: PageTypes
  readonly grants: GrantTable
}

/**
 * Calls `use` with the machine address of a granted page.
 * @param write whether the page is written
 * @returns false when the reference does not allow that, and `use` was not called
 */
export function withGrant(
  { id, types, grants }: Granter,
  reference: number,
  write: boolean,
  use: (address: number) => void,
): boolean {
  const { frame, status } = grants.frameOf(reference, CONTROL_DOMAIN, write)
  if (status !== OKAY) return false
  if (write ? types.getPageAndType(frame, WRITABLE, id) !== 0 : !types.getPage(frame, id)) return false
  try {
    use(frame * PAGE_BYTES)
  } finally {
    if (write) types.putPageAndType(frame)
    else types.putPage(frame)
  }
  return true
}
