// Moves of MMX, SSE and SSE2 registers (SDM vol. 2: MOVAPS ... MOVUPD, MOVD, MOVQ, MOVNTI ..., MASKMOVQ, MASKMOVDQU,
// MOVMSKPS, PMOVMSKB). Non-temporal moves are plain stores; fences order nothing here.

import { EDI } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { MEM, MM, XMMREG } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { mmx, setMmx } from './mmx-state.js'
import { aligned, half, isMmx, readAligned, zeroExtended } from './sse-operand.js'
import { sse } from './sse-state.js'

/** Sixteen bytes, aligned in memory. */
const moveAligned = sse((b, form) => {
  if (form.operands[0]!.kind === MEM) {
    const linear = aligned(b, true)
    b.guestStore(linear, 16, b.read(1))
  } else b.write(0, readAligned(b, 1))
})
const moveUnaligned = sse(b => b.write(0, b.read(1)))

/** MOVSS, MOVSD: from memory the rest of the register becomes 0. */
const moveScalar = sse((b, form) => {
  if (form.operands[1]!.kind === MEM) b.writeCell(b.field('dst'), 16, zeroExtended(b, b.read(1), form.size))
  else b.write(0, b.read(1))
})

/** Half n of the register that is the field's. */
const halfCell = (b: Context, field: 'dst' | 'src', n: number): Value => b.add(b.field(field), b.const(8 * n))

/** Moves eight bytes to or from the given halves; a memory operand has but one. */
const moveHalf = (to: 0 | 1, from: 0 | 1) =>
  sse((b, form) => {
    if (form.operands[0]!.kind === MEM) b.write(0, b.readCell(halfCell(b, 'src', to), 8))
    else {
      const inMemory = form.operands[1]!.kind === MEM
      b.writeCell(halfCell(b, 'dst', to), 8, inMemory ? b.read(1) : b.readCell(halfCell(b, 'src', from), 8))
    }
  })

/** MOVD and MOVQ between MMX register and general register, memory or MMX register. */
const movesMmx = mmx((b, form) => {
  const [to, from] = form.operands
  if (from!.kind === MM && to!.kind !== MM) b.write(0, to!.size === 4 ? b.low(b.read(1)) : b.read(1))
  else setMmx(b, from!.size === 4 ? b.toI64u(b.read(1)) : b.read(1))
})
/** The same for XMM registers, whose upper part becomes 0. */
const movesXmm = sse((b, form) => {
  const [to, from] = form.operands
  const size = Math.min(to!.size, from!.size)
  const v = from!.kind === XMMREG ? b.readCell(b.field('src'), size) : b.read(1)
  if (to!.kind === XMMREG) b.writeCell(b.field('dst'), 16, zeroExtended(b, v, size))
  else b.write(0, v)
})
const moves: Semantics = (b, form) => (isMmx(form) ? movesMmx : movesXmm)(b, form)

/** Stores the bytes whose mask byte has its top bit set to DS:EDI (or another segment). */
function maskedStore(b: Context, size: 8 | 16) {
  const offset = b.reg(EDI, b.form.addressSize)
  const linear = b.linear(offset, size, true)
  const vector = (v: Value) => (size === 8 ? b.op('i64x2.splat', v) : v)
  // Processors ask for the upper half first, whatever the mask.
  if (size === 16) b.guestLoad(b.add(linear, b.const(8)), 8, true)
  const old = vector(b.guestLoad(linear, size, true))
  const chosen = b.op('i8x16.shr_s', vector(b.read(1)), b.const(7))
  const merged = b.or(b.and(vector(b.read(0)), chosen), b.op('v128.andnot', old, chosen))
  b.guestStore(linear, size, size === 8 ? half(b, merged, 0) : merged)
}

/** Sign bits of the lanes to a general register. */
const signs = (operator: string) =>
  sse(b => {
    b.write(0, b.op(operator, b.read(1)))
  })
const byteSignsXmm = signs('i8x16.bitmask')
const byteSignsMmx = mmx(b => {
  b.write(0, b.and(b.op('i8x16.bitmask', b.op('i64x2.splat', b.read(1))), b.const(0xff)))
})

const nothing: Semantics = () => undefined

export const sseMove: Record<string, Semantics> = {
  movups: moveUnaligned,
  movupd: moveUnaligned,
  movdqu: moveUnaligned,
  movss: moveScalar,
  movsd: moveScalar,
  movlps: moveHalf(0, 0),
  movlpd: moveHalf(0, 0),
  movhps: moveHalf(1, 1),
  movhpd: moveHalf(1, 1),
  movhlps: moveHalf(0, 1),
  movlhps: moveHalf(1, 0),
  movd: moves,
  movq: moves,
  movq2dq: sse(mmx(b => b.writeCell(b.field('dst'), 16, zeroExtended(b, b.read(1), 8)))),
  movdq2q: sse(mmx(b => setMmx(b, b.readCell(b.field('src'), 8)))),
  movnti: b => b.write(0, b.read(1)),
  movntq: mmx(b => b.write(0, b.read(1))),
  maskmovq: mmx(b => maskedStore(b, 8)),
  maskmovdqu: sse(b => maskedStore(b, 16)),
  movmskps: signs('i32x4.bitmask'),
  movmskpd: signs('i64x2.bitmask'),
  pmovmskb: (b, form) => (isMmx(form) ? byteSignsMmx : byteSignsXmm)(b, form),
  sfence: nothing,
  lfence: nothing,
  mfence: nothing,
  clflush: b => {
    b.guestLoad(b.linear(b.offset(), 1, false), 1)
  },
}
for (const name of ['movaps', 'movapd', 'movdqa', 'movntps', 'movntpd', 'movntdq']) sseMove[name] = moveAligned
