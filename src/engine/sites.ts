// Sites: places in translated code where an instruction may be given up before it has had an effect, because it faults or
// because its memory is not plainly accessible. A site is one number: the instruction's record, and how many instructions
// of its block, itself among them, have been charged and have not retired.

import { CODE_CACHE, CODE_CACHE_BYTES } from '../cpu/layout.js'
import { LOOP_LIMIT, RECORD_SHIFT } from './record.js'

/** Low bits of a site that hold the count; the others number the record. */
export const UNCHARGED_BITS = 8
export const UNCHARGED_MASK = (1 << UNCHARGED_BITS) - 1
if (LOOP_LIMIT > UNCHARGED_MASK || CODE_CACHE_BYTES >>> RECORD_SHIFT >= 1 << (31 - UNCHARGED_BITS))
  throw new Error('a site does not fit its number')

/** The site of a record; never 0, for the code cache begins with a table. */
export function siteOf(record: number, uncharged: number): number {
  return (((record - CODE_CACHE) >> RECORD_SHIFT) << UNCHARGED_BITS) | uncharged
}
