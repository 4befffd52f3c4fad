// Repeated string instructions as procedures: rep_<name>_<bytes>(address mask, source segment[, ZF wanted]) -> 1 when
// iterations are left, 0 when the instruction is complete. Each iteration retires one instruction: at most BUDGET are
// done, each is taken off BUDGET, and on completion one is given back, which the engine charges for the instruction.
// ECX, ESI, EDI and BUDGET are up to date before anything that can fault; flags are written by the last iteration of
// CMPS and SCAS, so that an exception or interrupt in between finds those of before (SDM vol. 2 REP; i386.ts).

import {
  BUDGET,
  ECX,
  EDI,
  ES,
  ESI,
  FLAGS,
  INTR,
  SHADOW,
  SHADOW_KIND,
  SHADOW_REPEATING,
  SLICE_END,
} from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import type { Context } from './context.js'
import { SUB } from './flags.js'
import { isI386 } from './i386.js'
import type { ProcedureSource } from './procedures.js'
import { copyStretch, fillStretch, type Repeat, setMasked } from './string-bulk.js'
import { elementStep, elements, type Strings } from './string-elements.js'
import { inputStretch, outputStretch } from './string-ports.js'
import { compareStretch, scanStretch } from './string-scan.js'

function stringsOf(b: Context, { size, mask, segment }: Repeat): Strings {
  const linear = (name: string, n: Value, register: number) =>
    b.call(name, [n, b.and(b.reg(register), mask), b.const(size)], I32, true)
  return {
    size,
    source: () => linear('segment_read', segment, ESI),
    destination: write => linear(write ? 'segment_write' : 'segment_read', b.const(ES), EDI),
    advance: n => setMasked(b, n, mask, b.add(b.reg(n), elementStep(b, size))),
  }
}

/** One element the plain way; leaves the loop when a comparison says so. */
function iterate(b: Context, name: string, repeat: Repeat) {
  const compared = elements[name]!(b, stringsOf(b, repeat))
  setMasked(b, ECX, repeat.mask, b.sub(b.reg(ECX), b.const(1)))
  b.setState(BUDGET, b.sub(b.state(BUDGET), b.const(1)))
  if (!compared) return
  const { x, y } = compared
  const exhausted = b.eqz(b.and(b.reg(ECX), repeat.mask))
  const last = b.or(b.ne(b.eq(x, y), b.parameter(2, I32)), exhausted)
  b.if(b.or(last, isI386(b)), () => b.flags.set(SUB, repeat.size, b.sub(x, y), x, y))
  b.breakIf(last)
}

/** What does several elements at once. */
const stretches: Readonly<Record<string, (b: Context, repeat: Repeat) => Value>> = {
  movs: copyStretch,
  stos: fillStretch,
  scas: scanStretch,
  cmps: compareStretch,
  ins: inputStretch,
  outs: outputStretch,
}

const repeated = (name: string, size: number): ProcedureSource => {
  const stretch = stretches[name]
  const port = name === 'ins' || name === 'outs'
  return {
    params: name === 'cmps' || name === 'scas' ? [I32, I32, I32] : [I32, I32],
    result: I32,
    faults: true,
    build: b => {
      const mask = b.parameter(0, I32)
      const segment = b.parameter(1, I32)
      const before = b.state(BUDGET)
      b.loop(() => {
        const count = b.and(b.reg(ECX), mask)
        b.breakIf(b.eqz(count))
        b.if(b.les(b.state(BUDGET), b.const(0)), () => {
          b.if(b.ne(b.state(BUDGET), before), () => noteIteration(b))
          b.return(b.const(1))
        })
        if (port)
          b.if(interrupted(b, before), () => {
            noteIteration(b)
            b.return(b.const(1))
          })
        const repeat = { size, mask, segment, count }
        if (stretch) b.if(b.eqz(stretch(b, repeat)), () => iterate(b, name, repeat))
        else iterate(b, name, repeat)
      })
      b.flags.reload()
      const left = b.state(BUDGET)
      b.setState(BUDGET, b.add(left, b.ne(left, before)))
      b.return(b.const(0))
    },
  }
}
/** The boundary reached now lies between two iterations. */
function noteIteration(b: Context) {
  b.setState(SHADOW_KIND, b.const(SHADOW_REPEATING))
  b.setState(SHADOW, b.sub(b.state(SLICE_END), b.state(BUDGET)))
}
/** After an iteration that may have changed a device: an interrupt waits and IF is set. */
function interrupted(b: Context, before: Value): Value {
  const open = b.and(b.and(b.shru(b.state(FLAGS), b.const(9)), b.state(INTR)), b.const(1))
  return b.and(open, b.ne(b.state(BUDGET), before))
}

export const stringProcedures: Record<string, ProcedureSource> = {}
for (const name of Object.keys(elements))
  for (const size of [1, 2, 4]) stringProcedures[`rep_${name}_${size}`] = repeated(name, size)
