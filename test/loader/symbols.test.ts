// Symbol lookup from .symtab and System.map, with nm as oracle on the built kernel.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { parseElf } from '../../src/loader/elf.js'
import { SymbolTable } from '../../src/loader/symbols.js'
import { builtKernel } from './built-kernel.js'
import { writeElf } from './elf-writer.js'

const GLOBAL_FUNCTION = 0x12
const LOCAL_FUNCTION = 0x02
const GLOBAL_OBJECT = 0x11

const table = SymbolTable.fromElf(
  parseElf(
    'image.elf',
    writeElf({
      entry: 0x1000,
      sections: [
        { name: '.text', flags: 6, address: 0x1000, data: new Uint8Array(0x100) },
        { name: '.data', flags: 3, address: 0x2000, data: new Uint8Array(0x10) },
      ],
      symbols: [
        { name: 'alias', address: 0x1040, section: 0, info: LOCAL_FUNCTION },
        { name: 'main', address: 0x1040, section: 0, info: GLOBAL_FUNCTION },
        { name: 'start', address: 0x1000, section: 0, info: GLOBAL_FUNCTION },
        { name: 'counter', address: 0x2004, section: 1, info: GLOBAL_OBJECT },
        { name: 'LIMIT', address: 0x1010, section: -1, info: 0x10 },
      ],
    }),
  ),
)

test.each([
  [0xfff, undefined],
  [0x1000, { name: 'start', offset: 0 }],
  [0x1010, { name: 'start', offset: 0x10 }],
  [0x1040, { name: 'main', offset: 0 }],
  [0x10ff, { name: 'main', offset: 0xbf }],
  [0x1100, undefined],
  [0x2003, undefined],
  [0x2005, { name: 'counter', offset: 1 }],
])('what is at 0x%x', (address, place) => expect(table.at(address)).toEqual(place))

test('addresses by name, absolute symbols too', () => {
  expect(table.address('alias')).toBe(0x1040)
  expect(table.address('LIMIT')).toBe(0x1010)
  expect(table.address('nowhere')).toBeUndefined()
})

test('descriptions', () => {
  expect(table.describe(0x1042)).toBe('main+0x2')
  expect(table.describe(0x1000)).toBe('start')
  expect(table.describe(-1)).toBe('0xffffffff')
})

test('an image without symbols and an empty table know nothing', () => {
  expect(SymbolTable.empty().at(0)).toBeUndefined()
  expect(SymbolTable.fromElf(parseElf('a', writeElf({ entry: 0 }))).size).toBe(0)
})

describe('System.map', () => {
  const map = '00000020 A kexec_size\n80100000 T _text\n80100000 T startup_32\n80100200 t helper\n80200000 B end\n'

  test('gives the same kind of table', () => {
    const symbols = SymbolTable.fromSystemMap('System.map', map)
    expect(symbols.at(0x801001ff)?.offset).toBe(0x1ff)
    expect(symbols.at(0x80100204)).toEqual({ name: 'helper', offset: 4 })
    expect(symbols.at(0x20)).toBeUndefined()
    expect(symbols.at(0x80201000)).toBeUndefined()
    expect(symbols.address('kexec_size')).toBe(0x20)
  })

  test('a line that is no symbol is named by its offset', () => {
    expect(() => SymbolTable.fromSystemMap('System.map', `${map}ffffffff80000000 T _text\n`)).toThrow(
      `System.map at offset 0x${map.length.toString(16)}: a line that is not "address type name"; give the`,
    )
  })
})

test('binary search agrees with a linear one', () => {
  const addresses = fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(addresses, fc.integer({ min: 0, max: 255 }), (starts, address) => {
      const hexadecimal = (n: number) => n.toString(16).padStart(8, '0')
      const symbols = SymbolTable.fromSystemMap('m', starts.map(n => `${hexadecimal(n)} T s${n}`).join('\n'))
      const below = starts.filter(start => start <= address)
      const nearest = below.length > 0 ? Math.max(...below) : undefined
      expect(symbols.at(address)).toEqual(
        nearest === undefined ? undefined : { name: `s${nearest}`, offset: address - nearest },
      )
    }),
  )
})

describe('against binutils, on the built kernel', () => {
  const kernel = builtKernel('vmlinux')
  const check = kernel ? test : test.skip

  check('every function that nm lists is found by name and by address', () => {
    const symbols = SymbolTable.fromElf(parseElf(kernel!, readFileSync(kernel!)))
    const listing = execFileSync('nm', [kernel!], { encoding: 'utf8', maxBuffer: 1 << 26 })
    const namesAt = new Map<number, Set<string>>()
    const addressesOf = new Map<string, Set<number>>()
    for (const [, address, name] of listing.matchAll(/^([0-9a-f]{8}) [TtDdBbRrWwVv] (\S+)$/gm)) {
      const value = Number.parseInt(address!, 16)
      namesAt.set(value, (namesAt.get(value) ?? new Set()).add(name!))
      addressesOf.set(name!, (addressesOf.get(name!) ?? new Set()).add(value))
    }
    expect(namesAt.size).toBeGreaterThan(5000)
    for (const [address, names] of namesAt) expect(names).toContain(symbols.at(address)!.name)
    for (const [name, addresses] of addressesOf) expect(addresses).toContain(symbols.address(name))
  })
})
