// The last step of an annotated build, after the linker: puts the records in the order of their addresses.
import { RECORD_SECTION } from '../isa/sensitive.js'
import { RecordError, sortRecords } from '../isa/sites.js'
import { findSection, parseElf, sectionBytes } from '../loader/elf.js'
import { LoadError } from '../loader/load-error.js'

/**
 * Sorts the records of a linked image, in place.
 * @param file name used in errors
 * @throws LoadError when the file is no sound ELF image or a record is damaged; nothing is changed then
 */
export function finishImage(file: string, bytes: Uint8Array): void {
  const elf = parseElf(file, bytes)
  const section = findSection(elf, RECORD_SECTION)
  if (section === undefined) return
  try {
    sortRecords(sectionBytes(elf, section))
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    const remedy = 'link the image again'
    throw new LoadError({ file, offset: section.offset + error.offset, reason: error.message, remedy })
  }
}
