// Which address of the annotated image corresponds to an address of the plain one. Code corresponds instruction by
// instruction, as the comparison of the pieces found; data corresponds by its distance from the nearest symbol of its
// section, since alignment may move what follows it within a section.
import { type ElfSection, SHF_ALLOC } from '../../loader/elf.js'
import type { InspectedImage } from './image.js'

/** Addresses that moved together; code moves instruction by instruction. */
interface Range {
  readonly start: number
  readonly end: number
  readonly moved: number
  readonly isCode: boolean
}

/** How a data section has moved, from symbol to symbol. Symbols of one name correspond in the order of their addresses. */
function dataRanges(plain: InspectedImage, annotated: InspectedImage, from: ElfSection, to: ElfSection): Range[] {
  const addresses = new Map<string, number[]>()
  const ofSection = (image: InspectedImage, section: ElfSection) =>
    image.symbols.filter(each => each.section === section.index).sort((a, b) => a.address - b.address)
  for (const { name, address } of ofSection(annotated, to)) {
    addresses.set(name, [...(addresses.get(name) ?? []), address])
  }
  const moves = new Map([[from.address, to.address - from.address]])
  for (const { name, address } of ofSection(plain, from)) {
    const other = addresses.get(name)?.shift()
    if (other !== undefined && address < from.address + from.bytes) moves.set(address, other - address)
  }
  const starts = [...moves].sort((a, b) => a[0] - b[0])
  return starts.map(([start, moved], i) => {
    const end = starts[i + 1]?.[0] ?? from.address + from.bytes
    return { start, end, moved, isCode: false }
  })
}

/** How far an address may lie outside the object that it is computed from (table[-1], one past the end). */
const REACH_BYTES = 0x1000

/** The smallest of ascending `values` that is not below `value`. */
function atOrAbove(values: readonly number[], value: number): number | undefined {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! < value) low = middle + 1
    else high = middle
  }
  return values[low]
}

/** Index of the largest of ascending `values` that is not above `value`, or -1. */
function atOrBelow(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}

const allocated = (image: InspectedImage) =>
  image.elf.sections.filter(section => (section.flags & SHF_ALLOC) !== 0 && section.bytes > 0)

/** Addresses of useful instructions, plain and annotated, and the ends of the pieces. */
export class Correspondence {
  private readonly ranges: Range[] = []
  private readonly starts: readonly number[]
  private readonly dataMoves: ReadonlySet<number>
  /** Plain addresses with their annotated counterparts, both ascending once sealed. */
  private readonly code = new Map<number, number>()
  private plainStarts: readonly number[] = []
  private annotatedStarts: readonly number[] = []
  private readonly offsets: readonly number[]

  constructor(plain: InspectedImage, annotated: InspectedImage) {
    const codeIndexes = new Set(plain.code.map(section => section.index))
    for (const section of allocated(plain)) {
      const other: ElfSection | undefined = allocated(annotated).find(each => each.name === section.name)
      if (other === undefined) continue
      const isCode = codeIndexes.has(section.index)
      const { address, bytes } = section
      if (isCode) {
        this.ranges.push({ start: address, end: address + bytes, moved: other.address - address, isCode })
        this.add(address + bytes, other.address + other.bytes)
      } else {
        for (const range of dataRanges(plain, annotated, section, other)) this.ranges.push(range)
      }
    }
    this.ranges.sort((a, b) => a.start - b.start)
    this.starts = this.ranges.map(range => range.start)
    this.dataMoves = new Set(this.ranges.filter(range => !range.isCode).map(range => range.moved))
    const segment = plain.elf.segments.find(each => each.linear !== each.physical)
    // Code that runs before paging names physical addresses.
    this.offsets = segment === undefined ? [0] : [0, segment.linear - segment.physical]
  }

  /** Notes that an instruction, or an end, of the plain image is found at `annotated`. */
  add(plain: number, annotated: number): void {
    this.code.set(plain, annotated)
  }

  /** To be called when all instructions are known. */
  seal(): void {
    this.plainStarts = [...this.code.keys()].sort((a, b) => a - b)
    this.annotatedStarts = [...this.code.values()].sort((a, b) => a - b)
  }

  /** Counterpart of a code address: that of the first useful instruction at or behind it. */
  private codeAddress(plain: number): number | undefined {
    const next = atOrAbove(this.plainStarts, plain)
    return next === undefined ? undefined : this.code.get(next)
  }

  /** Whether `annotated` is code that leads, through nothing but padding, to what `plain` leads to. */
  sameCode(plain: number, annotated: number): boolean {
    const expected = this.codeAddress(plain)
    return expected !== undefined && expected === atOrAbove(this.annotatedStarts, annotated)
  }

  /**
   * Whether a constant may be an address with an offset folded into it: it differs by as much as some data has moved, or
   * as the code nearby.
   */
  mayBeAddress(plain: number, annotated: number): boolean {
    if (this.dataMoves.has((annotated - plain) >> 0)) return true
    const target = (annotated - plain) >> 0
    return this.nearbyMoves(plain).some(moved => moved === target)
  }

  private nearbyMoves(plain: number): number[] {
    const first = Math.max(0, atOrBelow(this.plainStarts, plain - REACH_BYTES))
    const last = atOrBelow(this.plainStarts, plain + REACH_BYTES)
    return this.plainStarts.slice(first, last + 1).map(start => this.code.get(start)! - start)
  }

  /** Whether a constant of the plain image is an address, and `annotated` the address of the same thing. */
  sameConstant(plain: number, annotated: number): boolean {
    return this.offsets.some(offset => {
      const [from, to] = [(plain + offset) >>> 0, (annotated + offset) >>> 0]
      if (this.code.get(from) === to) return true
      const range = this.rangeOf(from)
      if (range?.isCode) return this.sameCode(from, to)
      if (range?.moved === to - from) return true
      return [from - REACH_BYTES, from + REACH_BYTES].some(at => this.rangeOf(at)?.moved === to - from)
    })
  }

  private rangeOf(address: number): Range | undefined {
    const range = this.ranges[atOrBelow(this.starts, address)]
    return range !== undefined && address < range.end ? range : undefined
  }

  /** Whether the same number in both images is suspicious: it is the address of something that has moved. */
  hasMoved(value: number): boolean {
    const range = this.rangeOf(value)
    if (range === undefined) return false
    return range.isCode ? this.codeAddress(value) !== value : range.moved !== 0
  }
}
