// Lowers the blocks of a region to one WebAssembly function. Parameters are the eight registers and the budget; the
// result is 0 (go on at EIP) or EXIT_* + 1. Every exit sets registers and flags in locals and hands them on, to the
// region it is linked to (links.ts) or to the core (hot-links.ts). Loops and joins are structured by the dominator tree (N. Ramsey, "Beyond Relooper", 2022).

import * as L from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import * as T from '../ir/tape.js'
import { I32, V128 } from '../ir/types.js'
import { semantics } from '../semantics/index.js'
import * as W from '../wasm/opcodes.js'
import type { CodePage } from './code-cache.js'
import { emitRaise } from './cold-lowering.js'
import type { FunctionCode } from './function-code.js'
import { HotBlockLowering, type Imports } from './hot-block-lowering.js'
import { BUDGET_LOCAL } from './hot-context.js'
import { A_LOCAL, B_LOCAL, KIND_LOCAL, RESULT_LOCAL } from './hot-flags.js'
import { emitLinked } from './hot-links.js'
import { type ModuleLinks, UNLINKED } from './links.js'
import * as R from './record.js'
import type { Block, Edge, Region, RegionFinder } from './region.js'
import { formOf } from './slots.js'

/** Where the flags are between regions. */
const FLAG_CELLS = [
  [RESULT_LOCAL, L.FLAG_RESULT],
  [A_LOCAL, L.FLAG_AUX],
  [B_LOCAL, L.FLAG_B],
  [KIND_LOCAL, L.FLAG_KIND],
] as const

export class HotLowering extends HotBlockLowering {
  private readonly blockTape = new T.Tape()
  private code = 0
  /** Label: state is in its locals, `leavingTo` is an offset, and `code` is what LEAVING says. */
  private exit = 0
  /** Labels that forward edges and back edges take. */
  private readonly joins = new Map<Block, number>()
  private readonly loopLabels = new Map<Block, number>()
  private progress = false
  /** The block at hand lies in the counted window (cpu/layout.ts). */
  private counted = false
  private readonly codeTable: number

  constructor(
    f: FunctionCode,
    imports: Imports,
    private readonly links: ModuleLinks,
    private readonly type: number,
    private readonly finder: RegionFinder,
    i32: Int32Array,
    user: boolean,
  ) {
    super(f, imports, i32, user)
    this.codeTable = user ? L.CODE_USER : L.CODE_SUPERVISOR
  }

  /** Emits the function of a region. False when it would do nothing: its first instruction cannot be translated. */
  region(region: Region): boolean {
    const { f } = this
    for (let n = RESULT_LOCAL; n <= KIND_LOCAL; n++) f.allocate(I32)
    this.leavingTo = f.allocate(I32)
    this.code = f.allocate(I32)
    for (const [local, cell] of FLAG_CELLS) {
      f.cell(cell)
      f.set(local)
    }
    if (L.isCounted(region.blocks[0]!.eip)) this.countBudget(W.I32_ADD)
    this.vector = f.allocate(V128)
    this.exit = f.open(W.BLOCK)
    const left = f.open(W.BLOCK)
    this.fault = f.open(W.BLOCK)
    this.refusal = f.open(W.BLOCK)
    this.tree(region.blocks[0]!)
    f.close()
    f.i32(R.EXIT_ACCESS + 1)
    f.set(this.code)
    f.br(left)
    f.close()
    f.i32(R.EXIT_FAULT + 1)
    f.set(this.code)
    f.close()
    f.setCell(L.SITE, () => f.get(this.leavingTo))
    f.close()
    this.goOn()
    return this.progress
  }
  /** Flags go on in their cells, registers and budget as parameters; and where not by a link, EIP and LEAVING in theirs. */
  private goOn() {
    const { f, links } = this
    const store = (local: number, cell: number) => f.setCell(cell, () => f.get(local))
    for (const [local, cell] of FLAG_CELLS) store(local, cell)
    emitLinked(f, this.codeTable, this.leavingTo, this.code)
    f.openLikely()
    for (let n = 0; n <= BUDGET_LOCAL; n++) f.get(n)
    f.get(this.code)
    f.i32(links.first)
    f.op(W.I32_SUB)
    f.op(W.RETURN_CALL_INDIRECT)
    f.out.u32(this.type)
    f.out.u32(0)
    f.close()
    store(this.leavingTo, L.EIP)
    store(this.code, L.LEAVING)
    for (let n = 0; n <= BUDGET_LOCAL; n++) f.get(n)
    f.get(this.vector)
    f.returnCall(this.imports.function('chain'))
    f.op(W.END)
  }

