// The four translation tables of cpu/layout.ts: filling them from a finished walk, dropping what was filled, and the
// marks that send stores to pages with translated code through the slow path (SDM vol. 3, 4.10). Only pages on the
// fill lists have entries, so a flush costs what was used. Global pages are on a list of their own.

import {
  CODE_SUPERVISOR,
  CODE_TABLE,
  CODE_USER,
  HOST_CODE,
  HOST_TABLE,
  HOST_WRITTEN,
  TLB_ANY_LARGE,
  TLB_CODE,
  TLB_COUNT,
  TLB_GLOBAL_COUNT,
  TLB_GLOBAL_LIST,
  TLB_INVALIDATIONS,
  TLB_LARGE,
  TLB_LIST,
  TLB_LISTED,
  TLB_SUPERVISOR_READ,
  TLB_SUPERVISOR_WRITE,
  TLB_USER_READ,
  TLB_USER_WRITE,
  TLB_VALID,
} from './layout.js'
import { MODE_FLAT } from './mode.js'

// Rights of a finished walk.
export const WRITABLE = 1 // CPL 3 may write (if USER)
export const USER = 2
export const SUPERVISOR_WRITABLE = 4
export const GLOBAL = 8
export const LARGE = 16

const PAGES = 0x100000
/** Marks in TLB_LISTED. */
export const LISTED = 1
export const LISTED_GLOBAL = 2

const USER_READ = TLB_USER_READ >> 2
const USER_WRITE = TLB_USER_WRITE >> 2
const SUPERVISOR_READ = TLB_SUPERVISOR_READ >> 2
const SUPERVISOR_WRITE = TLB_SUPERVISOR_WRITE >> 2
const WRITE_TABLES = [USER_WRITE, SUPERVISOR_WRITE]
const USER_CODE = CODE_USER >> 2
const SUPERVISOR_CODE = CODE_SUPERVISOR >> 2
const COUNT = TLB_COUNT >> 2
const GLOBAL_COUNT = TLB_GLOBAL_COUNT >> 2
const ANY_LARGE = TLB_ANY_LARGE >> 2

/** Decoded code of a page, as engine/code-cache.ts keeps it. */
interface DecodedPage {
  readonly hostPage: number
  readonly linearPage: number
  readonly mode: number
  readonly table: number
}

/** Index of the entry of HOST_TABLE for the page of a host address. */
const hostTable = (host: number) => (HOST_TABLE >> 2) + 2 * (host >>> 12)

export class Tlb {
  private readonly list: Int32Array
  private readonly globalList: Int32Array
  /** Which lists each linear page is on. */
  private readonly listed: Uint8Array
  /** Regions of 4 MiB with an entry that came from a large page. */
  private readonly large: Uint8Array
  /** How often all translations were dropped, or all but global ones. */
  flushes = 0
  private readonly dropped: Float64Array
  /** 1: the host page (address >>> 12) holds translated code. */
  private readonly code: Uint8Array
  /** 1: some write entry may lead to the host page. */
  private readonly written: Uint8Array

  constructor(private readonly i32: Int32Array) {
    const { buffer } = i32
    const hostPages = i32.length >>> 10
    this.dropped = new Float64Array(buffer, TLB_INVALIDATIONS, 1)
    this.list = new Int32Array(buffer, TLB_LIST, PAGES)
    this.globalList = new Int32Array(buffer, TLB_GLOBAL_LIST, PAGES)
    this.listed = new Uint8Array(buffer, TLB_LISTED, PAGES)
    this.large = new Uint8Array(buffer, TLB_LARGE, PAGES >> 10)
    this.code = new Uint8Array(buffer, HOST_CODE, hostPages)
    this.written = new Uint8Array(buffer, HOST_WRITTEN, hostPages)
  }

  /** How often the translation of one page was dropped. */
  get invalidations(): number {
    return this.dropped[0]!
  }

  /** Enters the translation of a linear page; `host` is the host address of the page, `rights` what may be done. */
  fill(page: number, host: number, rights: number) {
    const i32 = this.i32
    const entry = (host - (page << 12) - TLB_VALID) | 0
    const flags = this.listed[page]!
    if ((rights & GLOBAL) !== 0) {
      if ((flags & LISTED_GLOBAL) === 0) {
        this.listed[page] = flags | LISTED_GLOBAL
        this.globalList[i32[GLOBAL_COUNT]!++] = page
      }
    } else if ((flags & LISTED) === 0) {
      this.listed[page] = flags | LISTED
      this.list[i32[COUNT]!++] = page
    }
    if ((rights & LARGE) !== 0) {
      this.large[page >>> 10] = 1
      i32[ANY_LARGE] = 1
    }
    i32[SUPERVISOR_READ + page] = entry
    i32[USER_READ + page] = (rights & USER) !== 0 ? entry : 0
    let writeEntry = entry
    if ((rights & (SUPERVISOR_WRITABLE | WRITABLE)) !== 0) {
      const hostPage = host >>> 12
      if (this.code[hostPage] !== 0) writeEntry = entry + TLB_CODE
      else this.written[hostPage] = 1
    }
    i32[SUPERVISOR_WRITE + page] = (rights & SUPERVISOR_WRITABLE) !== 0 ? writeEntry : 0
    i32[USER_WRITE + page] = (rights & (USER | WRITABLE)) === (USER | WRITABLE) ? writeEntry : 0
  }

