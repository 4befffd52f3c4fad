// The page walk as programs need it millions of times: tables and page in RAM above 1 MiB, no reserved bit set, physical
// addresses below 4 GiB, nobody watching. It fills the translation tables (cpu/tlb.ts) or raises #PF; whatever else is met
// is left to cpu/paging.ts and cpu/memory.ts, whose rules these are (SDM vol. 3, 4.3, 4.4, 4.6 to 4.8).

import {
  CODE_SUPERVISOR,
  CODE_TABLE,
  CODE_USER,
  CPL,
  CR0,
  CR3,
  CR4,
  FAULT,
  FAULT_ERROR,
  FAULT_HAS_ERROR,
  FAULT_LINEAR,
  FLUSH_WATCHED,
  HOST_CODE,
  HOST_TABLE,
  HOST_WRITTEN,
  MODE,
  MONITORED,
  OPERATION_COUNTS,
  PDPTE,
  PLAIN_PAGES,
  RAM,
  TLB_ANY_LARGE,
  TLB_CODE,
  TLB_COUNT,
  TLB_FILLS,
  TLB_GLOBAL_COUNT,
  TLB_GLOBAL_LIST,
  TLB_INVALIDATIONS,
  TLB_LARGE,
  TLB_LIST,
  TLB_LISTED,
  TLB_READ,
  TLB_SUPERVISOR_READ,
  TLB_SUPERVISOR_WRITE,
  TLB_USER_READ,
  TLB_USER_WRITE,
  TLB_VALID,
  WATCHING,
} from '../cpu/layout.js'
import { MODE_OF_CODE } from '../cpu/mode.js'
import { operationNumber } from '../cpu/operation-counts.js'
import { CR4_PAE } from '../cpu/paging.js'
import { LISTED, LISTED_GLOBAL } from '../cpu/tlb.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import type { Context } from './context.js'
import { countOne } from './counts.js'
import type { ProcedureSource } from './procedures.js'

// What the procedures answer.
/** Nothing was done but that accessed and dirty bits may have been set. */
export const NOT_DONE = 0
export const FILLED = 1
/** #PF is in the FAULT cells. */
export const FAULTED = 2

// Bits of a paging-structure entry: as in cpu/paging.ts.
const PRESENT = 1
const RW = 2
const US = 4
const ACCESSED = 0x20
const PF = 14
/** Bits 13 to 21 (20 with PAE) of an entry that maps a large page: more of the address, or reserved. */
const LARGE_RESERVED = 0x3fe000
const LARGE_RESERVED_PAE = 0x1fe000

/** All that INVLPG clears. */
const PAGE_TABLES = [
  TLB_USER_READ,
  TLB_USER_WRITE,
  TLB_SUPERVISOR_READ,
  TLB_SUPERVISOR_WRITE,
  CODE_USER,
  CODE_SUPERVISOR,
]

const bit = (b: Context, v: Value, n: number) => b.and(b.shru(v, b.const(n)), b.const(1))
const answerIf = (b: Context, condition: Value, answer: number) => b.if(condition, () => b.return(b.const(answer)))

/** 1 when a page of physical memory does not lie in RAM above 1 MiB. */
const notPlain = (b: Context, page: Value) => b.geu(b.sub(page, b.const(0x100)), b.state(PLAIN_PAGES))
/** Where an entry of a paging structure lies, to be accessed with the offset RAM. */
const entryAt = (b: Context, page: Value, offset: Value) => b.add(b.shl(page, b.const(12)), offset)

/** Raises #PF for the access and ends the procedure. */
function fault(b: Context, why: number, linear: Value, write: Value, user: Value) {
  answerIf(b, b.state(MONITORED), NOT_DONE)
  b.setState(FAULT_LINEAR, linear)
  b.setState(FAULT, b.const(PF + 1))
  b.setState(FAULT_ERROR, b.or(b.or(b.const(why), b.shl(write, b.const(1))), b.shl(user, b.const(2))))
  b.setState(FAULT_HAS_ERROR, b.const(1))
  b.return(b.const(FAULTED))
}

