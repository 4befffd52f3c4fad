// Multiboot 1: where kernel and modules go, and what the kernel is told, against the specification's layout.
import fc from 'fast-check'
import { LoadError } from '../../src/loader/load-error.js'
import { loadMultiboot, type MultibootModule } from '../../src/loader/multiboot.js'
import { words, writeElf } from './elf-writer.js'
import { physicalMemory } from './physical-memory.js'

const MIB = 0x100000
const MAGIC = 0x1badb002

function header(flags: number, ...addresses: number[]): Uint8Array {
  return Uint8Array.from(words(MAGIC, flags, -(MAGIC + flags), ...addresses))
}

function elfKernel(flags: number, linear = MIB): Uint8Array {
  const text = Uint8Array.from([...header(flags), 0xf4])
  return writeElf({ entry: linear + 12, segments: [{ linear, data: text, memoryBytes: 0x2345 }] })
}

/** A flat kernel at 1 MiB whose header, 8 bytes into the file, gives the addresses. */
function kludgeKernel(
  changes: Partial<Record<'header' | 'load' | 'loadEnd' | 'bssEnd' | 'entry', number>> = {},
): Uint8Array {
  const fields = { header: MIB + 8, load: MIB, loadEnd: MIB + 48, bssEnd: MIB + 64, entry: MIB + 40, ...changes }
  const { header: at, load, loadEnd, bssEnd, entry } = fields
  return Uint8Array.from([
    ...new Uint8Array(8).fill(0x90),
    ...header(0x10003, at, load, loadEnd, bssEnd, entry),
    ...new Uint8Array(20).fill(0xf4),
  ])
}

function start(kernel: Uint8Array, modules: MultibootModule[] = [], commandLine = '', mib = 8) {
  const memory = physicalMemory(mib * MIB)
  memory.bytes.fill(0xcc)
  const entry = loadMultiboot(memory, { kernel: { file: 'kernel.elf', bytes: kernel }, modules, commandLine })
  const view = new DataView(memory.bytes.buffer)
  const u32 = (at: number) => view.getUint32(at, true)
  const text = (at: number) => Buffer.from(memory.bytes.subarray(at, memory.bytes.indexOf(0, at))).toString()
  return { memory, entry, info: entry.registers.ebx, u32, text }
}

test('the entry state is that of the specification', () => {
  const { entry, memory } = start(elfKernel(3))
  expect(entry).toMatchObject({ protectedMode: true, cr0: 0x11, eflags: 2, eip: MIB + 12 })
  expect(entry.registers.eax).toBe(0x2badb002)
  for (const [name, rights] of Object.entries({
    cs: 0xc09b,
    ds: 0xc093,
    es: 0xc093,
    fs: 0xc093,
    gs: 0xc093,
    ss: 0xc093,
  })) {
    expect(entry.segments[name as 'cs']).toMatchObject({ base: 0, limit: 0xffffffff, rights })
  }
  const descriptor = memory.read(entry.gdtr.base + entry.segments.cs.selector, 8)
  expect([...descriptor]).toEqual([0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0])
})

test('information: memory sizes, memory map, command line, loader name', () => {
  const { info, u32, text } = start(elfKernel(3), [], 'a b=c')
  expect(u32(info) & 0x245).toBe(0x245)
  expect([u32(info + 4), u32(info + 8)]).toEqual([639, 7 * 1024])
  expect(text(u32(info + 16))).toBe('kernel.elf a b=c')
  expect(text(u32(info + 64))).toBe('previrt')
  const [length, map] = [u32(info + 44), u32(info + 48)]
  const ranges = []
  for (let at = map; at < map + length; at += u32(at) + 4)
    ranges.push([u32(at + 4), u32(at + 8), u32(at + 12), u32(at + 20)])
  expect(ranges).toContainEqual([0, 0, 0x9fc00, 1])
  expect(ranges).toContainEqual([MIB, 0, 7 * MIB, 1])
})

