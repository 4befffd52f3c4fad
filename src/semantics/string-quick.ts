// Repeated string instructions in hot code where nothing is unusual, all iterations at once: inside one page on each
// side, plain memory without translated code, and few enough for whoever counts instructions. Anything else is left to
// string-procedures.ts, whose result this is (SDM vol. 2: REP MOVS STOS SCAS CMPS). Segments are flat.

import { EAX, ECX, EDI, ESI, MODE, TLB_READ, TLB_VALID, TLB_WRITE } from '../cpu/layout.js'
import { MODE_ALIGNMENT } from '../cpu/mode.js'
import type { Value } from '../ir/tape.js'
import { I32, V128 } from '../ir/types.js'
import type { Context } from './context.js'
import { SUB } from './flags.js'
import type { ProcedureSource } from './procedures.js'
import { copyElements, eachStep, fillElements, roomOn, smaller } from './string-bulk.js'
import { downwards, elementStep } from './string-elements.js'
import { passOver } from './string-scan.js'

const PAGE = 0x1000
/** Elements up to which a loop is quicker than a call of the host's own copying. */
const FEW = 16

const leaveIf = (b: Context, condition: Value) => b.if(condition, () => b.return(b.const(0)))

/** Host address of a linear address; leaves where it is not plain memory. */
function plain(b: Context, linear: Value, table: number): Value {
  const entry = b.loadAt(b.add(b.state(table), b.shl(b.shru(linear, b.const(12)), b.const(2))), 0, 4)
  leaveIf(b, b.ne(b.and(entry, b.const(PAGE - 1)), b.const(TLB_VALID)))
  return b.add(linear, b.add(entry, b.const(TLB_VALID)))
}
const checksAlignment = (b: Context) => b.ne(b.and(b.state(MODE), b.const(MODE_ALIGNMENT)), b.const(0))

/** (EDI, ESI or the value, count, how many may retire, a vector that nobody looks at) -> 1 when it is done, 0 for nothing. */
const moves = (size: number, reads: boolean): ProcedureSource => ({
  params: [I32, I32, I32, I32, V128],
  result: I32,
  faults: false,
  build: b => {
    const [linear, other, count, room] = [0, 1, 2, 3].map(n => b.parameter(n, I32)) as [Value, Value, Value, Value]
    b.if(b.eqz(count), () => b.return(b.const(1)))
    const down = downwards(b)
    const onPage = (at: Value) => b.gtu(count, roomOn(b, at, size, down))
    leaveIf(b, b.or(b.or(onPage(linear), checksAlignment(b)), b.ges(count, room)))
    const to = plain(b, linear, TLB_WRITE)
    const few = b.leu(count, b.const(FEW))
    const step = elementStep(b, size)
    const each = (value: (distance: Value) => Value) => () => {
      eachStep(b, b.mul(count, step), step, at => b.storeAt(b.add(to, at), 0, size, value(at)))
    }
    if (reads) {
      leaveIf(b, onPage(other))
      const from = plain(b, other, TLB_READ)
      const load = each(at => b.loadAt(b.add(from, at), 0, size))
      b.if(few, load, () => copyElements(b, size, from, to, count))
    } else {
      const store = each(() => other)
      b.if(few, store, () => fillElements(b, size, to, count, other))
    }
    b.return(b.const(1))
  },
})

/**
 * (EDI, ESI or the value, count, how many may retire, a vector that nobody looks at, 1 for REPE) -> elements compared,
 * the last of which ends the repetition, or 0 for nothing.
 */
const compares = (size: number, reads: boolean): ProcedureSource => ({
  params: [I32, I32, I32, I32, V128, I32],
  result: I32,
  faults: false,
  build: b => {
    const [linear, other, count, room] = [0, 1, 2, 3].map(n => b.parameter(n, I32)) as [Value, Value, Value, Value]
    const down = downwards(b)
    const onPage = roomOn(b, linear, size, down)
    const limit = smaller(b, count, reads ? smaller(b, onPage, roomOn(b, other, size, down)) : onPage)
    leaveIf(b, b.or(b.or(b.eqz(limit), checksAlignment(b)), b.ges(limit, room)))
    const at = plain(b, linear, TLB_READ)
    const compared = reads ? { from: plain(b, other, TLB_READ) } : { value: other }
    const passed = passOver(b, size, at, compared, limit, b.parameter(5, I32))
    b.if(b.ltu(passed, limit), () => b.return(b.add(passed, b.const(1))))
    b.return(b.select(b.eq(limit, count), count, b.const(0)))
  },
})

export const quickStrings: Record<string, ProcedureSource> = {}
for (const size of [1, 2, 4]) {
  quickStrings[`quick_movs_${size}`] = moves(size, true)
  quickStrings[`quick_stos_${size}`] = moves(size, false)
  quickStrings[`quick_cmps_${size}`] = compares(size, true)
  quickStrings[`quick_scas_${size}`] = compares(size, false)
}

/** A repeated instruction in code that counts by itself; false where there is no quick way for it. */
export function repeatQuickly(b: Context, name: string): boolean {
  const { flat, addressSize, size, rep } = b.form
  const { repetition } = b
  const callee = `quick_${name}_${size}`
  if (!repetition || !flat || addressSize !== 4 || !(callee in quickStrings)) return false
  const compared = name === 'cmps' || name === 'scas'
  const reads = name === 'movs' || name === 'cmps'
  const [count, to] = [b.reg(ECX), b.reg(EDI)]
  const other = reads ? b.reg(ESI) : b.reg(EAX, size)
  const args = [to, other, count, repetition.room(), b.op('i32x4.splat', b.const(0))]
  if (compared) args.push(b.const(rep === 'rep' ? 1 : 0))
  const done = b.call(callee, args, I32)
  b.if(b.eqz(done), () => b.rare(() => {}))
  const step = elementStep(b, size)
  const n = compared ? done : count
  const way = b.mul(n, step)
  if (compared) {
    const last = b.sub(way, step)
    const y = b.guestLoad(b.add(to, last), size)
    const x = reads ? b.guestLoad(b.add(other, last), size) : other
    b.flags.set(SUB, size, b.sub(x, y), x, y)
  }
  b.setReg(EDI, 4, b.add(to, way))
  if (reads) b.setReg(ESI, 4, b.add(other, way))
  b.setReg(ECX, 4, b.sub(count, n))
  repetition.retire(b.sub(n, b.ne(n, b.const(0))))
  return true
}
