// Shifts of packed integers by a register, memory or immediate count (SDM vol. 2: PSLLW ... PSRLQ, PSLLDQ, PSRLDQ).
// A count of the lane's width or more gives 0, or the sign for arithmetic shifts.

import { SCRATCH } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { I32, V128 } from '../ir/types.js'
import { IMM, XMMREG } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { mmx, setMmx } from './mmx-state.js'
import type { ProcedureSource } from './procedures.js'
import { half, isMmx, readAligned, ZERO_VECTOR } from './sse-operand.js'
import { sse } from './sse-state.js'

interface Count {
  /** The count itself, modulo 2^32. */
  readonly low: Value
  /** 1 when it is the lane's width or more. */
  readonly large: Value
}

function countOf(b: Context, bits: number): Count {
  const operand = b.form.operands[1]!
  if (operand.kind === IMM) {
    const low = b.read(1)
    return { low, large: b.gtu(low, b.const(bits - 1)) }
  }
  const whole =
    operand.kind === XMMREG
      ? b.readCell(b.field('src'), 8)
      : operand.size === 16
        ? half(b, readAligned(b, 1), 0)
        : b.read(1)
  return { low: b.low(whole), large: b.gtu(whole, b.const64(BigInt(bits - 1))) }
}

const shift = (operator: string, bits: number): Semantics => {
  const shifted = (b: Context, x: Value, { low, large }: Count) =>
    operator.endsWith('shr_s')
      ? b.op(operator, x, b.select(large, b.const(bits - 1), low))
      : b.select(large, b.constV128(ZERO_VECTOR), b.op(operator, x, low))
  const onXmm = sse(b => {
    const count = countOf(b, bits)
    b.write(0, shifted(b, b.read(0), count))
  })
  const onMmx = mmx(b => {
    const count = countOf(b, bits)
    setMmx(b, half(b, shifted(b, b.op('i64x2.splat', b.read(0)), count), 0))
  })
  return (b, form) => (isMmx(form) ? onMmx : onXmm)(b, form)
}

/** Shift of the whole register by bytes. */
const shiftBytes = (left: boolean) =>
  sse(b => {
    const count = b.read(1)
    const known = b.known(count)
    const x = b.read(0)
    if (known === undefined) return b.write(0, b.call('sse_shift_bytes', [x, left ? b.neg(count) : count], V128))
    const n = Math.min(known, 16)
    // Lanes 16 and up are zeroes.
    const lanes = Array.from({ length: 16 }, (_, i) => (left ? (i < n ? 16 : i - n) : Math.min(i + n, 16)))
    b.write(0, b.shuffle(x, b.constV128(ZERO_VECTOR), lanes))
  })

export const sseShift: Record<string, Semantics> = {
  psllw: shift('i16x8.shl', 16),
  pslld: shift('i32x4.shl', 32),
  psllq: shift('i64x2.shl', 64),
  psrlw: shift('i16x8.shr_u', 16),
  psrld: shift('i32x4.shr_u', 32),
  psrlq: shift('i64x2.shr_u', 64),
  psraw: shift('i16x8.shr_s', 16),
  psrad: shift('i32x4.shr_s', 32),
  pslldq: shiftBytes(true),
  psrldq: shiftBytes(false),
}

export const sseShiftProcedures: Record<string, ProcedureSource> = {
  /** (x, n): x shifted right by n bytes, -255 to 255; left when n is negative. Through memory: zeroes, x, zeroes. */
  sse_shift_bytes: {
    params: [V128, I32],
    result: V128,
    faults: false,
    build: b => {
      const n = b.parameter(1, I32)
      const zero = b.constV128(ZERO_VECTOR)
      b.setState(SCRATCH, zero, 16)
      b.setState(SCRATCH + 16, b.parameter(0, V128), 16)
      b.setState(SCRATCH + 32, zero, 16)
      const least = b.select(b.lts(n, b.const(-16)), b.const(-16), n)
      const within = b.select(b.gts(least, b.const(16)), b.const(16), least)
      b.return(b.loadAt(b.add(within, b.const(16)), SCRATCH, 16))
    },
  },
}
