// Xen's ELF notes from segments and sections, and what a 32-bit PAE guest may not say. Notes are written out by hand.

import { parseElf } from '../../src/loader/elf.js'
import { readXenNotes } from '../../src/loader/xen-notes.js'
import { words, writeElf } from './elf-writer.js'

const PT_NOTE = 4
const SHT_NOTE = 7

function note(type: number, description: readonly number[], name = 'Xen\0'): number[] {
  const padding = (length: number) => new Array(-length & 3).fill(0)
  return [
    ...words(name.length, description.length, type),
    ...Buffer.from(name),
    ...padding(name.length),
    ...description,
    ...padding(description.length),
  ]
}
const text = (value: string) => [...Buffer.from(`${value}\0`)]
const code = { linear: 0x100000, data: new Uint8Array(16) }
const notes = [...note(1, words(0xc0100000)), ...note(2, words(0xc0101000)), ...note(3, words(0xc0000000))]

function inSegment(bytes: readonly number[], entry = 5) {
  return parseElf(
    'k',
    writeElf({ entry, segments: [code, { type: PT_NOTE, linear: 0, data: Uint8Array.from(bytes) }] }),
  )
}
function inSection(name: string, content: string | readonly number[], load = code, entry = 0x100000) {
  const data = typeof content === 'string' ? Buffer.from(`${content}\0`) : Uint8Array.from(content)
  const type = typeof content === 'string' ? 1 : SHT_NOTE
  return parseElf('k', writeElf({ entry, segments: [load], sections: [{ name, type, flags: 0, data }] }))
}

test('from a note segment; what nobody says has the value that Xen assumes', () => {
  const found = readXenNotes(inSegment([...note(1, words(9), 'Foo\0'), ...notes, ...note(5, text('xen-3.0'))]))
  expect(found).toEqual({
    entry: 0xc0100000,
    hypercallPage: 0xc0101000,
    virtualBase: 0xc0000000,
    physicalOffset: 0,
    imageEnd: 0xc0100010,
    unmappedModule: false,
  })
})

test('from a note section where no segment has any', () => {
  const found = readXenNotes(inSection('.note.Xen', notes))
  expect(found).toMatchObject({ entry: 0xc0100000, virtualBase: 0xc0000000 })
})

// That of Debian's gnumach-image-1.8-xen-486, as it stands in the package, before notes whose owner is "name".
const GNU_MACH =
  'GUEST_OS=GNU Mach,GUEST_VERSION=1.3,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,ELF_PADDR_OFFSET=0xC0000000,HYPERCALL_PAGE=0x2,' +
  'PAE=yes[extended-cr3],LOADER=generic,FEATURES=pae_pgdir_above_4gb'

test('from the text of section __xen_guest', () => {
  const load = { linear: 0xc0000000, data: new Uint8Array(0x5000) }
  expect(readXenNotes(inSection('__xen_guest', GNU_MACH, load, 0xc0000000))).toEqual({
    entry: 0xc0000000,
    hypercallPage: 0xc0002000,
    virtualBase: 0xc0000000,
    physicalOffset: 0xc0000000,
    imageEnd: 0xc0005000,
    unmappedModule: false,
  })
})

test("text: the physical offset is the base where it is not given, numbers are C's, the page may stand before the base", () => {
  const load = { linear: 0xc0100000, data: new Uint8Array(0x5000) }
  const said =
    'HYPERCALL_PAGE=010,PAE=yes,BSD_SYMTAB,VIRT_ENTRY=0xc0100010,VIRT_BASE=3221225472,GUEST_OS=linux,LOADER=odd'
  expect(readXenNotes(inSection('__xen_guest', said, load))).toMatchObject({
    entry: 0xc0100010,
    hypercallPage: 0xc0008000,
    physicalOffset: 0xc0000000,
    imageEnd: 0xc0105000,
  })
})

test('numbers of one to eight bytes; a module by its page', () => {
  const long = [
    ...note(3, [...words(0xc0000000), ...words(0)]),
    ...note(1, [0, 0, 16, 0xc0, 0, 0, 0, 0]),
    ...note(16, [1]),
  ]
  const found = readXenNotes(inSegment([...long, ...note(2, [0x34, 0x12])]))
  expect(found).toMatchObject({
    virtualBase: 0xc0000000,
    entry: 0xc0100000,
    unmappedModule: true,
    hypercallPage: 0x1234,
  })
})

test('a text that goes on past the end of its segment is read to its own end', () => {
  const cut = note(9, text('yes,bimodal')).slice(0, 20)
  expect(readXenNotes(inSegment([...notes, ...cut]))).toMatchObject({ entry: 0xc0100000 })
})

test.each([
  ['no notes', [], 'has no Xen notes'],
  ['no PAE', [...notes, ...note(9, text('no'))], 'without PAE'],
  ['another loader', [...notes, ...note(8, text('linux'))], "asks for the loader 'linux'"],
  ['another interface', [...notes, ...note(5, text('xen-2.0'))], "built for the interface 'xen-2.0'"],
  ['a physical offset without a base', note(4, words(0)), 'not in linear memory'],
  ['an entry outside the image', [...notes, ...note(1, words(0xc0200000))], 'around its entry 0xc0200000'],
  ['an image below its base', [...notes, ...note(4, words(0x200000))], 'not behind its base 0xc0000000'],
])('%s', (_, bytes, message) => {
  expect(() => readXenNotes(inSegment(bytes))).toThrow(message)
})
