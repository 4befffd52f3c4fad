// ELF for i386 (System V ABI, Intel386 supplement; gABI chapters 4 and 5): headers, sections and segments, all checked.
// Whatever the bytes are, the result is a consistent image or a LoadError. Left out: relocation, dynamic linking
// and extended numbering (more than 65,279 sections), which no kernel uses.
import type { MemoryView } from './entry.js'
import { hex, LoadError, tooLittleMemory } from './load-error.js'

const ET_REL = 1
const ET_EXEC = 2
const ET_DYN = 3
const EM_386 = 3
export const PT_LOAD = 1
export const SHT_SYMTAB = 2
export const SHT_STRTAB = 3
export const SHT_NOBITS = 8
export const SHF_ALLOC = 2
export const SHF_EXECINSTR = 4

const HEADER_BYTES = 52
const SEGMENT_BYTES = 32
const SECTION_BYTES = 40
const ZEROES = new Uint8Array(0x10000)

/** A program header. Addresses are linear and physical, sizes in bytes. */
export interface ElfSegment {
  readonly type: number
  readonly offset: number
  readonly linear: number
  readonly physical: number
  readonly fileBytes: number
  readonly memoryBytes: number
  readonly flags: number
}

/** A section header with its name. `offset` and `bytes` lie inside the file unless the type is SHT_NOBITS. */
export interface ElfSection {
  readonly index: number
  readonly name: string
  readonly type: number
  readonly flags: number
  readonly address: number
  readonly offset: number
  readonly bytes: number
  readonly link: number
  readonly info: number
  readonly entryBytes: number
}

/** A checked ELF image. `bytes` is the file itself, not a copy. */
export interface ElfImage {
  readonly file: string
  readonly bytes: Uint8Array
  readonly type: number
  readonly entry: number
  readonly segments: readonly ElfSegment[]
  readonly sections: readonly ElfSection[]
}

/** True if the file begins with the ELF magic; says nothing about the rest. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
}

/**
 * Parses and checks an ELF32 little-endian i386 file.
 * @param file name used in errors
 * @throws LoadError for anything that is not a whole, consistent i386 ELF file
 */
