// The code of an image cut at its symbols, and the useful instructions of each piece: those that do something. Both
// sides of a comparison are cut in the same way, so that padding and alignment vanish from both.
import { type DisassembledInstruction, disassembleLinear } from '../../isa/disassemble.js'
import { type ElfSection, sectionBytes } from '../../loader/elf.js'
import type { InspectedImage } from './image.js'

/** The code between one symbol of a section and the next. */
export interface Piece {
  /** First symbol at this address; the section's name where there is none. */
  readonly name: string
  readonly section: string
  readonly start: number
  /** Exclusive. */
  readonly end: number
  /** The piece's bytes. */
  readonly bytes: Uint8Array
}

/** Cuts a section; the first piece of a section without a symbol at its start bears the section's name. */
function piecesOf(image: InspectedImage, section: ElfSection): Piece[] {
  const names = new Map<number, string>([[section.address, section.name]])
  const sectionEnd = section.address + section.bytes
  for (const symbol of image.symbols) {
    if (symbol.section !== section.index || symbol.address >= sectionEnd) continue
    const old = names.get(symbol.address)
    if (old === undefined || old === section.name) names.set(symbol.address, symbol.name)
  }
  const starts = [...names.keys()].sort((a, b) => a - b)
  const all = sectionBytes(image.elf, section)
  return starts.map((start, i) => {
    const end = starts[i + 1] ?? sectionEnd
    const bytes = all.subarray(start - section.address, end - section.address)
    return { name: names.get(start)!, section: section.name, start, end, bytes }
  })
}

/** All pieces of an image in the order of their addresses. */
export function cutImage(image: InspectedImage): Piece[] {
  return image.code.flatMap(section => piecesOf(image, section))
}

/** Functions start at multiples of this. */
const FUNCTION_ALIGNMENT = 16

/** The instructions of a piece that do something; the INT3 that fill a gap before a function or the end are dropped. */
export function usefulInstructions(piece: Piece): DisassembledInstruction[] {
  const found: DisassembledInstruction[] = []
  const dropFill = () => {
    const last = found.findLastIndex(instruction => !instruction.isBreakpoint)
    if (last < 0 || found[last]!.endsFlow) found.length = last + 1
  }
  disassembleLinear(piece.bytes, piece.start, instruction => {
    if (instruction.doesNothing) return
    if (instruction.address % FUNCTION_ALIGNMENT === 0 && found.at(-1)?.isBreakpoint) dropFill()
    found.push(instruction)
  })
  while (found.at(-1)?.isBreakpoint) found.pop()
  return found
}

/** A piece of the plain image with its counterpart. */
export interface PiecePair {
  readonly plain: Piece
  readonly annotated: Piece
}

/** Pairs pieces by section, name and order; what has no counterpart is named in `unpaired`. */
export function pairPieces(plain: readonly Piece[], annotated: readonly Piece[]) {
  const key = (piece: Piece) => `${piece.section}\0${piece.name}`
  const waiting = new Map<string, Piece[]>()
  for (const piece of annotated) waiting.set(key(piece), [...(waiting.get(key(piece)) ?? []), piece])
  const pairs: PiecePair[] = []
  const unpaired: Piece[] = []
  for (const piece of plain) {
    const other = waiting.get(key(piece))?.shift()
    if (other === undefined) unpaired.push(piece)
    else pairs.push({ plain: piece, annotated: other })
  }
  return { pairs, unpaired: [...unpaired, ...[...waiting.values()].flat()] }
}
