// Shadow paging: page tables in machine frames that hold what the guest's own tables say, filled when the guest first
// uses a page. One directory for each of the guest's is kept, and tables are shared among them as the guest shares its
// own. A shadow stays while the guest's table is tracked: it is closed to writes, and those are emulated. After a few of
// them the table is let go until the next flush, when what has changed is dropped and the table is tracked again.
// Accessed and dirty bits: an entry is present when the guest's has A, and writable when it has D.

import type { Frames, MachineMemory } from '../hypervisor.js'
import {
  ACCESSED,
  DIRTY,
  type GuestMode,
  LARGE,
  PRESENT,
  RW,
  type Translation,
  US,
  WRITE,
  walkGuest,
} from './guest-walk.js'
import { type ShadowKind, ShadowTable } from './shadow-table.js'
import { WriteTracking } from './write-tracking.js'

/** Emulated writes after which a table is let go until the next flush. */
const WRITES_MAXIMUM = 3
/** No directory: the guest does not page. */
const UNPAGED = -1
const FILLED = ACCESSED | DIRTY | PRESENT
/** Bits of a guest's entry that a shadow depends on: all but those that software may use. */
const USED = ~0xe00

/** What became of a page fault of the shadow. */
export type Outcome =
  /** The access can be repeated. */
  | { readonly kind: 'filled' }
  /** The guest's tables do not allow it: its own fault, with this error code. */
  | { readonly kind: 'guest'; readonly error: number }
  /** Allowed, but the frame is a tracked table, or the page is read-only to all but a supervisor without CR0.WP. */
  | { readonly kind: 'write'; readonly frame: number }
  /** Allowed, but it is not RAM. */
  | { readonly kind: 'device'; readonly frame: number }

/** One number for a kind of shadow and what it stands for. */
const keyOf = (kind: ShadowKind, guestFrame: number) =>
  guestFrame * 4 + (kind === 'directory' ? 0 : kind === 'table' ? 1 : 2)

const FILL: Outcome = { kind: 'filled' }

export class ShadowPaging {
  private readonly shadows = new Map<number, ShadowTable>()
  private readonly loose = new Set<ShadowTable>()
  private readonly tracking: WriteTracking
  private mode: GuestMode = { paging: false, writeProtect: false, largePages: false, directory: UNPAGED }
  private current: ShadowTable | undefined
  private clock = 0

  /**
   * @param isRam whether a guest frame is memory
   * @param flush drops the processor's translations
   */
  constructor(
    private readonly memory: MachineMemory,
    private readonly frames: Frames,
    guestFrames: number,
    private readonly isRam: (frame: number) => boolean,
    private readonly flush: () => void,
  ) {
    this.tracking = new WriteTracking(memory, guestFrames, flush)
  }

  /**
   * The guest has loaded CR3 or changed how it pages: what it changed before counts from now on.
   * @returns the machine address of the directory to be loaded
   */
  load(mode: GuestMode): number {
    if (mode.largePages !== this.mode.largePages) this.dropAll()
    this.mode = mode
    const directory = this.find('directory', mode.paging ? mode.directory : UNPAGED)
    this.current = directory
    directory.used = ++this.clock
    for (const shadow of [...this.loose]) if (shadow === directory || shadow.parents.has(directory)) this.settle(shadow)
    this.adopt(directory)
    return directory.frame * 0x1000
  }
  /** The guest has dropped the translation of one page. */
  invalidate(linear: number) {
    const directory = this.current!
    const slot = linear >>> 22
    if (!directory.tracked) this.compare(directory, slot)
    const table = directory.children[slot]
    if (table && !table.tracked) this.compare(table, (linear >>> 12) & 0x3ff)
  }