export function parseElf(file: string, bytes: Uint8Array): ElfImage {
  const fail = (offset: number, reason: string, remedy = 'build or copy the file again'): never => {
    throw new LoadError({ file, offset, reason, remedy })
  }
  if (!isElf(bytes)) fail(0, 'not an ELF file (no 0x7f "ELF" magic)', 'give a 32-bit x86 ELF image')
  if (bytes.length < HEADER_BYTES) fail(bytes.length, `truncated: an ELF header needs ${HEADER_BYTES} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes[4] !== 1) fail(4, `ELF class ${bytes[4]} is not 32-bit`, 'build it with -m32')
  if (bytes[5] !== 1) fail(5, `ELF data encoding ${bytes[5]} is not little-endian`, 'build it for i386')
  if (bytes[6] !== 1 || view.getUint32(20, true) !== 1) fail(6, 'unknown ELF version')
  const type = view.getUint16(16, true)
  if (type !== ET_REL && type !== ET_EXEC && type !== ET_DYN) fail(16, `ELF type ${type} is not loadable`)
  const machine = view.getUint16(18, true)
  if (machine !== EM_386) fail(18, `ELF machine ${machine} is not i386 (3)`, 'build it for i386')

  const segments = readSegments(file, bytes, view)
  const sections = readSections(file, bytes, view)
  return { file, bytes, type, entry: view.getUint32(24, true), segments, sections }
}

function readSegments(file: string, bytes: Uint8Array, view: DataView): ElfSegment[] {
  const table = view.getUint32(28, true)
  const count = view.getUint16(44, true)
  checkTable(file, bytes.length, { name: 'program header', table, count, entry: view.getUint16(42, true), field: 28 })
  const segments: ElfSegment[] = []
  for (let index = 0; index < count; index++) {
    const at = table + index * SEGMENT_BYTES
    const word = (field: number) => view.getUint32(at + field, true)
    const segment: ElfSegment = {
      type: word(0),
      offset: word(4),
      linear: word(8),
      physical: word(12),
      fileBytes: word(16),
      memoryBytes: word(20),
      flags: word(24),
    }
    checkSegment(file, bytes.length, segment, at, index)
    segments.push(segment)
  }
  checkOverlap(file, table, segments, 'linear')
  return segments
}

function checkSegment(file: string, length: number, segment: ElfSegment, at: number, index: number): void {
  const fail = (field: number, reason: string): never => {
    throw new LoadError({
      file,
      offset: at + field,
      reason: `segment ${index} ${reason}`,
      remedy: 'build or copy the file again',
    })
  }
  const { offset, fileBytes, memoryBytes } = segment
  if (offset + fileBytes > length) {
    fail(4, `ends at ${hex(offset + fileBytes)}, past the end of the file (${length} bytes)`)
  }
  if (segment.type !== PT_LOAD) return
  if (fileBytes > memoryBytes) fail(16, `has more bytes in the file (${fileBytes}) than in memory (${memoryBytes})`)
  if (segment.linear + memoryBytes > 0x100000000) fail(8, 'runs past the end of the linear address space')
  if (segment.physical + memoryBytes > 0x100000000) fail(12, 'runs past the end of the physical address space')
}

function checkOverlap(file: string, table: number, segments: readonly ElfSegment[], kind: 'linear' | 'physical'): void {
  const loads = segments
    .map((segment, index) => ({ segment, index }))
    .filter(({ segment }) => segment.type === PT_LOAD && segment.memoryBytes > 0)
    .sort((a, b) => a.segment[kind] - b.segment[kind])
  for (let i = 1; i < loads.length; i++) {
    const [low, high] = [loads[i - 1]!, loads[i]!]
    if (low.segment[kind] + low.segment.memoryBytes <= high.segment[kind]) continue
    throw new LoadError({
      file,
      offset: table + high.index * SEGMENT_BYTES,
      reason: `segments ${low.index} and ${high.index} overlap at ${kind} address ${hex(high.segment[kind])}`,
      remedy: 'link the image so that its segments are disjoint',
    })
  }
}

function readSections(file: string, bytes: Uint8Array, view: DataView): ElfSection[] {
  const table = view.getUint32(32, true)
  const count = view.getUint16(48, true)
  checkTable(file, bytes.length, { name: 'section header', table, count, entry: view.getUint16(46, true), field: 32 })
  if (count === 0) return []
  const namesIndex = view.getUint16(50, true)
  const fail = (offset: number, reason: string): never => {
    throw new LoadError({ file, offset, reason, remedy: 'build or copy the file again' })
  }
  if (namesIndex >= count) fail(50, `section name table ${namesIndex} is not among the ${count} sections`)
  const sections: ElfSection[] = []
  for (let index = 0; index < count; index++) {
    const at = table + index * SECTION_BYTES
    const word = (field: number) => view.getUint32(at + field, true)
    const [type, offset, size] = [word(4), word(16), word(20)]
    if (index > 0 && type !== SHT_NOBITS && offset + size > bytes.length) {
      fail(at + 16, `section ${index} ends at ${hex(offset + size)}, past the end of the file (${bytes.length} bytes)`)
    }
    sections.push({
      index,
      name: '',
      type,
      flags: word(8),
      address: word(12),
      offset,
      bytes: size,
      link: word(24),
      info: word(28),
      entryBytes: word(36),
    })
  }
  const names = sections[namesIndex]!
  if (namesIndex === 0) return sections
  if (names.type !== SHT_STRTAB)
    fail(table + namesIndex * SECTION_BYTES + 4, 'the section name table is no string table')
  return sections.map(section => ({
    ...section,
    name: readString(file, bytes, names, view.getUint32(table + section.index * SECTION_BYTES, true)),
  }))
}

interface TableShape {
  readonly name: string
  readonly table: number
  readonly count: number
  readonly entry: number
  readonly field: number
}

function checkTable(file: string, length: number, shape: TableShape): void {
  if (shape.count === 0) return
  const want = shape.field === 28 ? SEGMENT_BYTES : SECTION_BYTES
  const remedy = 'build or copy the file again'
  if (shape.entry !== want) {
    throw new LoadError({ file, offset: shape.field, reason: `${shape.name} entries of ${shape.entry} bytes`, remedy })
  }
  const end = shape.table + shape.count * want
  if (shape.table < HEADER_BYTES || end > length) {
    const reason = `the ${shape.name} table (${hex(shape.table)} to ${hex(end)}) is not inside the file (${length} bytes)`
    throw new LoadError({ file, offset: shape.field, reason, remedy })
  }
}

/**
 * The NUL-terminated string at `index` bytes into a string table section.
 * @throws LoadError if the index is outside the table or the string does not end inside it
 */
export function readString(file: string, bytes: Uint8Array, table: ElfSection, index: number): string {
  const end = index < table.bytes ? bytes.indexOf(0, table.offset + index) : -1
  if (end < 0 || end >= table.offset + table.bytes) {
    const reason = `string ${index} is not inside string table ${table.index} (${table.bytes} bytes)`
    throw new LoadError({ file, offset: table.offset, reason, remedy: 'build or copy the file again' })
  }
  let text = ''
  for (let i = table.offset + index; i < end; i++) text += String.fromCharCode(bytes[i]!)
  return text
}

/** The first section of a name, or undefined. */
export function findSection(elf: ElfImage, name: string): ElfSection | undefined {
  return elf.sections.find(section => section.name === name)
}

/** The file's bytes of a section as a view, empty for SHT_NOBITS. */
export function sectionBytes(elf: ElfImage, section: ElfSection): Uint8Array {
  if (section.type === SHT_NOBITS) return new Uint8Array(0)
  return elf.bytes.subarray(section.offset, section.offset + section.bytes)
}

/** Offset in the file of `bytes` bytes at a linear address, or undefined where no segment holds them all. */
export function fileOffset(elf: ElfImage, linear: number, bytes: number): number | undefined {
  for (const segment of elf.segments) {
    const within = linear - segment.linear
    if (segment.type === PT_LOAD && within >= 0 && within + bytes <= segment.fileBytes) return segment.offset + within
  }
  return undefined
}

/** The physical entry point: e_entry itself if a segment is loaded there, else e_entry translated as a linear address. */
export function physicalEntry(elf: ElfImage): number {
  const loads = elf.segments.filter(segment => segment.type === PT_LOAD)
  const holds = (base: number, segment: ElfSegment) => elf.entry >= base && elf.entry < base + segment.memoryBytes
  if (loads.some(segment => holds(segment.physical, segment))) return elf.entry
  const segment = loads.find(candidate => holds(candidate.linear, candidate))
  if (segment) return elf.entry - segment.linear + segment.physical
  throw new LoadError({
    file: elf.file,
    offset: 24,
    reason: `the entry point ${hex(elf.entry)} is in no loaded segment`,
    remedy: 'link the image with an entry point inside its text',
  })
}

/**
 * Copies all PT_LOAD segments to their physical addresses and zeroes the rest of each.
 * @returns the lowest and the highest physical address used (end exclusive)
 * @throws LoadError if there is nothing to load, segments overlap or memory is too small; memory is untouched then
 */
export function loadElf(memory: MemoryView, elf: ElfImage): { start: number; end: number } {
  const loads = elf.segments.filter(segment => segment.type === PT_LOAD && segment.memoryBytes > 0)
  if (loads.length === 0) {
    const remedy = 'give a linked executable, not an object file'
    throw new LoadError({ file: elf.file, offset: 44, reason: 'no loadable segment', remedy })
  }
  checkOverlap(
    elf.file,
    new DataView(elf.bytes.buffer, elf.bytes.byteOffset).getUint32(28, true),
    elf.segments,
    'physical',
  )
  const start = Math.min(...loads.map(segment => segment.physical))
  const end = Math.max(...loads.map(segment => segment.physical + segment.memoryBytes))
  if (end > memory.size) throw tooLittleMemory(elf.file, end, memory.size)
  for (const segment of loads) {
    memory.write(segment.physical, elf.bytes.subarray(segment.offset, segment.offset + segment.fileBytes))
    for (let at = segment.fileBytes; at < segment.memoryBytes; at += ZEROES.length) {
      memory.write(segment.physical + at, ZEROES.subarray(0, Math.min(ZEROES.length, segment.memoryBytes - at)))
    }
  }
  return { start, end }
}
