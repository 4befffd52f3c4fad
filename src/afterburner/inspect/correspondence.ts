// Which address of the annotated image corresponds to an address of the plain one. Code corresponds instruction by
// instruction, as the comparison of the pieces found; data corresponds by its place in its section.
import { type ElfSection, SHF_ALLOC } from '../../loader/elf.js'
import type { InspectedImage } from './image.js'

interface Range {
  readonly start: number
  readonly end: number
  readonly moved: number
  readonly isCode: boolean
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

const allocated = (image: InspectedImage) =>
  image.elf.sections.filter(section => (section.flags & SHF_ALLOC) !== 0 && section.bytes > 0)

/** Addresses of useful instructions, plain and annotated, and the ends of the pieces. */
export class Correspondence {
  private readonly ranges: Range[] = []
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
      this.ranges.push({ start: address, end: address + bytes, moved: other.address - address, isCode })
      if (isCode) this.add(address + bytes, other.address + other.bytes)
    }
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

  /** Whether a constant differs by exactly as much as some data has moved: an address with an offset folded into it. */
  movedAsData(plain: number, annotated: number): boolean {
    return this.ranges.some(range => !range.isCode && range.moved === (annotated - plain) >> 0)
  }

  /** Whether a constant of the plain image is an address, and `annotated` the address of the same thing. */
  sameConstant(plain: number, annotated: number): boolean {
    return this.offsets.some(offset => {
      const [from, to] = [(plain + offset) >>> 0, (annotated + offset) >>> 0]
      const range = this.ranges.find(each => from >= each.start && from < each.end)
      if (range?.isCode) return this.sameCode(from, to)
      if (range !== undefined && to - from === range.moved) return true
      const near = this.ranges.filter(each => from >= each.start - REACH_BYTES && from <= each.end + REACH_BYTES)
      return near.some(each => to - from === each.moved)
    })
  }

  /** Whether the same number in both images is suspicious: it is the address of something that has moved. */
  hasMoved(value: number): boolean {
    const range = this.ranges.find(each => value >= each.start && value < each.end)
    if (range === undefined) return false
    return range.isCode ? this.codeAddress(value) !== value : range.moved !== 0
  }
}
