// Page faults, interrupts and IRET as kernels with flat segments have them millions of times: 32-bit interrupt and trap
// gates to CPL 0, IRET from CPL 0 to CPL 0 or 3, between segments with base 0 and limit 4 GiB whose descriptors, and a
// frame that lies in one page, can be reached plainly. Whatever else is met, every fault too, is left with nothing changed
// to cpu/gate-delivery.ts and cpu/iret.ts, whose rules these are (SDM vol. 2 INT n, IRET; vol. 3, 6.12).

import { ARITHMETIC, DF, IF, IOPL, NT, RF, TF } from '../cpu/eflags.js'
import { PF } from '../cpu/exceptions.js'
import * as L from '../cpu/layout.js'
import * as M from '../cpu/mode.js'
import { operationNumber } from '../cpu/operation-counts.js'
import { CODE, CONFORMING, UNUSABLE } from '../cpu/segment-cache.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import type { Context } from './context.js'
import { countOne } from './counts.js'
import type { ProcedureSource } from './procedures.js'

// Descriptors of flat segments that have been accessed, and their rights.
const FLAT_LOW = 0xffff
const FLAT_CODE = 0xcf9b00
const FLAT_DATA = 0xcf9300
const DPL_3 = 0x6000
const CODE_RIGHTS = 0xc09b
const DATA_RIGHTS = 0xc093
const RIGHTS_DPL_3 = 0x60

// A gate's high word: present, and the bits from S on; interrupt and trap gates differ in one of them.
const GATE_KIND = 0x9e00
const INTERRUPT_GATE = 0x8e00
const TRAP = 0x100
// Rights of a 32-bit TSS, whether busy or not.
const TSS_KIND = 0x9d
const TSS32 = 0x89
const FLAT_PROTECTED = M.MODE_PROTECTED | M.MODE_FLAT
const BIG = M.MODE_CODE32 | M.MODE_STACK32
/** What IRET may find in its frame here; bit 1 is always set. */
const USUAL_FLAGS = ARITHMETIC | IF | DF | IOPL | RF | 2

const ESP = L.gprCell(L.ESP)
const cs = (field: number) => L.segmentCell(L.CS, field)
const ss = (field: number) => L.segmentCell(L.SS, field)

/** Leaves the case to the plain way. */
const unless = (b: Context, condition: Value) => b.if(b.eqz(condition), () => b.return(b.const(0)))
const has = (b: Context, v: Value, mask: number, value: number) => b.eq(b.and(v, b.const(mask)), b.const(value))
/** Low 32 bits of the retired count, without the instruction at hand. */
const retired = (b: Context) => b.sub(b.state(L.SLICE_END), b.state(L.BUDGET))

/** Where words lie that can be accessed plainly, in one page with the next `more` bytes; the offset TLB_VALID is to be added. */
function plain(b: Context, table: number, linear: Value, more: Value): Value {
  const entry = b.loadAt(b.shl(b.shru(linear, b.const(12)), b.const(2)), table, 4)
  unless(b, has(b, b.or(entry, b.and(linear, b.const(3))), 0xfff, L.TLB_VALID))
  unless(b, b.leu(b.add(b.and(linear, b.const(0xfff)), more), b.const(0xfff)))
  return b.add(linear, entry)
}
/** The selector's descriptor is in the GDT, has this high word and otherwise that of a flat segment. */
function unlessFlat(b: Context, selector: Value, high: number) {
  const offset = b.and(selector, b.const(0xfffc))
  unless(b, b.eqz(b.and(offset, b.const(4))))
  unless(b, offset)
  unless(b, b.leu(b.add(offset, b.const(7)), b.state(L.GDTR_LIMIT)))
  const at = plain(b, L.TLB_SUPERVISOR_READ, b.add(b.state(L.GDTR_BASE), offset), b.const(7))
  unless(b, b.eq(b.loadAt(at, L.TLB_VALID, 4), b.const(FLAT_LOW)))
  unless(b, b.eq(b.loadAt(at, L.TLB_VALID + 4, 4), b.const(high)))
}
/** Decoded code that is at hand for the new level was decoded under the new mode. */
const unlessDecoded = (b: Context, mode: Value, cell: number) =>
  unless(b, b.eq(b.and(mode, b.const(M.MODE_OF_CODE)), b.state(cell)))

/** What cpu/mode.ts does where the mode has changed to this one, between flat segments. */
function setMode(b: Context, mode: Value, user: boolean) {
  b.setState(L.MODE, mode)
  b.setState(L.STACK_MASK, b.const(-1))
  b.setState(L.TLB_READ, b.const(user ? L.TLB_USER_READ : L.TLB_SUPERVISOR_READ))
  b.setState(L.TLB_WRITE, b.const(user ? L.TLB_USER_WRITE : L.TLB_SUPERVISOR_WRITE))
  b.setState(L.CODE_TABLE, b.const(user ? L.CODE_USER : L.CODE_SUPERVISOR))
}

