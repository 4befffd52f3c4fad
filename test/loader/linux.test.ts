// The 32-bit Linux entry: the CPU state, the zero page and where everything lies, against Documentation/x86/boot.rst.
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { loadLinux } from '../../src/loader/linux.js'
import { LoadError } from '../../src/loader/load-error.js'
import { cpio, writeBzImage } from './boot-files.js'
import { writeElf } from './elf-writer.js'
import { physicalMemory } from './physical-memory.js'

const MIB = 0x100000
const vmlinux = writeElf({
  entry: 0x100000,
  segments: [{ linear: 0x80100000, physical: 0x100000, data: Uint8Array.of(0xfa, 0xf4), memoryBytes: 0x300000 }],
})
const bzImage = writeBzImage({ protectedMode: new Uint8Array(0x1230).fill(0x90), initBytes: 0x600000 })
const initrd = gzipSync(cpio([['init', '#!/bin/sh\n']]))
const file = (name: string, bytes: Uint8Array) => ({ file: name, bytes })

function start(kernel: Uint8Array, options: { initrd?: Uint8Array; commandLine?: string; mib?: number } = {}) {
  const memory = physicalMemory((options.mib ?? 16) * MIB)
  memory.bytes.fill(0xcc, 0x10000, 0x90000)
  const load = loadLinux(memory, {
    kernel: file('kernel', kernel),
    ...(options.initrd && { initrd: file('initrd', options.initrd) }),
    commandLine: options.commandLine ?? 'console=ttyS0',
  })
  const zeroPage = new DataView(memory.bytes.buffer, load.entry.registers.esi, 0x1000)
  return { memory, load, zeroPage, u32: (at: number) => zeroPage.getUint32(at, true) }
}

