// Decoded code by physical page. A page is kept for each linear page, mode and CS base it is run under, with a table of
// 4,096 entries (byte offset in the page -> record, see record.ts). Everything lives in one bounded area of the
// linear memory; when it is full all of it is dropped. A write to bytes that were decoded makes their records stale: they
// are decoded again when they are reached, in their places where they fit there; others become jumps to their own offsets.

import type { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import { MODE_OF_CODE } from '../cpu/mode.js'
import type { DecodeMode, Decoder } from '../isa/decode.js'
import { PROTECTED } from '../isa/features.js'
import { decodeModeOf } from './decoder-features.js'
import { forgetJump } from './jump-cache.js'
import { Links } from './links.js'
import * as R from './record.js'
import { MAXIMUM_LENGTH, RecordArea } from './record-area.js'
import { BEYOND_PAGE, RecordDecoder } from './record-decoder.js'
import { foundCell, liveCell } from './record-lookup.js'
import { ENDS, LENGTH_MASK } from './record-templates.js'
import { endsRecords, lastOfRun } from './slots.js'

const PAGE_END = 0x1000
/** Bytes of code that are given up together: those of one entry of CODE_MAP. */
export const CHUNK = 64
export const chunkOf = (offset: number) => offset & ~(CHUNK - 1)
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
  /** Flat 32-bit code of protected mode, with no limit: see record-templates.ts. */
  readonly byTemplate: boolean
  /** Heads of instructions that begin in the page before and end here. */
  readonly crossing: { page: CodePage; offset: number }[]
  /** Times that decoded instructions were written. */
  rewritten: number
}

