// The flags as four values (kind, result, a, b), for code that defers the vector of carries: what an engine hands from
// block to block, and the two procedures that compute what was deferred. The result is sign-extended.

import { I32 } from '../ir/types.js'
import type { Context } from './context.js'
import { ADD, SUB } from './flags.js'
import type { ProcedureSource } from './procedures.js'

// Kinds: what a and b are. The operand size in bytes stands in bits 4-6.
export const KIND_RAW = 0 // a is the AUX vector
export const KIND_LOGIC = 1
export const KIND_ADD = 2 // a and b are the operands
export const KIND_SUB = 3
export const KIND_INC = 4 // a is the operand, b is CF, 0 or 1
export const KIND_DEC = 5
export const kindOf = (base: number, size: number) => base | (size << 4)

const parameters = (b: Context) => [0, 1, 2, 3].map(i => b.parameter(i, I32)) as [number, number, number, number]

/** The AUX vector of a kind that is not raw. */
function vector(b: Context) {
  const [kind, result, x, y] = parameters(b)
  const base = b.and(kind, b.const(15))
  b.if(b.eqz(kind), () => b.return(x))
  b.if(b.eq(base, b.const(KIND_LOGIC)), () => b.return(b.const(0)))
  const size = b.shru(kind, b.const(4))
  const keeps = b.geu(base, b.const(KIND_INC))
  const operand = b.select(keeps, b.const(1), y)
  const adds = b.eqz(b.and(base, b.const(1)))
  const whole = b.variable(b.const(0))
  for (const [kindIs, condition] of [
    [ADD, adds],
    [SUB, b.eqz(adds)],
  ] as const)
    b.if(condition, () => {
      for (const bytes of [1, 2, 4])
        b.if(b.eq(size, b.const(bytes)), () => b.set(whole, b.flags.carries(kindIs, bytes, result, x, operand)))
    })
  b.return(b.select(keeps, b.flags.withCarry(b.get(whole), y), b.get(whole)))
}

function carry(b: Context) {
  const [kind, result, x, y] = parameters(b)
  const base = b.and(kind, b.const(15))
  b.if(b.geu(base, b.const(KIND_INC)), () => b.return(y))
  b.return(b.shru(b.call('flags_aux', [kind, result, x, y]), b.const(31)))
}

const source = (build: (b: Context) => void): ProcedureSource => ({
  params: [I32, I32, I32, I32],
  result: I32,
  faults: false,
  build,
})

export const flagProcedures: Readonly<Record<string, ProcedureSource>> = {
  flags_aux: source(vector),
  flags_carry: source(carry),
}
