// ELF notes of a Xen guest (xen/include/public/elfnote.h): where it wants to lie and to start. Read from PT_NOTE, or from
// SHT_NOTE sections where there is no such segment with Xen's name. Left out: the textual `__xen_guest` section of 2.0.

import type { ElfImage } from './elf.js'
import { LoadError } from './load-error.js'

const PT_NOTE = 4
const SHT_NOTE = 7
const NOTE_HEADER_BYTES = 12

// Types of notes.
const ENTRY = 1
const HYPERCALL_PAGE = 2
const VIRT_BASE = 3
const PADDR_OFFSET = 4
const XEN_VERSION = 5
const GUEST_OS = 6
const LOADER = 8
const PAE_MODE = 9
const FEATURES = 10
const INIT_P2M = 15

/** What the notes say; addresses are linear. A number that no note gives has the value that Xen assumes. */
export interface XenNotes {
  readonly entry: number
  /** Page that Xen fills with hypercall stubs. */
  readonly hypercallPage: number | undefined
  readonly virtualBase: number
  /** A segment lies at its physical address, less this, plus the base. */
  readonly physicalOffset: number
  readonly xenVersion: string
  readonly guestOs: string
  readonly loader: string
  readonly paeMode: string
  readonly features: string
  /** Linear address at which the list of machine frames is to be mapped, where the guest asks for one. */
  readonly initialP2m: number | undefined
}

/**
 * Reads the notes of a kernel. The last note of a type counts. A description that goes past the end of its segment is
 * cut there, as Xen's own loader reads on: GRUB's image has such a note.
 * @throws LoadError where the image has no note of Xen's, or one that cannot be a 32-bit PAE guest
 */
export function readXenNotes(image: ElfImage): XenNotes {
  const notes = collect(image)
  const fail = (reason: string, remedy: string): never => {
    throw new LoadError({ file: image.file, reason, remedy })
  }
  if (notes.size === 0) fail('has no Xen notes', 'give a kernel that is built for Xen PV guests')
  const number = (type: number) => {
    const bytes = notes.get(type)
    return bytes && bytes.length >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : undefined
  }
  const text = (type: number) => {
    const bytes = notes.get(type)
    if (!bytes) return ''
    const end = bytes.indexOf(0)
    return String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)))
  }
  const paeMode = text(PAE_MODE)
  if (paeMode === 'no') fail('is a kernel without PAE (note PAE_MODE=no)', 'give a 32-bit PAE kernel')
  const loader = text(LOADER)
  if (loader !== '' && loader !== 'generic')
    fail(`asks for the loader '${loader}'`, 'give a kernel for the generic one')
  return {
    entry: number(ENTRY) ?? image.entry,
    hypercallPage: number(HYPERCALL_PAGE),
    virtualBase: number(VIRT_BASE) ?? 0,
    physicalOffset: number(PADDR_OFFSET) ?? 0,
    xenVersion: text(XEN_VERSION),
    guestOs: text(GUEST_OS),
    loader,
    paeMode,
    features: text(FEATURES),
    initialP2m: number(INIT_P2M),
  }
}

function collect(image: ElfImage): Map<number, Uint8Array> {
  const notes = new Map<number, Uint8Array>()
  for (const segment of image.segments)
    if (segment.type === PT_NOTE) walk(image.bytes, segment.offset, segment.fileBytes, notes)
  if (notes.size > 0) return notes
  for (const section of image.sections)
    if (section.type === SHT_NOTE) walk(image.bytes, section.offset, section.bytes, notes)
  return notes
}

function walk(file: Uint8Array, offset: number, bytes: number, notes: Map<number, Uint8Array>) {
  const end = offset + bytes
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  for (let at = offset; at + NOTE_HEADER_BYTES <= end; ) {
    const nameBytes = view.getUint32(at, true)
    const descriptionBytes = view.getUint32(at + 4, true)
    const type = view.getUint32(at + 8, true)
    const name = at + NOTE_HEADER_BYTES
    const description = name + aligned(nameBytes)
    if (description > end) return
    const isXen = nameBytes === 4 && String.fromCharCode(...file.subarray(name, name + 4)) === 'Xen\0'
    if (isXen) notes.set(type, file.subarray(description, Math.min(description + descriptionBytes, end)))
    at = description + aligned(descriptionBytes)
  }
}

const aligned = (bytes: number) => Math.ceil(bytes / 4) * 4