export class CodeCache {
  /** Pages by host page number. */
  private pages = new Map<number, CodePage[]>()
  private tables = new Map<number, CodePage>()
  /** Host pages that may hold no decoded instruction any more, and the low 32 bits of the count since when. */
  readonly empty = new Map<number, number>()
  readonly records: RecordArea
  private readonly instructions: RecordDecoder
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
    this.instructions = new RecordDecoder(cpu, decoder, this.records)
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
    return known !== 0 && !R.isStale(cpu.u16[known >> 1]!) ? known : this.decodeRun(page, eip | 0, linear)
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
      const { code32, flat, features } = decodeMode
      const byTemplate = code32 && flat && csLimit === 0xffffffff && (features & PROTECTED) !== 0
      found = { hostPage, linearPage, mode, decodeMode, csBase, csLimit, table, byTemplate, crossing: [], rewritten: 0 }
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
      for (let offset = 0; offset < PAGE_END; offset++)
        if (this.cpu.i32[(page.table >> 2) + offset] !== 0) this.remove(page, offset)
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
    const { i32, u16 } = this.cpu
    const { records } = this
    const table = page.table >> 2
    let offset = linear & 0xfff
    const stale = i32[table + offset]!
    if (stale !== 0 && this.renew(page, stale, eip, offset)) return stale
    if (!records.hasRoom(1)) {
      this.clear()
      return this.find(eip)
    }
    const from = page.hostPage + offset
    const first = records.next
    for (let n = 0; ; n++) {
      if (n > 0 && (n === R.RUN_LIMIT - 2 || offset >= PAGE_END)) {
        records.goto(eip, n)
        break
      }
      const present = i32[table + offset]!
      if (present !== 0) {
        if (!R.isStale(u16[present >> 1]!)) {
          records.goto(eip, n)
          break
        }
        this.remove(page, offset)
      }
      const record = records.next
      const decoded = this.instructions.decode(page, record, eip, offset)
      if (decoded <= 0) {
        if (n === 0) return decoded === BEYOND_PAGE ? this.decodeCrossing(page, eip, linear) : this.beyondLimit()
        records.goto(eip, n)
        break
      }
      records.append()
      i32[table + offset] = record
      // 16-bit code too runs on past FFFF: only its branches stay below.
      eip = (eip + (decoded & LENGTH_MASK)) | 0
      offset += decoded & LENGTH_MASK
      if (decoded & ENDS) break
    }
    this.instructions.mark(from, page.hostPage + offset - from)
    return first
  }
  /**
   * At a stale record, at offset `eip` of CS: it is decoded in its place and returned. Returns 0 where EIP has to be looked up.
   */
  revive(record: number, eip: number): number {
    const { i32 } = this.cpu
    const linear = (i32[L.segmentCell(L.CS, L.SEG_BASE) >> 2]! + eip) >>> 0
    const table = i32[(i32[L.CODE_TABLE >> 2]! >> 2) + (linear >>> 12)]!
    const page = this.tables.get(table)
    const known = page && i32[(record + R.COUNT) >> 2] === table
    if (known) return this.renew(page, record, eip, linear & 0xfff) ? record : 0
    if (!page || i32[(table >> 2) + (linear & 0xfff)] !== record) this.records.redirect(record)
    return 0
  }
  /**
   * Decodes what stands at a stale record, and behind it, where the records are: as far as each is followed by the one it
   * was followed by before, which is so where instructions have the lengths that they had. False if not even the first.
   */
  private renew(page: CodePage, first: number, eip: number, offset: number): boolean {
    const { u16 } = this.cpu
    const from = offset
    let fits = true
    for (let record = first; ; record += R.RECORD_BYTES) {
      const mayFollow = u16[record >> 1] === R.SLOT_STALE
      const decoded = this.instructions.decode(page, record, eip, offset)
      const length = decoded & LENGTH_MASK
      const next = record + R.RECORD_BYTES
      fits = decoded > 0 && ((decoded & ENDS) !== 0 || (mayFollow && this.leadsTo(next, (eip + length) | 0)))
      if (!fits) {
        this.remove(page, offset)
        fits = record !== first
        break
      }
      eip = (eip + length) | 0
      offset += length
      if (decoded & ENDS || !R.isStale(u16[next >> 1]!)) break
    }
    if (fits) this.instructions.mark(page.hostPage + from, offset - from)
    return fits
  }
  /** Whether the record is that of an offset, or a jump there. */
  private leadsTo(record: number, eip: number): boolean {
    const { i32, u16 } = this.cpu
    return i32[(record + (u16[record >> 1] === R.SLOT_GOTO ? R.DISP : R.AT)) >> 2] === eip
  }
  private beyondLimit(): 0 {
    this.cpu.raise(13, 0)
    return 0
  }

  /** An instruction that ends in the next page: a guard, the instruction, and a jump to what follows. */
  private decodeCrossing(page: CodePage, eip: number, linear: number): number {
    const { cpu, decoder, records } = this
    const offset = linear & 0xfff
    const mode = page.decodeMode
    const nextLinear = ((linear & ~0xfff) + PAGE_END) >>> 0
    if ((eip >>> 0) + PAGE_END - offset > page.csLimit) return this.beyondLimit()
    const following = this.page(nextLinear)
    if (!following) return 0
    if (this.tables.get(page.table) !== page) return this.find(eip)
    const bytes = new Uint8Array(64)
    const here = PAGE_END - offset
    bytes.set(cpu.u8.subarray(page.hostPage + offset, page.hostPage + PAGE_END))
    bytes.set(cpu.u8.subarray(following.hostPage, following.hostPage + MAXIMUM_LENGTH + 1), here)
    const form = decoder.decode(bytes, 0, 16, mode)
    if (!this.instructions.withinLimit(page, eip, form)) return this.beyondLimit()
    const guard = records.allocate(R.SLOT_GUARD, eip)
    cpu.u8[guard + R.LENGTH] = MAXIMUM_LENGTH
    cpu.i32[(guard + R.IMM) >> 2] = following.table
    cpu.i32[(guard + R.DISP) >> 2] = nextLinear
    cpu.i32[(page.table >> 2) + offset] = guard
    cpu.i32[liveCell(page.table, offset)]! |= 1 << (offset & 31)
    records.instruction(form, eip)
    const length = decoder.length
    this.instructions.mark(page.hostPage + offset, here)
    this.instructions.mark(following.hostPage, Math.max(1, length - here))
    if (!following.crossing.some(c => c.page === page && c.offset === offset)) following.crossing.push({ page, offset })
    if (!endsRecords[form]) records.goto((eip + length) | 0, 1, eip)
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
      const first = chunkOf(from)
      const end = chunkOf(to + CHUNK - 1)
      for (const page of list) this.invalidate(page, first, end)
      for (let at = first; at < end; at += CHUNK) this.cpu.u8[L.CODE_MAP + (host << 6) + (at >> 6)] = 0
      if (to - from === PAGE_END) this.release(host, list)
      else if (this.isEmpty(host)) this.empty.set(host, this.cpu.retired)
    }
  }
  /** Whether an instruction that begins in the page before ends in that of a host address. */
  isCrossedInto(host: number): boolean {
    return this.pages.get(host >>> 12)?.some(page => page.crossing.length > 0) ?? false
  }
  private holdAny(list: readonly CodePage[], from: number, to: number): boolean {
    for (const page of list)
      if (this.records.nextHeld(page.table, from, to) < to || (from < MAXIMUM_LENGTH && page.crossing.length > 0))
        return true
    return false
  }
  private invalidate(page: CodePage, from: number, to: number) {
    page.rewritten++
    this.onInvalidate?.(page, from, to)
    for (
      let at = this.records.nextHeld(page.table, from, to);
      at < to;
      at = this.records.nextHeld(page.table, from, to, at + 1)
    )
      this.kill(page, at)
    if (from >= MAXIMUM_LENGTH) return
    for (const c of page.crossing.splice(0)) {
      if (this.tables.get(c.page.table) !== c.page || this.cpu.i32[(c.page.table >> 2) + c.offset] === 0) continue
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
  /** The instruction at an offset is to be decoded again, if it has not been given up before. */
  private kill(page: CodePage, offset: number) {
    const { i32, u16 } = this.cpu
    const record = i32[(page.table >> 2) + offset]!
    const handler = u16[record >> 1]!
    if (R.isStale(handler)) return
    this.invalidated++
    i32[liveCell(page.table, offset)]! &= ~(1 << (offset & 31))
    if (handler < R.FIRST_SLOT) return this.remove(page, offset)
    u16[record >> 1] = lastOfRun[handler] ? R.SLOT_STALE_LAST : R.SLOT_STALE
    i32[(record + R.COUNT) >> 2] = page.table
  }
  /** Takes a record out of its page's table. */
  private remove(page: CodePage, offset: number) {
    const { i32, u16 } = this.cpu
    const cell = (page.table >> 2) + offset
    const record = i32[cell]!
    i32[cell] = 0
    i32[liveCell(page.table, offset)]! &= ~(1 << (offset & 31))
    if (u16[record >> 1] === R.SLOT_HOT) this.forgetRegion(page, offset)
    i32[foundCell(page.table, offset) >> 2] = 0
    this.records.redirect(record)
  }
}
