// String instructions (SDM vol. 2: MOVS STOS LODS SCAS CMPS INS OUTS). Without REP an element is moved right here; with
// REP a procedure of string-procedures.ts repeats it and says whether iterations are left.

import { EDI, EDX, ES, ESI } from '../cpu/layout.js'
import { STOP_AGAIN, STOP_NEXT } from '../cpu/stops.js'
import { I32 } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import { SUB } from './flags.js'
import { checkPort, lookAtInterrupts } from './privilege.js'
import { elementStep, elements, type Strings } from './string-elements.js'
import { repeatQuickly } from './string-quick.js'

/** The instruction's own addresses: ES:EDI and, with a segment override, DS:ESI. */
function ownStrings(b: Context): Strings {
  const { addressSize, size } = b.form
  return {
    size,
    source: () => b.linear(b.reg(ESI, addressSize), size, false),
    destination: write => b.linearIn(ES, b.reg(EDI, addressSize), size, write),
    advance: n => b.setReg(n, addressSize, b.add(b.reg(n), elementStep(b, size))),
  }
}

function repeat(b: Context, name: string) {
  const { addressSize, size, rep } = b.form
  const args = [b.const(addressSize === 2 ? 0xffff : -1), b.field('segment')]
  if (name === 'cmps' || name === 'scas') args.push(b.const(rep === 'rep' ? 1 : 0))
  b.flags.publish()
  const again = b.call(`rep_${name}_${size}`, args, I32, true)
  b.flags.reload()
  b.if(again, () => b.stop(STOP_AGAIN))
}
function once(b: Context, name: string) {
  const compared = elements[name]!(b, ownStrings(b))
  if (compared) b.flags.set(SUB, b.form.size, b.sub(compared.x, compared.y), compared.x, compared.y)
}

export const strings: Record<string, Semantics> = {}
for (const name of Object.keys(elements))
  strings[name] = (b, form) => {
    if (name === 'ins' || name === 'outs') checkPort(b, b.reg(EDX, 2), form.size)
    if (!form.rep) once(b, name)
    else if (!repeatQuickly(b, name)) repeat(b, name)
    if (name === 'outs') b.stop(STOP_NEXT)
    if (name === 'ins') lookAtInterrupts(b)
  }