describe.each([
  ['vmlinux', vmlinux],
  ['bzImage', bzImage],
])('%s', (_, kernel) => {
  test('is entered in flat protected mode with interrupts off', () => {
    const { entry } = start(kernel).load
    expect(entry).toMatchObject({ protectedMode: true, cr0: 0x11, eflags: 2, eip: 0x100000 })
    expect(entry.registers).toMatchObject({ ebx: 0, ebp: 0, edi: 0 })
    expect(entry.segments.cs).toEqual({ selector: 0x10, base: 0, limit: 0xffffffff, rights: 0xc09b })
    for (const name of ['ds', 'es', 'ss'] as const) {
      expect(entry.segments[name]).toEqual({ selector: 0x18, base: 0, limit: 0xffffffff, rights: 0xc093 })
    }
  })

  test('finds the descriptors of its selectors in the GDT', () => {
    const { memory, load } = start(kernel)
    expect(load.entry.gdtr.limit).toBeGreaterThanOrEqual(0x1f)
    const gdt = memory.read(load.entry.gdtr.base, 0x20)
    expect([...gdt.subarray(0x10, 0x18)]).toEqual([0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0])
    expect([...gdt.subarray(0x18, 0x20)]).toEqual([0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0])
  })

  test('gets a zero page with memory map, command line and initrd', () => {
    const { memory, load, zeroPage, u32 } = start(kernel, { initrd, commandLine: 'a=b c', mib: 32 })
    expect(zeroPage.getUint16(0x1fe, true)).toBe(0xaa55)
    expect(u32(0x202)).toBe(0x53726448)
    expect(zeroPage.getUint8(0x1ef)).toBe(0)
    expect(zeroPage.getUint8(0x210)).toBe(0xff)
    expect(zeroPage.getUint8(0x211) & 1).toBe(1)
    expect(Buffer.from(memory.read(u32(0x228), 6)).toString()).toBe('a=b c\0')
    const address = 32 * MIB - Math.ceil(initrd.length / 0x1000) * 0x1000
    expect([u32(0x218), u32(0x21c)]).toEqual([address, initrd.length])
    expect(load.initrd).toEqual({ address, bytes: initrd.length })
    expect(memory.read(address, initrd.length)).toEqual(new Uint8Array(initrd))
    const map = Array.from({ length: zeroPage.getUint8(0x1e8) }, (_, i) => 0x2d0 + i * 20).map(at => [
      Number(zeroPage.getBigUint64(at, true)),
      Number(zeroPage.getBigUint64(at + 8, true)),
      u32(at + 16),
    ])
    expect(map).toContainEqual([0, 0x9fc00, 1])
    expect(map.at(-1)).toEqual([MIB, 31 * MIB, 1])
  })

  test('leaves memory below 0x10000 and from 0x90000 to 1 MiB alone', () => {
    const { memory } = start(kernel, { initrd })
    expect(memory.bytes.subarray(0, 0x10000).every(byte => byte === 0)).toBe(true)
    expect(memory.bytes.subarray(0x90000, MIB).every(byte => byte === 0)).toBe(true)
  })

  test('has its stack pointer at the top of a page that holds nothing else', () => {
    const { memory, load } = start(kernel)
    const { esp } = load.entry.registers
    expect(esp % 0x1000).toBe(0)
    expect(memory.read(esp - 0x1000, 0x1000).every(byte => byte === 0xcc)).toBe(true)
  })

  test('too little memory, and a command line that is too long', () => {
    expect(() => start(kernel, { mib: 2 })).toThrow(
      /^kernel: needs memory up to .*, the machine has 2 MiB; use --mem \d+M/,
    )
    expect(() => start(kernel, { commandLine: 'x'.repeat(2048) })).toThrow(
      /^kernel: a command line of 2048 bytes.*shorten/,
    )
    expect(() => start(kernel, { commandLine: 'x'.repeat(2047) })).not.toThrow()
    const huge = cpio([['big', 'x'.repeat(13 * MIB)]])
    expect(() => start(kernel, { initrd: huge })).toThrow(/^initrd: needs memory up to .*use --mem \d+M/)
  })

  test('truncated anywhere: a LoadError', () => {
    fc.assert(
      fc.property(fc.nat(kernel.length - 16), length => {
        expect(() => start(kernel.slice(0, length))).toThrow(LoadError)
      }),
      { numRuns: 40 },
    )
  })

  test('any bytes changed: loaded or a LoadError', () => {
    const damage = fc.array(fc.tuple(fc.nat(Math.min(kernel.length, 0x300) - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(damage, changes => {
        const copy = kernel.slice()
        for (const [at, value] of changes) copy[at] = value
        try {
          start(copy, { initrd })
        } catch (error) {
          expect(error).toBeInstanceOf(LoadError)
        }
      }),
      { numRuns: 80 },
    )
  })
})

describe('bzImage', () => {
  test('keeps the setup header and has its protected-mode part at code32_start', () => {
    const { memory, zeroPage, u32 } = start(bzImage)
    expect(memory.read(0x100000, 0x1231)).toEqual(Uint8Array.from([...new Uint8Array(0x1230).fill(0x90), 0]))
    expect([zeroPage.getUint16(0x206, true), u32(0x214), u32(0x260)]).toEqual([0x20f, 0x100000, 0x600000])
  })

  test('may end within the last paragraph that its header counts', () => {
    const code = start(bzImage.slice(0, -15)).memory.read(0x100000, 0x1230)
    expect([code[0x1220], code[0x1221]]).toEqual([0x90, 0])
    expect(() => start(bzImage.slice(0, -16))).toThrow('truncated: the protected-mode code ends at')
  })

  test('keeps the initrd below initrd_addr_max', () => {
    const low = writeBzImage({ protectedMode: new Uint8Array(16), initBytes: 16, initrdMax: 0x8fffff })
    expect(start(low, { initrd }).load.initrd!.address).toBe(0x900000 - Math.ceil(initrd.length / 0x1000) * 0x1000)
  })

  test.each([
    ['without HdrS', 0x202, 0, 'neither an ELF file nor a bzImage; give a vmlinux or a bzImage for i386'],
    ['without boot flag', 0x1fe, 0, 'kernel at offset 0x1fe: no boot flag 0xaa55'],
    ['of an old protocol', 0x207, 1, 'kernel at offset 0x206: boot protocol 1.15 is too old'],
    ['loaded low', 0x211, 0, 'kernel at offset 0x211: a zImage is loaded low'],
    ['cut short', 0x1f6, 1, 'truncated: the protected-mode code ends at'],
    ['entered low', 0x216, 0, 'kernel at offset 0x214: the 32-bit entry 0x00000000 is below 1 MiB'],
  ])('%s', (_, offset, value, message) => {
    const copy = bzImage.slice()
    copy[offset] = value
    expect(() => start(copy)).toThrow(message)
  })
})

test('a vmlinux whose segments lie on the loader itself is refused', () => {
  const low = writeElf({ entry: 0x20000, segments: [{ linear: 0x20000, data: Uint8Array.of(0xf4) }] })
  expect(() => start(low)).toThrow(/a segment at 0x00020000 lies on the loader's own 0x00010000 to 0x00090000/)
})
