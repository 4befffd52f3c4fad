// A PAE page-table entry as two 32-bit halves (SDM vol. 3, 4.4.2), and which bits Xen lets a guest set at each level.

export const PRESENT = 0x001
export const RW = 0x002
export const USER = 0x004
export const ACCESSED = 0x020
export const DIRTY = 0x040
export const PSE = 0x080
export const GLOBAL = 0x100
export const AVAILABLE = 0xe00

/** Bits of the high half that hold the frame number: physical addresses have 36 bits. */
const HIGH_FRAME = 0xf

/** Low-half flags that an upper entry may not have: PWT, PCD, PSE, G. */
const UPPER_REFUSED = 0x198
/** How the processor's caches treat a page: PWT, PCD, PAT. Only a domain with devices may say so. */
export const CACHE_ATTRIBUTES = 0x98

/** Frame number of an entry. */
export const frameOf = (low: number, high: number): number => (low >>> 12) + (high & HIGH_FRAME) * 0x100000

/** True when the high half has a bit that this machine reserves: no execute-disable, 36 address bits. */
export const highReserved = (high: number): boolean => (high & ~HIGH_FRAME) !== 0

/** True when an entry of a page directory or a table of directory pointers may not have these bits. */
export const refused = (low: number, high: number): boolean => highReserved(high) || (low & UPPER_REFUSED) !== 0
