// Packed integer arithmetic, comparison, logic and packing on MMX and XMM registers (SDM vol. 2, PACKSSWB ... PXOR, and
// the logical instructions of SSE and SSE2, which do not look at what the bits mean). One meaning for both widths.

import type { Value } from '../ir/tape.js'
import type { Form } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { half, isMmx, packed } from './sse-operand.js'

type Operation = (b: Context, x: Value, y: Value, form: Form) => Value

/** Mnemonics that are one vector operator of destination and source. */
const single = `
paddb i8x16.add
paddw i16x8.add
paddd i32x4.add
paddq i64x2.add
paddsb i8x16.add_sat_s
paddsw i16x8.add_sat_s
paddusb i8x16.add_sat_u
paddusw i16x8.add_sat_u
psubb i8x16.sub
psubw i16x8.sub
psubd i32x4.sub
psubq i64x2.sub
psubsb i8x16.sub_sat_s
psubsw i16x8.sub_sat_s
psubusb i8x16.sub_sat_u
psubusw i16x8.sub_sat_u
pcmpeqb i8x16.eq
pcmpeqw i16x8.eq
pcmpeqd i32x4.eq
pcmpgtb i8x16.gt_s
pcmpgtw i16x8.gt_s
pcmpgtd i32x4.gt_s
pmullw i16x8.mul
pmaddwd i32x4.dot_i16x8_s
pavgb i8x16.avgr_u
pavgw i16x8.avgr_u
pminub i8x16.min_u
pminsw i16x8.min_s
pmaxub i8x16.max_u
pmaxsw i16x8.max_s
pand v128.and
andps v128.and
andpd v128.and
por v128.or
orps v128.or
orpd v128.or
pxor v128.xor
xorps v128.xor
xorpd v128.xor`

/** Upper halves of the 32-bit products of words. */
const highProduct =
  (sign: 's' | 'u'): Operation =>
  (b, x, y) => {
    const low = b.op(`i32x4.extmul_low_i16x8_${sign}`, x, y)
    const high = b.op(`i32x4.extmul_high_i16x8_${sign}`, x, y)
    return b.shuffle(low, high, [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31])
  }

/** 64-bit products of the even doublewords. */
const evenProduct: Operation = (b, x, y) => {
  const even = (v: Value) => b.shuffle(v, v, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11])
  return b.op('i64x2.extmul_low_i32x4_u', even(x), even(y))
}

/** Sum of the absolute differences of each eight bytes. */
const differences: Operation = (b, x, y) => {
  const difference = b.or(b.op('i8x16.sub_sat_u', x, y), b.op('i8x16.sub_sat_u', y, x))
  const sums = b.op('i32x4.extadd_pairwise_i16x8_u', b.op('i16x8.extadd_pairwise_i8x16_u', difference))
  const n32 = b.const(32)
  const upper = b.op('i64x2.shr_u', sums, n32)
  return b.op('i64x2.add', b.op('i64x2.shr_u', b.op('i64x2.shl', sums, n32), n32), upper)
}

/** Narrows destination (low lanes) and source (high lanes); in an MMX register both have half as many. */
const pack =
  (operator: string): Operation =>
  (b, x, y, form) => {
    if (!isMmx(form)) return b.op(operator, x, y)
    const both = b.op('i64x2.replace_lane', x, half(b, y, 0), -1, 1)
    return b.op(operator, both, both)
  }

/** x86's ANDN complements the destination. */
const andNot: Operation = (b, x, y) => b.op('v128.andnot', y, x)

export const sseInteger: Record<string, Semantics> = {
  pandn: packed(andNot),
  andnps: packed(andNot),
  andnpd: packed(andNot),
  pmulhw: packed(highProduct('s')),
  pmulhuw: packed(highProduct('u')),
  pmuludq: packed(evenProduct),
  psadbw: packed(differences),
  packsswb: packed(pack('i8x16.narrow_i16x8_s')),
  packuswb: packed(pack('i8x16.narrow_i16x8_u')),
  packssdw: packed(pack('i16x8.narrow_i32x4_s')),
}
for (const line of single.trim().split('\n')) {
  const [mnemonic, operator] = line.split(' ') as [string, string]
  sseInteger[mnemonic] = packed((b, x, y) => b.op(operator, x, y))
}
