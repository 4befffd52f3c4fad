// Symbol tables: names for addresses and addresses for names, from an ELF .symtab or the text of a System.map (nm's
// three columns). Of several names at one address the most public one is shown: functions before data, global before
// local. Left out: demangling, line numbers.
import { type ElfImage, SHT_STRTAB, SHT_SYMTAB, sectionBytes } from './elf.js'
import { LoadError } from './load-error.js'

/** A name and the distance of the address looked up from it, in bytes. */
export interface SymbolPlace {
  readonly name: string
  readonly offset: number
}

interface Entry {
  readonly name: string
  readonly address: number
  /** First address that the name no longer speaks for: the end of its section. */
  readonly end: number
  readonly rank: number
}

const SYMBOL_BYTES = 16
const SHN_UNDEF = 0
const SHN_LORESERVE = 0xff00
const STT_NOTYPE = 0
const STT_FUNC = 2
const STT_SECTION = 3
const STT_FILE = 4
const STB_LOCAL = 0
/** How far past its last name a System.map still speaks. */
const MAP_TAIL_BYTES = 0x1000

/** Looks up symbols by address (binary search) and by name. Addresses are linear, unsigned. */
export class SymbolTable {
  private readonly entries: readonly Entry[]
  private readonly addresses: ReadonlyMap<string, number>

  private constructor(entries: Entry[], absolutes: Iterable<readonly [string, number]>) {
    const addresses = new Map(absolutes)
    for (const entry of entries) if (!addresses.has(entry.name)) addresses.set(entry.name, entry.address)
    entries.sort((a, b) => a.address - b.address || a.rank - b.rank)
    this.entries = entries.filter((entry, i) => i === 0 || entries[i - 1]!.address !== entry.address)
    this.addresses = addresses
  }

  /** A table without symbols. */
  static empty(): SymbolTable {
    return new SymbolTable([], [])
  }

  /**
   * The symbols of an ELF image; an image without .symtab gives an empty table.
   * @throws LoadError if the symbol table or its names are inconsistent
   */
  static fromElf(elf: ElfImage): SymbolTable {
    const section = elf.sections.find(candidate => candidate.type === SHT_SYMTAB)
    if (!section) return SymbolTable.empty()
    const fail = (offset: number, reason: string): never => {
      throw new LoadError({ file: elf.file, offset, reason, remedy: 'build or copy the file again' })
    }
    const names = elf.sections[section.link]
    if (names?.type !== SHT_STRTAB) return fail(section.offset, 'the symbol table has no string table')
    if (section.entryBytes !== SYMBOL_BYTES || section.bytes % SYMBOL_BYTES !== 0) {
      fail(section.offset, `symbol entries are not ${SYMBOL_BYTES} bytes each`)
    }
    const view = new DataView(elf.bytes.buffer, elf.bytes.byteOffset + section.offset, section.bytes)
    const text = new TextDecoder('latin1').decode(sectionBytes(elf, names))
    const entries: Entry[] = []
    const absolutes: [string, number][] = []
    for (let at = 0; at < section.bytes; at += SYMBOL_BYTES) {
      const info = view.getUint8(at + 12)
      const home = view.getUint16(at + 14, true)
      const nameIndex = view.getUint32(at, true)
      const type = info & 15
      if (home === SHN_UNDEF || nameIndex === 0 || type === STT_SECTION || type === STT_FILE) continue
      const address = view.getUint32(at + 4, true)
      const nameEnd = text.indexOf('\0', nameIndex)
      if (nameEnd < 0) fail(section.offset + at, `symbol name ${nameIndex} does not end inside its string table`)
      const name = text.slice(nameIndex, nameEnd)
      if (home >= SHN_LORESERVE) {
        absolutes.push([name, address])
        continue
      }
      const holder =
        elf.sections[home] ?? fail(section.offset + at + 14, `symbol ${name} is in section ${home} of none`)
      const rank = (type === STT_FUNC ? 0 : type === STT_NOTYPE ? 2 : 1) + (info >> 4 === STB_LOCAL ? 3 : 0)
      entries.push({ name, address, end: Math.max(address + 1, holder.address + holder.bytes), rank })
    }
    return new SymbolTable(entries, absolutes)
  }

  /**
   * The symbols of a System.map: lines of `address type name`, addresses of eight hexadecimal digits.
   * @throws LoadError with the offset of the first line that is none
   */
  static fromSystemMap(file: string, text: string): SymbolTable {
    const found: Entry[] = []
    const absolutes: [string, number][] = []
    let offset = 0
    for (const line of text.split('\n')) {
      const match = /^([0-9a-f]{8}) ([A-Za-z?]) (\S+)(?:\t.*)?\r?$/i.exec(line)
      if (match) {
        const [address, type, name] = [Number.parseInt(match[1]!, 16), match[2]!, match[3]!]
        if (type === 'A' || type === 'a') absolutes.push([name, address])
        else if (type !== 'U') found.push({ name, address, end: 0, rank: 'TtWw'.includes(type) ? 0 : 1 })
      } else if (line.trim() !== '') {
        const remedy = 'give the System.map that belongs to a 32-bit kernel'
        throw new LoadError({ file, offset, reason: 'a line that is not "address type name"', remedy })
      }
      offset += line.length + 1
    }
    const last = found.reduce((highest, entry) => Math.max(highest, entry.address), 0) + MAP_TAIL_BYTES
    return new SymbolTable(
      found.map(entry => ({ ...entry, end: last })),
      absolutes,
    )
  }

  /** Number of distinct named addresses. */
  get size(): number {
    return this.entries.length
  }

  /** The nearest name at or below a linear address, or undefined outside everything named. */
  at(address: number): SymbolPlace | undefined {
    address >>>= 0
    let [low, high] = [0, this.entries.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.entries[middle]!.address <= address) low = middle + 1
      else high = middle
    }
    const entry = this.entries[low - 1]
    return entry && address < entry.end ? { name: entry.name, offset: address - entry.address } : undefined
  }

  /** The linear address of a name, or undefined. Of several local symbols of one name the first in the file counts. */
  address(name: string): number | undefined {
    return this.addresses.get(name)
  }

  /** `name+0x12`, `name`, or the bare address in hexadecimal where nothing is named. */
  describe(address: number): string {
    const place = this.at(address)
    if (!place) return `0x${(address >>> 0).toString(16).padStart(8, '0')}`
    return place.offset === 0 ? place.name : `${place.name}+0x${place.offset.toString(16)}`
  }
}