/**
 * (vector, INT n, error code, there is one, address to return to, flags to be pushed) -> 1 when it is done. INT n has not
 * retired yet.
 */
function deliver(b: Context) {
  const [vector, software, error, hasError, returnEip, flags] = Array.from({ length: 6 }, (_, i) =>
    b.parameter(i, I32),
  ) as [Value, Value, Value, Value, Value, Value]
  const before = b.state(L.MODE)
  const after = b.or(b.and(before, b.const(~(M.MODE_USER | M.MODE_ALIGNMENT))), b.const(BIG))
  unless(b, has(b, before, FLAT_PROTECTED | M.MODE_V86, FLAT_PROTECTED))
  unless(b, b.eqz(b.state(L.DELIVERY_WATCHED)))
  unlessDecoded(b, after, L.CODE_SUPERVISOR_MODE)
  const offset = b.shl(vector, b.const(3))
  unless(b, b.leu(b.add(offset, b.const(7)), b.state(L.IDTR_LIMIT)))
  const gate = plain(b, L.TLB_SUPERVISOR_READ, b.add(b.state(L.IDTR_BASE), offset), b.const(7))
  const low = b.loadAt(gate, L.TLB_VALID, 4)
  const high = b.loadAt(gate, L.TLB_VALID + 4, 4)
  const cpl = b.state(L.CPL)
  unless(b, has(b, high, GATE_KIND, INTERRUPT_GATE))
  unless(b, b.or(b.eqz(software), b.leu(cpl, b.and(b.shru(high, b.const(13)), b.const(3)))))
  const selector = b.shru(low, b.const(16))
  unlessFlat(b, selector, FLAT_CODE)
  const esp = b.variable(b.state(ESP))
  const stack = b.variable(b.state(ss(L.SEG_SELECTOR)))
  b.if(cpl, () => {
    const task = plain(
      b,
      L.TLB_SUPERVISOR_READ,
      b.add(b.state(L.segmentCell(L.TR, L.SEG_BASE)), b.const(4)),
      b.const(7),
    )
    unless(b, has(b, b.state(L.segmentCell(L.TR, L.SEG_RIGHTS)), TSS_KIND, TSS32))
    unless(b, b.gtu(b.state(L.segmentCell(L.TR, L.SEG_LIMIT)), b.const(8)))
    const inner = b.loadAt(task, L.TLB_VALID + 4, 2)
    unless(b, has(b, inner, 3, 0))
    unlessFlat(b, inner, FLAT_DATA)
    b.set(esp, b.loadAt(task, L.TLB_VALID, 4))
    b.set(stack, inner)
  })
  const errorBytes = b.shl(hasError, b.const(2))
  const bytes = b.add(b.select(cpl, b.const(20), b.const(12)), errorBytes)
  const bottom = b.sub(b.get(esp), bytes)
  const top = plain(b, L.TLB_SUPERVISOR_WRITE, bottom, b.sub(bytes, b.const(1)))

  const frame = b.add(top, errorBytes)
  const push = (place: number, v: Value) => b.storeAt(frame, L.TLB_VALID + 4 * place, 4, v)
  b.if(hasError, () => push(-1, error))
  push(0, returnEip)
  push(1, b.state(cs(L.SEG_SELECTOR)))
  push(2, flags)
  b.if(cpl, () => {
    push(3, b.state(ESP))
    push(4, b.state(ss(L.SEG_SELECTOR)))
    b.setState(ss(L.SEG_SELECTOR), b.get(stack))
    b.setState(ss(L.SEG_RIGHTS), b.const(DATA_RIGHTS))
    b.setState(L.CPL, b.const(0))
  })
  b.setState(cs(L.SEG_SELECTOR), b.and(selector, b.const(0xfffc)))
  b.setState(cs(L.SEG_RIGHTS), b.const(CODE_RIGHTS))
  b.setState(ESP, bottom)
  b.setState(L.EIP, b.or(b.and(low, b.const(0xffff)), b.and(high, b.const(0xffff0000 | 0))))
  const cleared = b.select(b.and(high, b.const(TRAP)), b.const(~(TF | NT | RF)), b.const(~(TF | NT | RF | IF)))
  b.setState(L.FLAGS, b.and(b.state(L.FLAGS), cleared))
  b.setState(L.TRACING, b.const(0))
  b.if(b.and(before, b.const(M.MODE_USER)), () =>
    b.setState(L.USER_RETIRED, b.add(b.state(L.USER_RETIRED), b.add(retired(b), software))),
  )
  b.if(b.ne(before, after), () => setMode(b, after, false))
  b.return(b.const(1))
}

