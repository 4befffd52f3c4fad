// Direct links: where an exit of a translated region has been seen to go on in another region, the exit's cell holds the
// address of that region's table entry (code-cache.ts) and its module's table the function, so that the exit, which finds
// its own table entry by EIP, needs no more than to compare. An entry stands for page, mode and address space; its links
// are undone when the record there heads no region any more. Exits have numbers above those of reasons to leave.

import * as L from '../cpu/layout.js'

/** LEAVING: below are reasons to leave; this is the number of all exits that go on and are never linked. */
export const UNLINKED = 16
/** A cell whose exit is never linked. Those of exits not linked yet are odd: the core counts down by 2, and links at 1. */
export const CLOSED = 2
/** Times that an exit goes on by the core until it is linked, at most. */
const PATIENCE = 64
/** Times that an exit is linked: those that go elsewhere all the time stay with the last. */
const ATTEMPTS = 4

/** The exits of one module. */
export interface ModuleLinks {
  /** Number of the exit with index 0 in the module's table. */
  readonly first: number
  /** Exits so far. */
  readonly count: number
  /** Numbers one more exit. */
  add(): number
}

export class Links {
  /** Counters for reports. */
  connected = 0
  undone = 0
  private next = UNLINKED + 1
  private open = 2 * PATIENCE + 1
  /** By exit: the table of its module, that table's first exit, and how often it was linked. */
  private readonly tables: (WebAssembly.Table | undefined)[] = []
  private readonly firsts: number[] = []
  private readonly attempts: number[] = []
  /** Exits by the entry that they are linked to, or were. */
  private readonly byEntry = new Map<number, number[]>()

  constructor(private readonly i32: Int32Array) {
    i32.fill(CLOSED, L.LINKS >> 2, (L.LINKS >> 2) + UNLINKED + 1)
  }

  /** Executions after which code is hot: where they are few, exits are linked soon. */
  set threshold(hot: number) {
    this.open = 2 * Math.max(1, Math.min(PATIENCE, hot >> 3)) + 1
  }
  /** No further module may be made before all is cleared. */
  get full(): boolean {
    return this.next > L.LINK_COUNT / 2
  }
  /** For a module in the making. */
  module(): ModuleLinks {
    const { next: first } = this
    const exits = () => this.next - first
    return {
      first,
      get count() {
        return exits()
      },
      add: () => {
        if (this.next >= L.LINK_COUNT) throw new Error(`more than ${L.LINK_COUNT} exits of translated code`)
        this.i32[(L.LINKS >> 2) + this.next] = this.open
        return this.next++
      },
    }
  }
  /** The module is made: its exits go on by this table. */
  made({ first }: ModuleLinks, table: WebAssembly.Table) {
    for (let link = first; link < this.next; link++) {
      this.tables[link] = table
      this.firsts[link] = first
      this.attempts[link] = 0
    }
  }
  /** An exit goes on in the region whose table entry this is. */
  connect(link: number, entry: number, code: unknown) {
    const table = this.tables[link]
    if (!table || this.attempts[link]! >= ATTEMPTS) {
      if (this.i32[(L.LINKS >> 2) + link]! & 1) this.i32[(L.LINKS >> 2) + link] = CLOSED
      return
    }
    this.attempts[link]!++
    this.connected++
    table.set(link - this.firsts[link]!, code)
    this.i32[(L.LINKS >> 2) + link] = entry
    const exits = this.byEntry.get(entry)
    if (exits) exits.push(link)
    else this.byEntry.set(entry, [link])
  }
  /** The record at the entry heads no region any more. */
  forget(entry: number) {
    const exits = this.byEntry.get(entry)
    if (!exits) return
    this.byEntry.delete(entry)
    for (const link of exits) {
      const cell = (L.LINKS >> 2) + link
      if (this.i32[cell] !== entry) continue
      this.i32[cell] = this.open
      this.undone++
    }
  }
  /** There are no regions any more. */
  clear() {
    this.next = UNLINKED + 1
    this.tables.length = 0
    this.firsts.length = 0
    this.attempts.length = 0
    this.byEntry.clear()
  }
}
