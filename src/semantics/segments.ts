// Segmented addresses (SDM vol. 3, 5.3 limit checking and 5.5 type checking). What a segment's rights and limit allow
// is kept as a range of offsets (SEG_* cells of cpu/layout.ts), so that one comparison of both ends decides.

import {
  SEG_BASE,
  SEG_READ_HIGH,
  SEG_READ_LOW,
  SEG_WRITE_HIGH,
  SEG_WRITE_LOW,
  SEGMENT,
  SS,
  segmentCell,
} from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import type { Context } from './context.js'
import type { ProcedureSource } from './procedures.js'
import { loadSegmentQuick } from './segment-quick.js'

const STACK_FAULT = 12
const GENERAL_PROTECTION = 13

/** Address of the cells of segment register n. */
const cells = (b: Context, n: Value) => b.shl(n, b.const(5))

/** 1 when bytes first .. last lie outside the segment's range; a wrap at 4 GiB is inside only if everything is. */
export function outside(b: Context, segment: Value, first: Value, last: Value, write: boolean): Value {
  const at = cells(b, segment)
  const low = b.loadAt(at, SEGMENT + (write ? SEG_WRITE_LOW : SEG_READ_LOW), 4)
  const high = b.loadAt(at, SEGMENT + (write ? SEG_WRITE_HIGH : SEG_READ_HIGH), 4)
  const below = b.or(b.ltu(first, low), b.ltu(last, low))
  return b.or(below, b.or(b.gtu(first, high), b.gtu(last, high)))
}
/** Base of segment register n, a value. */
export const baseOf = (b: Context, segment: Value) => b.loadAt(cells(b, segment), SEGMENT + SEG_BASE, 4)

const rememberedBase = (n: number) => `base of ${n}`
const rememberedRange = (n: number, write: boolean) => `${n} may be ${write ? 'written' : 'read'}`

/** Linear address in segment register n where any offset may be accessed, as is so for most; else what `checked` gives. */
export function linearInOpen(b: Context, n: number, offset: Value, write: boolean, checked: () => Value): Value {
  const cell = (field: number) => b.state(segmentCell(n, field))
  const open = b.remembered(rememberedRange(n, write), () => {
    const [low, high] = [cell(write ? SEG_WRITE_LOW : SEG_READ_LOW), cell(write ? SEG_WRITE_HIGH : SEG_READ_HIGH)]
    return b.eqz(b.or(low, b.not(high)))
  })
  const base = b.remembered(rememberedBase(n), () => cell(SEG_BASE))
  return b.choose(open, () => b.add(base, offset), checked)
}
/** Segment register n, a value, was loaded. */
export function forgetSegment(b: Context, n: Value) {
  const known = b.known(n)
  if (known === undefined) return
  for (const name of [rememberedBase(known), rememberedRange(known, false), rememberedRange(known, true)])
    b.forget(name)
}

/** (segment, offset, bytes) -> linear address, or #SS(0) for SS and #GP(0) for the others. */
const access = (write: boolean): ProcedureSource => ({
  params: [I32, I32, I32],
  result: I32,
  faults: true,
  build: b => {
    const segment = b.parameter(0, I32)
    const offset = b.parameter(1, I32)
    const last = b.add(offset, b.sub(b.parameter(2, I32), b.const(1)))
    b.if(outside(b, segment, offset, last, write), () => {
      b.if(b.eq(segment, b.const(SS)), () => b.raise(STACK_FAULT, b.const(0)))
      b.raise(GENERAL_PROTECTION, b.const(0))
    })
    b.return(b.add(baseOf(b, segment), offset))
  },
})

export const segmentProcedures: Record<string, ProcedureSource> = {
  segment_read: access(false),
  segment_write: access(true),
  load_segment_quick: loadSegmentQuick,
}
