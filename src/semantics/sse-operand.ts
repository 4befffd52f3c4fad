// Operands of MMX and SSE instructions as vectors. Sixteen bytes in memory must be aligned, except for the moves that
// say otherwise (SDM vol. 1, 10.4.1.1 and 11.3); an MMX operand is a vector of which the upper half is of no interest.

import type { Value } from '../ir/tape.js'
import { type Form, MEM, MM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { mmx, setMmx } from './mmx-state.js'
import { baseOf } from './segments.js'
import { sse } from './sse-state.js'

export const ZERO_VECTOR = new Uint8Array(16)

export const isMmx = (form: Form): boolean => form.operands.some(o => o.kind === MM)

/** Linear address of a 16-byte memory operand; #GP(0) when it is not aligned, before its segment's limit is looked at. */
export function aligned(b: Context, write: boolean): Value {
  const offset = b.offset()
  const unchecked = b.form.flat ? offset : b.add(baseOf(b, b.field('segment')), offset)
  b.if(b.and(unchecked, b.const(15)), () => b.raise(13, b.const(0)))
  return b.linear(offset, 16, write)
}
/** Reads operand i, an XMM register or aligned memory when it has 16 bytes; scalars as i32 and i64. */
export function readAligned(b: Context, i: number): Value {
  const { kind, size } = b.form.operands[i]!
  return kind === MEM && size === 16 ? b.guestLoad(aligned(b, false), 16) : b.read(i)
}
/** Reads operand i as i64: an MMX register, or 4 or 8 bytes of memory. */
export function readQuad(b: Context, i: number): Value {
  return b.form.operands[i]!.size === 4 ? b.toI64u(b.read(i)) : b.read(i)
}
/** Reads operand i as a vector; a shorter operand is its low half. */
export function readVector(b: Context, i: number): Value {
  return b.form.operands[i]!.size === 16 ? readAligned(b, i) : b.op('i64x2.splat', readQuad(b, i))
}
/** Low (0) or high (1) half of a vector. */
export const half = (b: Context, v: Value, n: 0 | 1): Value => b.op('i64x2.extract_lane', v, -1, -1, n)

/** A vector of 0 but for its low lane, an i32 or i64. */
export function zeroExtended(b: Context, v: Value, size: number): Value {
  return b.op(size === 8 ? 'i64x2.replace_lane' : 'i32x4.replace_lane', b.constV128(ZERO_VECTOR), v)
}

/**
 * An instruction on vectors whose first operand is destination and first source, for MMX and XMM registers. The MMX
 * result is half `mmxHalf` of the vector's.
 */
export function packed(f: (b: Context, x: Value, y: Value, form: Form) => Value, mmxHalf: 0 | 1 = 0): Semantics {
  const onXmm = sse((b, form) => {
    const y = readVector(b, 1)
    b.write(0, f(b, b.read(0), y, form))
  })
  const onMmx = mmx((b, form) => {
    const y = readVector(b, 1)
    setMmx(b, half(b, f(b, b.op('i64x2.splat', b.read(0)), y, form), mmxHalf))
  })
  return (b, form) => (isMmx(form) ? onMmx : onXmm)(b, form)
}
