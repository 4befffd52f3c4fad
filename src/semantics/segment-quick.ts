// Loading DS, ES, FS and GS where nothing unusual is met, as kernels do several times at every entry: protected mode, a
// null selector or one of the GDT whose descriptor can be read plainly, of writable data that is present and accessed.
// All other cases, and every fault, are left to cpu/segmentation.ts, whose rules these are (SDM vol. 3, 3.4.2 to 3.4.5, 5.6).

import {
  CPL,
  FS,
  GDTR_BASE,
  GDTR_LIMIT,
  MODE,
  SEG_BASE,
  SEG_LIMIT,
  SEG_READ_HIGH,
  SEG_READ_LOW,
  SEG_RIGHTS,
  SEG_SELECTOR,
  SEG_WRITE_HIGH,
  SEG_WRITE_LOW,
  SEGMENT,
  SS,
  TLB_SUPERVISOR_READ,
  TLB_VALID,
} from '../cpu/layout.js'
import { MODE_PROTECTED, MODE_V86 } from '../cpu/mode.js'
import { UNUSABLE } from '../cpu/segment-cache.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import type { Context } from './context.js'
import type { ProcedureSource } from './procedures.js'

// Of a descriptor's high word: present, code or data, code, expand-down, writable, accessed; what they are to be.
const KIND = 0x9f00
const WRITABLE_DATA = 0x9300
const GRANULAR = 0x800000
/** Selector bits: index and table; table. */
const NOT_RPL = 0xfffc
const LOCAL = 4

interface Hidden {
  readonly base: Value
  readonly limit: Value
  readonly rights: Value
  /** Lowest offset that may be accessed; `limit` is the highest. */
  readonly low: Value
}

/** Leaves the case to the plain way. */
const plainIf = (b: Context, condition: Value) => b.if(condition, () => b.return(b.const(0)))

/** Sets the hidden part. ES and DS may only stay as they are: what they allow is part of the mode. */
function setHidden(b: Context, n: Value, at: Value, { base, limit, rights, low }: Hidden) {
  const cell = (field: number) => b.loadAt(at, SEGMENT + field, 4)
  const set = (field: number, v: Value) => b.storeAt(at, SEGMENT + field, 4, v)
  const moved = b.or(b.ne(cell(SEG_BASE), base), b.ne(cell(SEG_LIMIT), limit))
  b.if(b.or(moved, b.ne(cell(SEG_RIGHTS), rights)), () => {
    plainIf(b, b.ltu(n, b.const(FS)))
    set(SEG_BASE, base)
    set(SEG_LIMIT, limit)
    set(SEG_RIGHTS, rights)
    set(SEG_READ_LOW, low)
    set(SEG_READ_HIGH, limit)
    set(SEG_WRITE_LOW, low)
    set(SEG_WRITE_HIGH, limit)
  })
}

function build(b: Context) {
  const n = b.parameter(0, I32)
  const selector = b.and(b.parameter(1, I32), b.const(0xffff))
  const at = b.shl(n, b.const(5))
  const mode = b.and(b.state(MODE), b.const(MODE_PROTECTED | MODE_V86))
  plainIf(b, b.or(b.ne(mode, b.const(MODE_PROTECTED)), b.eq(n, b.const(SS))))
  const done = () => {
    b.storeAt(at, SEGMENT + SEG_SELECTOR, 4, selector)
    b.return(b.const(1))
  }
  b.if(b.eqz(b.and(selector, b.const(NOT_RPL))), () => {
    const nothing = b.const(0)
    setHidden(b, n, at, { base: nothing, limit: nothing, rights: b.const(UNUSABLE), low: b.const(1) })
    done()
  })
  const offset = b.and(selector, b.const(0xfff8))
  const beyond = b.gtu(b.add(offset, b.const(7)), b.state(GDTR_LIMIT))
  plainIf(b, b.or(b.and(selector, b.const(LOCAL)), beyond))
  const address = b.add(b.state(GDTR_BASE), offset)
  const entry = b.loadAt(b.shl(b.shru(address, b.const(12)), b.const(2)), TLB_SUPERVISOR_READ, 4)
  const tag = b.and(b.or(entry, b.and(address, b.const(7))), b.const(0xfff))
  plainIf(b, b.ne(tag, b.const(TLB_VALID)))
  const host = b.add(address, entry)
  const low = b.loadAt(host, TLB_VALID, 4)
  const high = b.loadAt(host, TLB_VALID + 4, 4)
  const dpl = b.and(b.shru(high, b.const(13)), b.const(3))
  const outranked = b.or(b.gtu(b.and(selector, b.const(3)), dpl), b.gtu(b.state(CPL), dpl))
  plainIf(b, b.or(b.ne(b.and(high, b.const(KIND)), b.const(WRITABLE_DATA)), outranked))
  const base = b.or(b.shru(low, b.const(16)), b.shl(b.and(high, b.const(0xff)), b.const(16)))
  const units = b.or(b.and(low, b.const(0xffff)), b.and(high, b.const(0xf0000)))
  const pages = b.or(b.shl(units, b.const(12)), b.const(0xfff))
  setHidden(b, n, at, {
    base: b.or(base, b.and(high, b.const(0xff000000 | 0))),
    limit: b.select(b.and(high, b.const(GRANULAR)), pages, units),
    rights: b.and(b.shru(high, b.const(8)), b.const(0xf0ff)),
    low: b.const(0),
  })
  done()
}

/** (segment register, selector) -> 1 when it is loaded, 0 when nothing was done. */
export const loadSegmentQuick: ProcedureSource = { params: [I32, I32], result: I32, faults: false, build }