  /** Enters decoded code into the code table in force; flushes clear it. */
  enterCode({ table, linearPage, hostPage, mode }: DecodedPage) {
    const { i32, listed } = this
    const page = linearPage >>> 12
    i32[(i32[CODE_TABLE >> 2]! >> 2) + page] = table
    if ((listed[page]! & (LISTED | LISTED_GLOBAL)) === 0) {
      listed[page]! |= LISTED
      this.list[i32[COUNT]!++] = page
    }
    if ((mode & MODE_FLAT) === 0) return
    const at = hostTable(hostPage)
    i32[at] = table
    i32[at + 1] = linearPage | mode
  }

  /** Clears the code table for CPL 3, or the one for CPL 0-2; translations stay. */
  flushCode(user: boolean) {
    const { i32 } = this
    const table = user ? USER_CODE : SUPERVISOR_CODE
    for (let i = 0; i < i32[COUNT]!; i++) i32[table + this.list[i]!] = 0
    for (let i = 0; i < i32[GLOBAL_COUNT]!; i++) i32[table + this.globalList[i]!] = 0
  }

  /** Drops all translations, or all but the global ones. */
  flush(global: boolean) {
    this.flushes++
    const { i32, list, listed } = this
    for (let i = 0; i < i32[COUNT]!; i++) {
      const page = list[i]!
      this.clear(page)
      listed[page] = listed[page]! & ~LISTED
    }
    i32[COUNT] = 0
    if (!global) return
    for (let i = 0; i < i32[GLOBAL_COUNT]!; i++) {
      const page = this.globalList[i]!
      this.clear(page)
      listed[page] = listed[page]! & ~LISTED_GLOBAL
    }
    i32[GLOBAL_COUNT] = 0
    if (i32[ANY_LARGE] === 0) return
    i32[ANY_LARGE] = 0
    this.large.fill(0)
  }

  /** Drops the translation of one linear page, and of the large page it may be part of. */
  invalidate(page: number) {
    this.dropped[0]!++
    const region = page >>> 10
    if (this.large[region] === 0) return this.clear(page)
    this.large[region] = 0
    for (let i = 0; i < 1024; i++) this.clear((region << 10) | i)
  }

  private clear(page: number) {
    const i32 = this.i32
    i32[USER_READ + page] = 0
    i32[USER_WRITE + page] = 0
    i32[SUPERVISOR_READ + page] = 0
    i32[SUPERVISOR_WRITE + page] = 0
    i32[USER_CODE + page] = 0
    i32[SUPERVISOR_CODE + page] = 0
  }

  /** True when the page of this host address is marked. */
  hasCode(hostAddress: number): boolean {
    return this.code[hostAddress >>> 12] !== 0
  }

  /** From now on every store to the page of this host address is reported by host.onCodeWrite. */
  markCode(hostAddress: number) {
    const hostPage = hostAddress >>> 12
    if (this.code[hostPage] !== 0) return
    this.code[hostPage] = 1
    if (this.written[hostPage] === 0) return
    this.written[hostPage] = 0
    this.tag(this.list, this.i32[COUNT]!, hostPage)
    this.tag(this.globalList, this.i32[GLOBAL_COUNT]!, hostPage)
  }
  private tag(list: Int32Array, count: number, hostPage: number) {
    this.exchange(list, count, hostPage, TLB_VALID, TLB_CODE)
  }
  /** Entries of the host page with these low bits get `change` added. */
  private exchange(list: Int32Array, count: number, hostPage: number, low: number, change: number) {
    const { i32 } = this
    const wanted = (hostPage << 12) - TLB_VALID
    for (let i = 0; i < count; i++) {
      const page = list[i]!
      for (const table of WRITE_TABLES) {
        const entry = i32[table + page]!
        if ((entry & 0xfff) === low && ((entry & ~TLB_CODE) + (page << 12)) >> 12 === wanted >> 12)
          i32[table + page] = entry + change
      }
    }
  }

  /** The page holds no translated code any more; stores to it are plain again. */
  unmarkCode(hostAddress: number) {
    const hostPage = hostAddress >>> 12
    if (this.code[hostPage] === 0) return
    this.code[hostPage] = 0
    this.written[hostPage] = 1
    this.exchange(this.list, this.i32[COUNT]!, hostPage, TLB_VALID + TLB_CODE, -TLB_CODE)
    this.exchange(this.globalList, this.i32[GLOBAL_COUNT]!, hostPage, TLB_VALID + TLB_CODE, -TLB_CODE)
  }
  /** No page holds translated code any more. */
  unmarkAllCode() {
    for (let page = this.code.indexOf(1); page >= 0; page = this.code.indexOf(1, page)) {
      this.code[page] = 0
      this.i32[hostTable(page << 12) + 1] = 0
    }
    this.flush(true)
  }
  /** Clears what leads to decoded code. */
  forgetCode({ table, linearPage, hostPage }: DecodedPage) {
    const { i32 } = this
    for (const codeTable of [USER_CODE, SUPERVISOR_CODE])
      if (i32[codeTable + (linearPage >>> 12)] === table) i32[codeTable + (linearPage >>> 12)] = 0
    if (i32[hostTable(hostPage)] === table) i32[hostTable(hostPage) + 1] = 0
  }
  /** Takes the mark off the write entries of a linear page whose host page holds no code any more. */
  untag(page: number, hostAddress: number) {
    const i32 = this.i32
    this.written[hostAddress >>> 12] = 1
    if ((i32[SUPERVISOR_WRITE + page]! & 0xfff) === TLB_VALID + TLB_CODE) i32[SUPERVISOR_WRITE + page]! -= TLB_CODE
    if ((i32[USER_WRITE + page]! & 0xfff) === TLB_VALID + TLB_CODE) i32[USER_WRITE + page]! -= TLB_CODE
  }
}
