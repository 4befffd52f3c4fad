// Stretches of REP MOVS and REP STOS at once: as many elements as stay on the current pages, inside the segments, within
// count and budget, where both sides are plain memory by the translation tables (cpu/layout.ts). The effect is that of
// the same elements one by one; where a stretch would be empty, nothing is done here.

import { BUDGET, EAX, ECX, EDI, ES, ESI, MODE, TLB_CODE, TLB_READ, TLB_VALID, TLB_WRITE } from '../cpu/layout.js'
import { MODE_ALIGNMENT } from '../cpu/mode.js'
import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'
import { baseOf, outside } from './segments.js'
import { downwards, elementStep } from './string-elements.js'

const PAGE = 0x1000

/** A repeated instruction's parameters and the elements it has left. */
export interface Repeat {
  readonly size: number
  /** 0xffff or 0xffffffff by address size. */
  readonly mask: Value
  readonly segment: Value
  readonly count: Value
}

export const smaller = (b: Context, x: Value, y: Value) => b.select(b.ltu(x, y), x, y)
export const shiftOf = (size: number) => (size === 4 ? 2 : size - 1)

/** Elements from a linear address on, up or down, that lie on its page with all their bytes. */
export function roomOn(b: Context, linear: Value, size: number, down: Value): Value {
  const low = b.and(linear, b.const(PAGE - 1))
  const shift = b.const(shiftOf(size))
  const below = b.mul(b.leu(low, b.const(PAGE - size)), b.add(b.shru(low, shift), b.const(1)))
  return b.select(down, below, b.shru(b.sub(b.const(PAGE), low), shift))
}

/** One of the two strings: where it goes on and how many elements its page has. */
export function side(b: Context, { size, mask }: Repeat, segment: Value, register: number, write: boolean) {
  const offset = b.and(b.reg(register), mask)
  const linear = b.add(baseOf(b, segment), offset)
  const table = b.state(write ? TLB_WRITE : TLB_READ)
  const found = b.loadAt(b.add(table, b.shl(b.shru(linear, b.const(12)), b.const(2))), 0, 4)
  const entry = b.and(found, b.const(~TLB_CODE))
  const down = downwards(b)
  /** Address in the machine's linear memory; of a meaning only where `plain` is 1. */
  const first = b.add(linear, b.add(entry, b.const(TLB_VALID)))
  /** From the lowest of n elements to the first. */
  const back = (n: Value) => b.mul(down, b.shl(b.sub(n, b.const(1)), b.const(shiftOf(size))))
  return {
    /** Not 0 when the page holds translated code: a write is to be reported. */
    code: b.and(found, b.const(TLB_CODE)),
    linear,
    first,
    room: roomOn(b, linear, size, down),
    plain: b.eqz(b.and(b.xor(entry, b.const(TLB_VALID)), b.const(PAGE - 1))),
    /** Where the lowest of n elements lies. */
    lowest: (n: Value) => b.sub(first, back(n)),
    /** 1 when some of n elements are outside the segment or wrap round the address size. */
    leaves: (n: Value) => {
      const low = b.sub(offset, back(n))
      const last = b.sub(b.add(low, b.shl(n, b.const(shiftOf(size)))), b.const(1))
      return b.or(b.or(b.gtu(low, offset), b.gtu(last, mask)), outside(b, segment, low, last, write))
    },
  }
}
/** Alignment checks need every access to be looked at. */
export const unchecked = (b: Context, linear: Value, size: number) =>
  b.or(b.eqz(b.and(linear, b.const(size - 1))), b.eqz(b.and(b.state(MODE), b.const(MODE_ALIGNMENT))))
/** Elements that count, budget and `room` elements allow. */
export const most = (b: Context, { count }: Repeat, room: Value): Value =>
  smaller(b, room, smaller(b, count, b.state(BUDGET)))

/** Sets the part of register n that the address size covers. */
export function setMasked(b: Context, n: number, mask: Value, v: Value) {
  b.setReg(n, 4, b.or(b.and(v, mask), b.and(b.reg(n), b.not(mask))))
}
/** Accounts for `n` elements: count, budget and index registers. */
export function done(b: Context, { size, mask }: Repeat, n: Value, registers: number[]) {
  const way = b.mul(n, elementStep(b, size))
  for (const register of registers) setMasked(b, register, mask, b.add(b.reg(register), way))
  setMasked(b, ECX, mask, b.sub(b.reg(ECX), n))
  b.setState(BUDGET, b.sub(b.state(BUDGET), n))
}

