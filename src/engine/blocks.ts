// The hot engine: the cold one, and translated regions for the heads that it reports. Heads are collected, so that one
// module holds several regions. A region lives until one of its bytes is written or all decoded code is dropped.

import type { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import type { Procedure } from '../ir/tape.js'
import { CHUNK, type CodeCache, type CodePage, chunkOf } from './code-cache.js'
import { HOT_SLOTS } from './core.js'
import type { Core } from './core-instance.js'
import type { TranslationStatistics } from './execution.js'
import { Interpreter } from './interpreter.js'
import { forgetJumps } from './jump-cache.js'
import * as R from './record.js'
import { type Region, RegionFinder } from './region.js'
import { endsBlock, formOf } from './slots.js'
import { Translator } from './translator.js'

const MODE_CODE32 = 1
const MODE_FLAT = 8
const NEVER = 0x7fffffff
/** WebAssembly made until everything is dropped: V8 keeps several times as much for it. */
const LIVE_BYTES = 16 << 20
/** Entries of a region that holds no loop until a longer one is tried, in units of the threshold. */
const EXTEND = 30
/** Times that an instruction is told to be refused by translated code until it becomes careful. */
const REFUSED_OFTEN = 32
/** A region of at most this many instructions is copied into those that reach it. */
const COPY_LIMIT = 12

/** When heads become hot. Results never depend on these. */
export interface Thresholds {
  /** Executions of a head until it is to be translated. */
  readonly hot: number
  /** Heads that wait before a module is made of them. */
  readonly batch: number
  /** Executions after which a waiting head is not kept waiting. */
  readonly urgent: number
}
export const DEFAULT_THRESHOLDS: Thresholds = { hot: 8000, batch: 16, urgent: 24000 }

interface Installed {
  readonly record: number
  readonly slot: number
  readonly page: CodePage
  /** It was cut short, and holds no loop. */
  readonly extendable: boolean
  /** Records of its instructions, and how many it was allowed. */
  readonly records: Int32Array
  readonly limit: number
  /** Bytes covered: for each page a range, in pairs. */
  readonly covered: { page: CodePage; from: number; to: number }[]
}

const covers = ({ covered }: Installed, hostPage: number, from: number, to: number) =>
  covered.some(c => c.page.hostPage === hostPage && from < c.to && c.from < to)

export class Blocks extends Interpreter {
  override readonly name = 'blocks'
  private readonly finder: RegionFinder
  private readonly translator: Translator
  private pending: { record: number; page: CodePage }[] = []
  private readonly waiting = new Set<number>()
  /** How often instructions were told to be refused, by record. */
  private readonly refusals = new Map<number, number>()
  private installed = new Map<number, Installed>()
  private byPage = new Map<number, Set<Installed>>()
  private readonly free: number[] = []
  private nextSlot = 0
  private bytesAtClear = 0
  /** Regions translated and given up, for reports. */
  private translated = 0
  private discarded = 0

  constructor(
    cpu: Cpu,
    core: Core,
    cache: CodeCache,
    memory: WebAssembly.Memory,
    signatures: ReadonlyMap<string, Pick<Procedure, 'params' | 'result'>>,
    private readonly thresholds: Thresholds = DEFAULT_THRESHOLDS,
  ) {
    super(cpu, core, cache)
    this.finder = new RegionFinder(cache)
    this.translator = new Translator(core, memory, this.finder, cpu.i32, signatures, cache.links)
    cache.records.threshold = thresholds.hot
    cache.links.threshold = thresholds.hot
    core.onLink = () => this.link()
    core.onChange = (host, bytes) => this.change(host, bytes)
    cache.onInvalidate = (page, from, to) => this.invalidate(page, from, to)
  }

  get statistics(): TranslationStatistics {
    return { blocks: this.translated, bytes: this.translator.bytes, invalidations: this.discarded }
  }

  protected override hot(record: number) {
    const { i32 } = this.cpu
    i32[(record + R.COUNT) >> 2] = NEVER
    const present = this.installed.get(record)
    if (present) return this.extend(present)
    const page = this.pageOf(record)
    if (!page || (page.mode & (MODE_CODE32 | MODE_FLAT)) !== (MODE_CODE32 | MODE_FLAT)) return
    if (this.waiting.has(record)) return this.flush()
    this.waiting.add(record)
    this.pending.push({ record, page })
    i32[(record + R.COUNT) >> 2] = this.thresholds.urgent - this.thresholds.hot
    if (this.pending.length >= this.thresholds.batch) this.flush()
  }
  /** A region is entered again and again: if a longer one holds the whole loop, it takes its place. */
  private extend(present: Installed) {
    if (!present.extendable) return
    const region = this.finder.find(present.record, present.page, R.LOOP_LIMIT)
    if (region?.blocks.some(b => b.isLoop)) this.replace(present, region)
  }
  private replace(present: Installed, region: Region) {
    if (this.cache.links.full) return // until the next flush has dropped everything
    const [code] = this.translator.translate([region])
    if (!code) return
    this.discard(present)
    this.install(region, code)
  }
  /** Instructions that are refused often, and what stands behind them in a block, become careful. */
  protected override refused(record: number) {
    const times = (this.refusals.get(record) ?? 0) + 1
    this.refusals.set(record, times)
    if (times < REFUSED_OFTEN) return
    this.refusals.delete(record)
    const page = this.pageOf(record)
    if (!page) return
    this.makeCareful(record)
    for (const i of [...(this.byPage.get(page.hostPage) ?? [])]) {
      const region = i.records.includes(record) ? this.finder.find(i.record, i.page, i.limit, this.isLarge) : undefined
      if (region) this.replace(i, region)
    }
  }

  private makeCareful(record: number) {
    for (let at = record; ; at += R.RECORD_BYTES) {
      const handler = this.finder.handler(at)
      if (handler < R.FIRST_SLOT) return
      this.cpu.u8[at + R.ADDRESSING]! |= R.CAREFUL
      if (endsBlock(formOf(handler))) return
    }
  }

  /** The exit that LEAVING says goes on in the region at EIP. */
  private link() {
    const { i32 } = this.cpu
    const eip = i32[L.EIP >> 2]!
    const entry = i32[(i32[L.CODE_TABLE >> 2]! >> 2) + (eip >>> 12)]! + ((eip & 0xfff) << 2)
    const target = this.installed.get(i32[entry >> 2]!)
    if (!target) return
    const { table, layout } = this.core
    this.cache.links.connect(i32[L.LEAVING >> 2]!, entry, table.get(layout.hotBase + target.slot))
  }

  /** A region is about to store to decoded code: gives that up, unless a region would go with it. */
  private change(host: number, bytes: number): boolean {
    const offset = host & 0xfff
    const from = chunkOf(offset)
    if (from === 0 && this.cache.isCrossedInto(host)) return false
    const set = this.byPage.get(host - offset)
    if (set) for (const i of set) if (covers(i, host - offset, from, chunkOf(offset + bytes + CHUNK - 1))) return false
    this.cache.written(host, bytes)
    return true
  }

  /** The page whose table leads to the record: EIP is at it. */
  private pageOf(record: number): CodePage | undefined {
    const { i32 } = this.cpu
    const linear = i32[(record + R.AT) >> 2]! >>> 0
    const table = i32[(i32[L.CODE_TABLE >> 2]! >> 2) + (linear >>> 12)]!
    if (table === 0 || i32[(table >> 2) + (linear & 0xfff)] !== record) return undefined
    return this.cache.pageOfTable(table)
  }

  private readonly isLarge = (head: number) => (this.installed.get(head)?.records.length ?? 0) > COPY_LIMIT

  /** Translates everything that waits. */
  private flush() {
    const { i32 } = this.cpu
    const regions: Region[] = []
    const sizes = new Map<number, number>()
    const large = (head: number) => (sizes.get(head) ?? 0) > COPY_LIMIT || this.isLarge(head)
    for (const { record, page } of this.pending) {
      i32[(record + R.COUNT) >> 2] = NEVER
      if (i32[(page.table >> 2) + (i32[(record + R.AT) >> 2]! & 0xfff)] !== record) continue
      const region = this.finder.find(record, page, R.REGION_LIMIT, large)
      if (!region) continue
      regions.push(region)
      sizes.set(record, region.instructions)
    }
    this.pending = []
    this.waiting.clear()
    if (!regions.length) return
    const full = this.nextSlot + regions.length > HOT_SLOTS || this.cache.links.full
    if (full || this.translator.bytes > this.bytesAtClear + LIVE_BYTES) {
      this.bytesAtClear = this.translator.bytes
      return this.cache.clear()
    }
    const functions = this.translator.translate(regions)
    regions.forEach((region, i) => {
      if (functions[i]) this.install(region, functions[i])
    })
  }
  private install(region: Region, code: unknown) {
    const { core } = this
    const { i32, u16 } = this.cpu
    const slot = this.free.pop() ?? this.nextSlot++
    core.table.set(core.layout.hotBase + slot, code)
    const record = region.head
    i32[(L.HOT_INDEX + ((record - L.CODE_CACHE) >> 3)) >> 2] =
      ((core.layout.hotBase + slot) << 16) | this.finder.handler(record)
    u16[record >> 1] = R.SLOT_HOT
    const extendable = region.cut && !region.blocks.some(b => b.isLoop)
    const installed: Installed = {
      record,
      slot,
      page: region.page,
      covered: this.covered(region),
      extendable,
      records: Int32Array.from(region.blocks.flatMap(b => b.records)),
      limit: region.limit,
    }
    i32[(record + R.COUNT) >> 2] = extendable ? this.thresholds.hot * EXTEND : NEVER
    this.installed.set(record, installed)
    for (const { page } of installed.covered) {
      const set = this.byPage.get(page.hostPage) ?? new Set()
      set.add(installed)
      this.byPage.set(page.hostPage, set)
    }
    this.translated++
  }
  private covered(region: Region): Installed['covered'] {
    const ranges = new Map<CodePage, { page: CodePage; from: number; to: number }>()
    const cover = (page: CodePage, from: number, to: number) => {
      const r = ranges.get(page)
      if (!r) ranges.set(page, { page, from, to })
      else {
        r.from = Math.min(r.from, from)
        r.to = Math.max(r.to, to)
      }
    }
    for (const b of region.blocks) {
      const from = b.eip & 0xfff
      const end = from + (this.finder.nextEip(b.records.at(-1)!) - b.eip)
      cover(b.page, from, Math.min(end, 0x1000))
      if (b.crossesInto) cover(b.crossesInto, 0, 16)
    }
    return [...ranges.values()]
  }

  private invalidate(page: CodePage | undefined, from: number, to: number) {
    if (!page) return this.dropAll()
    const set = this.byPage.get(page.hostPage)
    if (!set) return
    for (const i of set) if (covers(i, page.hostPage, from, to)) this.discard(i)
  }
  private dropAll() {
    for (const { record, slot } of this.installed.values()) {
      this.core.table.set(this.core.layout.hotBase + slot, null)
      this.cpu.i32[(L.HOT_INDEX + ((record - L.CODE_CACHE) >> 3)) >> 2] = 0
    }
    forgetJumps(this.cpu.i32)
    this.cache.links.clear()
    this.installed = new Map()
    this.refusals.clear()
    this.byPage = new Map()
    this.pending = []
    this.waiting.clear()
    this.free.length = 0
    this.nextSlot = 0
  }
  private discard(installed: Installed) {
    const { record, slot, covered, page } = installed
    const { i32, u16 } = this.cpu
    this.cache.forgetRegion(page, i32[(record + R.AT) >> 2]! & 0xfff)
    const index = (L.HOT_INDEX + ((record - L.CODE_CACHE) >> 3)) >> 2
    i32[index]! &= 0xffff
    if (u16[record >> 1] === R.SLOT_HOT) {
      u16[record >> 1] = i32[index]!
      i32[(record + R.COUNT) >> 2] = this.thresholds.hot
    }
    this.core.table.set(this.core.layout.hotBase + slot, null)
    this.free.push(slot)
    this.installed.delete(record)
    for (const { page } of covered) this.byPage.get(page.hostPage)?.delete(installed)
    this.discarded++
  }
}
