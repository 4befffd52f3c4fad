// The cold engine: runs records of the code cache in the core's run loop, and decodes what the loop does not find.
// Close to a deadline it goes instruction by instruction, so that the count is met exactly.

import type { Cpu } from '../cpu/cpu.js'
import * as L from '../cpu/layout.js'
import { MODE_OF_CODE } from '../cpu/mode.js'
import { STOP_AGAIN, STOP_NEXT } from '../cpu/stops.js'
import type { CodeCache } from './code-cache.js'
import type { Core } from './core-instance.js'
import type { Engine } from './execution.js'
import * as R from './record.js'
import { formOf } from './slots.js'

const BUDGET = L.BUDGET >> 2
const EIP = L.EIP >> 2
const LINK = L.LINK >> 2
const CS_BASE = L.segmentCell(L.CS, L.SEG_BASE) >> 2
const CS_LIMIT = L.segmentCell(L.CS, L.SEG_LIMIT) >> 2
const CONTINUE = -1

export class Interpreter implements Engine {
  readonly name: string = 'interpreter'
  observer: (() => void) | undefined
  intercepted = 0
  private readonly i32: Int32Array
  private readonly u16: Uint16Array
  /** Base and limit of CS that the user and supervisor code tables were filled under; the mode is in cells. */
  private readonly filledUnder = [-1, -1, -1, -1]

  constructor(
    protected readonly cpu: Cpu,
    protected readonly core: Core,
    readonly cache: CodeCache,
  ) {
    this.i32 = cpu.i32
    this.u16 = cpu.u16
  }

  modeChanged() {
    const { i32, filledUnder } = this
    const user = (i32[L.MODE >> 2]! & 4) !== 0
    const at = user ? 2 : 0
    const modeCell = (user ? L.CODE_USER_MODE : L.CODE_SUPERVISOR_MODE) >> 2
    const mode = i32[L.MODE >> 2]! & MODE_OF_CODE
    if (i32[modeCell] === mode && filledUnder[at] === i32[CS_BASE] && filledUnder[at + 1] === i32[CS_LIMIT]) return
    i32[modeCell] = mode
    filledUnder[at] = i32[CS_BASE]!
    filledUnder[at + 1] = i32[CS_LIMIT]!
    this.cpu.tlb.flushCode(user)
  }
  intercept(controlled: Uint8Array, breakpoints: ReadonlySet<number>) {
    this.cache.records.intercepted = controlled
    this.cache.records.breakpoints = breakpoints
    this.cache.clear()
  }
  codeWritten(hostAddress: number, bytes: number) {
    this.cache.written(hostAddress, bytes)
  }

  /** The record at EIP, or 0 with an exception raised. */
  private here(): number {
    const { i32 } = this
    const linear = (i32[CS_BASE]! + i32[EIP]!) >>> 0
    const table = i32[(i32[L.CODE_TABLE >> 2]! >> 2) + (linear >>> 12)]!
    if (table !== 0) {
      const record = i32[(table >> 2) + (linear & 0xfff)]!
      if (record !== 0 && !R.isStale(this.u16[record >> 1]!)) return record
    }
    return this.cache.find(i32[EIP]!)
  }

  advance(): number {
    const { cpu, i32, core, cache } = this
    if (cache.empty.size > 0) cache.sweep()
    let revived = 0
    for (;;) {
      const budget = i32[BUDGET]!
      if (budget <= 0) return R.EXIT_BUDGET
      const record = revived || this.here()
      revived = 0
      if (record === 0) return R.EXIT_FAULT
      let exit: number
      if (budget <= R.BUDGET_LIMIT) {
        this.observer?.()
        exit = this.one(record)
        if (exit !== CONTINUE) return exit
        continue
      }
      cpu.devicesLater = true
      exit = core.run(record)
      cpu.devicesLater = false
      if (exit === R.EXIT_MISS) {
        const link = i32[LINK]!
        const { drops } = cache
        const found = this.here()
        if (found === 0) return R.EXIT_FAULT
        const stays = link !== 0 && drops === cache.drops && i32[(link + R.DISP) >> 2] === i32[EIP]
        if (stays && this.samePage(i32[(link + R.AT) >> 2]!, i32[EIP]!)) i32[(link + R.TARGET) >> 2] = found
      } else if (exit === R.EXIT_GUARD) {
        if (!this.guard(i32[LINK]!)) return R.EXIT_FAULT
      } else if (exit === R.EXIT_STALE) revived = cache.revive(i32[LINK]!, i32[EIP]!)
      else if (exit === R.EXIT_HOT) this.hot(i32[LINK]!)
      else if (exit === R.EXIT_ACCESS) {
        this.refused(i32[LINK]!)
        exit = this.one(i32[LINK]!)
        if (exit !== CONTINUE) return exit
      }
      // Its stop must not be lost: it may have changed what execution goes on under.
      else if (exit === R.EXIT_FAULT && this.retry()) return this.single()
      else if (exit === R.EXIT_INTERCEPT) return this.leaveBefore(i32[LINK]!)
      else if (exit !== R.EXIT_BUDGET) return exit
    }
  }
  private samePage(a: number, b: number): boolean {
    const base = this.i32[CS_BASE]!
    return ((base + a) ^ (base + b)) >>> 12 === 0
  }
  /** A head has been executed often. */
  protected hot(record: number) {
    this.i32[(record + R.COUNT) >> 2] = 0x7fffffff
  }