/** Goes from 0 to `way`, which is not 0, by `step` and does `body` with each distance but the last. */
export function eachStep(b: Context, way: Value, step: Value, body: (distance: Value) => void) {
  const distance = b.variable(b.const(0))
  b.loop(() => {
    body(b.get(distance))
    b.set(distance, b.add(b.get(distance), step))
    b.breakIf(b.eq(b.get(distance), way))
  })
}
/** Copies n > 0 elements, whose first ones are at `from` and `to`; each is read when those before it are written. */
export function copyElements(b: Context, size: number, from: Value, to: Value, n: Value) {
  const step = elementStep(b, size)
  const bytes = b.shl(n, b.const(shiftOf(size)))
  const down = downwards(b)
  const apart = b.sub(to, from)
  // Onto what is still to be read: element by element gives a pattern.
  b.if(
    b.ltu(b.select(down, b.neg(apart), apart), bytes),
    () => {
      eachStep(b, b.mul(n, step), step, at => b.storeAt(b.add(to, at), 0, size, b.loadAt(b.add(from, at), 0, size)))
    },
    () => {
      const back = b.mul(down, b.sub(bytes, b.const(size)))
      b.copy(b.sub(to, back), b.sub(from, back), bytes)
    },
  )
}
/** Stores v into n > 0 elements, the first of which is at `to`. */
export function fillElements(b: Context, size: number, to: Value, n: Value, v: Value) {
  const step = elementStep(b, size)
  const bytes = b.shl(n, b.const(shiftOf(size)))
  const byte = b.and(v, b.const(0xff))
  const uniform = size === 1 ? b.const(1) : b.eq(v, b.mul(byte, b.const(size === 2 ? 0x0101 : 0x01010101)))
  b.if(
    uniform,
    () => b.fill(b.sub(to, b.mul(downwards(b), b.sub(bytes, b.const(size)))), byte, bytes),
    () => {
      eachStep(b, b.mul(n, step), step, at => b.storeAt(b.add(to, at), 0, size, v))
    },
  )
}

/** Copies a stretch. Returns the number of elements moved. */
export function copyStretch(b: Context, repeat: Repeat): Value {
  const { size, segment } = repeat
  const moved = b.variable(b.const(0))
  const from = side(b, repeat, segment, ESI, false)
  const to = side(b, repeat, b.const(ES), EDI, true)
  const n = most(b, repeat, smaller(b, from.room, to.room))
  const aligned = b.and(unchecked(b, from.linear, size), unchecked(b, to.linear, size))
  const inside = b.eqz(b.or(from.leaves(n), to.leaves(n)))
  const plain = b.and(from.plain, to.plain)
  b.if(b.and(b.and(plain, inside), b.and(aligned, b.ne(n, b.const(0)))), () => {
    copyElements(b, size, from.first, to.first, n)
    b.if(to.code, () => b.helper('code_written', [to.lowest(n), b.shl(n, b.const(shiftOf(size)))]))
    done(b, repeat, n, [ESI, EDI])
    b.set(moved, n)
  })
  return b.get(moved)
}

/** Stores AL, AX or EAX along a stretch. Returns the number of elements stored. */
export function fillStretch(b: Context, repeat: Repeat): Value {
  const { size } = repeat
  const moved = b.variable(b.const(0))
  const to = side(b, repeat, b.const(ES), EDI, true)
  const n = most(b, repeat, to.room)
  const allowed = b.and(unchecked(b, to.linear, size), b.eqz(to.leaves(n)))
  b.if(b.and(b.and(to.plain, allowed), b.ne(n, b.const(0))), () => {
    fillElements(b, size, to.first, n, b.reg(EAX, size))
    b.if(to.code, () => b.helper('code_written', [to.lowest(n), b.shl(n, b.const(shiftOf(size)))]))
    done(b, repeat, n, [EDI])
    b.set(moved, n)
  })
  return b.get(moved)
}
