// What a paravirtual kernel says of itself, as Xen's libelf reads it: ELF notes with the name Xen (xen/include/public/
// elfnote.h) in PT_NOTE, or in SHT_NOTE sections where no segment has any, or the text of section `__xen_guest`. Left out:
// BSD_SYMTAB, and INIT_P2M, which a 32-bit guest does not get.

import { type ElfImage, findSection, PT_LOAD, sectionBytes } from './elf.js'
import { hex, LoadError } from './load-error.js'
import { readGuestSection, type XenStatements } from './xen-guest-section.js'

const PT_NOTE = 4
const SHT_NOTE = 7
const NOTE_HEADER_BYTES = 12
const PERMISSIONS = 7

// Types of notes.
const ENTRY = 1
const HYPERCALL_PAGE = 2
const VIRT_BASE = 3
const PADDR_OFFSET = 4
const XEN_VERSION = 5
const GUEST_OS = 6
const LOADER = 8
const PAE_MODE = 9
const MOD_START_PFN = 16

/** Where the image is to lie and to start; addresses are linear. A number that nobody gives has the value Xen assumes. */
export interface XenNotes {
  readonly entry: number
  /** Page that Xen fills with hypercall stubs. */
  readonly hypercallPage: number | undefined
  /** Where pseudo-physical memory begins. */
  readonly virtualBase: number
  /** A segment lies at its physical address, less this, plus the base. */
  readonly physicalOffset: number
  /** Behind the last segment. */
  readonly imageEnd: number
  /** The kernel takes a module that is not mapped, by its number of page. */
  readonly unmappedModule: boolean
}

/**
 * Reads the statements of a kernel. The last note of a type counts.
 * @throws LoadError where the image makes none, or is not for Xen 3.0's generic loader and PAE, or does not lie where it says
 */
export function readXenNotes(image: ElfImage): XenNotes {
  const fail = (reason: string, remedy: string): never => {
    throw new LoadError({ file: image.file, reason, remedy })
  }
  const notes = collect(image)
  const section = notes ? undefined : findSection(image, '__xen_guest')
  const said = notes ?? (section && readGuestSection(sectionBytes(image, section)))
  if (!said) return fail('has no Xen notes', 'give a kernel that is built for Xen PV guests')
  const { loader, guestOs = '', xenVersion, pae } = said
  if (pae !== undefined && !pae.startsWith('yes') && !pae.includes('bimodal'))
    fail(`is a kernel without PAE (it says '${pae}')`, 'give a 32-bit PAE kernel')
  if (loader !== undefined && !loader.startsWith('generic') && !guestOs.startsWith('linux'))
    fail(`asks for the loader '${loader}'`, 'give a kernel for the generic one')
  if (xenVersion !== undefined && !xenVersion.startsWith('xen-3.0'))
    fail(`is built for the interface '${xenVersion}'`, 'give a kernel for xen-3.0')
  if (said.physicalOffset !== undefined && said.virtualBase === undefined)
    fail('says where it lies physically (PADDR_OFFSET) but not in linear memory', 'add VIRT_BASE to its notes')

  const { entry = image.entry, virtualBase = 0 } = said
  const physicalOffset = said.physicalOffset ?? (section ? virtualBase : 0)
  const loads = loadable(image)
  if (loads.length === 0) fail('no loadable segment', 'give a linked executable, not an object file')
  const offset = virtualBase - physicalOffset
  const imageStart = Math.min(...loads.map(({ physical }) => physical)) + offset
  const imageEnd = Math.max(...loads.map(({ physical, memoryBytes }) => physical + memoryBytes)) + offset
  if (virtualBase > imageStart || entry < imageStart || entry > imageEnd) {
    const place = `its segments come to lie at ${hex(imageStart)} to ${hex(imageEnd)}`
    fail(`${place}, not behind its base ${hex(virtualBase)} and around its entry ${hex(entry)}`, 'mend its notes')
  }
  const { hypercallPage, unmappedModule = false } = said
  return { entry, hypercallPage, virtualBase, physicalOffset, imageEnd, unmappedModule }
}

/** The segments that Xen loads: those that may be accessed at all. */
export function loadable(image: ElfImage) {
  return image.segments.filter(({ type, flags }) => type === PT_LOAD && (flags & PERMISSIONS) !== 0)
}

function collect(image: ElfImage): XenStatements | undefined {
  const said: XenStatements = {}
  let found = 0
  for (const { type, offset, fileBytes } of image.segments)
    if (type === PT_NOTE && offset !== 0) found += walk(image.bytes, offset, fileBytes, said)
  if (found === 0)
    for (const { type, offset, bytes } of image.sections)
      if (type === SHT_NOTE) found += walk(image.bytes, offset, bytes, said)
  return found > 0 ? said : undefined
}

/** How many notes of Xen's there were. What a note says may go on past the end of its segment: that of GRUB's image does. */
function walk(file: Uint8Array, offset: number, bytes: number, said: XenStatements): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const end = offset + bytes
  let found = 0
  for (let at = offset; at + NOTE_HEADER_BYTES <= end; ) {
    const name = at + NOTE_HEADER_BYTES
    const description = name + aligned(view.getUint32(at, true))
    const descriptionBytes = view.getUint32(at + 4, true)
    if (description > file.length) break
    if (text(file, name) === 'Xen') {
      take(view.getUint32(at + 8, true), file, description, descriptionBytes, said)
      found++
    }
    at = description + aligned(descriptionBytes)
  }
  return found
}

function take(type: number, file: Uint8Array, at: number, bytes: number, said: XenStatements) {
  if (type === ENTRY) said.entry = number(file, at, bytes)
  else if (type === HYPERCALL_PAGE) said.hypercallPage = number(file, at, bytes)
  else if (type === VIRT_BASE) said.virtualBase = number(file, at, bytes)
  else if (type === PADDR_OFFSET) said.physicalOffset = number(file, at, bytes)
  else if (type === MOD_START_PFN) said.unmappedModule = number(file, at, bytes) !== 0
  else if (type === LOADER) said.loader = text(file, at)
  else if (type === GUEST_OS) said.guestOs = text(file, at)
  else if (type === XEN_VERSION) said.xenVersion = text(file, at)
  else if (type === PAE_MODE) said.pae = text(file, at)
}

/** Little-endian; 0 for a length that no number has. */
function number(file: Uint8Array, at: number, bytes: number): number {
  if (![1, 2, 4, 8].includes(bytes)) return 0
  return file.subarray(at, at + bytes).reduceRight((value, byte) => value * 256 + byte, 0)
}

function text(file: Uint8Array, at: number): string {
  const end = file.indexOf(0, at)
  return new TextDecoder('latin1').decode(file.subarray(at, end < 0 ? file.length : end))
}

const aligned = (bytes: number) => Math.ceil(bytes / 4) * 4
