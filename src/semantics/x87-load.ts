// x87 loads (SDM vol. 2: FLD, FILD, FBLD, FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ): everything that pushes.

import { FPU_CONTROL, FPU_TOP, FPU_VALID } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, I64 } from '../ir/types.js'
import { MEM } from '../isa/form.js'
import type { Semantics } from './context.js'
import { isSignaling, type Operand, QUIET, WAS_DENORMAL } from './float80-operand.js'
import { report } from './float80-round.js'
import { DOUBLE, SINGLE, WIDENED, widen } from './float80-widen.js'
import type { ProcedureSource } from './procedures.js'
import {
  C1,
  control,
  DE,
  exponent,
  IE,
  isValid,
  physical,
  remember,
  setCell,
  setRegister,
  setStatus,
  significand,
  slot,
  status,
  valid,
  waiting,
} from './x87-state.js'

/** Makes a physical register, known to be empty, the new ST(0). */
export function place(b: Builder, register: Value, { sig, se }: Operand) {
  setRegister(b, slot(b, register), sig, se)
  setCell(b, FPU_VALID, b.or(valid(b), b.shl(b.const(1), register)))
  setCell(b, FPU_TOP, register)
}
/** The register below ST(0), and the answer of a procedure that finds it occupied. */
export function roomForPush(b: Builder): Value {
  const register = physical(b, b.const(7))
  b.if(isValid(b, register), () => {
    const masked = b.call('x87_stack_fault', [register, b.const(1)])
    b.if(masked, () => setCell(b, FPU_TOP, register))
    b.return(masked)
  })
  return register
}

/** Pushes without looking at the value. */
function push(b: Builder, x: Operand) {
  const register = roomForPush(b)
  place(b, register, x)
  setStatus(b, b.and(status(b), b.const(~C1)))
  b.return(b.const(1))
}

const fld: Semantics = (b, form) => {
  waiting(b)
  const { kind, size } = form.operands[0]!
  if (kind !== MEM) {
    remember(b)
    b.call('x87_load_register', [b.field('dst')])
    return
  }
  const offset = b.offset()
  const width = size === 10 ? 8 : size
  const v = b.guestLoad(b.linear(offset, width, false), width)
  const se = size === 10 ? b.guestLoad(b.linear(b.partOffset(offset, 8), 2, false), 2) : v
  remember(b, offset)
  if (size === 10) b.call('x87_load', [v, se])
  else b.call(size === 8 ? 'x87_load_double' : 'x87_load_single', [v])
}

const fild: Semantics = (b, form) => {
  waiting(b)
  const size = form.operands[0]!.size
  const offset = b.offset()
  const v = b.guestLoad(b.linear(offset, size, false), size)
  remember(b, offset)
  const sig = b.call('float80_from_integer', [size === 8 ? v : b.toI64s(b.signed(v, size))], I64)
  b.call('x87_load', [sig, b.state(WIDENED)])
}

const fbld: Semantics = b => {
  waiting(b)
  const offset = b.offset()
  const digits = b.guestLoad(b.linear(offset, 8, false), 8)
  const last = b.guestLoad(b.linear(b.partOffset(offset, 8), 2, false), 2)
  remember(b, offset)
  const sig = b.call('float80_from_integer', [b.call('x87_from_decimal', [digits, last], I64)], I64)
  const se = b.or(b.state(WIDENED), b.and(last, b.const(0x8000)))
  b.call('x87_load', [sig, se])
}

interface Constant {
  readonly sig: bigint
  readonly e: number
  /** What rounding up, and rounding down or toward zero, add to the nearest significand. */
  readonly up: 0 | 1
  readonly down: 0 | -1
}
/** SDM vol. 1 8.3.8: kept with 66 bits, rounded by RC. */
const constants: Record<string, Constant> = {
  fld1: { sig: 0x8000000000000000n, e: 0x3fff, up: 0, down: 0 },
  fldl2t: { sig: 0xd49a784bcd1b8afen, e: 0x4000, up: 1, down: 0 },
  fldl2e: { sig: 0xb8aa3b295c17f0bcn, e: 0x3fff, up: 0, down: -1 },
  fldpi: { sig: 0xc90fdaa22168c235n, e: 0x4000, up: 0, down: -1 },
  fldlg2: { sig: 0x9a209a84fbcff799n, e: 0x3ffd, up: 0, down: -1 },
  fldln2: { sig: 0xb17217f7d1cf79acn, e: 0x3ffe, up: 0, down: -1 },
  fldz: { sig: 0n, e: 0, up: 0, down: 0 },
}

