// Which pages of memory are page tables at the moment: every directory that was seen in CR3 and what it refers to
// (two-level paging, SDM vol. 3, 4.3). Their pages are marked so that stores to them are reported. A directory that is
// not in CR3 and maps no user page counts as given up. Left out: PAE, 4 MiB pages (they have no table).
import { CODE_MAP, CR3 } from '../cpu/layout.js'
import type { Machine } from '../machine/machine.js'
import { hostAddress } from './linear-memory.js'

const PAGE_BYTES = 0x1000
const CHUNK_SHIFT = 6
const CHUNKS_OF_PAGE = PAGE_BYTES >> CHUNK_SHIFT
const ENTRIES = 1024
const PRESENT = 1
const LARGE = 0x80
const ACCESSED_AND_DIRTY = 0x60

interface Watched {
  /** References from directories; a directory refers to itself once. */
  references: number
  /** The page as it was when it was last looked at. */
  readonly copy: Int32Array
}

function setChunks(machine: Machine, host: number, value: number): void {
  const chunk = CODE_MAP + (host >>> CHUNK_SHIFT)
  machine.cpu.u8.fill(value, chunk, chunk + CHUNKS_OF_PAGE)
}

/** Makes every store to the page at a host address be reported, as if it held code. */
export function markPage(machine: Machine, host: number): void {
  setChunks(machine, host, 1)
  machine.cpu.tlb.markCode(host)
}

function unmarkPage(machine: Machine, host: number): void {
  setChunks(machine, host, 0)
  machine.cpu.tlb.unmarkCode(host)
}

export class WatchedTables {
  private readonly pages = new Map<number, Watched>()
  private readonly directories = new Set<number>()

  constructor(
    private readonly machine: Machine,
    /** First directory slot of the kernel; the slots below are a process's own. */
    private readonly kernelSlot: number,
  ) {}

  private words(host: number): Int32Array {
    return this.machine.cpu.i32.subarray(host >>> 2, (host + PAGE_BYTES) >>> 2)
  }

  private add(host: number): void {
    const known = this.pages.get(host)
    if (known !== undefined) {
      known.references++
      return
    }
    this.pages.set(host, { references: 1, copy: Int32Array.from(this.words(host)) })
    markPage(this.machine, host)
  }

  private remove(host: number): void {
    const known = this.pages.get(host)
    if (known === undefined || --known.references > 0) return
    this.pages.delete(host)
    unmarkPage(this.machine, host)
  }

  private tableOf(entry: number): number | undefined {
    if ((entry & PRESENT) === 0 || (entry & LARGE) !== 0) return undefined
    return hostAddress(this.machine, (entry & ~(PAGE_BYTES - 1)) >>> 0)
  }

  private current(): number | undefined {
    return hostAddress(this.machine, (this.machine.cpu.i32[CR3 >> 2]! & ~(PAGE_BYTES - 1)) >>> 0)
  }

  /** Gives a directory up when it is not in CR3 and maps no user page. */
  private dropUnused(directory: number, current: number | undefined): void {
    if (directory === current) return
    const user = this.words(directory).subarray(0, this.kernelSlot)
    if (user.every(entry => (entry & PRESENT) === 0)) this.drop(directory)
  }

  /** Watches the directory in CR3, and gives up those that are of no use any more. */
  follow(): void {
    const current = this.current()
    for (const host of this.pages.keys()) markPage(this.machine, host)
    for (const directory of this.directories) this.dropUnused(directory, current)
    if (current === undefined || this.directories.has(current)) return
    this.directories.add(current)
    this.add(current)
    for (const entry of this.words(current)) {
      const table = this.tableOf(entry)
      if (table !== undefined) this.add(table)
    }
  }

  /** Forgets a page that has been put to another use. */
  drop(host: number): void {
    if (this.directories.delete(host)) {
      for (const entry of this.pages.get(host)!.copy) {
        const table = this.tableOf(entry)
        if (table !== undefined) this.remove(table)
      }
    }
    const known = this.pages.get(host)
    if (known === undefined) return
    known.references = 1
    this.remove(host)
  }

  /** The watched page that holds a host address, or undefined. */
  pageOf(hostByte: number): number | undefined {
    const host = hostByte - (hostByte % PAGE_BYTES)
    return this.pages.has(host) ? host : undefined
  }

  /** Whether the word at a host address differs from its copy only by accessed and dirty bits that have been set, as a walk leaves it. */
  isWalk(hostByte: number): boolean {
    const host = this.pageOf(hostByte)!
    const index = (hostByte - host) >>> 2
    const before = this.pages.get(host)!.copy[index]!
    const change = this.machine.cpu.i32[hostByte >>> 2]! ^ before
    return change !== 0 && (change & ~ACCESSED_AND_DIRTY) === 0 && (before & change) === 0
  }

  /** Takes over what a store has changed in a watched page: entries of a directory lead to other tables now. */
  update(host: number): void {
    const known = this.pages.get(host)
    if (known === undefined) return
    const now = this.words(host)
    const isDirectory = this.directories.has(host)
    for (let index = 0; index < ENTRIES; index++) {
      const [before, after] = [known.copy[index]!, now[index]!]
      if (before === after) continue
      known.copy[index] = after
      const [old, next] = [this.tableOf(before), this.tableOf(after)]
      if (!isDirectory || old === next) continue
      if (next !== undefined) this.add(next)
      if (old !== undefined) this.remove(old)
    }
    markPage(this.machine, host)
    if (isDirectory) this.dropUnused(host, this.current())
  }
}
