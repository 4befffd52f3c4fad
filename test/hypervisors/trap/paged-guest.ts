// A guest that pages, for the test of shadow paging: frames of its own, a processor with a TLB that walks the shadow tables
// only, and a model that walks the guest's tables by the book (SDM vol. 3, 4.3, 4.6 to 4.8, 4.10). What the processor
// does must be what some state of the guest's tables since the last flush allows; after a flush, the present state.

import { ShadowPaging } from '../../../hypervisors/trap/shadow-paging.js'

export const GUEST_FRAMES = 48
const POOL_FRAMES = 9
/** Frames of directories, of tables, and the table that maps all frames in slot 4 of each directory. */
export const DIRECTORIES = [1, 2, 3]
export const TABLES = [4, 5, 6, 7, 8, 9, 10]
const LINEAR_TABLE = 11
const LINEAR_SLOT = 4
export const SLOTS = 4
export const PAGES = 6
const [P, RW, US, A, D, PS] = [1, 2, 4, 0x20, 0x40, 0x80]
const [WRITE, USER] = [2, 4]

interface Rights {
  readonly frame: number
  readonly write: boolean
  readonly user: boolean
  /** RW of both entries, and D of the last. */
  readonly dirtied?: boolean
}
/** What the guest's tables say: a page, or the error code of a fault. */
type Verdict = Rights | number

export class PagedGuest {
  readonly words = new Uint32Array((GUEST_FRAMES + POOL_FRAMES) * 1024)
  private readonly pool = Array.from({ length: POOL_FRAMES }, (_, i) => GUEST_FRAMES + i)
  private readonly shadow: ShadowPaging
  private readonly tlb = new Map<number, Rights>()
  /** By page: everything that the tables have said since they were flushed last. */
  private readonly history = new Map<number, Verdict[]>()
  private root = 0
  mode = { paging: true, writeProtect: true, largePages: false, directory: DIRECTORIES[0]! }

  constructor() {
    const { words, pool } = this
    const bytes = words.byteLength
    const memory = {
      bytes,
      ram: new Uint8Array(words.buffer),
      isRam: (address: number) => address < bytes,
      read32: (address: number) => words[address >>> 2]!,
      write32: (address: number, value: number) => {
        words[address >>> 2] = value
      },
      read: (address: number, length: number) => new Uint8Array(words.buffer).slice(address, address + length),
      write: () => {},
      changed: () => {},
      fill: (address: number, length: number, value: number) => {
        words.fill(value, address >>> 2, (address + length) >>> 2)
      },
    }
    const frames = {
      get free() {
        return pool.length
      },
      allocate: () => pool.shift(),
      release: (frame: number) => {
        if (pool.includes(frame)) throw new Error(`frame ${frame} is free already`)
        pool.push(frame)
      },
    }
    const isRam = (frame: number) => frame < GUEST_FRAMES
    this.shadow = new ShadowPaging(memory, frames, GUEST_FRAMES, isRam, () => this.tlb.clear())
    for (let frame = 0; frame < GUEST_FRAMES; frame++) words[LINEAR_TABLE * 1024 + frame] = (frame << 12) | RW | P
    for (const directory of DIRECTORIES) words[directory * 1024 + LINEAR_SLOT] = (LINEAR_TABLE << 12) | RW | US | P
    this.load({})
  }

  /** MOV to CR3, CR0 or CR4: what is not named stays. */
  load(change: Partial<PagedGuest['mode']>) {
    this.mode = { ...this.mode, ...change }
    this.root = this.shadow.load(this.mode)
    this.tlb.clear()
    this.history.clear()
    for (let slot = 0; slot <= LINEAR_SLOT; slot++)
      for (let page = 0; page < (slot === LINEAR_SLOT ? GUEST_FRAMES : PAGES); page++)
        this.checkFresh((slot << 10) | page)
  }
  /** INVLPG. */
  invalidate(page: number) {
    this.shadow.invalidate(page * 0x1000)
    this.tlb.delete(page)
    this.history.delete(page)
    this.checkFresh(page)
  }
  /** The guest stores to an entry of one of its tables. */
  store(frame: number, entry: number, value: number) {
    this.remember()
    this.access((LINEAR_SLOT << 10) | frame, WRITE, () => {
      this.words[frame * 1024 + entry] = value
    })
  }

  /** The guest changes what maps a page, and drops its translation. */
  remap(page: number, value: number) {
    const table = this.words[this.mode.directory * 1024 + (page >>> 10)]! >>> 12
    if (!TABLES.includes(table)) return
    this.access(page, 0)
    this.store(table, page & 1023, value)
    this.invalidate(page)
    this.access(page, 0)
  }

