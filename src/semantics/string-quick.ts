// REP MOVS and REP STOS where nothing is unusual, all iterations at once: upwards, inside one page on each side, plain
// memory without translated code, and few enough for whoever counts instructions. Anything else is left to
// string-procedures.ts, whose result this is (SDM vol. 2: REP MOVS STOS). Segments are flat.

import { EAX, ECX, EDI, ESI, FLAGS, MODE, TLB_READ, TLB_VALID, TLB_WRITE } from '../cpu/layout.js'
import { MODE_ALIGNMENT } from '../cpu/mode.js'
import type { Value } from '../ir/tape.js'
import { I32, V128 } from '../ir/types.js'
import type { Context } from './context.js'
import type { ProcedureSource } from './procedures.js'
import { shiftOf } from './string-bulk.js'

const FLAG_DF = 0x400
const PAGE = 0x1000
/** Elements up to which a loop is quicker than a call of the host's own copying. */
const FEW = 16

const leaveIf = (b: Context, condition: Value) => b.if(condition, () => b.return(b.const(0)))

/** Host address of `bytes` bytes at a linear address; leaves where they are not plain memory of one page. */
function plain(b: Context, linear: Value, bytes: Value, table: number): Value {
  const entry = b.loadAt(b.add(b.state(table), b.shl(b.shru(linear, b.const(12)), b.const(2))), 0, 4)
  leaveIf(b, b.ne(b.and(entry, b.const(PAGE - 1)), b.const(TLB_VALID)))
  leaveIf(b, b.gtu(b.add(b.and(linear, b.const(PAGE - 1)), bytes), b.const(PAGE)))
  return b.add(linear, b.add(entry, b.const(TLB_VALID)))
}
/** Does `step` with the distance of each element from the first. */
function eachElement(b: Context, bytes: Value, size: number, step: (distance: Value) => void) {
  const distance = b.variable(b.const(0))
  b.loop(() => {
    step(b.get(distance))
    b.set(distance, b.add(b.get(distance), b.const(size)))
    b.breakIf(b.eq(b.get(distance), bytes))
  })
}

/** (EDI, ESI or the value, count, how many may retire, a vector that nobody looks at) -> 1 when it is done, 0 for nothing. */
const quick = (size: number, move: (b: Context, to: Value, bytes: Value) => void): ProcedureSource => ({
  params: [I32, I32, I32, I32, V128],
  result: I32,
  faults: false,
  build: b => {
    const count = b.parameter(2, I32)
    b.if(b.eqz(count), () => b.return(b.const(1)))
    const unusual = b.or(b.and(b.state(FLAGS), b.const(FLAG_DF)), b.and(b.state(MODE), b.const(MODE_ALIGNMENT)))
    const many = b.or(b.gtu(count, b.const(PAGE >> shiftOf(size))), b.ges(count, b.parameter(3, I32)))
    leaveIf(b, b.or(b.ne(unusual, b.const(0)), many))
    const bytes = b.shl(count, b.const(shiftOf(size)))
    move(b, plain(b, b.parameter(0, I32), bytes, TLB_WRITE), bytes)
    b.return(b.const(1))
  },
})
const copy = (size: number) =>
  quick(size, (b, to, bytes) => {
    const from = plain(b, b.parameter(1, I32), bytes, TLB_READ)
    b.if(b.leu(bytes, b.const(FEW * size)), () => {
      eachElement(b, bytes, size, at => b.storeAt(b.add(to, at), 0, size, b.loadAt(b.add(from, at), 0, size)))
      b.return(b.const(1))
    })
    // Onto what is still to be read: element by element gives a pattern.
    leaveIf(b, b.ltu(b.sub(to, from), bytes))
    b.copy(to, from, bytes)
  })
const fill = (size: number) =>
  quick(size, (b, to, bytes) => {
    const v = b.parameter(1, I32)
    const byte = b.and(v, b.const(0xff))
    const uniform = size === 1 ? b.const(1) : b.eq(v, b.mul(byte, b.const(size === 2 ? 0x0101 : 0x01010101)))
    const large = b.gtu(bytes, b.const(FEW * size))
    b.if(b.and(uniform, large), () => {
      b.fill(to, byte, bytes)
      b.return(b.const(1))
    })
    eachElement(b, bytes, size, at => b.storeAt(b.add(to, at), 0, size, v))
  })

export const quickStrings: Record<string, ProcedureSource> = {}
for (const size of [1, 2, 4]) {
  quickStrings[`quick_movs_${size}`] = copy(size)
  quickStrings[`quick_stos_${size}`] = fill(size)
}

/** A repeated instruction in code that counts by itself; false where there is no quick way for it. */
export function repeatQuickly(b: Context, name: string): boolean {
  const { flat, addressSize, size } = b.form
  const { repetition } = b
  const callee = `quick_${name}_${size}`
  if (!repetition || !flat || addressSize !== 4 || !(callee in quickStrings)) return false
  const [count, to] = [b.reg(ECX), b.reg(EDI)]
  const other = name === 'movs' ? b.reg(ESI) : b.reg(EAX, size)
  const vector = b.op('i32x4.splat', b.const(0))
  const done = b.call(callee, [to, other, count, repetition.room(), vector], I32)
  b.if(b.eqz(done), () => b.rare(() => {}))
  const bytes = b.shl(count, b.const(shiftOf(size)))
  b.setReg(EDI, 4, b.add(to, bytes))
  if (name === 'movs') b.setReg(ESI, 4, b.add(other, bytes))
  b.setReg(ECX, 4, b.const(0))
  repetition.retire(b.sub(count, b.ne(count, b.const(0))))
  return true
}
