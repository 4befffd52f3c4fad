// What is translated together: the blocks that direct jumps reach from a hot head, in decoded records of the code cache,
// but not where conditional branches have never gone: that is left to another region.
// Edges that cross into another page carry a guard (that linear page must still be the same code page). Back edges into
// blocks that do not dominate their source become exits, so that what remains has structured loops.

import * as L from '../cpu/layout.js'
import type { Form } from '../isa/form.js'
import { isConditional, isDirectBranch, isIndirectBranch } from '../isa/forms.js'
import type { CodeCache, CodePage } from './code-cache.js'
import { likelyTargets } from './likely-targets.js'
import * as R from './record.js'
import { endsRecords, formOf, inlineCount } from './slots.js'

export interface Edge {
  /** Block it leads to, or undefined: the region is left for `eip`. */
  readonly to: Block | undefined
  readonly eip: number
  /** The page that must be in force at the target, where it is not the source's. */
  readonly guard: CodePage | undefined
}

export interface Block {
  readonly eip: number
  readonly records: number[]
  readonly page: CodePage
  /** The following page, for a first instruction that crosses into it. */
  readonly crossesInto: CodePage | undefined
  taken: Edge | undefined
  /** Where it goes on when no branch is taken. */
  next: Edge | undefined
  /** Where an indirect branch may go: a return behind the calls that lead here, others where they have gone before. */
  targets: Edge[]
  /** Behind a call: where its return goes. */
  returnSite: number | undefined
  order: number
  dominator: Block | undefined
  /** Forward edges that lead here. */
  forward: number
  isLoop: boolean
  /** Blocks that this one dominates directly. */
  children: Block[]
}

export interface Region {
  readonly head: number // record
  readonly page: CodePage
  /** In reverse postorder; the first is the head. */
  readonly blocks: Block[]
  readonly instructions: number
  /** Instructions that it was allowed. */
  readonly limit: number
  /** It ends where more could have followed. */
  readonly cut: boolean
}

interface Visited {
  readonly page: CodePage
  readonly crossesInto: CodePage | undefined
  readonly last: boolean
}

/** Return sites that a return is compared with, at most. */
const RETURNS = 4
/** Targets that an indirect jump or call is compared with, at most, once it has gone elsewhere more than a few times. */
const TARGETS = 16
const FEW = 8
/** Times that code of a page was rewritten, behind which regions of other pages hold no copies of it. */
const REWRITTEN_OFTEN = 32
/** Finds the region of a head; undefined when nothing of it can be translated. */
export class RegionFinder {
  private readonly i32: Int32Array
  private readonly u16: Uint16Array
  private readonly seen = new Map<number, Visited>()
  private leaders = new Set<number>()
  /** Offsets that the indirect branches of the region have gone to. */
  private readonly observed = new Map<number, readonly number[]>()
  private home: CodePage | undefined
  private limit = 0
  private cut = false
  private elsewhere: (record: number) => boolean = () => false

  constructor(private readonly cache: CodeCache) {
    this.i32 = cache.cpu.i32
    this.u16 = cache.cpu.u16
  }

  /** Handler number of a record, of a hot head its own. */
  handler(record: number): number {
    const h = this.u16[record >> 1]!
    return h === R.SLOT_HOT ? this.i32[(L.HOT_INDEX + ((record - L.CODE_CACHE) >> 3)) >> 2]! & 0xffff : h
  }

  /**
   * @param limit instructions at most
   * @param elsewhere whether a record heads a region that this one goes on in rather than hold a copy of
   */
  find(
    head: number,
    page: CodePage,
    limit: number,
    elsewhere: (record: number) => boolean = () => false,
  ): Region | undefined {
    this.home = page
    this.limit = limit
    this.cut = false
    this.elsewhere = record => record !== head && elsewhere(record)
    this.seen.clear()
    this.observed.clear()
    this.leaders = new Set()
    const queue: { record: number; page: CodePage }[] = [{ record: head, page }]
    for (let i = 0; i < queue.length && this.seen.size < limit; i++) {
      this.leaders.add(this.instructionAt(queue[i]!.record))
      this.walk(queue[i]!.record, queue[i]!.page, queue)
    }
    const first = this.instructionAt(head)
    if (!this.seen.has(first)) return undefined
    const blocks = this.split()
    const entry = blocks.get(first)
    if (!entry) return undefined
    const ordered = order(entry, blocks.size)
    return {
      head,
      page,
      blocks: ordered,
      instructions: this.seen.size,
      limit,
      cut: this.cut || this.seen.size >= limit,
    }
  }

  private instructionAt(record: number): number {
    return this.handler(record) === R.SLOT_GUARD ? record + R.RECORD_BYTES : record
  }

