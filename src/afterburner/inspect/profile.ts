// From the addresses of stores, as a run of an image found them, to lines that the assembler stage understands in the
// next build: which function, and which of its useful instructions. Link addresses would not survive the build.
import { openAnnotated, siteAtOrBelow } from './image.js'
import { cutImage, usefulInstructions } from './pieces.js'

/** What became of the addresses. */
export interface StoreProfile {
  /** Lines "FUNCTION ORDINAL TOTAL", sorted, each once. */
  readonly lines: readonly string[]
  /** Addresses that lie in a site already. */
  readonly known: readonly number[]
  /** Addresses at which no instruction of a function starts. */
  readonly unknown: readonly number[]
}

/**
 * Describes stores of an annotated image.
 * @param addresses linear addresses of storing instructions
 * @throws LoadError for an unusable image
 */
export function profileStores(file: string, bytes: Uint8Array, addresses: readonly number[]): StoreProfile {
  const image = openAnnotated(file, bytes)
  const pieces = cutImage(image)
  const lines = new Set<string>()
  const known: number[] = []
  const unknown: number[] = []
  for (const address of addresses) {
    const site = image.sites[siteAtOrBelow(image.sites, address)]
    if (site !== undefined && address < site.address + site.bytes) {
      known.push(address)
      continue
    }
    const piece = pieces.find(each => address >= each.start && address < each.end)
    const instructions = piece === undefined ? [] : usefulInstructions(piece)
    const ordinal = instructions.findIndex(instruction => instruction.address === address)
    if (piece === undefined || ordinal < 0) unknown.push(address)
    else lines.add(`${piece.name} ${ordinal} ${instructions.length}`)
  }
  return { lines: [...lines].sort(), known, unknown }
}
