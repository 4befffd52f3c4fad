// Stretches of REP MOVS and REP STOS at once: as many elements as stay on the current pages, inside the segments, within
// count and budget, where both sides are plain memory by the translation tables (cpu/layout.ts). The effect is that of
// the same elements one by one; with DF set, and wherever a stretch would be empty, nothing is done here.

import { BUDGET, EAX, ECX, EDI, ES, ESI, FLAGS, MODE, TLB_CODE, TLB_READ, TLB_VALID, TLB_WRITE } from '../cpu/layout.js'
import { MODE_ALIGNMENT } from '../cpu/mode.js'
import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'
import { baseOf, outside } from './segments.js'

const FLAG_DF = 0x400
const PAGE = 0x1000

/** A repeated instruction's parameters and the elements it has left. */
export interface Repeat {
  readonly size: number
  /** 0xffff or 0xffffffff by address size. */
  readonly mask: Value
  readonly segment: Value
  readonly count: Value
}

const smaller = (b: Context, x: Value, y: Value) => b.select(b.ltu(x, y), x, y)
export const shiftOf = (size: number) => (size === 4 ? 2 : size - 1)

/** One of the two strings: its offset, linear address and bytes to the end of the page. */
export function side(b: Context, { mask }: Repeat, segment: Value, register: number, write: boolean) {
  const offset = b.and(b.reg(register), mask)
  const linear = b.add(baseOf(b, segment), offset)
  const table = b.state(write ? TLB_WRITE : TLB_READ)
  const found = b.loadAt(b.add(table, b.shl(b.shru(linear, b.const(12)), b.const(2))), 0, 4)
  const entry = b.and(found, b.const(~TLB_CODE))
  return {
    /** Not 0 when the page holds translated code: a write is to be reported. */
    code: b.and(found, b.const(TLB_CODE)),
    linear,
    room: b.sub(b.const(PAGE), b.and(linear, b.const(PAGE - 1))),
    /** Address in the machine's linear memory; of a meaning only where `bad` is 0. */
    host: b.add(linear, b.add(entry, b.const(TLB_VALID))),
    plain: b.eqz(b.and(b.xor(entry, b.const(TLB_VALID)), b.const(PAGE - 1))),
    /** 1 when `bytes` bytes from here are outside the segment or wrap round the address size. */
    leaves: (bytes: Value) => {
      const last = b.sub(b.add(offset, bytes), b.const(1))
      return b.or(b.gtu(last, mask), outside(b, segment, offset, last, write))
    },
  }
}
/** Alignment checks need every access to be looked at. */
export const unchecked = (b: Context, linear: Value, size: number) =>
  b.or(b.eqz(b.and(linear, b.const(size - 1))), b.eqz(b.and(b.state(MODE), b.const(MODE_ALIGNMENT))))
/** Elements that count, budget and `room` bytes allow. */
export function most(b: Context, { size, count }: Repeat, room: Value): Value {
  return smaller(b, b.shru(room, b.const(shiftOf(size))), smaller(b, count, b.state(BUDGET)))
}
export const upwards = (b: Context) => b.eqz(b.and(b.state(FLAGS), b.const(FLAG_DF)))

/** Sets the part of register n that the address size covers. */
export function setMasked(b: Context, n: number, mask: Value, v: Value) {
  b.setReg(n, 4, b.or(b.and(v, mask), b.and(b.reg(n), b.not(mask))))
}
/** Accounts for `n` elements: count, budget and index registers. */
export function done(b: Context, { size, mask }: Repeat, n: Value, registers: number[]) {
  const bytes = b.shl(n, b.const(shiftOf(size)))
  for (const register of registers) setMasked(b, register, mask, b.add(b.reg(register), bytes))
  setMasked(b, ECX, mask, b.sub(b.reg(ECX), n))
  b.setState(BUDGET, b.sub(b.state(BUDGET), n))
}

/** Copies a stretch. Returns the number of elements moved. */
export function copyStretch(b: Context, repeat: Repeat): Value {
  const { size, segment } = repeat
  const moved = b.variable(b.const(0))
  b.if(upwards(b), () => {
    const from = side(b, repeat, segment, ESI, false)
    const to = side(b, repeat, b.const(ES), EDI, true)
    // Strings that overlap are moved by no more than their distance at a time: that is what one by one gives.
    const ahead = b.sub(to.host, from.host)
    const distance = smaller(b, ahead, b.neg(ahead))
    const n = most(b, repeat, smaller(b, distance, smaller(b, from.room, to.room)))
    const bytes = b.shl(n, b.const(shiftOf(size)))
    const aligned = b.and(unchecked(b, from.linear, size), unchecked(b, to.linear, size))
    const inside = b.eqz(b.or(from.leaves(bytes), to.leaves(bytes)))
    const plain = b.and(from.plain, to.plain)
    b.if(b.and(b.and(plain, inside), b.and(aligned, b.ne(n, b.const(0)))), () => {
      b.copy(to.host, from.host, bytes)
      b.if(to.code, () => b.helper('code_written', [to.host, bytes]))
      done(b, repeat, n, [ESI, EDI])
      b.set(moved, n)
    })
  })
  return b.get(moved)
}

/** Stores AL, AX or EAX along a stretch. Returns the number of elements stored. */
export function fillStretch(b: Context, repeat: Repeat): Value {
  const { size } = repeat
  const moved = b.variable(b.const(0))
  b.if(upwards(b), () => {
    const to = side(b, repeat, b.const(ES), EDI, true)
    const n = most(b, repeat, to.room)
    const bytes = b.shl(n, b.const(shiftOf(size)))
    const allowed = b.and(unchecked(b, to.linear, size), b.eqz(to.leaves(bytes)))
    b.if(b.and(b.and(to.plain, allowed), b.ne(n, b.const(0))), () => {
      const v = b.reg(EAX, size)
      const byte = b.and(v, b.const(0xff))
      const uniform = size === 1 ? b.const(1) : b.eq(v, b.mul(byte, b.const(size === 2 ? 0x0101 : 0x01010101)))
      b.if(
        uniform,
        () => b.fill(to.host, byte, bytes),
        () => storeAll(b, to.host, bytes, v, size),
      )
      b.if(to.code, () => b.helper('code_written', [to.host, bytes]))
      done(b, repeat, n, [EDI])
      b.set(moved, n)
    })
  })
  return b.get(moved)
}
function storeAll(b: Context, host: Value, bytes: Value, v: Value, size: number) {
  const at = b.variable(host)
  const end = b.add(host, bytes)
  b.loop(() => {
    b.storeAt(b.get(at), 0, size, v)
    b.set(at, b.add(b.get(at), b.const(size)))
    b.breakIf(b.eq(b.get(at), end))
  })
}
