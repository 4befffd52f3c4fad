// Xen's ELF notes from segments and sections, and what a 32-bit PAE guest may not say. Notes are written out by hand.

import { gzipSync } from 'node:zlib'
import { parseElf } from '../../src/loader/elf.js'
import { unpackKernel } from '../../src/loader/packed-kernel.js'
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

function inSegment(bytes: readonly number[]) {
  return parseElf(
    'k',
    writeElf({ entry: 5, segments: [code, { type: PT_NOTE, linear: 0, data: Uint8Array.from(bytes) }] }),
  )
}

test('from a note segment; what nobody says has the value that Xen assumes', () => {
  const found = readXenNotes(inSegment([...note(1, words(9), 'Foo\0'), ...notes, ...note(5, text('xen-3.0'))]))
  expect(found).toEqual({
    entry: 0xc0100000,
    hypercallPage: 0xc0101000,
    virtualBase: 0xc0000000,
    physicalOffset: 0,
    xenVersion: 'xen-3.0',
    guestOs: '',
    loader: '',
    paeMode: '',
    features: '',
    initialP2m: undefined,
  })
})

test('from a note section where no segment has any', () => {
  const section = { name: '.note.Xen', type: SHT_NOTE, flags: 0, data: Uint8Array.from(notes) }
  const found = readXenNotes(parseElf('k', writeElf({ entry: 5, segments: [code], sections: [section] })))
  expect(found).toMatchObject({ entry: 0xc0100000, virtualBase: 0xc0000000 })
})

test('a note that is cut at the end counts as far as it goes', () => {
  const cut = note(9, text('yes,bimodal')).slice(0, 20)
  expect(readXenNotes(inSegment([...notes, ...cut]))).toMatchObject({ paeMode: 'yes,' })
})

test.each([
  ['no notes', [], 'has no Xen notes'],
  ['no PAE', [...notes, ...note(9, text('no'))], 'without PAE'],
  ['another loader', [...notes, ...note(8, text('linux'))], "asks for the loader 'linux'"],
])('%s', (_, bytes, message) => {
  expect(() => readXenNotes(inSegment(bytes))).toThrow(message)
})

test('a kernel is unpacked from gzip and from a bzImage', () => {
  const elf = writeElf({ entry: 5, segments: [code] })
  expect(unpackKernel('k', elf)).toBe(elf)
  expect(Buffer.from(unpackKernel('k', gzipSync(elf)))).toEqual(Buffer.from(elf))
  const payload = gzipSync(elf)
  const image = new Uint8Array(1024 + 64 + payload.length)
  const view = new DataView(image.buffer)
  image[0x1f1] = 1
  view.setUint32(0x202, 0x53726448, true)
  view.setUint16(0x206, 0x20f, true)
  view.setUint32(0x248, 64, true)
  view.setUint32(0x24c, payload.length, true)
  image.set(payload, 1024 + 64)
  expect(Buffer.from(unpackKernel('k', image))).toEqual(Buffer.from(elf))
  expect(() => unpackKernel('k', image.subarray(0, 1100))).toThrow('lies outside the file')
  image.fill(7, 1024 + 64)
  expect(() => unpackKernel('k', image)).toThrow('not compressed with gzip')
  expect(() => unpackKernel('k', gzipSync(elf).subarray(0, 30))).toThrow('gzip data is damaged')
  expect(() => unpackKernel('k', new Uint8Array(9))).toThrow('is no ELF file')
})
