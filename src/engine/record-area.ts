// The bounded area of decoded code in the linear memory: records, written one behind the other in the order of execution
// (record.ts), and between them the tables of code pages (code-cache.ts). It is only ever dropped as a whole.

import type { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import type { Decoder } from '../isa/decode.js'
import { forms, isDirectBranch } from '../isa/forms.js'
import * as R from './record.js'
import { TABLE_BYTES } from './record-lookup.js'
import { handlerOf } from './slots.js'

const END = L.CODE_CACHE + L.CODE_CACHE_BYTES
/** Bytes of the longest run. */
const RUN_BYTES = (R.RUN_LIMIT + 4) * R.RECORD_BYTES
const ADDRESS_16 = 32

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
    const at = this.next
    this.next += R.RECORD_BYTES
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
  private isBreakpoint(eip: number): boolean {
    return this.breakpoints.has((this.cpu.u32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]! + eip) >>> 0)
  }
  /** Writes the record of the instruction that the decoder holds. */
  instruction(form: number, eip: number) {
    const d = this.decoder
    const handler = handlerOf(form, d.index !== L.ZERO)
    const { i32, u16, u8 } = this.cpu
    const leaves = this.intercepted[form] !== 0 || (this.breakpoints.size > 0 && this.isBreakpoint(eip))
    const at = this.allocate(leaves ? R.SLOT_INTERCEPT : handler, eip)
    if (leaves) i32[(L.HOT_INDEX + ((at - L.CODE_CACHE) >> 3)) >> 2] = handler
    u8[at + R.LENGTH] = d.length
    u8[at + R.ADDRESSING] = d.scale | (d.segment << 2) | (d.addressMask === -1 ? 0 : ADDRESS_16)
    u16[(at + R.DST) >> 1] = d.dst
    u16[(at + R.SRC) >> 1] = d.src
    i32[(at + R.IMM) >> 2] = d.imm
    u16[(at + R.BASE) >> 1] = d.base
    u16[(at + R.INDEX) >> 1] = d.index
    let disp = d.disp
    if (direct[form]) {
      const target = eip + d.length + d.rel
      disp = operandSize[form] === 2 ? target & 0xffff : target | 0
    } else if (!usesDisplacement[form]) disp = d.imm2
    i32[(at + R.DISP) >> 2] = disp
    if (direct[form]) {
      i32[(at + R.FAR_TABLE) >> 2] = 0
      u16[(at + R.FALLEN) >> 1] = 0
    }
  }
}
