// Hypercall vm_assist (21): special treatments that a guest may ask for.

import type { Domain } from './domain.js'
import { EINVAL, ENOSYS } from './errors.js'

const ENABLE = 0
const DISABLE = 1
const TYPES = 6
/** Stores of the kernel to page tables are carried out. */
export const WRITABLE_TABLES = 1 << 2
/** Page tables may lie above 4 GiB. */
export const EXTENDED_CR3 = 1 << 3

/** The hypercall. */
export function vmAssist(domain: Domain, command: number, type: number): number {
  if (type >= TYPES) return EINVAL
  if (command !== ENABLE && command !== DISABLE) return ENOSYS
  domain.assists = command === ENABLE ? domain.assists | (1 << type) : domain.assists & ~(1 << type)
  return 0
}