  /** Visits records from one on until control goes elsewhere; queues where it may go. */
  private walk(record: number, page: CodePage, queue: { record: number; page: CodePage }[]) {
    for (;;) {
      if (this.elsewhere(record) || (page !== this.home && page.rewritten > REWRITTEN_OFTEN)) {
        this.cut = true
        return
      }
      let crossesInto: CodePage | undefined
      if (this.handler(record) === R.SLOT_GUARD) {
        crossesInto = this.cache.pageOfTable(this.i32[(record + R.IMM) >> 2]!)
        record += R.RECORD_BYTES
        this.leaders.add(record)
        if (!crossesInto) return
      }
      if (this.seen.has(record)) {
        this.leaders.add(record)
        return
      }
      if (this.seen.size >= this.limit) return
      const handler = this.handler(record)
      if (handler < R.FIRST_SLOT) return
      const form = formOf(handler)
      const direct = isDirectBranch(form)
      const last = direct || endsRecords[form.id] !== 0
      this.seen.set(record, { page, crossesInto, last })
      if (direct) {
        const target = this.resolve(this.i32[(record + R.DISP) >> 2]!, page)
        if (target && (form.mnemonic === 'jmp' || !this.cold(target.record))) queue.push(target)
        if (form.mnemonic !== 'jmp') {
          const after = this.resolve(this.nextEip(record), page)
          if (after && (form.mnemonic === 'call' || this.fallsThrough(record, after.record))) queue.push(after)
        }
        return
      }
      if (last) {
        if (isIndirectBranch(form)) this.walkIndirect(record, page, form, queue)
        return
      }
      const after = this.after(record, page)
      if (!after) return
      record = after.record
      page = after.page
    }
  }

  /** Behind an indirect call or jump: where it has gone, as far as that is known. */
  private walkIndirect(record: number, page: CodePage, form: Form, queue: { record: number; page: CodePage }[]) {
    const last = this.i32[(record + R.LAST) >> 2]!
    const varied = this.u16[(record + R.CHANGES) >> 1]! > FEW
    const eips = varied ? likelyTargets(this, this.cache, page, last, TARGETS) : [last]
    this.observed.set(record, [...eips])
    if (varied) this.limit = Math.max(this.limit, R.SWITCH_LIMIT)
    if (form.mnemonic === 'call') eips.splice(1, 0, this.nextEip(record))
    for (const eip of eips) {
      const target = this.resolve(eip, page)
      if (target) queue.push(target)
    }
  }

  /** A conditional branch that has not always been taken, as far as anybody has looked. */
  private fallsThrough(record: number, after: number): boolean {
    if (this.u16[(record + R.FALLEN) >> 1] !== 0 || !this.cold(after)) return true
    return this.handler(record) >= R.FIRST_SLOT + inlineCount
  }
  /** A head that was never met when heat was sampled. */
  private cold(record: number): boolean {
    return this.i32[(record + R.COUNT) >> 2] === this.cache.records.threshold
  }

  /** The decoded record at an offset (flat code: also the linear address). */
  private resolve(eip: number, page: CodePage): { record: number; page: CodePage } | undefined {
    let at = page
    if ((eip & ~0xfff) >>> 0 !== page.linearPage) {
      const table = this.i32[(this.i32[L.CODE_TABLE >> 2]! >> 2) + (eip >>> 12)]!
      const found = table === 0 ? undefined : this.cache.pageOfTable(table)
      if (!found) return undefined
      at = found
    }
    const record = this.i32[(at.table >> 2) + (eip & 0xfff)]!
    return record === 0 ? undefined : { record, page: at }
  }
  /** The record behind one. */
  private after(record: number, page: CodePage): { record: number; page: CodePage } | undefined {
    const next = record + R.RECORD_BYTES
    if (this.handler(next) === R.SLOT_GOTO) return this.resolve(this.i32[(next + R.DISP) >> 2]!, page)
    return { record: next, page }
  }
  /** Offset of an instruction. */
  offset(record: number): number {
    return this.i32[(record + R.AT) >> 2]!
  }
  /** Offset behind an instruction. */
  nextEip(record: number): number {
    return this.i32[(record + R.AT) >> 2]! + (this.u16[(record + R.LENGTH) >> 1]! & 0xff)
  }

