// REPE and REPNE SCAS and CMPS: elements that do not end the repetition, several at once. The one that ends it, by
// comparing as it should or by being the last, sets the flags and is left to who asks (SDM vol. 2: SCAS CMPS).

import { EAX, EDI, ES, ESI } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import type { Context } from './context.js'
import { done, most, type Repeat, shiftOf, side, smaller, unchecked } from './string-bulk.js'
import { downwards, elementStep } from './string-elements.js'

/** Bytes compared at once. */
const MANY = 16
const lanes = { 1: 'i8x16', 2: 'i16x8', 4: 'i32x4' } as const

/** What elements are compared with: those of another string, or the accumulator. */
export type Other = { readonly from: Value } | { readonly value: Value }

/** Distance behind which fewer than MANY bytes are left or MANY hold the element sought; upwards. */
function passMany(b: Context, size: 1 | 2 | 4, at: Value, other: Other, bytes: Value, wanted: Value): number {
  const distance = b.variable(b.const(0))
  b.loop(() => {
    b.breakIf(b.ltu(b.sub(bytes, b.get(distance)), b.const(MANY)))
    const y = b.loadAt(b.add(at, b.get(distance)), 0, MANY)
    const x =
      'from' in other
        ? b.loadAt(b.add(other.from, b.get(distance)), 0, MANY)
        : b.op(`${lanes[size]}.splat`, other.value)
    const equal = b.op(`${lanes[size]}.eq`, x, y)
    b.breakIf(b.ne(b.op('i8x16.bitmask', equal), b.mul(wanted, b.const(0xffff))))
    b.set(distance, b.add(b.get(distance), b.const(MANY)))
  })
  return distance
}

/**
 * Compares up to n > 0 elements at `at` with what others are.
 * @returns how many compare as `wanted` (1 equal, 0 different) before one does not
 */
export function passOver(b: Context, size: number, at: Value, other: Other, n: Value, wanted: Value): Value {
  const step = elementStep(b, size)
  const way = b.mul(n, step)
  const down = downwards(b)
  const bytes = b.select(down, b.const(0), way)
  const distance = passMany(b, size as 1 | 2 | 4, at, other, bytes, wanted)
  b.loop(() => {
    b.breakIf(b.eq(b.get(distance), way))
    const y = b.loadAt(b.add(at, b.get(distance)), 0, size)
    const x = 'from' in other ? b.loadAt(b.add(other.from, b.get(distance)), 0, size) : other.value
    b.breakIf(b.ne(b.eq(x, y), wanted))
    b.set(distance, b.add(b.get(distance), step))
  })
  const reached = b.get(distance)
  return b.shru(b.select(down, b.neg(reached), reached), b.const(shiftOf(size)))
}

function stretch(b: Context, repeat: Repeat, compares: boolean): Value {
  const { size, segment, count } = repeat
  const passed = b.variable(b.const(0))
  const to = side(b, repeat, b.const(ES), EDI, false)
  const from = compares ? side(b, repeat, segment, ESI, false) : undefined
  const room = from ? smaller(b, from.room, to.room) : to.room
  const n = smaller(b, most(b, repeat, room), b.sub(count, b.const(1)))
  const sides = from ? [to, from] : [to]
  const allowed = sides.map(s => b.and(b.and(s.plain, unchecked(b, s.linear, size)), b.eqz(s.leaves(n))))
  b.if(
    allowed.reduce((x, y) => b.and(x, y), b.ne(n, b.const(0))),
    () => {
      const other = from ? { from: from.first } : { value: b.reg(EAX, size) }
      b.set(passed, passOver(b, size, to.first, other, n, b.parameter(2, I32)))
      done(b, repeat, b.get(passed), from ? [ESI, EDI] : [EDI])
    },
  )
  return b.get(passed)
}

/** Goes over elements that do not end REP SCAS. Returns how many. */
export const scanStretch = (b: Context, repeat: Repeat): Value => stretch(b, repeat, false)

/** Goes over elements that do not end REP CMPS. Returns how many. */
export const compareStretch = (b: Context, repeat: Repeat): Value => stretch(b, repeat, true)
