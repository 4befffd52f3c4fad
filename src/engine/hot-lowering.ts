// Lowers the blocks of a region to one WebAssembly function. Parameters are the eight registers and the budget; the
// result is 0 (go on at EIP) or EXIT_* + 1. Every exit sets registers and flags in locals and hands them on
// (hot-links.ts). Loops and joins are structured by the dominator tree (N. Ramsey, "Beyond Relooper", 2022).

import * as L from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import * as T from '../ir/tape.js'
import { I32, V128 } from '../ir/types.js'
import { semantics } from '../semantics/index.js'
import * as W from '../wasm/opcodes.js'
import { emitGuestLoad, emitGuestStore, type TableBase } from './access.js'
import type { CodePage } from './code-cache.js'
import { emitRaise } from './cold-lowering.js'
import type { FunctionCode } from './function-code.js'
import { HotContext, type Snapshot } from './hot-context.js'
import { A_LOCAL, B_LOCAL, type FlagState, KIND_LOCAL, RESULT_LOCAL } from './hot-flags.js'
import { Lowering } from './lower.js'
import * as R from './record.js'
import type { Block, Edge, Region, RegionFinder } from './region.js'
import { formOf } from './slots.js'

const BUDGET = 8
/** Where the flags are between regions. */
const FLAG_CELLS = [
  [RESULT_LOCAL, L.FLAG_RESULT],
  [A_LOCAL, L.FLAG_AUX],
  [B_LOCAL, L.FLAG_B],
  [KIND_LOCAL, L.FLAG_KIND],
] as const

/** Function indices of the module in the making; asked for by the core's export names. */
export interface Imports {
  function(name: string): number
}

/** Places that may fault: where they are, and how many instructions of the block they take off its charge. */
export interface Sites {
  add(eip: number, uncharged: number): number
}

export class HotLowering extends Lowering {
  private readonly context: HotContext
  private readonly blockTape = new T.Tape()
  private eip = 0
  private code = 0
  /** Labels: state is in its locals and EIP is set, and `code` where it is not to go on there; SITE is set. */
  private exit = 0
  private fault = 0
  private vector = 0
  /** Labels that forward edges and back edges take. */
  private readonly joins = new Map<Block, number>()
  private readonly loopLabels = new Map<Block, number>()
  private snapshots!: ReadonlyMap<number, Snapshot>
  /** Instructions of the block at hand that were translated. */
  private count = 0
  private progress = false
  /** The block at hand lies in the counted window (cpu/layout.ts). */
  private counted = false
  private readonly read: TableBase
  private readonly write: TableBase
  private readonly codeTable: number

  constructor(
    f: FunctionCode,
    private readonly imports: Imports,
    private readonly finder: RegionFinder,
    private readonly sites: Sites,
    i32: Int32Array,
    user: boolean,
  ) {
    super(f)
    this.context = new HotContext(i32)
    this.read = { constant: user ? L.TLB_USER_READ : L.TLB_SUPERVISOR_READ }
    this.write = { constant: user ? L.TLB_USER_WRITE : L.TLB_SUPERVISOR_WRITE }
    this.codeTable = user ? L.CODE_USER : L.CODE_SUPERVISOR
  }

