// The bounded area of decoded code in the linear memory: records, written one behind the other in the order of execution
// (record.ts), and between them the tables of code pages (code-cache.ts). It is only ever dropped as a whole.

import type { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import type { Decoder } from '../isa/decode.js'
import { forms, isDirectBranch } from '../isa/forms.js'
import * as R from './record.js'
import { liveCell, TABLE_BYTES } from './record-lookup.js'
import { handlerOf } from './slots.js'

const END = L.CODE_CACHE + L.CODE_CACHE_BYTES
/** Bytes of the longest run. */
const RUN_BYTES = (R.RUN_LIMIT + 4) * R.RECORD_BYTES
const ADDRESS_16 = 32
export const MAXIMUM_LENGTH = 15

const direct = Uint8Array.from(forms, f => Number(isDirectBranch(f)))
const operandSize = Uint8Array.from(forms, f => f.operandSize)
const usesDisplacement = Uint8Array.from(forms, f =>
  Number(f.operands.some(o => o.kind === 2) || f.operands.length === 0),
)

export class RecordArea {
  /** Address of the next record. */
  next = L.CODE_CACHE
  /** Executions of a head until it is reported as hot. */
  threshold = 0x7fffffff
  /** By form id: 1 where the run loop is to leave before the instruction. */
  intercepted: Uint8Array = new Uint8Array(forms.length)
  /** Linear addresses of instructions before which the run loop is to leave. */
  breakpoints: ReadonlySet<number> = new Set()
  private freeTables: number[] = []

  constructor(
    private readonly cpu: Cpu,
    private readonly decoder: Decoder,
  ) {}

  /** False when so many tables and the longest run might not go in any more. */
  hasRoom(tables: number): boolean {
    return END - this.next >= RUN_BYTES + tables * TABLE_BYTES
  }
  clear() {
    this.next = L.CODE_CACHE
    this.freeTables = []
  }

  /** Address of an empty table. */
  table(): number {
    const free = this.freeTables.pop()
    const table = free ?? this.next
    if (free === undefined) this.next += TABLE_BYTES
    this.cpu.i32.fill(0, table >> 2, (table + TABLE_BYTES) >> 2)
    return table
  }
  /** The table is not used any more. */
  giveBack(table: number) {
    this.freeTables.push(table)
  }

  /** A record of which only handler and offset are set. Cell by cell: `fill` takes longer for so few. */
  allocate(handler: number, eip: number): number {
    const at = this.append()
    const { i32 } = this.cpu
    const cell = at >> 2
    i32[cell] = handler
    i32[cell + 1] = 0
    i32[cell + 2] = 0
    i32[cell + 3] = 0
    i32[cell + 4] = 0
    i32[cell + (R.AT >> 2)] = eip
    i32[cell + (R.TARGET >> 2)] = 0
    i32[cell + (R.COUNT >> 2)] = this.threshold
    return at
  }
  /** A jump to an offset, at the end of a run of `records`; without any `at` lies in the page that the jump is in. */
  goto(eip: number, records: number, at = eip) {
    const inPage = records > 0 ? this.cpu.i32[(this.next - R.RECORD_BYTES + R.AT) >> 2]! : at
    const record = this.allocate(R.SLOT_GOTO, inPage)
    this.cpu.i32[(record + R.DISP) >> 2] = eip
  }
  /** Makes a record a jump to its own offset. */
  redirect(record: number) {
    const { i32, u16 } = this.cpu
    u16[record >> 1] = R.SLOT_GOTO
    i32[(record + R.DISP) >> 2] = i32[(record + R.AT) >> 2]!
    i32[(record + R.TARGET) >> 2] = 0
    i32[(record + R.FAR_TABLE) >> 2] = 0
  }
  /** The first offset at which decoded bytes of a page overlap those from `from` to `to`, sought from `at` on; `to` or more: none. */
  nextHeld(table: number, from: number, to: number, at = Math.max(0, from - MAXIMUM_LENGTH)): number {
    const { i32, u8 } = this.cpu
    while (at < to) {
      const bits = i32[liveCell(table, at)]! >>> (at & 31)
      if (bits === 0) {
        at = (at | 31) + 1
        continue
      }
      at += 31 - Math.clz32(bits & -bits)
      if (at >= from || at + u8[i32[(table >> 2) + at]! + R.LENGTH]! > from) return at
      at++
    }
    return to
  }
  private isBreakpoint(eip: number): boolean {
    return this.breakpoints.has((this.cpu.u32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]! + eip) >>> 0)
  }
  /** Writes the record of the instruction that the decoder holds, at `record` or as the next one. */
  instruction(form: number, eip: number, record = this.append()) {
    const d = this.decoder
    const handler = handlerOf(form, d.index !== L.ZERO)
    const { i32 } = this.cpu
    const leaves = this.intercepted[form] !== 0 || (this.breakpoints.size > 0 && this.isBreakpoint(eip))
    writeRecord(i32, record >> 2, d, form, leaves ? R.SLOT_INTERCEPT : handler, eip, this.threshold)
    if (leaves) i32[(L.HOT_INDEX + ((record - L.CODE_CACHE) >> 3)) >> 2] = handler
  }
  /** Address of a record that is to be written as the next one. */
  append(): number {
    const at = this.next
    this.next += R.RECORD_BYTES
    return at
  }
}

/** Writes the record of the instruction that a decoder holds into the cells from `cell` on. */
export function writeRecord(
  i32: Int32Array,
  cell: number,
  d: Decoder,
  form: number,
  handler: number,
  eip: number,
  count: number,
) {
  const addressing = d.scale | (d.segment << 2) | (d.addressMask === -1 ? 0 : ADDRESS_16)
  i32[cell] = handler | (d.length << 16) | (addressing << 24)
  i32[cell + (R.AT >> 2)] = eip
  i32[cell + (R.TARGET >> 2)] = 0
  i32[cell + (R.COUNT >> 2)] = count
  i32[cell + (R.BASE >> 2)] = d.base | (d.index << 16)
  if (direct[form]) {
    const target = eip + d.length + d.rel
    i32[cell + (R.DISP >> 2)] = operandSize[form] === 2 ? target & 0xffff : target | 0
    i32[cell + (R.FAR_TABLE >> 2)] = 0
    i32[cell + (R.FALLEN >> 2)] = 0
    return
  }
  i32[cell + (R.DST >> 2)] = d.dst | (d.src << 16)
  i32[cell + (R.IMM >> 2)] = d.imm
  i32[cell + (R.DISP >> 2)] = usesDisplacement[form] ? d.disp : d.imm2
}
