// The guest's own page walk: two levels, 4 KiB pages and 4 MiB pages where CR4.PSE is set (SDM vol. 3, 4.3, 4.6, 4.7).
// Without paging every address is its own, in pages of 4 MiB that all may use. Nothing is written here.

// Bits of an entry.
export const PRESENT = 1
export const RW = 2
export const US = 4
export const ACCESSED = 0x20
export const DIRTY = 0x40
export const LARGE = 0x80
/** Reserved bits of a 4 MiB entry without PSE-36. */
const LARGE_RESERVED = 0x3fe000

// Page-fault error code.
export const PROTECTION = 1
export const WRITE = 2
export const USER = 4
const RESERVED = 8

/** What the walk depends on beside the tables. */
export interface GuestMode {
  readonly paging: boolean
  /** CR0.WP. */
  readonly writeProtect: boolean
  /** CR4.PSE. */
  readonly largePages: boolean
  /** Frame of the page directory. */
  readonly directory: number
}

/** A translation that the guest's tables allow. */
export interface Translation {
  readonly pde: number
  /** Physical address of the directory entry; -1 without paging. */
  readonly pdeAt: number
  /** The entry that maps the page: of the table, or `pde` again for a large page. */
  readonly entry: number
  readonly entryAt: number
  readonly large: boolean
  readonly frame: number
}

const FLAT = PRESENT | RW | US | ACCESSED | DIRTY | LARGE

/**
 * Walks the guest's tables for an access.
 * @param read reads 4 bytes of guest-physical memory
 * @param error the processor's error code: WRITE and USER tell the access
 * @returns the translation, or the error code of the guest's own page fault
 */
export function walkGuest(
  read: (address: number) => number,
  mode: GuestMode,
  linear: number,
  error: number,
): Translation | number {
  const access = error & (WRITE | USER)
  const slot = linear >>> 22
  const pdeAt = mode.paging ? mode.directory * 0x1000 + slot * 4 : -1
  const pde = mode.paging ? read(pdeAt) : (slot << 22) | FLAT
  if ((pde & PRESENT) === 0) return access
  const large = !mode.paging || ((pde & LARGE) !== 0 && mode.largePages)
  if (large && mode.paging && (pde & LARGE_RESERVED) !== 0) return access | PROTECTION | RESERVED
  const entryAt = large ? pdeAt : (pde >>> 12) * 0x1000 + ((linear >>> 12) & 0x3ff) * 4
  const entry = large ? pde : read(entryAt)
  if ((entry & PRESENT) === 0) return access
  const both = pde & entry
  const write = (error & WRITE) !== 0
  const refused =
    (error & USER) !== 0
      ? (both & US) === 0 || (write && (both & RW) === 0)
      : write && (both & RW) === 0 && mode.writeProtect
  if (refused) return access | PROTECTION
  const frame = large ? (pde >>> 22) * 1024 + ((linear >>> 12) & 0x3ff) : entry >>> 12
  return { pde, pdeAt, entry, entryAt, large, frame }
}
