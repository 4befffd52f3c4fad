// Builds small i386 ELF files by hand, for tests of everything that reads them.

export interface SegmentSpec {
  readonly linear: number
  readonly physical?: number
  readonly data: Uint8Array
  readonly memoryBytes?: number
  readonly type?: number
}

export interface SectionSpec {
  readonly name: string
  readonly type?: number
  readonly flags?: number
  readonly address?: number
  readonly data: Uint8Array
}

export interface SymbolSpec {
  readonly name: string
  readonly address: number
  /** Index of the section in `sections`, from 0; -1 makes the symbol absolute. */
  readonly section: number
  readonly info: number
}

export interface ElfSpec {
  readonly entry: number
  readonly segments?: readonly SegmentSpec[]
  readonly sections?: readonly SectionSpec[]
  readonly symbols?: readonly SymbolSpec[]
  readonly type?: number
}

class StringTable {
  readonly bytes: number[] = [0]
  add(text: string): number {
    const at = this.bytes.length
    this.bytes.push(...Buffer.from(text, 'latin1'), 0)
    return at
  }
}

/** Header, program headers, contents, section headers; sections are null, the given ones, .symtab, .strtab, .shstrtab. */
export function writeElf(spec: ElfSpec): Uint8Array {
  const segments = spec.segments ?? []
  const names = new StringTable()
  const strings = new StringTable()
  const body: number[] = []
  const base = 52 + segments.length * 32
  const put = (data: Uint8Array | number[]): number => {
    while ((base + body.length) % 4 !== 0) body.push(0)
    const at = base + body.length
    for (const byte of data) body.push(byte)
    return at
  }
  const segmentHeaders = segments.flatMap(s => {
    const at = put(s.data)
    return words(s.type ?? 1, at, s.linear, s.physical ?? s.linear, s.data.length, s.memoryBytes ?? s.data.length, 7, 4)
  })
  const own = spec.sections ?? []
  const headers: number[][] = [words(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
  for (const s of own) {
    const inSegment = segments.findIndex(
      g => s.address !== undefined && s.address >= g.linear && s.address + s.data.length <= g.linear + g.data.length,
    )
    const segmentAt =
      inSegment < 0
        ? 0
        : segmentHeaders.slice(inSegment * 32 + 4, inSegment * 32 + 8).reduce((v, b, i) => v + b * 2 ** (8 * i), 0)
    const at = inSegment < 0 ? put(s.data) : segmentAt + s.address! - segments[inSegment]!.linear
    headers.push(words(names.add(s.name), s.type ?? 1, s.flags ?? 2, s.address ?? 0, at, s.data.length, 0, 0, 1, 0))
  }
  const symtab = words(0, 0, 0, 0)
  for (const s of spec.symbols ?? []) {
    const home = s.section < 0 ? 0xfff1 : s.section + 1
    symtab.push(...words(strings.add(s.name), s.address, 0), s.info, 0, home & 255, home >> 8)
  }
  const count = own.length + 4
  headers.push(words(names.add('.symtab'), 2, 0, 0, put(symtab), symtab.length, count - 2, 1, 4, 16))
  headers.push(words(names.add('.strtab'), 3, 0, 0, put(strings.bytes), strings.bytes.length, 0, 0, 1, 0))
  const shstrtab = names.add('.shstrtab')
  headers.push(words(shstrtab, 3, 0, 0, put(names.bytes), names.bytes.length, 0, 0, 1, 0))
  const table = put(headers.flat())
  const header = [
    ...[0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ...halves(spec.type ?? 2, 3),
    ...words(1, spec.entry, segments.length > 0 ? 52 : 0, table, 0),
    ...halves(52, segments.length > 0 ? 32 : 0, segments.length, 40, count, count - 1),
  ]
  return Uint8Array.from([...header, ...segmentHeaders, ...body])
}

/** Little-endian 32-bit words as bytes. */
export function words(...values: number[]): number[] {
  return values.flatMap(value => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24])
}

/** Little-endian 16-bit words as bytes. */
export function halves(...values: number[]): number[] {
  return values.flatMap(value => [value & 255, (value >>> 8) & 255])
}