  /** Makes a page present, or writable, that the guest's tables allow. `error` is the processor's error code. */
  fault(linear: number, error: number): Outcome {
    const found = walkGuest(this.readGuest, this.mode, linear, error)
    if (typeof found === 'number') return { kind: 'guest', error: found }
    const { frame } = found
    const write = (error & WRITE) !== 0
    const { pde, entry } = this.markUsed(found, write)
    if (!this.isRam(frame)) return { kind: 'device', frame }
    if (write && (this.tracking.isClosed(frame) || (pde & entry & RW) === 0)) return { kind: 'write', frame }
    this.map(linear, { ...found, pde, entry }, frame, false)
    return FILL
  }
  /**
   * Lets the guest reach a page once, whatever stands against it: call close() before it goes on.
   * @param frame machine frame
   */
  open(linear: number, frame: number): () => void {
    const found = walkGuest(this.readGuest, this.mode, linear, 0) as Translation
    const table = this.map(linear, found, frame, true)
    const directory = this.current!
    const slot = linear >>> 22
    const before = this.memory.read32(directory.at(slot))
    this.memory.write32(directory.at(slot), before | RW)
    return () => {
      this.drop(table, (linear >>> 12) & 0x3ff)
      if (directory.children[slot] === table) this.memory.write32(directory.at(slot), before)
    }
  }
  /** The guest may have written a frame that is closed: what it changed counts. */
  written(frame: number) {
    for (const shadow of this.shadowsOf(frame)) {
      for (let n = 0; n < 1024; n++) this.compare(shadow, n)
      if (++shadow.writes > WRITES_MAXIMUM) this.letGo(shadow)
    }
  }
  /** Lets a frame be written until the next flush. False when nothing tracks it. */
  release(frame: number): boolean {
    const shadows = this.shadowsOf(frame)
    for (const shadow of shadows) this.letGo(shadow)
    return shadows.length > 0
  }
  /** Forgets all shadows. */
  dropAll() {
    for (const shadow of [...this.shadows.values()]) if (shadow.kind === 'directory') this.destroy(shadow)
    for (const shadow of [...this.shadows.values()]) this.destroy(shadow)
    this.current = undefined
    this.flush()
  }

  private readonly readGuest = (address: number): number =>
    (this.isRam(address >>> 12) ? this.memory.read32(address) : 0) | 0

  /** The tracked shadows that stand for a guest frame. */
  private shadowsOf(frame: number): ShadowTable[] {
    const { shadows } = this
    const found = [shadows.get(keyOf('table', frame)), shadows.get(keyOf('directory', frame))]
    return found.filter(shadow => shadow?.tracked) as ShadowTable[]
  }

  /** Sets A and D in the guest's entries as the processor would. */
  private markUsed({ pde, pdeAt, entry, entryAt, large }: Translation, write: boolean) {
    if (pdeAt < 0) return { pde, entry }
    const used = entry | (write ? ACCESSED | DIRTY : ACCESSED)
    // A directory may be its own table: the entry comes last.
    if (!large && (pde & ACCESSED) === 0) this.change(pdeAt, pde | ACCESSED)
    if (used !== entry) this.change(entryAt, used)
    return large ? { pde: used, entry: used } : { pde: pde | ACCESSED, entry: used }
  }
  /** Writes a guest's entry, and what is remembered of it where that is not out of date. */
  private change(at: number, value: number) {
    const before = this.readGuest(at)
    this.memory.write32(at, value)
    const n = (at >>> 2) & 0x3ff
    for (const kind of ['table', 'directory'] as const) {
      const shadow = this.shadows.get(keyOf(kind, at >>> 12))
      if (shadow && shadow.source[n] === before) shadow.source[n] = value
    }
  }

  /** Enters a translation; `forced` with all rights, for one access. */
  private map(linear: number, found: Translation, frame: number, forced: boolean): ShadowTable {
    const directory = this.current!
    const slot = linear >>> 22
    const { pde, large } = found
    let table = directory.children[slot]
    if (!table || directory.source[slot] !== pde) {
      this.unlink(directory, slot)
      table = large ? this.find('large', (pde >>> 22) * 1024) : this.find('table', pde >>> 12)
      this.link(directory, slot, table, pde)
    } else this.memory.write32(directory.at(slot), this.directoryEntry(table, pde))
    const n = (linear >>> 12) & 0x3ff
    this.drop(table, n)
    const writable = forced || (large ? !this.tracking.isClosed(frame) : this.isWritable(found.entry, frame))
    const rights = large ? RW | US : found.entry & US
    const entry = (frame << 12) | FILLED | (rights & ~RW) | (writable ? RW : 0)
    this.memory.write32(table.at(n), entry)
    table.source[n] = found.entry
    if (writable && !forced) this.tracking.add(frame, table.at(n))
    return table
  }
  private isWritable(entry: number, frame: number): boolean {
    return (entry & (RW | DIRTY)) === (RW | DIRTY) && !this.tracking.isClosed(frame)
  }

