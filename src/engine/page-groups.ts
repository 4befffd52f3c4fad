// Accesses of one block that lie at constant distances from each other (fields of one object, pushes, slots of a frame,
// the load and the store of one operand) nearly always lie in one page: one test is made for all of them, before the
// first. Where it fails the region is left there.

import { TLB_VALID } from '../cpu/layout.js'
import * as T from '../ir/tape.js'
import { I32, operatorNumber } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import type { FunctionCode } from './function-code.js'

const ADD = T.FIRST_OPERATOR + operatorNumber('i32.add')
const SUB = T.FIRST_OPERATOR + operatorNumber('i32.sub')
/** Bytes from the first to the last access of a group at most: seldom is there the end of a page between them. */
const REACH = 128

/** Accesses that share a test; offsets count from the value `root`, or from 0 (NONE). */
export interface PageGroup {
  readonly root: T.Value
  /** Entry of the first access. */
  readonly first: T.Value
  low: number
  /** Last byte. */
  high: number
  /** All are plain where root + residue is a multiple of this. */
  align: number
  residue: number
  write: boolean
  accesses: number
  /** Local that holds the host address of `low` less TLB_VALID; -1 before the test. */
  base: number
}
/** An access of a group. */
export interface GroupedAccess {
  readonly group: PageGroup
  readonly offset: number
}

/** The groups of a tape by the entries of their accesses, two or more of them in each; without those that are `alone`. */
export function pageGroups(tape: T.Tape, alone: (at: T.Value) => boolean): Map<T.Value, GroupedAccess> {
  const byRoot = new Map<T.Value, PageGroup[]>()
  const found = new Map<T.Value, GroupedAccess>()
  let depth = 0
  for (let at = 0; at < tape.length; at++) {
    const kind = tape.op[at]!
    if (kind === T.IF || kind === T.LOOP) depth++
    else if (kind === T.END) depth--
    if (depth > 0 || (kind !== T.GUEST_LOAD && kind !== T.GUEST_STORE) || alone(at)) continue
    const { root, offset } = placeOf(tape, tape.a[at]!)
    const width = tape.b[at]!
    const write = kind === T.GUEST_STORE || tape.imm[at] === 1
    const groups = byRoot.get(root) ?? []
    byRoot.set(root, groups)
    let group = groups.find(g => joins(g, offset, width))
    if (!group) {
      const residue = offset & (width - 1)
      group = { root, first: at, low: offset, high: offset, align: width, residue, write, accesses: 0, base: -1 }
      groups.push(group)
    }
    group.low = Math.min(group.low, offset)
    group.high = Math.max(group.high, offset + width - 1)
    if (width > group.align) {
      group.align = width
      group.residue = offset & (width - 1)
    }
    group.write ||= write
    group.accesses++
    found.set(at, { group, offset })
  }
  for (const [at, { group }] of found) if (group.accesses < 2) found.delete(at)
  for (const { group } of found.values()) group.low -= (group.low - group.residue) & (group.align - 1)
  return found
}

/** An address as a value and a constant distance from it. */
function placeOf(tape: T.Tape, address: T.Value): { root: T.Value; offset: number } {
  let offset = 0
  let root = address
  for (;;) {
    const { op, a, b } = tape
    const kind = op[root]!
    if (kind !== ADD && kind !== SUB) break
    const right = tape.constant(b[root]!)
    if (right === undefined) break
    offset = (offset + (kind === ADD ? right : -right)) | 0
    root = a[root]!
  }
  return { root, offset }
}
function joins(g: PageGroup, offset: number, width: number): boolean {
  if (Math.max(width, g.align) > 4 && width !== g.align) return false
  const low = Math.min(g.low, offset)
  if (Math.max(g.high, offset + width - 1) - low >= REACH) return false
  return ((offset - g.residue) & (Math.min(width, g.align) - 1)) === 0
}

/** Makes the test of a group: `refuse` finds on the stack whether it has failed; behind it `base` gets its value. */
export function emitGroupTest(f: FunctionCode, g: PageGroup, table: number, root: () => void, refuse: () => void) {
  const a = f.allocate(I32)
  const entry = f.allocate(I32)
  const span = g.high - g.low
  root()
  if (g.low !== 0) {
    f.i32(g.low)
    f.op(W.I32_ADD)
  }
  f.set(a)
  f.get(a)
  f.i32(10)
  f.op(W.I32_SHR_U)
  f.i32(~3)
  f.op(W.I32_AND)
  f.memory(W.I32_LOAD, table, 2)
  f.tee(entry)
  f.i32(TLB_VALID)
  f.op(W.I32_XOR)
  if (g.align > 1) {
    f.get(a)
    f.i32(g.align - 1)
    f.op(W.I32_AND)
    f.op(W.I32_OR)
  }
  f.i32(0xfff)
  f.op(W.I32_AND)
  if (span >= g.align) {
    f.get(a)
    f.i32(span)
    f.op(W.I32_ADD)
    f.get(a)
    f.op(W.I32_XOR)
    f.i32(~0xfff)
    f.op(W.I32_AND)
    f.op(W.I32_OR)
  }
  refuse()
  f.get(a)
  f.get(entry)
  f.op(W.I32_ADD)
  g.base = f.allocate(I32)
  f.set(g.base)
  f.release(a)
  f.release(entry)
}
