// ELF parsing and loading: what is accepted, where it goes, and that damaged files give a LoadError and nothing else.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { fileOffset, findSection, loadElf, parseElf, physicalEntry, sectionBytes } from '../../src/loader/elf.js'
import { LoadError } from '../../src/loader/load-error.js'
import { SymbolTable } from '../../src/loader/symbols.js'
import { builtKernel } from './built-kernel.js'
import { writeElf } from './elf-writer.js'
import { physicalMemory } from './physical-memory.js'

const text = Uint8Array.of(0xfa, 0xf4, 0xeb, 0xfd)
const image = writeElf({
  entry: 0x80100000,
  segments: [
    { linear: 0x80100000, physical: 0x100000, data: text },
    { linear: 0x80101000, physical: 0x101000, data: Uint8Array.of(1, 2, 3), memoryBytes: 0x20000 },
  ],
  sections: [{ name: '.text', flags: 6, address: 0x80100000, data: text }],
  symbols: [{ name: '_start', address: 0x80100000, section: 0, info: 0x12 }],
})

function problem(bytes: Uint8Array): string {
  try {
    const elf = parseElf('image.elf', bytes)
    loadElf(physicalMemory(0x200000), elf)
    physicalEntry(elf)
  } catch (error) {
    expect(error).toBeInstanceOf(LoadError)
    return (error as Error).message
  }
  return ''
}

function changed(offset: number, ...bytes: number[]): Uint8Array {
  const copy = image.slice()
  copy.set(bytes, offset)
  return copy
}

describe('a good image', () => {
  const elf = parseElf('image.elf', image)

  test('is loaded at its physical addresses, the rest of each segment zeroed', () => {
    const memory = physicalMemory(0x200000)
    memory.bytes.fill(0xcc)
    expect(loadElf(memory, elf)).toEqual({ start: 0x100000, end: 0x121000 })
    expect([...memory.read(0x100000, 5)]).toEqual([...text, 0xcc])
    expect([...memory.read(0x101000, 4)]).toEqual([1, 2, 3, 0])
    expect(memory.bytes.subarray(0x101003, 0x121000).every(byte => byte === 0)).toBe(true)
    expect(memory.bytes[0x121000]).toBe(0xcc)
  })

  test('has sections by name and file offsets by linear address', () => {
    expect([...sectionBytes(elf, findSection(elf, '.text')!)]).toEqual([...text])
    expect(findSection(elf, '.data')).toBeUndefined()
    expect(image[fileOffset(elf, 0x80100001, 1)!]).toBe(0xf4)
    expect(fileOffset(elf, 0x80100001, 4)).toBeUndefined()
  })

  test('is entered at e_entry if that is physical, else at its translation', () => {
    expect(physicalEntry(elf)).toBe(0x100000)
    expect(physicalEntry({ ...elf, entry: 0x100002 })).toBe(0x100002)
    expect(() => physicalEntry({ ...elf, entry: 0x5000 })).toThrow(/entry point 0x00005000 is in no loaded segment/)
  })
})

describe('a bad image is refused in one line with file, offset, reason and remedy', () => {
  test.each([
    ['no ELF at all', Uint8Array.from(Buffer.from('#!/bin/sh\n')), 'at offset 0x0: not an ELF file'],
    ['nothing', new Uint8Array(0), 'at offset 0x0: not an ELF file'],
    ['half a header', image.slice(0, 40), 'at offset 0x28: truncated'],
    ['64-bit', changed(4, 2), 'at offset 0x4: ELF class 2 is not 32-bit'],
    ['big-endian', changed(5, 2), 'at offset 0x5: ELF data encoding 2'],
    ['another machine', changed(18, 8), 'at offset 0x12: ELF machine 8'],
    ['a core file', changed(16, 4), 'at offset 0x10: ELF type 4'],
    ['program headers outside', changed(28, 0xff, 0xff, 0xff, 0xff), 'at offset 0x1c: the program header table'],
    ['odd program headers', changed(42, 33), 'at offset 0x1c: program header entries of 33 bytes'],
    ['section headers outside', changed(33, 0xff), 'at offset 0x20: the section header table'],
    ['a segment past the end', changed(52 + 18, 1), 'at offset 0x38: segment 0 ends at'],
    ['more in the file than in memory', changed(52 + 20, 1), 'at offset 0x44: segment 0 has more bytes in the file'],
    ['linear overlap', changed(84 + 9, 0x00), 'overlap at linear address 0x80100000'],
    ['physical overlap', changed(84 + 13, 0x00), 'overlap at physical address 0x00100000'],
    ['a name table that is none', changed(50, 1), 'the section name table is no string table'],
    ['a name table of none', changed(50, 77), 'at offset 0x32: section name table 77 is not among the 5 sections'],
    ['too little memory', changed(84 + 23, 0x10), 'the machine has 2 MiB; use --mem 258M or more'],
  ])('%s', (_, bytes, message) => {
    const line = problem(bytes)
    expect(line).toContain('image.elf')
    expect(line).toContain(message)
    expect(line).toMatch(/^[^\n]+; [^\n]+$/)
  })

  test('truncated anywhere', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: image.length - 1 }), length => problem(image.slice(0, length)) !== ''),
      { numRuns: 300 },
    )
  })

  test('any bytes changed: a consistent image or a LoadError', () => {
    const damage = fc.array(fc.tuple(fc.nat(image.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(damage, changes => {
        const copy = image.slice()
        for (const [at, value] of changes) copy[at] = value
        problem(copy)
        try {
          SymbolTable.fromElf(parseElf('image.elf', copy)).at(0x80100001)
        } catch (error) {
          expect(error).toBeInstanceOf(LoadError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('against binutils, on the built kernel', () => {
  const kernel = builtKernel('vmlinux')
  const check = kernel ? test : test.skip

  check('sections and segments are those readelf lists', () => {
    const elf = parseElf(kernel!, readFileSync(kernel!))
    const listing = execFileSync('readelf', ['-W', '-S', '-l', kernel!], { encoding: 'utf8', maxBuffer: 1 << 26 })
    const sections = [...listing.matchAll(/^ +\[ *\d+\] (\S+) +\S+ +([0-9a-f]{8}) ([0-9a-f]+) ([0-9a-f]+) /gm)]
    expect(sections.length).toBeGreaterThan(20)
    expect(elf.sections.slice(1).map(s => [s.name, s.address, s.offset, s.bytes])).toEqual(
      sections.map(m => [m[1], ...m.slice(2, 5).map(field => Number.parseInt(field, 16))]),
    )
    const loads = [...listing.matchAll(/^ +LOAD +(0x\S+) (0x\S+) (0x\S+) (0x\S+) (0x\S+) /gm)]
    expect(loads.length).toBeGreaterThan(0)
    expect(
      elf.segments.filter(s => s.type === 1).map(s => [s.offset, s.linear, s.physical, s.fileBytes, s.memoryBytes]),
    ).toEqual(loads.map(m => m.slice(1, 6).map(Number)))
  })
})
