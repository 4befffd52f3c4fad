// RCPPS, RCPSS, RSQRTPS, RSQRTSS (SDM vol. 2): reciprocal and reciprocal of the square root, to within 1.5 * 2^-12. The
// manual leaves the digits to the processor; here they are those of the quotient in single precision, rounded to 12
// bits of fraction, the same on every host. No flags; denormal sources count as 0, and denormal results become 0.

import type { Value } from '../ir/tape.js'
import { V128 } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import type { ProcedureSource } from './procedures.js'
import { laneBits, pattern, reals, SINGLE } from './sse-format.js'
import { readAligned, ZERO_VECTOR, zeroExtended } from './sse-operand.js'
import { sse } from './sse-state.js'

const packed = (name: string) => sse(b => b.write(0, b.call(name, [readAligned(b, 1)], V128)))
const scalar = (name: string) =>
  sse(b => b.write(0, laneBits(b, b.call(name, [zeroExtended(b, b.read(1), 4)], V128), 0, SINGLE)))

export const sseApproximate: Record<string, Semantics> = {
  rcpps: packed('sse_reciprocal'),
  rcpss: scalar('sse_reciprocal'),
  rsqrtps: packed('sse_reciprocal_root'),
  rsqrtss: scalar('sse_reciprocal_root'),
}

/** Lanes of x where the mask has ones, else of y. */
const choose = (b: Context, mask: Value, x: Value, y: Value) => b.or(b.and(x, mask), b.op('v128.andnot', y, mask))
const all = (b: Context, bits: bigint) => pattern(b, bits, SINGLE)

const approximation = (root: boolean): ProcedureSource => ({
  params: [V128],
  result: V128,
  faults: false,
  build: b => {
    const op = (name: string, x: Value, y?: Value) => b.op(`f32x4.${name}`, x, y)
    const { sign: signBit, infinity, quiet, least } = SINGLE
    const least4 = reals(b, least, SINGLE)
    const given = b.parameter(0, V128)
    const sign = b.and(given, all(b, signBit))
    // Denormals and zeroes become zero, of which the quotient is infinite.
    const x = b.or(sign, b.op('v128.andnot', given, op('lt', op('abs', given), least4)))
    const quotient = op('div', reals(b, 1, SINGLE), root ? op('sqrt', x) : x)
    const magnitude = op('abs', quotient)
    const rounded = b.and(b.op('i32x4.add', magnitude, all(b, 0x400n)), all(b, 0x7ffff800n))
    const flushed = b.op('v128.andnot', rounded, op('lt', magnitude, least4))
    let v = b.or(sign, flushed)
    const zero = b.constV128(ZERO_VECTOR)
    if (root) v = choose(b, op('lt', x, zero), all(b, signBit | infinity | quiet), v)
    b.return(choose(b, op('ne', given, given), b.or(given, all(b, quiet)), v))
  },
})

export const sseApproximateProcedures: Record<string, ProcedureSource> = {
  sse_reciprocal: approximation(false),
  sse_reciprocal_root: approximation(true),
}
