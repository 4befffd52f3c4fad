// Control and debug registers, descriptor-table registers (SDM vol. 2: MOV with CR and DR, LGDT LIDT SGDT SIDT, LLDT LTR
// SLDT STR, LMSW SMSW, CLTS) and protection checks on selectors (VERR VERW LAR LSL ARPL). Those that do not exist in real
// and virtual-8086 mode are not decoded there.

import {
  CR0,
  GDTR_BASE,
  GDTR_LIMIT,
  IDTR_BASE,
  IDTR_LIMIT,
  LDTR,
  MONITORED,
  OPERATION_COUNTS,
  SCRATCH,
  SEG_SELECTOR,
  segmentCell,
  TR,
} from '../cpu/layout.js'
import { operationNumber } from '../cpu/operation-counts.js'
import { STOP_NEXT } from '../cpu/stops.js'
import { CREG, DREG, type Form, MEM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { countOne } from './counts.js'
import { lookUpNext, privileged, watchingMode } from './privilege.js'

const CONTROL_READ = operationNumber('control_read')

/** MOV to and from a control register; what is written takes effect at the next instruction. */
export function moveControl(b: Context, form: Form) {
  privileged(b)
  if (form.operands[1]!.kind === CREG) return readControl(b)
  const n = b.field('dst')
  b.helper('write_cr', [n, b.read(1)], true)
  b.if(b.eq(n, b.const(3)), () => lookUpNext(b))
  b.stop(STOP_NEXT)
}
/** CR0, CR2 and CR3 always exist; their cells lie side by side. */
function readControl(b: Context) {
  const n = b.field('src')
  const unusual = b.or(b.state(MONITORED), b.or(b.eq(n, b.const(1)), b.gtu(n, b.const(3))))
  const value = b.choose(
    unusual,
    () => {
      let read = -1
      b.rare(() => {
        read = b.helper('read_cr', [n], true)
      })
      return read < 0 ? b.const(0) : read
    },
    () => {
      countOne(b, OPERATION_COUNTS, b.const(CONTROL_READ))
      return b.loadAt(b.shl(n, b.const(2)), CR0, 4)
    },
  )
  b.write(0, value)
}
/** MOV to and from a debug register. */
export function moveDebug(b: Context, form: Form) {
  privileged(b)
  if (form.operands[1]!.kind === DREG) return b.write(0, b.helper('read_dr', [b.field('src')], true))
  b.helper('write_dr', [b.field('dst'), b.read(1)], true)
  b.stop(STOP_NEXT)
}

const loadTable =
  (helper: string): Semantics =>
  (b, form) => {
    privileged(b)
    const at = b.offset()
    const limit = b.guestLoad(b.linear(at, 2, false), 2)
    const base = b.guestLoad(b.linear(b.partOffset(at, 2), 4, false), 4)
    b.helper(helper, [limit, form.operandSize === 2 ? b.and(base, b.const(0xffffff)) : base], true)
  }
/** SGDT and SIDT store all 32 bits of the base with either operand size, as processors from the 80386 on do. */
const storeTable =
  (limit: number, base: number): Semantics =>
  b => {
    const at = b.offset()
    const linear = b.linear(at, 2, true)
    const upper = b.linear(b.partOffset(at, 2), 4, true)
    b.guestLoad(linear, 2, true)
    b.guestLoad(upper, 4, true)
    b.guestStore(linear, 2, b.state(limit, 2))
    b.guestStore(upper, 4, b.state(base))
  }

const storeSelector =
  (n: number): Semantics =>
  b => {
    b.write(0, b.state(segmentCell(n, SEG_SELECTOR), 2))
  }
const loadSelector =
  (helper: string): Semantics =>
  b => {
    privileged(b)
    b.helper(helper, [b.read(0)], true)
  }

const verify =
  (helper: string): Semantics =>
  b => {
    const ok = b.helper(helper, [b.read(0)], true)
    b.flags.setZero(ok)
  }
/** LAR and LSL: the helper says in SCRATCH whether the descriptor may be looked at. */
const look =
  (helper: string): Semantics =>
  (b, form) => {
    const found = b.helper(helper, [b.read(1), b.const(form.operandSize)], true)
    const ok = b.ne(b.state(SCRATCH), b.const(0))
    b.write(0, b.select(ok, found, b.read(0)))
    b.flags.setZero(ok)
  }
/** Memory is written, and must be writable, only where the RPL changes. */
const arpl: Semantics = b => {
  const to = b.read(0)
  const rpl = b.and(b.read(1), b.const(3))
  const lower = b.ltu(b.and(to, b.const(3)), rpl)
  const adjusted = b.select(lower, b.or(b.and(to, b.const(0xfffc)), rpl), to)
  if (b.form.operands[0]!.kind === MEM) b.if(lower, () => b.write(0, adjusted))
  else b.write(0, adjusted)
  b.flags.setZero(lower)
}

export const systemRegisters: Record<string, Semantics> = {
  lgdt: loadTable('lgdt'),
  lidt: loadTable('lidt'),
  sgdt: storeTable(GDTR_LIMIT, GDTR_BASE),
  sidt: storeTable(IDTR_LIMIT, IDTR_BASE),
  lldt: loadSelector('lldt'),
  ltr: loadSelector('ltr'),
  sldt: storeSelector(LDTR),
  str: storeSelector(TR),
  smsw: b => b.write(0, b.state(CR0)),
  lmsw: b => {
    privileged(b)
    b.helper('lmsw', [b.read(0)], true)
    b.stop(STOP_NEXT)
  },
  clts: b => {
    privileged(b)
    watchingMode(b, () => b.helper('clts', [], true))
  },
  verr: verify('verr'),
  verw: verify('verw'),
  lar: look('lar'),
  lsl: look('lsl'),
  arpl,
}
