// Every instruction, once: mnemonic -> meaning. See context.ts for how a meaning is written.

import { arith } from './arith.js'
import { bcd } from './bcd.js'
import { bits } from './bits.js'
import { branch } from './branch.js'
import type { Semantics } from './context.js'
import { flagControl } from './flag-control.js'
import { interrupts } from './interrupts.js'
import { logic } from './logic.js'
import { move } from './move.js'
import { muldiv } from './muldiv.js'
import { segmentRegisters } from './segment-registers.js'
import { shifts } from './shift.js'
import { simd } from './sse.js'
import { stack } from './stack.js'
import { strings } from './string.js'
import { system } from './system.js'
import { systemRegisters } from './system-registers.js'
import { x87 } from './x87.js'

export const semantics: Readonly<Record<string, Semantics>> = {
  ...move,
  ...arith,
  ...logic,
  ...shifts,
  ...muldiv,
  ...bits,
  ...bcd,
  ...stack,
  ...branch,
  ...strings,
  ...segmentRegisters,
  ...flagControl,
  ...interrupts,
  ...systemRegisters,
  ...system,
  ...x87,
  ...simd,
}

/** The meaning of a mnemonic. Throws for one that is in the decoder's tables and not here: an error of ours. */
export function semanticsOf(mnemonic: string): Semantics {
  const meaning = semantics[mnemonic]
  if (!meaning) throw new Error(`no semantics for ${mnemonic}: add it to a table of src/semantics`)
  return meaning
}
