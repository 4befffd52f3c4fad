// Stretches of REP INS and REP OUTS as one operation: as many units as stay on the current page, inside the
// segment and within count and budget are offered to the machine at once (helpers in_block and out_block), which moves
// as many as the device takes. Devices that take several do not depend on the time of each.

import { EDI, EDX, ES, ESI } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'
import { done, most, type Repeat, shiftOf, side, unchecked } from './string-bulk.js'
import { downwards } from './string-elements.js'

function portStretch(b: Context, repeat: Repeat, helper: string, segment: Value, register: number): Value {
  const { size } = repeat
  const moved = b.variable(b.const(0))
  b.if(b.eqz(downwards(b)), () => {
    const at = side(b, repeat, segment, register, register === EDI)
    const n = most(b, repeat, at.room)
    const allowed = b.and(unchecked(b, at.linear, size), b.eqz(at.leaves(n)))
    b.if(b.and(b.and(at.plain, allowed), b.ne(n, b.const(0))), () => {
      b.set(moved, b.helper(helper, [b.reg(EDX, 2), b.const(size), at.first, n], true))
      const bytes = b.shl(b.get(moved), b.const(shiftOf(size)))
      if (register === EDI) b.if(at.code, () => b.helper('code_written', [at.first, bytes]))
      done(b, repeat, b.get(moved), [register])
    })
  })
  return b.get(moved)
}

/** Reads a stretch from the port in DX. Returns the number of units moved. */
export const inputStretch = (b: Context, repeat: Repeat): Value => portStretch(b, repeat, 'in_block', b.const(ES), EDI)

/** Writes a stretch to the port in DX. Returns the number of units moved. */
export const outputStretch = (b: Context, repeat: Repeat): Value =>
  portStretch(b, repeat, 'out_block', repeat.segment, ESI)
