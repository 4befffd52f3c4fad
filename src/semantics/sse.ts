// All instructions of MMX, SSE and SSE2, and their procedures, in one table each.

import type { Semantics } from './context.js'
import { mmxProcedures } from './mmx-state.js'
import type { ProcedureSource } from './procedures.js'
import { sseApproximate, sseApproximateProcedures } from './sse-approximate.js'
import { sseArith, sseArithProcedures } from './sse-arith.js'
import { sseCompare, sseCompareProcedures } from './sse-compare.js'
import { sseConvert } from './sse-convert.js'
import { sseConvertProcedures } from './sse-convert-exact.js'
import { sseExactProcedures } from './sse-exact.js'
import { sseInteger } from './sse-integer.js'
import { sseMove } from './sse-move.js'
import { sseRoundProcedures } from './sse-round.js'
import { sseShift, sseShiftProcedures } from './sse-shift.js'
import { sseShuffle, sseShuffleProcedures } from './sse-shuffle.js'
import { sseState, sseStateProcedures } from './sse-state.js'

export const simd: Record<string, Semantics> = {
  ...sseState,
  ...sseMove,
  ...sseInteger,
  ...sseShift,
  ...sseShuffle,
  ...sseArith,
  ...sseCompare,
  ...sseConvert,
  ...sseApproximate,
}
export const simdProcedures: Record<string, ProcedureSource> = {
  ...mmxProcedures,
  ...sseStateProcedures,
  ...sseShiftProcedures,
  ...sseShuffleProcedures,
  ...sseRoundProcedures,
  ...sseExactProcedures,
  ...sseArithProcedures,
  ...sseCompareProcedures,
  ...sseConvertProcedures,
  ...sseApproximateProcedures,
}