  /** The shadow of a guest table, made and tracked where there is none. */
  private find(kind: ShadowKind, guestFrame: number): ShadowTable {
    const key = keyOf(kind, guestFrame)
    const known = this.shadows.get(key)
    if (known) return known
    const frame = this.takeFrame()
    this.memory.fill(frame * 0x1000, 0x1000, 0)
    const shadow = new ShadowTable(kind, guestFrame, frame)
    this.shadows.set(key, shadow)
    this.track(shadow)
    return shadow
  }
  private takeFrame(): number {
    for (;;) {
      const frame = this.frames.allocate()
      if (frame !== undefined) return frame
      this.evict()
    }
  }
  /** Gives up the directory that has not been loaded for longest; when there is only one, what it leads to. */
  private evict() {
    let oldest: ShadowTable | undefined
    for (const shadow of this.shadows.values())
      if (shadow.kind === 'directory' && shadow !== this.current && (!oldest || shadow.used < oldest.used))
        oldest = shadow
    if (oldest) return this.destroy(oldest)
    const { current } = this
    if (!current?.children.some(child => child)) throw new Error('no machine frame is left for a shadow table')
    for (let slot = 0; slot < 1024; slot++) this.unlink(current, slot)
    this.flush()
  }

  /** Links tables that are shadowed already to a directory, so that nothing faults that need not. */
  private adopt(directory: ShadowTable) {
    if (!this.mode.paging) return
    for (let slot = 0; slot < 1024; slot++) {
      if (directory.children[slot]) continue
      const pde = this.readGuest(directory.guestFrame * 0x1000 + slot * 4)
      if ((pde & (PRESENT | ACCESSED)) !== (PRESENT | ACCESSED)) continue
      const large = (pde & LARGE) !== 0 && this.mode.largePages
      const table = this.shadows.get(large ? keyOf('large', (pde >>> 22) * 1024) : keyOf('table', pde >>> 12))
      if (table) this.link(directory, slot, table, pde)
    }
  }
  private link(directory: ShadowTable, slot: number, table: ShadowTable, pde: number) {
    if (!table.tracked) this.settle(table)
    this.memory.write32(directory.at(slot), this.directoryEntry(table, pde))
    directory.children[slot] = table
    directory.source[slot] = pde
    table.parents.set(directory, (table.parents.get(directory) ?? 0) + 1)
  }
  private directoryEntry({ kind, frame }: ShadowTable, pde: number): number {
    const writable = (pde & RW) !== 0 && (kind === 'table' || (pde & DIRTY) !== 0)
    return (frame << 12) | FILLED | (pde & US) | (writable ? RW : 0)
  }
  private unlink(directory: ShadowTable, slot: number) {
    const table = directory.children[slot]
    if (!table) return
    this.memory.write32(directory.at(slot), 0)
    directory.children[slot] = undefined
    const links = table.parents.get(directory)! - 1
    if (links > 0) return void table.parents.set(directory, links)
    table.parents.delete(directory)
    if (table.parents.size === 0) this.destroy(table)
  }
  private destroy(shadow: ShadowTable) {
    if (!this.shadows.delete(keyOf(shadow.kind, shadow.guestFrame))) return
    this.loose.delete(shadow)
    if (shadow.tracked && this.isTrackable(shadow)) this.tracking.open(shadow.guestFrame)
    if (shadow.kind === 'directory') for (let slot = 0; slot < 1024; slot++) this.unlink(shadow, slot)
    else for (let n = 0; n < 1024; n++) this.drop(shadow, n)
    this.frames.release(shadow.frame)
  }
  /** Takes an entry away. */
  private drop(shadow: ShadowTable, n: number) {
    if (shadow.kind === 'directory') return this.unlink(shadow, n)
    const at = shadow.at(n)
    const entry = this.memory.read32(at)
    if (entry === 0) return
    this.tracking.remove(entry, at)
    this.memory.write32(at, 0)
  }

  /** Takes an entry away if the guest's has changed since. */
  private compare(shadow: ShadowTable, n: number) {
    if (!this.isTrackable(shadow) || (this.memory.read32(shadow.at(n)) & PRESENT) === 0) return
    const now = this.readGuest(shadow.guestFrame * 0x1000 + n * 4)
    if (((now ^ shadow.source[n]!) & USED) !== 0) this.drop(shadow, n)
  }
  /** Takes away what has changed, and tracks again. */
  private settle(shadow: ShadowTable) {
    for (let n = 0; n < 1024; n++) this.compare(shadow, n)
    this.track(shadow)
  }
  private isTrackable({ kind, guestFrame }: ShadowTable): boolean {
    return kind !== 'large' && guestFrame >= 0
  }
  private track(shadow: ShadowTable) {
    shadow.tracked = true
    shadow.writes = 0
    this.loose.delete(shadow)
    if (this.isTrackable(shadow)) this.tracking.close(shadow.guestFrame)
  }
  private letGo(shadow: ShadowTable) {
    shadow.tracked = false
    this.loose.add(shadow)
    this.tracking.open(shadow.guestFrame)
  }
}