/** (linear, is a write, by CPL 3) */
const walk =
  (pae: boolean) =>
  (b: Context): void => {
    const [linear, write, user] = [b.parameter(0, I32), b.parameter(1, I32), b.parameter(2, I32)]
    const access = [linear, write, user]
    const unlessPresent = (entry: Value) =>
      b.if(b.eqz(b.and(entry, b.const(PRESENT))), () => fault(b, 0, linear, write, user))
    /** An entry as it is found: its place and its low half. Answers NOT_DONE for a table or a page above 4 GiB. */
    const entryIn = (table: Value, index: Value) => {
      answerIf(b, notPlain(b, table), NOT_DONE)
      const at = entryAt(b, table, b.shl(index, b.const(pae ? 3 : 2)))
      const entry = b.loadAt(at, RAM, 4)
      unlessPresent(entry)
      if (pae) answerIf(b, b.loadAt(at, RAM + 4, 4), NOT_DONE)
      return { at, entry }
    }
    const bits = b.const(pae ? 0x1ff : 0x3ff)
    let directory = b.shru(b.state(CR3), b.const(12))
    if (pae) {
      const pointer = b.shl(b.shru(linear, b.const(30)), b.const(3))
      const pdpte = b.loadAt(pointer, PDPTE, 4)
      unlessPresent(pdpte)
      answerIf(b, b.loadAt(pointer, PDPTE + 4, 4), NOT_DONE)
      directory = b.shru(pdpte, b.const(12))
    }
    const pde = entryIn(directory, b.and(b.shru(linear, b.const(pae ? 21 : 22)), bits))
    // PS, and with two levels CR4.PSE.
    const isLarge = pae ? bit(b, pde.entry, 7) : b.and(bit(b, pde.entry, 7), bit(b, b.state(CR4), 4))
    b.if(isLarge, () => {
      answerIf(b, b.and(pde.entry, b.const(pae ? LARGE_RESERVED_PAE : LARGE_RESERVED)), NOT_DONE)
      const first = b.and(b.shru(pde.entry, b.const(12)), b.not(bits))
      const frame = b.or(first, b.and(b.shru(linear, b.const(12)), bits))
      b.return(b.call('fill_quick', [...access, pde.at, pde.entry, pde.at, pde.entry, frame, b.const(1)], I32))
    })
    const pte = entryIn(b.shru(pde.entry, b.const(12)), b.and(b.shru(linear, b.const(12)), bits))
    const frame = b.shru(pte.entry, b.const(12))
    b.return(b.call('fill_quick', [...access, pde.at, pde.entry, pte.at, pte.entry, frame, b.const(0)], I32))
  }

/** (linear, is a write, by CPL 3, directory entry and final entry: where and what they are, page number, it is large) */
function fill(b: Context) {
  const [linear, write, user, pdeAt, pde, pteAt, pte, frame, large] = Array.from({ length: 9 }, (_, i) =>
    b.parameter(i, I32),
  ) as [Value, Value, Value, Value, Value, Value, Value, Value, Value]
  const both = b.and(pde, pte)
  const writable = b.shru(b.and(both, b.const(RW)), b.const(1))
  const forUser = b.shru(b.and(both, b.const(US)), b.const(2))
  const supervisorWritable = b.or(writable, b.xor(bit(b, b.state(CR0), 16), b.const(1)))
  const mayWrite = b.select(user, writable, supervisorWritable)
  const kept = b.and(user, b.xor(forUser, b.const(1)))
  b.if(b.or(kept, b.and(write, b.xor(mayWrite, b.const(1)))), () => fault(b, 1, linear, write, user))
  answerIf(b, notPlain(b, frame), NOT_DONE)

  /** Sets bits of an entry; stores beside translated code are for others to look at. */
  const mark = (at: Value, entry: Value, bits: Value) =>
    b.if(b.ne(b.and(entry, bits), bits), () => {
      answerIf(b, b.loadAt(b.shru(at, b.const(12)), HOST_CODE + (RAM >>> 12), 1), NOT_DONE)
      b.storeAt(at, RAM, 4, b.or(entry, bits))
    })
  mark(pdeAt, pde, b.const(ACCESSED))
  mark(pteAt, pte, b.or(b.const(ACCESSED), b.shl(write, b.const(6))))
  countOne(b, TLB_FILLS)

  const page = b.shru(linear, b.const(12))
  const list = (mark: number, count: number, pages: number) => {
    const listed = b.loadAt(page, TLB_LISTED, 1)
    b.if(b.eqz(b.and(listed, b.const(mark))), () => {
      b.storeAt(page, TLB_LISTED, 1, b.or(listed, b.const(mark)))
      const last = b.state(count)
      b.storeAt(b.shl(last, b.const(2)), pages, 4, page)
      b.setState(count, b.add(last, b.const(1)))
    })
  }
  b.if(
    b.and(bit(b, pte, 8), bit(b, b.state(CR4), 7)),
    () => list(LISTED_GLOBAL, TLB_GLOBAL_COUNT, TLB_GLOBAL_LIST),
    () => list(LISTED, TLB_COUNT, TLB_LIST),
  )
  b.if(large, () => {
    b.storeAt(b.shru(linear, b.const(22)), TLB_LARGE, 1, b.const(1))
    b.setState(TLB_ANY_LARGE, b.const(1))
  })
  const cell = b.shl(page, b.const(2))
  const host = b.add(b.shl(frame, b.const(12)), b.const(RAM))
  const entry = b.sub(b.sub(host, b.shl(page, b.const(12))), b.const(TLB_VALID))
  const nothing = b.const(0)
  b.storeAt(cell, TLB_SUPERVISOR_READ, 4, entry)
  b.storeAt(cell, TLB_USER_READ, 4, b.select(forUser, entry, nothing))
  // Nothing is written by the short way before the dirty bit is set.
  const dirty = b.or(write, bit(b, pte, 6))
  const supervisorWrites = b.and(dirty, supervisorWritable)
  const hostPage = b.shru(host, b.const(12))
  const code = b.loadAt(hostPage, HOST_CODE, 1)
  const writeEntry = b.add(entry, b.mul(b.ne(code, nothing), b.const(TLB_CODE)))
  b.storeAt(cell, TLB_SUPERVISOR_WRITE, 4, b.select(supervisorWrites, writeEntry, nothing))
  const userWrites = b.and(b.and(dirty, writable), forUser)
  b.storeAt(cell, TLB_USER_WRITE, 4, b.select(userWrites, writeEntry, nothing))
  b.if(b.and(supervisorWrites, b.eqz(code)), () => b.storeAt(hostPage, HOST_WRITTEN, 1, b.const(1)))
  b.return(b.const(FILLED))
}