  private split(): Map<number, Block> {
    const blocks = new Map<number, Block>()
    for (const leader of this.leaders) {
      const start = this.seen.get(leader)
      if (!start) continue
      blocks.set(leader, {
        eip: this.i32[(leader + R.AT) >> 2]!,
        records: [],
        page: start.page,
        crossesInto: start.crossesInto,
        taken: undefined,
        next: undefined,
        targets: [],
        returnSite: undefined,
        order: -1,
        dominator: undefined,
        forward: 0,
        isLoop: false,
        children: [],
      })
    }
    for (const [leader, block] of blocks) this.fill(leader, block, blocks)
    for (const block of blocks.values())
      if (block.returnSite !== undefined) this.connect(block, block.returnSite, blocks)
    return blocks
  }
  /** Lets the returns of a called function go on behind the call. */
  private connect(call: Block, returnSite: number, blocks: Map<number, Block>) {
    const visited = new Set<Block>()
    const visit = (block: Block | undefined) => {
      if (!block || visited.has(block)) return
      visited.add(block)
      const last = formOf(this.handler(block.records.at(-1)!))
      if (last.mnemonic === 'ret' && block.targets.length < RETURNS) {
        const edge = this.edge(block, returnSite, blocks)
        if (edge.to && !block.targets.some(e => e.eip === returnSite)) block.targets.push(edge)
      }
      if (block.returnSite !== undefined) visit(this.edge(block, block.returnSite, blocks).to)
      else for (const e of [block.taken, block.next]) visit(e?.to)
    }
    for (const e of [call.taken, ...call.targets]) visit(e?.to)
  }
  private fill(leader: number, block: Block, blocks: Map<number, Block>) {
    for (let record = leader; ; ) {
      block.records.push(record)
      const form = formOf(this.handler(record))
      if (this.seen.get(record)!.last) {
        if (!isDirectBranch(form)) {
          if (form.mnemonic === 'call') block.returnSite = this.nextEip(record)
          block.targets = (this.observed.get(record) ?? []).map(eip => this.edge(block, eip, blocks)).filter(e => e.to)
          return
        }
        const to = this.i32[(record + R.DISP) >> 2]!
        block.taken = this.edge(block, to, blocks)
        if (form.mnemonic === 'call') block.returnSite = this.nextEip(record)
        if (isConditional(form)) block.next = this.edge(block, this.nextEip(record), blocks)
        return
      }
      const after = this.after(record, block.page)
      const next = after && this.instructionAt(after.record)
      if (next === undefined || blocks.has(next) || !this.seen.has(next)) {
        block.next = this.edge(block, this.nextEip(record), blocks)
        return
      }
      record = next
    }
  }
  private edge(from: Block, eip: number, blocks: Map<number, Block>): Edge {
    const target = this.resolve(eip, from.page)
    const to = target && blocks.get(this.instructionAt(target.record))
    if (!to) return exit(eip)
    return { to, eip, guard: to.page === from.page ? undefined : to.page }
  }
}

const edgesOf = (b: Block): Edge[] => [...b.targets, b.next, b.taken].filter(e => e !== undefined)
const exit = (eip: number): Edge => ({ to: undefined, eip, guard: undefined })

/** Numbers blocks in reverse postorder, finds dominators, and cuts edges that would make loops irreducible. */
function order(entry: Block, count: number): Block[] {
  const post: Block[] = []
  const visited = new Set<Block>()
  const visit = (b: Block) => {
    visited.add(b)
    for (const e of edgesOf(b)) if (e.to && !visited.has(e.to)) visit(e.to)
    post.push(b)
  }
  visit(entry)
  const blocks = post.reverse()
  blocks.forEach((b, i) => {
    b.order = i
  })
  const predecessors = new Map<Block, Block[]>(blocks.map(b => [b, []]))
  for (const b of blocks) for (const e of edgesOf(b)) if (e.to) predecessors.get(e.to)!.push(b)
  entry.dominator = entry
  for (let changed = true, rounds = 0; changed && rounds <= count; rounds++) {
    changed = false
    for (const b of blocks.slice(1)) {
      let dominator: Block | undefined
      for (const p of predecessors.get(b)!) if (p.dominator) dominator = dominator ? meet(p, dominator) : p
      if (dominator !== b.dominator) {
        b.dominator = dominator
        changed = true
      }
    }
  }
  const check = (b: Block, e: Edge | undefined): Edge | undefined => {
    if (!e?.to) return e
    if (e.to.order > b.order) {
      e.to.forward++
      return e
    }
    if (!dominates(e.to, b)) return exit(e.eip)
    e.to.isLoop = true
    return e
  }
  for (const b of blocks) {
    b.taken = check(b, b.taken)
    b.next = check(b, b.next)
    b.targets = b.targets.map(e => check(b, e)!)
    if (b !== entry) b.dominator!.children.push(b)
  }
  return blocks
}
function meet(a: Block, b: Block): Block {
  while (a !== b) {
    while (a.order > b.order) a = a.dominator!
    while (b.order > a.order) b = b.dominator!
  }
  return a
}
function dominates(a: Block, b: Block): boolean {
  while (b.order > a.order) b = b.dominator!
  return a === b
}