  // Structure.
  /** A block and everything it dominates. */
  private tree(block: Block) {
    const { f } = this
    const merges = block.children.filter(c => c.forward > 1).sort((x, y) => y.order - x.order)
    if (block.isLoop) this.loopLabels.set(block, f.open(W.LOOP))
    this.within(block, merges, 0)
    if (block.isLoop) f.close()
  }
  private within(block: Block, merges: Block[], at: number) {
    const { f } = this
    const merge = merges[at]
    if (!merge) return this.block(block)
    this.joins.set(merge, f.open(W.BLOCK))
    this.within(block, merges, at + 1)
    f.close()
    this.tree(merge)
  }
  private branch(from: Block, edge: Edge) {
    const { f } = this
    const { to, eip } = edge
    this.counted = L.isCounted(from.eip)
    if (!to) return this.leave(eip)
    if (edge.guard) {
      this.unlessInForce(edge.guard)
      this.leave(eip)
      f.close()
    }
    if (to.order <= from.order) {
      f.get(BUDGET_LOCAL)
      f.i32(R.BUDGET_LIMIT)
      f.op(W.I32_LE_S)
      f.openUnlikely()
      this.leave(eip, R.EXIT_BUDGET + 1)
      f.close()
      this.cross(to)
      return f.br(this.loopLabels.get(to)!)
    }
    this.cross(to)
    if (to.forward > 1) return f.br(this.joins.get(to)!)
    this.tree(to)
  }
  /** Control goes from the block at hand to another: perhaps into the counted window or out of it. */
  private cross(to: Block) {
    const counted = L.isCounted(to.eip)
    if (counted !== this.counted) this.countBudget(counted ? W.I32_ADD : W.I32_SUB)
  }
  /** The budget is added to the count of the window where control enters it, and taken off where control leaves. */
  private countBudget(op: number) {
    const { f } = this
    f.i32(0)
    f.cell(L.WINDOW_COUNT)
    f.get(BUDGET_LOCAL)
    f.op(op)
    f.memory(W.I32_STORE, L.WINDOW_COUNT, 2)
  }
  /** Opens an `if` for the case that a page is not the one in force any more. */
  private unlessInForce(page: CodePage) {
    const { f } = this
    f.cell(this.codeTable + (page.linearPage >>> 12) * 4)
    f.i32(page.table)
    f.op(W.I32_NE)
    f.openUnlikely()
  }
  /** Before a first instruction that crosses into another page: that page must be in force, else the guard record is asked. */
  private crossing(block: Block, page: CodePage) {
    const { f } = this
    this.unlessInForce(page)
    f.i32(0)
    f.i32(block.records[0]! - R.RECORD_BYTES)
    f.memory(W.I32_STORE, L.LINK, 2)
    this.leave(block.eip, R.EXIT_GUARD + 1)
    f.close()
  }
  /** All state is in its locals: goes on at `eip` outside. */
  private leave(eip: number, code = this.links.add()) {
    const { f } = this
    if (this.counted) this.countBudget(W.I32_SUB)
    f.i32(eip)
    f.set(this.leavingTo)
    f.i32(code)
    f.set(this.code)
    f.br(this.exit)
  }

  // Blocks.
  private block(block: Block) {
    const { f, context } = this
    this.counted = L.isCounted(block.eip)
    if (block.crossesInto) this.crossing(block, block.crossesInto)
    context.begin(this.blockTape)
    let refusedAt = -1
    this.count = 0
    for (const record of block.records) {
      const form = formOf(this.finder.handler(record))
      const meaning = semantics[form.mnemonic]
      const isLast = record === block.records.at(-1)
      if (!meaning || !context.instruction(form, meaning, record, isLast && block.taken !== undefined)) {
        refusedAt = record
        break
      }
      this.count++
    }
    const { ending } = context
    const operand =
      ending.kind === 'jump'
        ? ending.offset
        : ending.kind === 'target' && ending.condition !== undefined
          ? ending.condition
          : T.NONE
    context.finish(operand)
    if (block.order === 0) this.progress = this.count > 0
    if (this.count > 0) {
      f.get(BUDGET_LOCAL)
      f.i32(this.count)
      f.op(W.I32_SUB)
      f.set(BUDGET_LOCAL)
    }
    this.lowerBlock(this.blockTape)
    if (refusedAt >= 0) return this.leave(this.finder.offset(refusedAt), UNLINKED)
    if (ending.kind === 'jump') {
      f.set(this.leavingTo)
      for (const edge of block.targets) {
        if (!edge.to) continue
        f.get(this.leavingTo)
        f.i32(edge.eip)
        f.op(W.I32_EQ)
        f.open(W.IF)
        this.branch(block, edge)
        f.close()
      }
      this.counted = L.isCounted(block.eip)
      if (this.counted) this.countBudget(W.I32_SUB)
      f.i32(this.links.add())
      f.set(this.code)
      return f.br(this.exit)
    }
    if (ending.kind === 'next') {
      if (block.next) this.branch(block, block.next)
      else this.leave(this.finder.nextEip(block.records.at(-1)!))
    } else if (ending.condition === undefined) this.branch(block, block.taken!)
    else {
      f.open(W.IF)
      this.branch(block, block.taken!)
      f.op(W.ELSE)
      this.branch(block, block.next!)
      f.close()
      f.op(0) // both arms have gone elsewhere
    }
  }

  /** The budget before an instruction: its block has been charged at its beginning. */
  protected override load(at: Value) {
    const { f, tape } = this
    if (tape.imm[at] !== L.BUDGET) return super.load(at)
    f.get(BUDGET_LOCAL)
    f.i32(this.count - tape.imm[tape.a[at]!]!)
    f.op(W.I32_ADD)
    this.keep(at)
  }
  /** Leaves from inside a block: the first `done` of its instructions have retired. */
  private leaveAt(at: number, done: number, eip: number, code: number) {
    const { f } = this
    const s = this.snapshots.get(at)!
    this.assign(s)
    f.get(BUDGET_LOCAL)
    f.i32(this.count - done)
    f.op(W.I32_ADD)
    f.set(BUDGET_LOCAL)
    this.leave(eip, code)
  }
  protected ending(op: number, a: Value, imm: number, at: number) {
    const s = this.snapshots.get(at)!
    if (op === T.RAISE) {
      if (imm === L.RETRY - 1) return this.refuseAlways(at)
      emitRaise(this.f, imm, a < 0 ? undefined : () => this.push(a))
      return this.faultExit(at)
    }
    this.leaveAt(at, s.index + 1, s.next, R.EXIT_STOP + 1)
  }
}
