// Lowers the instructions of one block of a region: its registers and flags go to their locals where the block may be
// left, and guest memory is reached in one test for all accesses that stay together (page-groups.ts). An access that is
// not plain leaves the region before its instruction, which the run loop executes then; where that happens often the
// instruction is careful (record.ts) and calls instead. The structure around blocks is hot-lowering.ts.

import * as L from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import * as T from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import { emitGuestLoad, emitGuestStore, emitPageTest, emitPlainTest } from './access.js'
import { emitLoad, emitStore, type FunctionCode } from './function-code.js'
import { BUDGET_LOCAL, HotContext, RETIRED, type Snapshot } from './hot-context.js'
import { A_LOCAL, B_LOCAL, type FlagState, KIND_LOCAL, RESULT_LOCAL } from './hot-flags.js'
import { Lowering } from './lower.js'
import { emitGroupTest, type GroupedAccess, pageGroups } from './page-groups.js'
import { siteOf } from './sites.js'

/** Function indices of the module in the making; asked for by the core's export names. */
export interface Imports {
  function(name: string): number
}

export abstract class HotBlockLowering extends Lowering {
  protected readonly context: HotContext
  /** Where control goes on behind the region: an offset, or the site at which it is left. */
  protected leavingTo = 0
  /** Labels, with a site in `leavingTo`: FAULT is set; an access is not plain. */
  protected fault = 0
  protected refusal = 0
  /** Local of the vector that nobody looks at (hot-access.ts). */
  protected vector = 0
  /** Instructions of the block at hand that were translated. */
  protected count = 0
  protected snapshots!: ReadonlyMap<number, Snapshot>
  private groups: ReadonlyMap<Value, GroupedAccess> = new Map()
  /** What the locals of registers and flags hold, by local. */
  private assigned: Value[] = []
  private assignedFlags: FlagState | undefined
  private readonly read: { constant: number }
  private readonly write: { constant: number }

  constructor(
    f: FunctionCode,
    protected readonly imports: Imports,
    i32: Int32Array,
    user: boolean,
  ) {
    super(f)
    this.context = new HotContext(i32)
    this.read = { constant: user ? L.TLB_USER_READ : L.TLB_SUPERVISOR_READ }
    this.write = { constant: user ? L.TLB_USER_WRITE : L.TLB_SUPERVISOR_WRITE }
  }

  /** Emits the code of the block that the context has just finished. */
  protected lowerBlock(tape: T.Tape) {
    const { context } = this
    this.snapshots = context.snapshots
    this.assigned = [...context.entry]
    this.assignedFlags = context.entryFlags
    this.groups = pageGroups(tape, at => this.isCareful(at))
    this.lower(tape)
  }

