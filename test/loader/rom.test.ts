// ROM placement: the mirror below 4 GiB, and what is refused.
import { parseRomOption, romMappings } from '../../src/loader/rom.js'

const rom = (file: string, kib: number, address: number) => ({
  file,
  bytes: new Uint8Array(kib * 1024).fill(kib),
  address,
})

test('a ROM that ends at 1 MiB appears below 4 GiB too', () => {
  const mappings = romMappings([rom('bios', 128, 0xe0000), rom('vga', 32, 0xc0000)])
  expect(mappings.map(({ address, bytes }) => [address, bytes.length])).toEqual([
    [0xc0000, 0x8000],
    [0xe0000, 0x20000],
    [0xfffe0000, 0x20000],
  ])
})

test('a ROM that is given for the end of 4 GiB is there instead of the mirror', () => {
  const mappings = romMappings([rom('bios', 64, 0xf0000), rom('reset', 32, 0xffff8000)])
  expect(mappings.map(({ address, bytes }) => [address, bytes[0]])).toEqual([
    [0xf0000, 64],
    [0xffff8000, 32],
  ])
})

test('any other ROM appears once', () => {
  expect(romMappings([rom('option', 4, 0xd0000), rom('flash', 64, 0xffff0000)])).toHaveLength(2)
})

test.each([
  ['empty', [rom('bios', 0, 0xe0000)], 'bios at offset 0x0: the ROM is empty'],
  [
    'odd',
    [{ file: 'bios', bytes: new Uint8Array(100), address: 0xff000 }],
    '100 bytes at 0x000ff000 are not whole 4 KiB pages',
  ],
  ['too high', [rom('bios', 128, 0xffff0000)], 'it ends past 4 GiB when placed at 0xffff0000'],
  ['overlapping', [rom('a', 128, 0xe0000), rom('b', 64, 0xd8000)], 'a at offset 0x0: overlaps b at 0x000e0000'],
  ['overlapping the mirror', [rom('a', 128, 0xe0000), rom('b', 64, 0xfffe0000)], 'overlaps'],
])('%s: refused', (_, images, message) => expect(() => romMappings(images)).toThrow(message))

test('FILE@ADDRESS splits at the last @', () => {
  expect(parseRomOption('a@b/bios.bin@0xE0000')).toEqual({ file: 'a@b/bios.bin', address: 0xe0000 })
  expect(parseRomOption('bios@983040')).toEqual({ file: 'bios', address: 0xf0000 })
  for (const bad of ['bios.bin', '@0x1000', 'bios@', 'bios@12q', 'bios@0x123456789']) {
    expect(() => parseRomOption(bad)).toThrow(/write --rom FILE@ADDRESS/)
  }
})
