// May a site be overwritten as one unit? Only if nothing can enter it behind its first byte: no branch, no symbol, no
// entry of the exception table, no border of an alternative. Formats of the two tables: Linux 6.1,
// arch/x86/include/asm/extable.h and alternative.h (also used by the mini kernel).
import type { Site } from '../../isa/sites.js'
import { findSection, sectionBytes } from '../../loader/elf.js'
import { type InspectedImage, siteAround } from './image.js'

/** Something that refers to the inside of a site. */
export interface InteriorReference {
  readonly kind: 'branch' | 'symbol' | 'exception-table' | 'alternative'
  /** Linear address inside the site. */
  readonly address: number
  readonly site: Site
  /** The branch's address, the symbol's name, or the number of the table's entry. */
  readonly from: string
}

const EXCEPTION_ENTRY_BYTES = 12
const ALTERNATIVE_ENTRY_BYTES = 12
const hex = (value: number) => `0x${value.toString(16)}`

/** The words of a table of relative addresses: each is the distance from the word itself. */
function* relativeTable(image: InspectedImage, name: string, entryBytes: number) {
  const section = findSection(image.elf, name)
  if (section === undefined) return
  const bytes = sectionBytes(image.elf, section)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    const absolute = (field: number) => (section.address + at + field + view.getInt32(at + field, true)) >>> 0
    yield { number: at / entryBytes, first: absolute(0), second: absolute(4), view, at }
  }
}

/**
 * Everything that refers to the inside of a site.
 * @param targets targets of near branches, with the address of one branch to each
 */
export function findInteriorReferences(
  image: InspectedImage,
  targets: ReadonlyMap<number, number>,
): InteriorReference[] {
  const found: InteriorReference[] = []
  const check = (kind: InteriorReference['kind'], address: number, from: string) => {
    const site = siteAround(image.sites, address)
    if (site !== undefined) found.push({ kind, address, site, from })
  }
  for (const [target, branch] of targets) check('branch', target, hex(branch))
  const codeSections = new Set(image.code.map(section => section.index))
  for (const symbol of image.symbols) {
    if (codeSections.has(symbol.section)) check('symbol', symbol.address, symbol.name)
  }
  for (const entry of relativeTable(image, '__ex_table', EXCEPTION_ENTRY_BYTES)) {
    check('exception-table', entry.first, `instruction of entry ${entry.number}`)
    check('exception-table', entry.second, `fixup of entry ${entry.number}`)
  }
  for (const entry of relativeTable(image, '.altinstructions', ALTERNATIVE_ENTRY_BYTES)) {
    const lengths = [entry.view.getUint8(entry.at + 10), entry.view.getUint8(entry.at + 11)] as const
    check('alternative', entry.first, `original of entry ${entry.number}`)
    check('alternative', entry.first + lengths[0], `end of the original of entry ${entry.number}`)
    check('alternative', entry.second, `replacement of entry ${entry.number}`)
    check('alternative', entry.second + lengths[1], `end of the replacement of entry ${entry.number}`)
  }
  return found
}
