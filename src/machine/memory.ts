// Guest-physical memory inside the machine's one linear memory (cpu/layout.ts RAM): RAM from 0, then ROM images. Says
// where a physical page lies, for reading and for writing; everything else is device memory. With a ROM between 768 KiB
// and 1 MiB the chip set's shadow RAM is at work there (82441FX data sheet, PAM); without one that area is plain RAM.

import { PLAIN_PAGES, RAM } from '../cpu/layout.js'

export const PAGE = 0x1000
const VGA_FIRST = 0xa0
const SHADOW_FIRST = 0xc0
const MEBIBYTE_PAGES = 0x100
const TOP = 0x100000 // page number behind 4 GiB
const A20 = 0x100 // address bit 20 as a bit of a page number

/** Smallest and largest guest memory in bytes. */
export const MEMORY_MINIMUM = 0x100000
export const MEMORY_MAXIMUM = 0x40000000
/** All ROM images together, in bytes. */
export const ROM_MAXIMUM = 0x400000

/** Where accesses to a part of the area below 1 MiB go; see devices/i440fx-pci-host.ts. */
export interface Shadow {
  readonly base: number
  readonly length: number
  readonly readRam: boolean
  readonly writeRam: boolean
}

interface RomPages {
  readonly first: number
  readonly pages: number
  readonly host: number
}

export class PhysicalMemory {
  readonly memory: WebAssembly.Memory
  readonly u8: Uint8Array
  /** Told of every write(): the host address and the number of bytes. */
  onWrite: (host: number, bytes: number) => void = () => {}
  private readonly ramPages: number
  private readonly romStart: number
  private romBytes = 0
  private roms: RomPages[] = []
  /** Host addresses of the pages below 1 MiB, or -1: what is read, and where writes go. */
  private readonly readHost = new Int32Array(MEBIBYTE_PAGES)
  private readonly writeHost = new Int32Array(MEBIBYTE_PAGES)
  private pageMask = -1

  /**
   * @param bytes guest memory, a multiple of 4 KiB. Throws RangeError outside MEMORY_MINIMUM to MEMORY_MAXIMUM.
   * @param reserve a hypervisor's own RAM behind it, a multiple of 4 KiB: no loader and no chip knows of it
   */
  constructor(
    readonly bytes: number,
    readonly reserve = 0,
  ) {
    if (bytes < MEMORY_MINIMUM || bytes > MEMORY_MAXIMUM || bytes % PAGE !== 0)
      throw new RangeError(`guest memory of ${bytes} bytes: give 1M to 1024M in steps of 4K`)
    this.ramPages = (bytes + reserve) / PAGE
    this.romStart = RAM + bytes + reserve
    const wasmPages = Math.ceil((this.romStart + ROM_MAXIMUM) / 0x10000)
    this.memory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages })
    this.u8 = new Uint8Array(this.memory.buffer)
    for (let page = 0; page < MEBIBYTE_PAGES; page++) {
      const host = page >= VGA_FIRST && page < SHADOW_FIRST ? -1 : RAM + page * PAGE
      this.readHost[page] = host
      this.writeHost[page] = host
    }
    this.a20 = true
  }

  /** True when a ROM has been loaded: the machine starts with firmware. */
  get hasRom(): boolean {
    return this.roms.length > 0
  }
  /** The A20 gate: low makes address bit 20 read as 0. Translations made before must be dropped. */
  set a20(level: boolean) {
    this.pageMask = level ? -1 : ~A20
    const plain = level ? this.ramPages - MEBIBYTE_PAGES : 0
    new DataView(this.memory.buffer).setInt32(PLAIN_PAGES, plain, true)
  }
  /** The address on the bus: with A20 low, bit 20 is 0. Physical addresses have up to 36 bits. */
  busAddress(physical: number): number {
    return this.pageMask === -1 || Math.floor(physical / 0x100000) % 2 === 0 ? physical : physical - 0x100000
  }

  /** Address in the linear memory of a physical page, or -1 for device memory and for pages that are not written plainly. */
  hostPage(page: number, write: boolean): number {
    const masked = page & this.pageMask
    if (masked < MEBIBYTE_PAGES) {
      const host = this.readHost[masked]!
      return write && this.writeHost[masked] !== host ? -1 : host
    }
    for (const { first, pages, host } of this.roms)
      if (masked >= first && masked < first + pages) return write ? -1 : host + (masked - first) * PAGE
    return masked < this.ramPages ? RAM + masked * PAGE : -1
  }
  /** Where a byte below 1 MiB is written although something else is read there (shadow RAM), or -1. */
  hiddenHost(physical: number): number {
    const host = physical < MEBIBYTE_PAGES * PAGE ? this.writeHost[physical >>> 12]! : -1
    return host < 0 ? -1 : host + (physical & (PAGE - 1))
  }

  /**
   * Shows a ROM image, read-only, at a physical address; one that ends at 1 MiB appears below 4 GiB too.
   * @param image whole pages
   * @throws RangeError when all images together exceed ROM_MAXIMUM
   */
  loadRom(address: number, image: Uint8Array) {
    const first = Math.floor(address / PAGE)
    const pages = Math.ceil(image.length / PAGE)
    if (this.romBytes + pages * PAGE > ROM_MAXIMUM)
      throw new RangeError(`the ROMs have more than ${ROM_MAXIMUM} bytes together`)
    const host = this.romStart + this.romBytes
    this.romBytes += pages * PAGE
    this.u8.set(image, host)
    this.roms.push({ first, pages, host })
    if (first + pages === MEBIBYTE_PAGES) this.roms.push({ first: TOP - pages, pages, host })
    for (let page = first; page < Math.min(first + pages, SHADOW_FIRST); page++) {
      this.readHost[page] = host + (page - first) * PAGE
      this.writeHost[page] = -1
    }
    this.setShadow([{ base: SHADOW_FIRST * PAGE, length: 0x40000, readRam: false, writeRam: false }])
  }
  /** Shadow RAM: where accesses below 1 MiB go from now on; without a ROM all of it stays RAM. */
  setShadow(regions: readonly Shadow[]) {
    if (!this.hasRom) return
    for (const { base, length, readRam, writeRam } of regions)
      for (let page = base / PAGE; page < (base + length) / PAGE; page++) {
        const ram = RAM + page * PAGE
        this.readHost[page] = readRam ? ram : this.romHost(page)
        this.writeHost[page] = writeRam ? ram : -1
      }
  }
  private romHost(page: number): number {
    const rom = this.roms.find(({ first, pages }) => page >= first && page < first + pages)
    return rom ? rom.host + (page - rom.first) * PAGE : -1
  }

  /** A copy of RAM bytes. */
  read(address: number, bytes: number): Uint8Array {
    return this.u8.slice(RAM + address, RAM + address + bytes)
  }
  /** Writes RAM; the caller has checked that it fits. */
  write(address: number, data: Uint8Array) {
    this.u8.set(data, RAM + address)
    this.onWrite(RAM + address, data.length)
  }
  get size(): number {
    return this.bytes
  }
  /** All guest RAM, not copied. */
  get ram(): Uint8Array {
    return this.u8.subarray(RAM, RAM + this.bytes)
  }
}