/** (linear, is a write): an access by the running program, inside one page. */
function translate(b: Context) {
  const linear = b.parameter(0, I32)
  const write = b.parameter(1, I32)
  answerIf(b, b.or(b.state(WATCHING), b.ges(b.state(CR0), b.const(0))), NOT_DONE)
  answerIf(b, b.eqz(b.state(PLAIN_PAGES)), NOT_DONE)
  const user = b.eq(b.state(CPL), b.const(3))
  const access = [linear, write, user]
  b.if(b.and(b.state(CR4), b.const(CR4_PAE)), () => b.return(b.call('walk_quick_pae', access, I32)))
  b.return(b.call('walk_quick', access, I32))
}

/** (linear): the table of the decoded page at a linear address goes to the code table in force; 1 when it was not there. */
function findCode(b: Context) {
  const linear = b.parameter(0, I32)
  const cell = b.shl(b.shru(linear, b.const(12)), b.const(2))
  const place = b.add(b.state(CODE_TABLE), cell)
  answerIf(b, b.loadAt(place, 0, 4), NOT_DONE)
  const translation = b.add(b.state(TLB_READ), cell)
  b.if(b.ne(b.and(b.loadAt(translation, 0, 4), b.const(0xfff)), b.const(TLB_VALID)), () =>
    b.if(b.ne(b.call('translate_quick', [linear, b.const(0)], I32), b.const(FILLED)), () => {
      // A fault is raised again by who decodes.
      b.setState(FAULT, b.const(0))
      b.return(b.const(NOT_DONE))
    }),
  )
  const host = b.add(b.add(linear, b.loadAt(translation, 0, 4)), b.const(TLB_VALID))
  const known = b.shl(b.shru(host, b.const(12)), b.const(3))
  const owner = b.or(b.and(linear, b.const(~0xfff)), b.and(b.state(MODE), b.const(MODE_OF_CODE)))
  // 0 is what stands there without an owner, and would be 16-bit code in the first page.
  answerIf(b, b.or(b.eqz(owner), b.ne(b.loadAt(known, HOST_TABLE + 4, 4), owner)), NOT_DONE)
  b.storeAt(place, 0, 4, b.loadAt(known, HOST_TABLE, 4))
  b.return(b.const(FILLED))
}

/** (linear): INVLPG of a page that is not part of a large one, where nobody is told. */
function invalidate(b: Context) {
  const linear = b.parameter(0, I32)
  answerIf(b, b.or(b.state(FLUSH_WATCHED), b.loadAt(b.shru(linear, b.const(22)), TLB_LARGE, 1)), NOT_DONE)
  const cell = b.shl(b.shru(linear, b.const(12)), b.const(2))
  for (const table of PAGE_TABLES) b.storeAt(cell, table, 4, b.const(0))
  countOne(b, TLB_INVALIDATIONS)
  countOne(b, OPERATION_COUNTS, b.const(operationNumber('invlpg')))
  b.return(b.const(FILLED))
}

const source = (parameters: number, build: (b: Context) => void): ProcedureSource => ({
  params: Array(parameters).fill(I32),
  result: I32,
  faults: false,
  build,
})

/** They access no guest memory. */
export const translateProcedures: Readonly<Record<string, ProcedureSource>> = {
  fill_quick: source(9, fill),
  walk_quick: source(3, walk(false)),
  walk_quick_pae: source(3, walk(true)),
  translate_quick: source(2, translate),
  find_code_quick: source(1, findCode),
  invalidate_quick: source(1, invalidate),
}