  /** Emits the function of a region. False when it would do nothing: its first instruction cannot be translated. */
  region(region: Region): boolean {
    const { f } = this
    for (let n = RESULT_LOCAL; n <= KIND_LOCAL; n++) f.allocate(I32)
    this.eip = f.allocate(I32)
    this.code = f.allocate(I32)
    for (const [local, cell] of FLAG_CELLS) {
      f.cell(cell)
      f.set(local)
    }
    if (L.isCounted(region.blocks[0]!.eip)) this.countBudget(W.I32_ADD)
    this.vector = f.allocate(V128)
    this.exit = f.open(W.BLOCK)
    this.fault = f.open(W.BLOCK)
    this.tree(region.blocks[0]!)
    f.close()
    f.i32(R.EXIT_FAULT + 1)
    f.set(this.code)
    f.close()
    // EIP and flags go on in their cells, registers and budget as parameters.
    for (const [local, cell] of [[this.eip, L.EIP] as const, [this.code, L.LEAVING] as const, ...FLAG_CELLS]) {
      f.i32(0)
      f.get(local)
      f.memory(W.I32_STORE, cell, 2)
    }
    for (let n = 0; n <= BUDGET; n++) f.get(n)
    f.get(this.vector)
    f.returnCall(this.imports.function('chain'))
    f.op(W.END)
    return this.progress
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
      f.get(BUDGET)
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
    f.get(BUDGET)
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
  private leave(eip: number, code = 0) {
    const { f } = this
    if (this.counted) this.countBudget(W.I32_SUB)
    f.i32(eip)
    f.set(this.eip)
    if (code !== 0) {
      f.i32(code)
      f.set(this.code)
    }
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
    this.snapshots = context.snapshots
    this.assigned = [...context.entry]
    this.assignedFlags = context.entryFlags
    if (block.order === 0) this.progress = this.count > 0
    if (this.count > 0) {
      f.get(BUDGET)
      f.i32(this.count)
      f.op(W.I32_SUB)
      f.set(BUDGET)
    }
    this.lower(this.blockTape)
    if (refusedAt >= 0) return this.leave(this.finder.offset(refusedAt))
    if (ending.kind === 'jump') {
      f.set(this.eip)
      for (const edge of block.targets) {
        if (!edge.to) continue
        f.get(this.eip)
        f.i32(edge.eip)
        f.op(W.I32_EQ)
        f.open(W.IF)
        this.branch(block, edge)
        f.close()
      }
      this.counted = L.isCounted(block.eip)
      if (this.counted) this.countBudget(W.I32_SUB)
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

  // What the lowering of a tape asks.
  protected override held(at: number): readonly Value[] | undefined {
    return this.snapshots?.get(at)?.values
  }
  protected override mark(_n: number, a: Value) {
    if (a >= 0) this.push(a)
    this.assign(this.snapshots.get(this.tape.length - 1)!)
  }
  /** What the locals of registers and flags hold, by local. */
  private assigned: Value[] = []
  private assignedFlags: FlagState | undefined

  protected override hold(at: number) {
    if (this.tape.op[at] !== T.MARK && !this.inArm) this.assign(this.snapshots.get(at)!)
  }
  /** Puts a snapshot's registers and flags into their locals; inside an arm, which leaves then, without remembering it. */
  private assign(s: Snapshot) {
    const { f } = this
    const targets: number[] = []
    const inArm = this.inArm
    const put = (local: number, v: Value) => {
      if (this.assigned[local] === v) return
      if (!inArm) this.assigned[local] = v
      this.peek(v)
      targets.push(local)
    }
    if (!inArm) {
      for (let n = 0; n < 8; n++) if (this.assigned[n] !== s.registers[n]) this.save(n)
      if (s.flags !== this.assignedFlags) for (let n = RESULT_LOCAL; n <= B_LOCAL; n++) this.save(n)
    }
    for (let n = 0; n < 8; n++) put(n, s.registers[n]!)
    if (s.flags !== this.assignedFlags) {
      put(RESULT_LOCAL, s.flags.result)
      put(A_LOCAL, s.flags.a)
      put(B_LOCAL, s.flags.b)
      f.i32(s.flags.kind)
      targets.push(KIND_LOCAL)
      if (!inArm) this.assignedFlags = s.flags
    }
    while (targets.length) {
      f.op(W.LOCAL_SET)
      f.out.u32(targets.pop()!)
    }
  }
  /** Before a local changes: what the block began with is kept elsewhere where it is still wanted. */
  private save(local: number) {
    const parameter = this.context.parameters.get(local)
    if (parameter !== undefined) this.rescue(parameter)
  }
  /** Leaves from inside a block: the first `done` of its instructions have retired. */
  private leaveAt(at: number, done: number, eip: number, code: number) {
    const { f } = this
    const s = this.snapshots.get(at)!
    this.assign(s)
    f.get(BUDGET)
    f.i32(this.count - done)
    f.op(W.I32_ADD)
    f.set(BUDGET)
    this.leave(eip, code)
  }
  protected faultExit(at: number) {
    const { f } = this
    if (this.inArm) this.assign(this.snapshots.get(at)!)
    f.i32(0)
    this.site(at)
    f.memory(W.I32_STORE, L.SITE, 2)
    f.br(this.fault)
  }
  private site(at: number) {
    const s = this.snapshots.get(at)!
    this.f.i32(this.sites.add(s.eip, this.count - s.index))
  }
  protected ending(op: number, a: Value, imm: number, at: number) {
    const s = this.snapshots.get(at)!
    if (op === T.RAISE) {
      emitRaise(this.f, imm, a < 0 ? undefined : () => this.push(a))
      return this.faultExit(at)
    }
    this.leaveAt(at, s.index + 1, s.next, R.EXIT_STOP + 1)
  }
  protected invoke(kind: number, callee: string) {
    this.f.call(this.imports.function(kind === T.CALL ? `procedure_${callee}` : `helper_${callee}`))
  }
  protected guestLoad(at: Value, address: Value, width: number, willWrite: boolean) {
    const { f } = this
    const a = f.allocate(I32)
    this.push(address)
    f.set(a)
    const slow = `hot_load${willWrite ? '_for_write' : ''}${width}`
    emitGuestLoad(f, a, width, willWrite ? this.write : this.read, () => this.slowAccess(at, slow))
    f.release(a)
  }
  protected guestStore(at: Value, address: Value, width: number, v: Value) {
    const { f } = this
    const a = f.allocate(I32)
    this.push(address)
    f.set(a)
    this.materialise(v, 1)
    const value = () => this.push(v)
    emitGuestStore(f, a, width, this.write, value, () => this.slowAccess(at, `hot_store${width}`))
    f.release(a)
  }
  /** Address, and value to be stored, are on the stack. */
  private slowAccess(at: number, name: string) {
    const { f } = this
    this.site(at)
    f.get(this.vector)
    f.call(this.imports.function(name))
    if (!this.inArm) return f.brUnlikely(this.fault)
    f.openUnlikely()
    this.faultExit(at)
    f.close()
  }
}