function loadConstant({ sig, e, up, down }: Constant): Semantics {
  return b => {
    waiting(b)
    remember(b)
    let v = b.const64(sig)
    const rc = b.and(b.state(FPU_CONTROL, 2), b.const(0xc00))
    if (up) v = b.add(v, b.toI64u(b.eq(rc, b.const(0x800))))
    if (down) v = b.sub(v, b.toI64u(b.ne(b.and(rc, b.const(0x400)), b.const(0))))
    b.call('x87_load', [v, b.const(e)])
  }
}

export const x87Load: Record<string, Semantics> = { fld, fild, fbld }
for (const [name, constant] of Object.entries(constants)) x87Load[name] = loadConstant(constant)

/** Pushes a single or double from memory: signaling NaNs are reported and may forbid it, denormals only reported. */
function pushShort(b: Builder, format: typeof SINGLE, v: Value) {
  const register = roomForPush(b)
  const x = widen(b, format, v)
  const special = b.or(isSignaling(b, x), b.and(x.se, b.const(WAS_DENORMAL)))
  b.if(special, () => {
    b.if(b.and(x.se, b.const(WAS_DENORMAL)), () => report(b, b.const(DE), b.const(0)))
    b.if(isSignaling(b, x), () => {
      report(b, b.const(IE), b.const(0))
      b.if(b.eqz(b.and(control(b), b.const(IE))), () => b.return(b.const(0)))
    })
    place(b, register, { sig: b.or(x.sig, b.select(isSignaling(b, x), b.const64(QUIET), b.const64(0n))), se: x.se })
    b.return(b.const(1))
  })
  place(b, register, x)
  setStatus(b, b.and(status(b), b.const(~C1)))
  b.return(b.const(1))
}

const procedure = (params: ProcedureSource['params'], build: ProcedureSource['build']): ProcedureSource => ({
  params,
  result: I32,
  faults: false,
  build,
})

export const loadProcedures: Record<string, ProcedureSource> = {
  /** (significand, sign and exponent): pushes; 1 when something was pushed. */
  x87_load: procedure([I64, I32], b => push(b, { sig: b.parameter(0, I64), se: b.parameter(1, I32) })),
  x87_load_double: procedure([I64], b => pushShort(b, DOUBLE, b.parameter(0, I64))),
  x87_load_single: procedure([I32], b => pushShort(b, SINGLE, b.parameter(0, I32))),
  /** FLD ST(i). An empty ST(i) pushes the indefinite. */
  x87_load_register: procedure([I32], b => {
    const source = physical(b, b.parameter(0, I32))
    const target = physical(b, b.const(7))
    b.if(b.eqz(isValid(b, source)), () => {
      const masked = b.call('x87_stack_fault', [target, b.const(0)])
      b.if(masked, () => setCell(b, FPU_TOP, target))
      b.return(masked)
    })
    const register = roomForPush(b)
    const at = slot(b, source)
    place(b, register, { sig: significand(b, at), se: exponent(b, at) })
    setStatus(b, b.and(status(b), b.const(~C1)))
    b.return(b.const(1))
  }),
  /** (digits 0-15, then digits 16 and 17): magnitude of a packed decimal. Digits above 9 count as what they are. */
  x87_from_decimal: {
    params: [I64, I32],
    result: I64,
    faults: false,
    build: b => {
      const ten = b.const64(10n)
      const last = b.parameter(1, I32)
      const high = b.add(b.mul(b.and(b.shru(last, b.const(4)), b.const(15)), b.const(10)), b.and(last, b.const(15)))
      const rest = b.variable(b.parameter(0, I64))
      const v = b.variable(b.toI64u(high))
      const left = b.variable(b.const(16))
      b.loop(() => {
        b.breakIf(b.eqz(b.get(left)))
        b.set(v, b.add(b.mul(b.get(v), ten), b.shru(b.get(rest), b.const64(60n))))
        b.set(rest, b.shl(b.get(rest), b.const64(4n)))
        b.set(left, b.sub(b.get(left), b.const(1)))
      })
      b.return(b.get(v))
    },
  },
}