  protected override held(at: number): readonly Value[] | undefined {
    const values = this.snapshots?.get(at)?.values
    const group = this.groups.get(at)?.group
    if (!group) return values
    // Behind the test of its group nothing is left that could make an access leave.
    return group.first === at ? [...values!, group.root] : undefined
  }
  protected override mark(n: number, a: Value) {
    if (n === RETIRED) {
      const { f } = this
      f.get(BUDGET_LOCAL)
      this.push(a)
      f.op(W.I32_SUB)
      return f.set(BUDGET_LOCAL)
    }
    if (a >= 0) this.push(a)
    this.assign(this.snapshots.get(this.tape.length - 1)!)
  }
  protected override hold(at: number) {
    if (this.tape.op[at] !== T.MARK && !this.inArm) this.assign(this.snapshots.get(at)!)
  }
  /** Puts a snapshot's registers and flags into their locals; inside an arm, which leaves then, without remembering it. */
  protected assign(s: Snapshot) {
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
  protected faultExit(at: number) {
    if (this.inArm) this.assign(this.snapshots.get(at)!)
    this.site(at)
    this.f.br(this.fault)
  }
  private site(at: number) {
    const s = this.snapshots.get(at)!
    this.f.i32(siteOf(s.record, this.count - s.index))
    this.f.set(this.leavingTo)
  }
  private isCareful(at: number): boolean {
    return this.context.isCareful(this.snapshots.get(at)!.record)
  }
  /** Whether the access is not plain is on the stack: then its instruction is left to the run loop. */
  private refuse(at: number) {
    const { f } = this
    if (!this.inArm) {
      this.site(at)
      return f.brUnlikely(this.refusal)
    }
    f.openUnlikely()
    this.refuseAlways(at)
    f.close()
  }
  protected refuseAlways(at: number) {
    if (this.inArm) this.assign(this.snapshots.get(at)!)
    this.site(at)
    this.f.br(this.refusal)
  }
  protected invoke(kind: number, callee: string) {
    this.f.call(this.imports.function(kind === T.CALL ? `procedure_${callee}` : `helper_${callee}`))
  }
  protected guestLoad(at: Value, address: Value, width: number, willWrite: boolean) {
    const { f } = this
    const grouped = this.groups.get(at)
    if (grouped) {
      const offset = this.grouped(at, grouped)
      emitLoad(f, width, offset)
      return this.leaveGroup(grouped)
    }
    const a = f.allocate(I32)
    this.push(address)
    f.set(a)
    const table = willWrite ? this.write : this.read
    if (this.isCareful(at)) {
      const slow = `hot_load${willWrite ? '_for_write' : ''}${width}`
      emitGuestLoad(f, a, width, table, () => this.slowAccess(at, slow), emitPageTest)
    } else {
      this.host(at, a, width, table)
      emitLoad(f, width, L.TLB_VALID)
    }
    f.release(a)
  }
  protected guestStore(at: Value, address: Value, width: number, v: Value) {
    const { f } = this
    const grouped = this.groups.get(at)
    if (grouped) {
      const offset = this.grouped(at, grouped)
      this.push(v)
      emitStore(f, width, offset)
      return this.leaveGroup(grouped)
    }
    const a = f.allocate(I32)
    this.push(address)
    f.set(a)
    if (this.isCareful(at)) {
      this.materialise(v, 1)
      const value = () => this.push(v)
      emitGuestStore(f, a, width, this.write, value, () => this.slowAccess(at, `hot_store${width}`), emitPageTest)
    } else {
      this.host(at, a, width, this.write)
      this.push(v)
      emitStore(f, width, L.TLB_VALID)
    }
    f.release(a)
  }
  /** Puts the host address, less TLB_VALID, of a plain access at the linear address in `a` on the stack. */
  private host(at: number, a: number, width: number, table: { constant: number }) {
    const { f } = this
    const entry = f.allocate(I32)
    emitPlainTest(f, a, width, table, entry)
    f.op(W.I32_EQZ)
    this.refuse(at)
    f.get(a)
    f.get(entry)
    f.op(W.I32_ADD)
    f.release(entry)
  }
  /** Puts the base of the access's group on the stack; the access is at the returned offset from it. */
  private grouped(at: number, { group, offset }: GroupedAccess): number {
    const { f } = this
    if (group.base < 0) {
      const table = group.write ? this.write : this.read
      emitGroupTest(
        f,
        group,
        table.constant,
        () => this.peek(group.root),
        () => this.refuse(at),
      )
    }
    f.get(group.base)
    return L.TLB_VALID + offset - group.low
  }
  private leaveGroup({ group }: GroupedAccess) {
    if (--group.accesses === 0) this.f.release(group.base)
  }
  /** Address, and value to be stored, are on the stack. */
  private slowAccess(at: number, name: string) {
    const { f } = this
    f.get(this.vector)
    f.call(this.imports.function(name))
    if (!this.inArm) {
      this.site(at)
      return f.brUnlikely(this.fault)
    }
    f.openUnlikely()
    this.faultExit(at)
    f.close()
  }
}
