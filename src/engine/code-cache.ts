// Decoded code by physical page. A page is kept for each linear page, mode and CS base it is run under, with a table of
// 4,096 entries (byte offset in the page -> record, see record.ts). Everything lives in one bounded area of the
// linear memory; when it is full all of it is dropped. A write to bytes that were decoded turns their records into
// jumps to themselves, so that they are decoded again when they are reached.

import type { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import { MODE_OF_CODE } from '../cpu/mode.js'
import { type DecodeMode, type Decoder, NEED_MORE } from '../isa/decode.js'
import { TOO_LONG, UD } from '../isa/forms.js'
import { decodeModeOf } from './decoder-features.js'
import { forgetJump } from './jump-cache.js'
import { Links } from './links.js'
import * as R from './record.js'
import { RecordArea } from './record-area.js'
import { foundCell } from './record-lookup.js'
import { endsRecords } from './slots.js'

const PAGE_END = 0x1000
const MAXIMUM_LENGTH = 15
/** Instructions for which an empty page is kept. */
const LATELY = 4_000_000
/** Host address of the page that code in device memory is read through. */
const DEVICE_CODE = 0x20000

/** One physical page of code as one linear page under one mode. */
export interface CodePage {
  readonly hostPage: number // host address of the page
  readonly linearPage: number // linear address of the page
  readonly mode: number
  readonly decodeMode: DecodeMode
  readonly csBase: number
  readonly csLimit: number
  readonly table: number // address of its table
  /** Heads of instructions that begin in the page before and end here. */
  readonly crossing: { page: CodePage; offset: number }[]
}

export class CodeCache {
  /** Pages by host page number. */
  private pages = new Map<number, CodePage[]>()
  private tables = new Map<number, CodePage>()
  /** Host pages that may hold no decoded instruction any more, and the low 32 bits of the count since when. */
  readonly empty = new Map<number, number>()
  readonly records: RecordArea
  /** Links between the regions that records head. */
  readonly links: Links
  /** Counters for reports. */
  invalidated = 0
  drops = 0
  /** Told before records change meaning: a page's bytes from offset were written, or all is dropped (page undefined). */
  onInvalidate: ((page: CodePage | undefined, from: number, to: number) => void) | undefined

  constructor(
    readonly cpu: Cpu,
    private readonly decoder: Decoder,
    private readonly features: number,
  ) {
    this.links = new Links(cpu.i32)
    this.records = new RecordArea(cpu, decoder)
  }

  get pageCount(): number {
    return this.pages.size
  }

  /** Drops all decoded code. */
  clear() {
    this.onInvalidate?.(undefined, 0, PAGE_END)
    this.drops++
    for (const host of this.pages.keys()) this.cpu.u8.fill(0, L.CODE_MAP + (host << 6), L.CODE_MAP + ((host + 1) << 6))
    this.cpu.tlb.unmarkAllCode()
    this.records.clear()
    this.pages = new Map()
    this.tables = new Map()
    this.empty.clear()
    this.cpu.tlb.flushCode(true)
    this.cpu.tlb.flushCode(false)
  }

  /**
   * The record of the instruction at the current EIP, decoding it if need be. Returns 0 with an exception raised when it
   * cannot be fetched (#PF, #GP beyond the limit of CS).
   */
  find(eip: number): number {
    const { cpu } = this
    const base = cpu.u32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]!
    const linear = (base + eip) >>> 0
    if (eip >>> 0 > cpu.u32[L.segmentCell(L.CS, L.SEG_LIMIT) >> 2]!) return this.beyondLimit()
    const table = cpu.i32[(cpu.i32[L.CODE_TABLE >> 2]! >> 2) + (linear >>> 12)]!
    const inForce = this.tables.get(table)
    const page = inForce && inForce.hostPage !== DEVICE_CODE ? inForce : this.page(linear)
    if (!page) return 0
    const known = cpu.i32[(page.table >> 2) + (linear & 0xfff)]!
    return known !== 0 ? known : this.decodeRun(page, eip >>> 0, linear)
  }

  /** The code page in force at a linear address; undefined with #PF raised when it cannot be fetched. */
  page(linear: number): CodePage | undefined {
    const { cpu } = this
    const host = cpu.translateCode(linear)
    if (host === -2) return undefined
    const hostPage = (host === -1 ? this.deviceCode(linear) : host) & ~0xfff
    const mode = cpu.i32[L.MODE >> 2]! & MODE_OF_CODE
    const csBase = cpu.u32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]!
    const csLimit = cpu.u32[L.segmentCell(L.CS, L.SEG_LIMIT) >> 2]!
    const linearPage = linear & ~0xfff
    let list = this.pages.get(hostPage >>> 12)
    let found: CodePage | undefined
    if (list)
      for (const p of list)
        if (p.linearPage === linearPage && p.mode === mode && p.csBase === csBase && p.csLimit === csLimit) found = p
    if (!found) {
      if (!this.records.hasRoom(2)) {
        this.clear()
        list = undefined
      }
      const table = this.records.table()
      const decodeMode = decodeModeOf(mode, this.features)
      found = { hostPage, linearPage, mode, decodeMode, csBase, csLimit, table, crossing: [] }
      this.tables.set(table, found)
      if (list) list.push(found)
      else {
        this.pages.set(hostPage >>> 12, [found])
        cpu.tlb.markCode(hostPage)
      }
    }
    cpu.tlb.enterCode(found)
    return found
  }
  /**
   * Forgets host pages in which no decoded instruction has been left for a while: where code was given up some is mostly
   * written anew, and it takes long to make another page (one that is written as a whole is not kept). To be called now and then, with no record in use.
   */
  sweep() {
    for (const [host, since] of [...this.empty]) {
      const list = this.pages.get(host)
      if (list && this.isEmpty(host)) {
        if ((this.cpu.retired - since) >>> 0 < LATELY) continue
        this.release(host, list)
      }
      this.empty.delete(host)
    }
  }
  private isEmpty(host: number): boolean {
    const marks = (L.CODE_MAP + (host << 6)) >> 2
    for (let at = marks; at < marks + 16; at++) if (this.cpu.i32[at] !== 0) return false
    return true
  }
  private release(host: number, list: CodePage[]) {
    const { tlb } = this.cpu
    for (const page of list) {
      tlb.forgetCode(page)
      this.tables.delete(page.table)
      this.records.giveBack(page.table)
    }
    this.pages.delete(host)
    tlb.unmarkCode(host << 12)
  }
  /** The code page with a table at this address. */
  pageOfTable(table: number): CodePage | undefined {
    return this.tables.get(table)
  }
  private deviceCode(linear: number): number {
    const physical = this.cpu.frame * PAGE_END
    for (let i = 0; i < PAGE_END; i += 4)
      this.cpu.i32[(DEVICE_CODE + i) >> 2] = this.cpu.host.deviceRead(physical + i, 4)
    return DEVICE_CODE | (linear & 0xfff)
  }

  /** Decodes from an offset of CS up to the end of the run; returns its first record. */
  private decodeRun(page: CodePage, eip: number, linear: number): number {
    if (!this.records.hasRoom(1)) {
      this.clear()
      return this.find(eip)
    }
    const { cpu, decoder, records } = this
    const mode = page.decodeMode
    const table = page.table >> 2
    const first = records.next
    let offset = linear & 0xfff
    for (let n = 0; ; n++) {
      if (n > 0 && (n === R.RUN_LIMIT - 2 || offset >= PAGE_END || cpu.i32[table + offset] !== 0)) {
        records.goto(eip, n)
        break
      }
      const form = decoder.decode(cpu.u8, page.hostPage + offset, PAGE_END - offset, mode)
      if (form === NEED_MORE) {
        if (n === 0) return this.decodeCrossing(page, eip, linear)
        records.goto(eip, n)
        break
      }
      if (!this.withinLimit(page, eip, form)) {
        if (n === 0) return this.beyondLimit()
        records.goto(eip, n)
        break
      }
      cpu.i32[table + offset] = records.next
      records.instruction(form, eip)
      this.mark(page.hostPage + offset, decoder.length)
      if (endsRecords[form]) break
      // 16-bit code too runs on past FFFF: only its branches stay below.
      eip = (eip + decoder.length) >>> 0
      offset += decoder.length
    }
    return first
  }
  private withinLimit(page: CodePage, eip: number, form: number): boolean {
    const length = form === UD || form === TOO_LONG ? 1 : this.decoder.length
    return eip + length - 1 <= page.csLimit
  }
  private beyondLimit(): 0 {
    this.cpu.raise(13, 0)
    return 0
  }
  private mark(host: number, bytes: number) {
    const u8 = this.cpu.u8
    u8[L.CODE_MAP + (host >>> 6)] = 1
    u8[L.CODE_MAP + ((host + bytes - 1) >>> 6)] = 1
  }

  /** An instruction that ends in the next page: a guard, the instruction, and a jump to what follows. */
  private decodeCrossing(page: CodePage, eip: number, linear: number): number {
    const { cpu, decoder, records } = this
    const offset = linear & 0xfff
    const mode = page.decodeMode
    const nextLinear = ((linear & ~0xfff) + PAGE_END) >>> 0
    if (eip + PAGE_END - offset > page.csLimit) return this.beyondLimit()
    const following = this.page(nextLinear)
    if (!following) return 0
    if (this.tables.get(page.table) !== page) return this.find(eip)
    const bytes = new Uint8Array(64)
    const here = PAGE_END - offset
    bytes.set(cpu.u8.subarray(page.hostPage + offset, page.hostPage + PAGE_END))
    bytes.set(cpu.u8.subarray(following.hostPage, following.hostPage + MAXIMUM_LENGTH + 1), here)
    const form = decoder.decode(bytes, 0, 16, mode)
    if (!this.withinLimit(page, eip, form)) return this.beyondLimit()
    const guard = records.allocate(R.SLOT_GUARD, eip)
    cpu.u8[guard + R.LENGTH] = MAXIMUM_LENGTH
    cpu.i32[(guard + R.IMM) >> 2] = following.table
    cpu.i32[(guard + R.DISP) >> 2] = nextLinear
    cpu.i32[(page.table >> 2) + offset] = guard
    records.instruction(form, eip)
    const length = decoder.length
    this.mark(page.hostPage + offset, here)
    this.mark(following.hostPage, Math.max(1, length - here))
    if (!following.crossing.some(c => c.page === page && c.offset === offset)) following.crossing.push({ page, offset })
    if (!endsRecords[form]) records.goto((eip + length) >>> 0, 1, eip)
    return guard
  }

  /** The instruction at an offset of CS is to be decoded again when it is reached. */
  giveUp(eip: number) {
    const linear = (this.cpu.u32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]! + eip) >>> 0
    const page = this.page(linear)
    if (page && this.cpu.i32[(page.table >> 2) + (linear & 0xfff)]) this.kill(page, linear & 0xfff)
  }

  /** A function of its own: V8 keeps code that it made for the loop, and gives it up again each time control gets past it. */
  private isMarked(first: number, last: number): boolean {
    const { u8 } = this.cpu
    for (let chunk = first >>> 6; chunk <= last >>> 6; chunk++) if (u8[L.CODE_MAP + chunk]) return true
    return false
  }
  /**
   * Guest bytes at a host address were written. If decoded instructions contain them, all of the chunks around are given
   * up: code is mostly written anew as a whole, and the stores that follow are plain ones then.
   */
  written(hostAddress: number, bytes: number) {
    const last = hostAddress + bytes - 1
    if (!this.isMarked(hostAddress, last)) return
    for (let host = hostAddress >>> 12; host <= last >>> 12; host++) {
      const list = this.pages.get(host)
      if (!list) continue
      const from = host === hostAddress >>> 12 ? hostAddress & 0xfff : 0
      const to = host === last >>> 12 ? (last & 0xfff) + 1 : PAGE_END
      if (!this.holdAny(list, from, to)) continue
      const first = from >>> 6
      const end = (to + 63) >>> 6
      for (const page of list) this.invalidate(page, first << 6, end << 6)
      for (let chunk = first; chunk < end; chunk++) this.cpu.u8[L.CODE_MAP + (host << 6) + chunk] = 0
      if (to - from === PAGE_END) this.release(host, list)
      else if (this.isEmpty(host)) this.empty.set(host, this.cpu.retired)
    }
  }
  private holdAny(list: readonly CodePage[], from: number, to: number): boolean {
    for (const page of list) if (this.holds(page, from, to)) return true
    return false
  }
  /** True when decoded instructions contain some of these bytes. */
  private holds(page: CodePage, from: number, to: number): boolean {
    const { i32, u8 } = this.cpu
    const table = page.table >> 2
    for (let offset = Math.max(0, from - MAXIMUM_LENGTH); offset < to; offset++) {
      const record = i32[table + offset]!
      if (record !== 0 && offset + u8[record + R.LENGTH]! > from) return true
    }
    return from < MAXIMUM_LENGTH && page.crossing.length > 0
  }
  private invalidate(page: CodePage, from: number, to: number) {
    const { i32, u8 } = this.cpu
    this.onInvalidate?.(page, from, to)
    const table = page.table >> 2
    for (let offset = Math.max(0, from - MAXIMUM_LENGTH); offset < to; offset++) {
      const record = i32[table + offset]!
      if (record !== 0 && offset + u8[record + R.LENGTH]! > from) this.kill(page, offset)
    }
    if (from >= MAXIMUM_LENGTH) return
    for (const c of page.crossing.splice(0)) {
      if (this.tables.get(c.page.table) !== c.page || i32[(c.page.table >> 2) + c.offset] === 0) continue
      this.onInvalidate?.(c.page, c.offset, PAGE_END)
      this.kill(c.page, c.offset)
    }
  }
  /** The record at an offset of a page heads no region any more. */
  forgetRegion(page: CodePage, offset: number) {
    const entry = page.table + (offset << 2)
    forgetJump(this.cpu.i32, page.linearPage + offset, entry)
    this.links.forget(entry)
  }
  private kill(page: CodePage, offset: number) {
    const { i32, u16 } = this.cpu
    const cell = (page.table >> 2) + offset
    const record = i32[cell]!
    i32[cell] = 0
    if (u16[record >> 1] === R.SLOT_HOT) this.forgetRegion(page, offset)
    i32[foundCell(page.table, offset) >> 2] = 0
    u16[record >> 1] = R.SLOT_GOTO
    i32[(record + R.DISP) >> 2] = i32[(record + R.AT) >> 2]!
    i32[(record + R.TARGET) >> 2] = 0
    i32[(record + R.FAR_TABLE) >> 2] = 0
    this.invalidated++
  }
}