test('modules lie on page boundaries behind the kernel, with their strings', () => {
  const modules = [
    { file: 'first', bytes: new Uint8Array(5000).fill(1), commandLine: 'one x' },
    { file: 'second', bytes: new Uint8Array(10).fill(2) },
  ]
  const { memory, info, u32, text } = start(elfKernel(3), modules)
  expect(u32(info + 20)).toBe(2)
  const list = u32(info + 24)
  expect([text(u32(list + 8)), text(u32(list + 24))]).toEqual(['one x', 'second'])
  modules.forEach(({ bytes }, i) => {
    const [from, to] = [u32(list + 16 * i), u32(list + 16 * i + 4)]
    expect(from % 0x1000).toBe(0)
    expect(from).toBeGreaterThanOrEqual(MIB + 0x2345)
    expect(memory.read(from, to - from)).toEqual(bytes)
  })
})

test('a kernel that gives its own addresses is loaded by them', () => {
  const { memory, entry } = start(kludgeKernel())
  expect(entry.eip).toBe(MIB + 40)
  expect([...memory.read(MIB + 40, 25)]).toEqual([...new Uint8Array(8).fill(0xf4), ...new Uint8Array(16), 0xcc])
  const whole = start(kludgeKernel({ loadEnd: 0, bssEnd: 0 }))
  expect([...whole.memory.read(MIB + 59, 2)]).toEqual([0xf4, 0xcc])
})

test('nothing that is loaded overlaps, wherever the kernel lies', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0x400 }), fc.nat(3), (page, count) => {
      const kernel = elfKernel(3, page * 0x1000)
      const modules = Array.from({ length: count }, (_, i) => ({
        file: `m${i}`,
        bytes: new Uint8Array(7000).fill(0xa0 + i),
      }))
      const { memory, info, u32, text } = start(kernel, modules)
      expect(u32(page * 0x1000)).toBe(MAGIC)
      expect(memory.bytes.subarray(page * 0x1000 + 13, page * 0x1000 + 0x2345).every(byte => byte === 0)).toBe(true)
      expect(text(u32(info + 64))).toBe('previrt')
      for (const [i, { bytes }] of modules.entries()) {
        expect(memory.read(u32(u32(info + 24) + 16 * i), 7000)).toEqual(bytes)
      }
    }),
    { numRuns: 20 },
  )
})

test.each([
  ['no header', writeElf({ entry: 0 }), 'kernel.elf at offset 0x0: no multiboot header in the first 8192 bytes'],
  ['an unknown requirement', elfKernel(0x13), 'the kernel requires features 0x00000010'],
  [
    'an end before the start',
    kludgeKernel({ loadEnd: MIB - 1 }),
    'at offset 0x1c: the load end 0x000fffff is not inside',
  ],
  ['an end behind the file', kludgeKernel({ loadEnd: MIB + 61 }), 'the load end 0x0010003d is not inside the file'],
  ['bss before the end', kludgeKernel({ bssEnd: MIB + 1 }), 'at offset 0x20: the end of bss 0x00100001'],
  ['a foreign entry point', kludgeKernel({ entry: 5 }), 'at offset 0x24: the entry point 0x00000005'],
  ['a start before the file', kludgeKernel({ load: MIB - 64 }), 'at offset 0x18: the load address'],
  ['no ELF', header(3), 'at offset 0x0: not an ELF file'],
  ['too little memory', elfKernel(3, 64 * MIB), 'the machine has 8 MiB; use --mem 65M or more'],
])('%s is refused', (_, kernel, message) => expect(() => start(kernel)).toThrow(message))

test('any bytes changed: loaded or a LoadError', () => {
  const kernels = fc.constantFrom(elfKernel(3), kludgeKernel())
  const damage = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(kernels, damage, fc.nat(200), (kernel, changes, cut) => {
      const copy = kernel.slice(0, kernel.length - Math.min(cut, cut > 150 ? kernel.length : 0))
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value
      try {
        start(copy)
      } catch (error) {
        expect(error).toBeInstanceOf(LoadError)
      }
    }),
    { numRuns: 150 },
  )
})
