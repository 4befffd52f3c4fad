// Guest-physical memory inside the machine's one linear memory (cpu/layout.ts RAM): RAM from 0, the ROM area below
// 1 MiB, and ROM images mirrored below 4 GiB. Says where a physical page lies; everything else is device memory.

import { RAM } from '../cpu/layout.js'

export const PAGE = 0x1000
const VGA_FIRST = 0xa0
const VGA_END = 0xc0
const MEBIBYTE_PAGES = 0x100
const TOP = 0x100000 // page number behind 4 GiB

/** Smallest and largest guest memory in bytes. */
export const MEMORY_MINIMUM = 0x100000
export const MEMORY_MAXIMUM = 0x40000000

export class PhysicalMemory {
  readonly memory: WebAssembly.Memory
  readonly u8: Uint8Array
  private readonly ramPages: number
  /** Pages below 1 MiB that ignore writes. */
  private readonly readOnly = new Uint8Array(MEBIBYTE_PAGES)
  /** First page and number of pages of the ROM mirrored below 4 GiB. */
  private mirrorPages = 0

  /** @param bytes guest memory, a multiple of 4 KiB. Throws RangeError outside MEMORY_MINIMUM to MEMORY_MAXIMUM. */
  constructor(readonly bytes: number) {
    if (bytes < MEMORY_MINIMUM || bytes > MEMORY_MAXIMUM || bytes % PAGE !== 0)
      throw new RangeError(`guest memory of ${bytes} bytes: give 1M to 1024M in steps of 4K`)
    this.ramPages = bytes / PAGE
    const wasmPages = Math.ceil((RAM + Math.max(bytes, MEBIBYTE_PAGES * PAGE)) / 0x10000) + 1
    this.memory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages })
    this.u8 = new Uint8Array(this.memory.buffer)
  }

  /** Address in the linear memory of a physical page, or -1 for device memory and for writes to ROM. */
  hostPage(page: number, write: boolean): number {
    if (page >= MEBIBYTE_PAGES) {
      if (page < this.ramPages) return RAM + page * PAGE
      if (page >= TOP - this.mirrorPages && page < TOP && !write) return RAM + (page - TOP + MEBIBYTE_PAGES) * PAGE
      return -1
    }
    if (page >= VGA_FIRST && page < VGA_END) return -1
    if (write && this.readOnly[page]) return -1
    return RAM + page * PAGE
  }

  /** Copies a ROM image to an address; what ends at 1 MiB is seen below 4 GiB too. Throws RangeError when it does not fit. */
  loadRom(address: number, image: Uint8Array) {
    const first = address / PAGE
    const end = address + image.length
    if (end > this.bytes && end > MEBIBYTE_PAGES * PAGE)
      throw new RangeError(`a ROM of ${image.length} bytes at ${address} ends outside memory`)
    this.u8.set(image, RAM + address)
    for (let page = Math.floor(first); page < Math.min(end / PAGE, MEBIBYTE_PAGES); page++) this.readOnly[page] = 1
    if (end === MEBIBYTE_PAGES * PAGE) this.mirrorPages = Math.min(Math.floor(image.length / PAGE), MEBIBYTE_PAGES)
  }
  /** Shadow RAM (PAM registers of the chip set): whether pages below 1 MiB take writes. */
  setWritable(firstPage: number, pages: number, writable: boolean) {
    this.readOnly.fill(writable ? 0 : 1, firstPage, firstPage + pages)
  }

  /** A copy of RAM bytes. */
  read(address: number, bytes: number): Uint8Array {
    return this.u8.slice(RAM + address, RAM + address + bytes)
  }
  write(address: number, data: Uint8Array) {
    this.u8.set(data, RAM + address)
  }
  get size(): number {
    return this.bytes
  }
  /** All guest RAM, not copied. */
  get ram(): Uint8Array {
    return this.u8.subarray(RAM, RAM + this.bytes)
  }
}
