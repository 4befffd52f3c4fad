// Where physical pages lie: RAM, holes, ROM and its mirror, shadow RAM, the A20 gate.

import { RAM } from '../../src/cpu/layout.js'
import { PhysicalMemory } from '../../src/machine/memory.js'

const MEBIBYTE = 0x100000
const rom = (bytes: number) => Uint8Array.from({ length: bytes }, (_, at) => (at >> 12) + 1)
const byteAt = (memory: PhysicalMemory, physical: number) => {
  const host = memory.hostPage(Math.floor(physical / 0x1000), false)
  return host < 0 ? -1 : memory.u8[host + (physical % 0x1000)]
}

test('without a ROM everything is RAM but the video hole', () => {
  const memory = new PhysicalMemory(2 * MEBIBYTE)
  expect(memory.hostPage(0xf0, true)).toBe(RAM + 0xf0000)
  expect(memory.hostPage(0x1ff, true)).toBe(RAM + 0x1ff000)
  expect(memory.hostPage(0x200, false)).toBe(-1)
  expect(memory.hostPage(0xa0, false)).toBe(-1)
  expect(memory.hostPage(0xfffff, false)).toBe(-1)
  expect(memory.hostPage(0x100000, false)).toBe(-1) // 4 GiB
})

test('a ROM that ends at 1 MiB appears below 4 GiB, and refuses writes', () => {
  const memory = new PhysicalMemory(2 * MEBIBYTE)
  memory.loadRom(0xe0000, rom(0x20000))
  expect(byteAt(memory, 0xe0000)).toBe(1)
  expect(byteAt(memory, 0xfffff)).toBe(32)
  expect(byteAt(memory, 0xfffe0000)).toBe(1)
  expect(byteAt(memory, 0xffffffff)).toBe(32)
  expect(byteAt(memory, 0xfffdffff)).toBe(-1)
  expect(memory.hostPage(0xe0, true)).toBe(-1)
  expect(memory.hostPage(0xfffff, true)).toBe(-1)
  // Nothing answers where no ROM is and the shadow is closed.
  expect(memory.hostPage(0xd0, false)).toBe(-1)
})

test('a ROM elsewhere stays there', () => {
  const memory = new PhysicalMemory(2 * MEBIBYTE)
  memory.loadRom(0xd0000, rom(0x2000))
  expect([byteAt(memory, 0xd1000), byteAt(memory, 0xffffe000)]).toEqual([2, -1])
  memory.loadRom(0x8000, rom(0x1000))
  expect([byteAt(memory, 0x8000), memory.hostPage(8, true)]).toEqual([1, -1])
})

test('shadow RAM: copied while the ROM is read and RAM is written, then read', () => {
  const memory = new PhysicalMemory(2 * MEBIBYTE)
  memory.loadRom(0xf0000, rom(0x10000))
  const region = { base: 0xf0000, length: 0x10000 }
  memory.setShadow([{ ...region, readRam: false, writeRam: true }])
  expect(memory.hostPage(0xf1, true)).toBe(-1) // not what is read
  const host = memory.hiddenHost(0xf1234)
  expect(host).toBe(RAM + 0xf1234)
  memory.u8[host] = 77
  expect(byteAt(memory, 0xf1234)).toBe(2)
  memory.setShadow([{ ...region, readRam: true, writeRam: true }])
  expect(byteAt(memory, 0xf1234)).toBe(77)
  expect(memory.hostPage(0xf1, true)).toBe(RAM + 0xf1000)
  memory.setShadow([{ ...region, readRam: true, writeRam: false }])
  expect(memory.hostPage(0xf1, true)).toBe(-1)
  expect(memory.hiddenHost(0xf1234)).toBe(-1)
  expect(byteAt(memory, 0xfffff234)).toBe(16) // the mirror is the ROM itself
})

test('with the A20 gate closed address bit 20 is 0', () => {
  const memory = new PhysicalMemory(4 * MEBIBYTE)
  memory.a20 = false
  expect(memory.hostPage(0x100, true)).toBe(RAM)
  expect(memory.hostPage(0x2ff, true)).toBe(memory.hostPage(0x2ff, false))
  expect(memory.hostPage(0x300, true)).toBe(RAM + 0x200000)
  expect([0xff000000, 0xff100004, 0x1ff100004].map(at => memory.busAddress(at))).toEqual([
    0xff000000, 0xff000004, 0x1ff000004,
  ])
  memory.a20 = true
  expect([memory.hostPage(0x100, true), memory.busAddress(0xff100004)]).toEqual([RAM + MEBIBYTE, 0xff100004])
})

test('ROMs beyond the room for them are refused', () => {
  const memory = new PhysicalMemory(MEBIBYTE)
  expect(() => memory.loadRom(0xf0000000, new Uint8Array(0x401000))).toThrow(/4194304 bytes/)
})
