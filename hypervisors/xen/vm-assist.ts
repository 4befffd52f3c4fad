// Hypercall vm_assist (21): special treatments that a guest may ask for.

import type { Domain } from './domain.js'
import { EINVAL, ENOSYS } from './errors.js'

const ENABLE = 0
const DISABLE = 1
const TYPES = 6

/** The hypercall. */
export function vmAssist(domain: Domain, command: number, type: number): number {
  if (command !== ENABLE && command !== DISABLE) return ENOSYS
  if (type >= TYPES) return EINVAL
  domain.assists = command === ENABLE ? domain.assists | (1 << type) : domain.assists & ~(1 << type)
  return 0
}