/** (vector, address behind the instruction): INT n. */
function interrupt(b: Context) {
  const vector = b.parameter(0, I32)
  const flags = b.or(b.and(b.state(L.FLAGS), b.const(~RF)), b.flags.word())
  const none = b.const(0)
  unless(b, b.call('deliver_quick', [vector, b.const(1), none, none, b.parameter(1, I32), flags], I32))
  countOne(b, L.SOFTWARE_COUNTS, vector)
  b.return(b.const(1))
}

/** The exception in the FAULT cells, of the instruction at EIP. */
function fault(b: Context) {
  unless(b, b.eq(b.state(L.FAULT), b.const(PF + 1)))
  unless(b, b.eqz(b.state(L.MONITORED)))
  const flags = b.or(b.or(b.state(L.FLAGS), b.const(RF)), b.flags.word())
  const error = [b.state(L.FAULT_ERROR), b.state(L.FAULT_HAS_ERROR)]
  unless(b, b.call('deliver_quick', [b.const(PF), b.const(0), ...error, b.state(L.EIP), flags], I32))
  b.setState(L.FAULT, b.const(0))
  b.setState(L.CR2, b.state(L.FAULT_LINEAR))
  b.setState(L.SHADOW_KIND, b.const(0))
  countOne(b, L.EXCEPTION_COUNTS, b.const(PF))
  b.return(b.const(1))
}

/** IRET with operand size 4. */
function iret(b: Context) {
  const before = b.state(L.MODE)
  unless(b, has(b, before, FLAT_PROTECTED | M.MODE_V86, FLAT_PROTECTED))
  unless(b, b.eqz(b.state(L.CPL)))
  unless(b, has(b, b.state(L.FLAGS), NT, 0))
  const frame = plain(b, L.TLB_SUPERVISOR_READ, b.state(ESP), b.const(19))
  const word = (place: number, width = 4) => b.loadAt(frame, L.TLB_VALID + 4 * place, width)
  const [eip, selector, flags] = [word(0), word(1, 2), word(2)]
  unless(b, has(b, flags, ~USUAL_FLAGS, 0))
  b.if(
    has(b, selector, 3, 0),
    () => {
      unlessFlat(b, selector, FLAT_CODE)
      const after = b.or(before, b.const(M.MODE_CODE32))
      unlessDecoded(b, after, L.CODE_SUPERVISOR_MODE)
      b.setState(L.MODE, after)
      b.setState(cs(L.SEG_RIGHTS), b.const(CODE_RIGHTS))
      b.setState(ESP, b.add(b.state(ESP), b.const(12)))
    },
    () => {
      const stack = word(4, 2)
      unless(b, has(b, b.and(selector, stack), 3, 3))
      unlessFlat(b, selector, FLAT_CODE | DPL_3)
      unlessFlat(b, stack, FLAT_DATA | DPL_3)
      for (const n of [L.ES, L.DS, L.FS, L.GS]) {
        const rights = b.state(L.segmentCell(n, L.SEG_RIGHTS))
        const isNull = b.and(b.eq(rights, b.const(UNUSABLE)), b.eqz(b.state(L.segmentCell(n, L.SEG_SELECTOR))))
        const kept = b.or(has(b, rights, CODE | CONFORMING, CODE | CONFORMING), isNull)
        unless(b, b.or(has(b, rights, RIGHTS_DPL_3, RIGHTS_DPL_3), kept))
      }
      const after = b.or(before, b.const(BIG | M.MODE_USER))
      unlessDecoded(b, after, L.CODE_USER_MODE)
      setMode(b, after, true)
      b.setState(L.USER_RETIRED, b.sub(b.state(L.USER_RETIRED), b.add(retired(b), b.const(1))))
      b.setState(L.CPL, b.const(3))
      b.setState(cs(L.SEG_RIGHTS), b.const(CODE_RIGHTS | RIGHTS_DPL_3))
      b.setState(ss(L.SEG_SELECTOR), stack)
      b.setState(ss(L.SEG_RIGHTS), b.const(DATA_RIGHTS | RIGHTS_DPL_3))
      b.setState(ESP, word(3))
    },
  )
  b.setState(cs(L.SEG_SELECTOR), selector)
  b.setState(L.EIP, eip)
  b.flags.setWord(flags)
  b.setState(L.FLAGS, b.or(b.and(flags, b.const(USUAL_FLAGS & ~ARITHMETIC)), b.const(2)))
  b.setState(L.RESUME_AT, b.add(retired(b), b.const(1)))
  b.setState(L.NMI_BLOCKED, b.const(0))
  countOne(b, L.OPERATION_COUNTS, b.const(operationNumber('iret')))
  b.return(b.const(1))
}

const source = (parameters: number, build: (b: Context) => void): ProcedureSource => ({
  params: Array(parameters).fill(I32),
  result: I32,
  faults: false,
  build,
})

export const deliverProcedures: Readonly<Record<string, ProcedureSource>> = {
  deliver_quick: source(6, deliver),
  interrupt_quick: source(2, interrupt),
  fault_quick: source(0, fault),
  iret_quick: source(0, iret),
}