  /** An access to a page; false when the guest gets a page fault. */
  access(page: number, kind: number, act: () => void = () => {}): boolean {
    const verdict = this.walk(page, kind)
    const before = this.words.slice(0, (LINEAR_TABLE + 1) * 1024)
    const fresh = !this.history.has(page)
    for (let tries = 0; tries < 4; tries++) {
      const found = this.translate(page, kind)
      if (typeof found !== 'number') {
        this.permit(page, found.frame, kind, verdict)
        if (fresh) this.expectUsed(page, kind, before)
        act()
        return true
      }
      const outcome = this.shadow.fault(page * 0x1000, found)
      if (outcome.kind === 'guest') {
        if (outcome.error !== verdict)
          throw new Error(`page ${page}: error ${outcome.error}, the tables say ${verdict}`)
        return false
      }
      if (outcome.kind === 'filled') continue
      const close = this.shadow.open(page * 0x1000, outcome.frame)
      const opened = this.translate(page, kind)
      if (typeof opened === 'number') throw new Error(`page ${page} is not open: error ${opened}`)
      this.permit(page, opened.frame, kind, verdict)
      act()
      close()
      this.tlb.delete(page)
      this.shadow.written(outcome.frame)
      return true
    }
    throw new Error(`page ${page}: faults for ever`)
  }

  /** The processor: TLB, then the shadow tables with WP set. */
  private translate(page: number, kind: number): Verdict {
    const allows = ({ write, user }: Rights) => ((kind & WRITE) === 0 || write) && ((kind & USER) === 0 || user)
    const cached = this.tlb.get(page)
    if (cached && allows(cached)) return cached
    const { words } = this
    const pde = words[(this.root >>> 2) + (page >>> 10)]!
    if ((pde & P) === 0) return kind
    const pte = words[(pde >>> 12) * 1024 + (page & 1023)]!
    if ((pte & P) === 0) return kind
    const both = pde & pte
    const rights = { frame: pte >>> 12, write: (both & RW) !== 0, user: (both & US) !== 0 }
    if (!allows(rights)) return kind | P
    this.tlb.set(page, rights)
    return rights
  }
  /** The model: what the guest's tables say of an access, as they are now. */
  private walk(page: number, kind: number): Verdict {
    const { words } = this
    const { directory, largePages, writeProtect } = this.mode
    const pde = words[directory * 1024 + (page >>> 10)]!
    if ((pde & P) === 0) return kind
    const large = (pde & PS) !== 0 && largePages
    const table = pde >>> 12
    const pte = large ? pde : table < GUEST_FRAMES ? words[table * 1024 + (page & 1023)]! : 0
    if ((pte & P) === 0) return kind
    const both = pde & pte
    const user = (both & US) !== 0
    const write = (both & RW) !== 0 || ((kind & USER) === 0 && !writeProtect)
    if (((kind & USER) !== 0 && !user) || ((kind & WRITE) !== 0 && !write)) return kind | P
    return {
      frame: large ? (page & 1023) + (pde >>> 22) * 1024 : pte >>> 12,
      write,
      user,
      dirtied: (both & RW) !== 0 && (pte & D) !== 0,
    }
  }

  /** Keeps what the tables say of every page before they change. */
  private remember() {
    for (let slot = 0; slot < SLOTS; slot++)
      for (let n = 0; n < PAGES; n++) {
        const page = (slot << 10) | n
        const said = this.history.get(page) ?? []
        for (const kind of [0, USER, WRITE, WRITE | USER]) said.push(this.walk(page, kind))
        this.history.set(page, said)
      }
  }
  /** Fails unless the tables allow the access, now or at a time since the last flush. */
  private permit(page: number, frame: number, kind: number, verdict: Verdict) {
    const allows = (said: Verdict) =>
      typeof said !== 'number' &&
      said.frame === frame &&
      ((kind & WRITE) === 0 || said.write) &&
      ((kind & USER) === 0 || said.user)
    if (allows(verdict) || this.history.get(page)?.some(allows)) return
    throw new Error(`page ${page}: access ${kind} went to frame ${frame}, the tables say ${JSON.stringify(verdict)}`)
  }
  /** Fails unless exactly the accessed and dirty bits of this access have changed. */
  private expectUsed(page: number, kind: number, before: Uint32Array) {
    const expected = before
    const at = this.mode.directory * 1024 + (page >>> 10)
    const pde = expected[at]!
    const dirty = (kind & WRITE) !== 0 ? A | D : A
    if ((pde & PS) !== 0 && this.mode.largePages) expected[at] = pde | dirty
    else {
      expected[at] = pde | A
      expected[(pde >>> 12) * 1024 + (page & 1023)]! |= dirty
    }
    for (let i = 0; i < expected.length; i++)
      if (expected[i] !== this.words[i])
        throw new Error(`page ${page}: word ${i} is ${this.words[i]!.toString(16)}, not ${expected[i]!.toString(16)}`)
  }
  /** After a flush: what the shadow has of a page is what the guest's tables say, no more. */
  private checkFresh(page: number) {
    const { words } = this
    const pde = words[(this.root >>> 2) + (page >>> 10)]!
    const pte = (pde & P) === 0 ? 0 : words[(pde >>> 12) * 1024 + (page & 1023)]!
    if ((pte & P) === 0) return
    const said = this.walk(page, 0)
    const frame = pte >>> 12
    if (typeof said === 'number' || said.frame !== frame || ((pde & pte & US) !== 0 && !said.user))
      throw new Error(`page ${page}: the shadow has ${pte.toString(16)}, the tables say ${JSON.stringify(said)}`)
    if ((pde & pte & RW) !== 0 && !said.dirtied) throw new Error(`page ${page} is writable in the shadow only`)
  }
}
