// Proof that an annotated kernel is the plain one plus instructions that do nothing. Function by function both
// instruction streams are compared with padding and alignment left out: the same instructions in the same order, their
// constants equal or addresses of the same thing. What cannot be shown is listed, never assumed.
import { type ConstantField, constantFields, type DisassembledInstruction } from '../../isa/disassemble.js'
import { Correspondence } from './correspondence.js'
import { type InspectedImage, openAnnotated, openImage } from './image.js'
import { cutImage, type Piece, type PiecePair, pairPieces, usefulInstructions } from './pieces.js'

/** A function that could not be proved equivalent, or only under an assumption. */
export interface Unproved {
  readonly symbol: string
  /** Linear address in the plain image. */
  readonly address: number
  readonly reason: string
}

/** The result of a comparison. */
export interface Comparison {
  readonly image: string
  readonly against: string
  readonly functions: number
  readonly proved: number
  readonly unproved: readonly Unproved[]
  /**
   * Functions that are equal if a constant that has moved with the image is an address with an offset folded in, or if
   * one that is the same in both, and could be an address that moved, is none.
   */
  readonly assumed: readonly Unproved[]
  readonly plainTextBytes: number
  readonly annotatedTextBytes: number
  /** Growth of text in percent. */
  readonly growthPercent: number
}

const hex = (value: number) => `0x${(value >>> 0).toString(16).padStart(8, '0')}`

interface Compared {
  readonly pair: PiecePair
  readonly plain: readonly DisassembledInstruction[]
  readonly annotated: readonly DisassembledInstruction[]
}

const bytesOf = (piece: Piece, instruction: DisassembledInstruction) =>
  piece.bytes.subarray(instruction.address - piece.start, instruction.address - piece.start + instruction.length)

function readField(bytes: Uint8Array, field: ConstantField): number {
  let value = 0
  for (let i = field.bytes - 1; i >= 0; i--) value = value * 256 + bytes[field.offset + i]!
  return value
}

function equalOutside(a: Uint8Array, b: Uint8Array, fields: readonly ConstantField[]): boolean {
  return a.every(
    (byte, i) => byte === b[i] || fields.some(field => i >= field.offset && i < field.offset + field.bytes),
  )
}

/** Proves one pair of pieces after another. */
class Prover {
  readonly assumptions = new Map<PiecePair, string>()
  readonly correspondence: Correspondence

  constructor(plain: InspectedImage, annotated: InspectedImage) {
    this.correspondence = new Correspondence(plain, annotated)
  }

  /** First pass: which instruction corresponds to which. Says why not where the streams differ in shape. */
  align({ pair, plain, annotated }: Compared): string | undefined {
    this.correspondence.add(
      pair.plain.start,
      plain.length > 0 ? (annotated[0]?.address ?? pair.annotated.end) : pair.annotated.end,
    )
    for (const [i, instruction] of plain.entries()) {
      const other = annotated[i]
      if (other === undefined) return `ends early, at ${hex(instruction.address)} of the plain image`
      this.correspondence.add(instruction.address, other.address)
      const sameShape =
        instruction.branch !== 0
          ? instruction.branch === other.branch
          : other.branch === 0 && instruction.length === other.length
      if (!sameShape) return `another instruction at ${hex(instruction.address)}`
    }
    return annotated.length > plain.length ? 'has more instructions' : undefined
  }

  /** Second pass: operands and constants. */
  compare({ pair, plain, annotated }: Compared): string | undefined {
    for (const [i, instruction] of plain.entries()) {
      const other = annotated[i]!
      if (instruction.target !== undefined) {
        if (!this.correspondence.sameCode(instruction.target, other.target!)) {
          return `the branch at ${hex(instruction.address)} goes elsewhere`
        }
        continue
      }
      const [a, b] = [bytesOf(pair.plain, instruction), bytesOf(pair.annotated, other)]
      const same = a.every((byte, k) => byte === b[k])
      if (same && a.length < 5) continue
      const fields = instruction.invalid ? [] : constantFields(a)
      if (!equalOutside(a, b, fields)) return `another instruction at ${hex(instruction.address)}`
      for (const field of fields) {
        const [from, to] = [readField(a, field), readField(b, field)]
        const ok =
          from === to
            ? field.bytes < 4 || !this.correspondence.hasMoved(from)
            : field.bytes === 4 && this.correspondence.sameConstant(from, to)
        if (ok) continue
        const what = `the constant ${hex(from)} at ${hex(instruction.address)} became ${hex(to)}`
        if (from !== to && (field.bytes !== 4 || !this.correspondence.mayBeAddress(from, to))) return what
        this.assumptions.set(
          pair,
          from === to ? `the constant ${hex(from)} at ${hex(instruction.address)} did not change` : what,
        )
      }
    }
    return undefined
  }
}

/**
 * Compares an annotated image with the plain image of the same source.
 * @throws LoadError for unusable images
 */
export function compareImages(file: string, bytes: Uint8Array, plainFile: string, plainBytes: Uint8Array): Comparison {
  const annotated = openAnnotated(file, bytes)
  const plain = openImage(plainFile, plainBytes)
  const { pairs, unpaired } = pairPieces(cutImage(plain), cutImage(annotated))
  const prover = new Prover(plain, annotated)
  const unproved = new Map<PiecePair, string>()
  const all = pairs.map(pair => ({
    pair,
    plain: usefulInstructions(pair.plain),
    annotated: usefulInstructions(pair.annotated),
  }))
  for (const compared of all) {
    const reason = prover.align(compared)
    if (reason !== undefined) unproved.set(compared.pair, reason)
  }
  prover.correspondence.seal()
  for (const compared of all) {
    if (unproved.has(compared.pair)) continue
    const reason = prover.compare(compared)
    if (reason !== undefined) {
      unproved.set(compared.pair, reason)
      prover.assumptions.delete(compared.pair)
    }
  }
  const list = (found: ReadonlyMap<PiecePair, string>) =>
    [...found].map(([pair, reason]) => ({ symbol: pair.plain.name, address: pair.plain.start, reason }))
  const textBytes = (image: InspectedImage) => image.code.reduce((sum, section) => sum + section.bytes, 0)
  const [before, after] = [textBytes(plain), textBytes(annotated)]
  return {
    image: file,
    against: plainFile,
    functions: pairs.length + unpaired.length,
    proved: pairs.length - unproved.size - prover.assumptions.size,
    unproved: [
      ...list(unproved),
      ...unpaired.map(piece => ({ symbol: piece.name, address: piece.start, reason: 'is in one image only' })),
    ],
    assumed: list(prover.assumptions),
    plainTextBytes: before,
    annotatedTextBytes: after,
    growthPercent: (after / before - 1) * 100,
  }
}
