// Records of sites in an image whose alternatives have been settled: they follow the code that was copied, and the
// section is cut where fewer are left.
import { RECORD_SECTION } from '../isa/sensitive.js'
import { type CodeMove, moveRecords, RecordError } from '../isa/sites.js'
import { type ElfImage, findSection, sectionBytes } from './elf.js'
import { LoadError } from './load-error.js'

const SECTION_TABLE_FIELD = 32
const SECTION_HEADER_BYTES = 40
const SIZE_FIELD = 20

/**
 * Moves the records of an annotated image with its code; an image without records stays as it is.
 * @param elf the image before it was settled
 * @param bytes the settled copy of its file, changed in place
 * @param moves what was copied, in order
 * @throws LoadError when a record is damaged
 */
export function settleRecords(elf: ElfImage, bytes: Uint8Array, moves: readonly CodeMove[]): void {
  const section = findSection(elf, RECORD_SECTION)
  if (section === undefined) return
  try {
    const records = moveRecords(sectionBytes(elf, section), moves)
    bytes.fill(0, section.offset, section.offset + section.bytes)
    bytes.set(records, section.offset)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const header = view.getUint32(SECTION_TABLE_FIELD, true) + section.index * SECTION_HEADER_BYTES
    view.setUint32(header + SIZE_FIELD, records.length, true)
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    const remedy = 'build the image again with the afterburner'
    throw new LoadError({ file: elf.file, offset: section.offset + error.offset, reason: error.message, remedy })
  }
}
