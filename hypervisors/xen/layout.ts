// Linear addresses of what the hypervisor keeps in every guest address space, all of it above 0xF5800000, and selectors
// (xen/include/public/arch-x86/xen-x86_32.h). The area above the table from machine to physical frames is our own choice.

/** First linear address that is the hypervisor's; the table from machine to physical frames begins there. */
export const HYPERVISOR_START = 0xf5800000
/** One large page with what belongs to a domain. */
const DOMAIN_AREA = 0xffe00000
export const DOMAIN_SLOT = 0x1ff
export const GDT = DOMAIN_AREA
export const GDT_PAGES = 14
export const GDT_LIMIT = 0xefff
export const LDT = DOMAIN_AREA + 0x10000
export const LDT_PAGES = 16
export const IDT = DOMAIN_AREA + 0x20000
export const TSS = DOMAIN_AREA + 0x21000
export const TSS_LIMIT = 0x67

// Selectors in the hypervisor's part of the descriptor table.
export const RING1_CODE = 0xe019
export const RING1_DATA = 0xe021
export const RING3_DATA = 0xe033
export const TASK = 0xe040
export const LDT_SELECTOR = 0xe050

/** The hypervisor's page of the descriptor table, from 0xe000 on: selectors and descriptors (low, high). */
export const RESERVED_DESCRIPTORS: readonly (readonly [selector: number, low: number, high: number])[] = [
  [0xe008, 0x0000ffff, 0x00af9b00],
  [0xe010, 0x0000ffff, 0x00cf9300],
  [0xe018, 0x0000ffff, 0x00cfbb00],
  [0xe020, 0x0000ffff, 0x00cfb300],
  [0xe028, 0x0000ffff, 0x00cffb00],
  [0xe030, 0x0000ffff, 0x00cff300],
  [0xe038, 0x0000ffff, 0x00cf9b00],
]