  /** Translated code was left before this record's instruction, one time in REFUSAL_SAMPLE. */
  protected refused(_record: number) {}

  /** After a fault: true when it is none, and the instruction at EIP is to be executed by itself. */
  private retry(): boolean {
    const { i32 } = this
    if (i32[L.FAULT >> 2] !== L.RETRY) return false
    i32[L.FAULT >> 2] = 0
    return true
  }

  single(uncontrolled = false): number {
    for (;;) {
      const record = this.here()
      if (record === 0) return R.EXIT_FAULT
      const before = this.i32[BUDGET]!
      const exit = this.one(record, uncontrolled)
      if (exit !== CONTINUE) return exit
      if (this.i32[BUDGET] !== before) return R.EXIT_STOP
    }
  }

  /** Executes the instruction of the record at EIP, or follows a pseudo-instruction. Returns CONTINUE or EXIT_*. */
  private one(record: number, uncontrolled = false): number {
    const { cpu, i32 } = this
    if (!L.isCounted(i32[CS_BASE]! + i32[EIP]!)) return this.execute(record, uncontrolled)
    const before = cpu.retired
    const exit = this.execute(record, uncontrolled)
    i32[L.WINDOW_COUNT >> 2]! += cpu.retired - before
    return exit
  }
  private execute(record: number, uncontrolled: boolean): number {
    const { i32, u16 } = this
    let handler = this.handler(record)
    if (handler === R.SLOT_GOTO) {
      i32[EIP] = i32[(record + R.DISP) >> 2]!
      return CONTINUE
    }
    if (handler === R.SLOT_GUARD) {
      if (!this.guard(record)) return R.EXIT_FAULT
      if (u16[record >> 1] === R.SLOT_GOTO) return CONTINUE
      record += R.RECORD_BYTES
      handler = this.handler(record)
    }
    if (handler === R.SLOT_INTERCEPT) {
      if (!uncontrolled) return this.leaveBefore(record)
      handler = this.ownHandler(record)
    }
    const done = this.core.step(record, handler)
    const at = i32[(record + R.AT) >> 2]!
    switch (done) {
      case R.DONE_FAULT:
        i32[EIP] = at
        return R.EXIT_FAULT
      case R.DONE_STOP + STOP_AGAIN:
        i32[EIP] = at
        return R.EXIT_STOP
      case R.DONE_NEXT:
      case R.DONE_STOP + STOP_NEXT:
        i32[EIP] = this.following(record, at)
        break
      case R.DONE_TARGET:
        i32[EIP] = i32[(record + R.DISP) >> 2]!
        break
    }
    i32[BUDGET]!--
    return done < R.DONE_STOP ? CONTINUE : R.EXIT_STOP
  }
  private following(record: number, at: number): number {
    return at + this.cpu.u8[record + R.LENGTH]!
  }
  /** Handler number of a record; of the head of a translated region its own. */
  private handler(record: number): number {
    const handler = this.u16[record >> 1]!
    return handler === R.SLOT_HOT ? this.ownHandler(record) : handler
  }
  private ownHandler(record: number): number {
    return this.i32[(L.HOT_INDEX + ((record - L.CODE_CACHE) >> 3)) >> 2]! & 0xffff
  }
  /** The instruction of the record, at EIP, is intercepted. */
  private leaveBefore(record: number): number {
    this.intercepted = formOf(this.ownHandler(record)).id
    return R.EXIT_INTERCEPT
  }

  /** Checks that the page behind a crossing instruction is still the one it was decoded from. */
  private guard(record: number): boolean {
    const { i32, cache } = this
    const following = cache.page(i32[(record + R.DISP) >> 2]! >>> 0)
    if (!following) {
      i32[EIP] = i32[(record + R.AT) >> 2]!
      return false
    }
    if (i32[(record + R.IMM) >> 2] !== following.table) cache.giveUp(i32[EIP]!)
    return true
  }
}
