// Linear memory for a CPU without a PC: pages that its user maps, and two-level page tables for them (SDM vol. 3, 4.3).
// A linear page has the physical page of the same number wherever that is free, so that code sees the same memory with
// paging off. Tables take physical pages from 0xEFFFF000 downwards.

import { RAM } from '../cpu/layout.js'

const PAGE = 0x1000
const PAGES = 0x100000
const FIRST_TABLE = 0xeffff
const ENTRIES = 1024
// Bits of an entry.
const PRESENT = 1
const WRITABLE = 2
const USER = 4
const ACCESSED_DIRTY = 0x60

/** Rights of a mapping; each is given where it is not named. */
export interface PageRights {
  /** CPL 3 may write, and with CR0.WP supervisor code too. */
  readonly write?: boolean
  /** CPL 3 may access. */
  readonly user?: boolean
}

export class LinearPages {
  /** Physical page number -> host address. */
  private readonly hosts = new Map<number, number>()
  private readonly free: number[] = []
  private next = RAM
  private nextTable = FIRST_TABLE
  private readonly i32: Int32Array
  private readonly u8: Uint8Array
  private directory = -1

  /** @param buffer the CPU's linear memory; pages take what lies behind RAM (cpu/layout.ts) */
  constructor(buffer: ArrayBuffer) {
    this.i32 = new Int32Array(buffer)
    this.u8 = new Uint8Array(buffer)
  }

  /** Physical address of the page directory, made when it is first asked for. */
  get root(): number {
    if (this.directory < 0) this.directory = this.allocateTable()
    return this.directory * PAGE
  }
  /** Host address of a physical page, or -1. */
  host(page: number): number {
    return this.hosts.get(page) ?? -1
  }

  /** Makes a page present. False when it already was: then only its rights change. */
  map(page: number, { write = true, user = true }: PageRights): boolean {
    const cell = this.tableEntry(page, true)
    const known = this.i32[cell]!
    const frame = known & PRESENT ? known >>> 12 : this.frameFor(page)
    this.i32[cell] = (frame << 12) | ACCESSED_DIRTY | (user ? USER : 0) | (write ? WRITABLE : 0) | PRESENT
    return (known & PRESENT) === 0
  }
  /** Takes a page away; the host address that it had, or -1. */
  unmap(page: number): number {
    const cell = this.tableEntry(page, false)
    if (cell < 0 || (this.i32[cell]! & PRESENT) === 0) return -1
    const frame = this.i32[cell]! >>> 12
    this.i32[cell] = 0
    const host = this.host(frame)
    this.hosts.delete(frame)
    this.free.push(host)
    return host
  }
  /** Host address of a linear address; -1 where nothing is mapped. */
  find(linear: number): number {
    const cell = this.tableEntry(linear >>> 12, false)
    if (cell < 0 || (this.i32[cell]! & PRESENT) === 0) return -1
    return this.host(this.i32[cell]! >>> 12) + (linear & (PAGE - 1))
  }

  /** Index of the table entry of a linear page; -1 when its table does not exist and is not wanted. */
  private tableEntry(page: number, make: boolean): number {
    if (this.directory < 0 && !make) return -1
    const directory = this.host(this.root / PAGE) >> 2
    const slot = directory + (page >>> 10)
    if ((this.i32[slot]! & PRESENT) === 0) {
      if (!make) return -1
      this.i32[slot] = (this.allocateTable() << 12) | ACCESSED_DIRTY | USER | WRITABLE | PRESENT
    }
    return (this.host(this.i32[slot]! >>> 12) >> 2) + (page & (ENTRIES - 1))
  }
  private frameFor(page: number): number {
    if (this.hosts.has(page)) return this.allocateTable()
    this.hosts.set(page, this.allocate())
    return page
  }
  /** A physical page that no linear page wants for itself. */
  private allocateTable(): number {
    while (this.hosts.has(this.nextTable)) this.nextTable = (this.nextTable + PAGES - 1) % PAGES
    this.hosts.set(this.nextTable, this.allocate())
    return this.nextTable
  }
  private allocate(): number {
    const recycled = this.free.pop()
    if (recycled !== undefined) {
      this.u8.fill(0, recycled, recycled + PAGE)
      return recycled
    }
    if (this.next + PAGE > this.u8.length)
      throw new RangeError(
        `more than ${this.u8.length - RAM} bytes are mapped: unmap some, or give createCpu a larger memory`,
      )
    this.next += PAGE
    return this.next - PAGE
  }
}
