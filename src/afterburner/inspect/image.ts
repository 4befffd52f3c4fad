// An annotated image as the inspector sees it: its code sections, its sites, its symbols. Every defect of the records
// becomes a LoadError with the offset in the file.
import { RECORD_SECTION } from '../../isa/sensitive.js'
import { RecordError, readSites, type Site } from '../../isa/sites.js'
import {
  type ElfImage,
  type ElfSection,
  findSection,
  parseElf,
  readString,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHT_NOBITS,
  SHT_STRTAB,
  SHT_SYMTAB,
  sectionBytes,
} from '../../loader/elf.js'
import { LoadError } from '../../loader/load-error.js'

/** A symbol of a code or data section. Addresses are linear. */
export interface ImageSymbol {
  readonly name: string
  readonly address: number
  /** Bytes; 0 where the assembler was not told. */
  readonly bytes: number
  /** Index of the section. */
  readonly section: number
  readonly isFunction: boolean
}

/** An image with everything the inspector asks for. */
export interface InspectedImage {
  readonly elf: ElfImage
  /** Executable sections in the order of their addresses. */
  readonly code: readonly ElfSection[]
  /** Ascending; empty for a plain image. */
  readonly sites: readonly Site[]
  /** Symbols in the order of the symbol table, without sections and files. */
  readonly symbols: readonly ImageSymbol[]
}

const SYMBOL_BYTES = 16
const STT_FUNC = 2
const STT_SECTION = 3
const STT_FILE = 4
const SHN_LORESERVE = 0xff00

function isCode(section: ElfSection): boolean {
  const both = SHF_ALLOC | SHF_EXECINSTR
  return (section.flags & both) === both && section.type !== SHT_NOBITS && section.bytes > 0
}

function readSymbols(elf: ElfImage): ImageSymbol[] {
  const table = elf.sections.find(section => section.type === SHT_SYMTAB)
  const names = table && elf.sections[table.link]
  if (table === undefined || names?.type !== SHT_STRTAB) {
    const remedy = 'give the image before it is stripped'
    throw new LoadError({ file: elf.file, reason: 'no symbol table, which the disassembly starts from', remedy })
  }
  const view = new DataView(elf.bytes.buffer, elf.bytes.byteOffset + table.offset, table.bytes)
  const symbols: ImageSymbol[] = []
  for (let at = 0; at + SYMBOL_BYTES <= table.bytes; at += SYMBOL_BYTES) {
    const type = view.getUint8(at + 12) & 15
    const section = view.getUint16(at + 14, true)
    const name = view.getUint32(at, true)
    if (section === 0 || section >= SHN_LORESERVE || name === 0 || type === STT_SECTION || type === STT_FILE) continue
    symbols.push({
      name: readString(elf.file, elf.bytes, names, name),
      address: view.getUint32(at + 4, true),
      bytes: view.getUint32(at + 8, true),
      section,
      isFunction: type === STT_FUNC,
    })
  }
  return symbols
}

function readRecords(elf: ElfImage, code: readonly ElfSection[]): Site[] {
  const section = findSection(elf, RECORD_SECTION)
  if (section === undefined || section.bytes === 0) return []
  const ranges = code.map(each => ({ start: each.address, end: each.address + each.bytes }))
  try {
    return readSites(sectionBytes(elf, section), ranges)
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    const remedy = 'build the image again with the afterburner'
    throw new LoadError({ file: elf.file, offset: section.offset + error.offset, reason: error.message, remedy })
  }
}

/**
 * Opens an image for inspection; a plain image has no sites.
 * @param file name used in errors
 * @throws LoadError for damaged ELF files and records, and for images without symbols
 */
export function openImage(file: string, bytes: Uint8Array): InspectedImage {
  const elf = parseElf(file, bytes)
  const code = elf.sections.filter(isCode).sort((a, b) => a.address - b.address)
  return { elf, code, sites: readRecords(elf, code), symbols: readSymbols(elf) }
}

/**
 * Opens an image that must be annotated.
 * @throws LoadError as openImage does, and for an image without records
 */
export function openAnnotated(file: string, bytes: Uint8Array): InspectedImage {
  const image = openImage(file, bytes)
  if (image.sites.length > 0) return image
  const remedy = 'build it with the afterburner as its assembler'
  throw new LoadError({ file, reason: `no records (section ${RECORD_SECTION}): the image is not annotated`, remedy })
}

/** Index of the last of ascending `sites` that starts at or below `address`, or -1. */
export function siteAtOrBelow(sites: readonly Site[], address: number): number {
  let [low, high] = [0, sites.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sites[middle]!.address <= address) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The site that has `address` strictly inside: behind its first byte, before its end. */
export function siteAround(sites: readonly Site[], address: number): Site | undefined {
  const site = sites[siteAtOrBelow(sites, address)]
  return site !== undefined && address > site.address && address < site.address + site.bytes ? site : undefined
}
