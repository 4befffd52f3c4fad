// Kernels out of their packing: what the compressors of others have packed comes back, and what is damaged is refused.

import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { LoadError } from '../../src/loader/load-error.js'
import { unpackKernel } from '../../src/loader/packed-kernel.js'
import { writeElf } from './elf-writer.js'

/** Real code with calls near and far, noise, long runs, and what repeats far back; an ELF by its first bytes. */
const content = (() => {
  const program = Buffer.alloc(400_000)
  const file = openSync(process.execPath, 'r')
  readSync(file, program, 0, program.length, 0x2000000)
  closeSync(file)
  const noise = Buffer.from(Array.from({ length: 20_000 }, (_, i) => Math.imul(i * i + 12345, 0x9e3779b1) >>> 24))
  const calls = Buffer.from(Array.from({ length: 30_000 }, (_, i) => [0xe8, 0xff, i & 255, 0xe9, 0][(i * 7) % 5]!))
  const parts = [
    Buffer.from('\x7fELF'),
    program,
    noise,
    calls,
    Buffer.alloc(100_000, 7),
    program.subarray(0, 150_000),
    calls,
  ]
  return Buffer.concat(parts)
})()

/** How Linux's own build packs it (scripts/Makefile.lib), and other ways. */
const commands: readonly (readonly [name: string, ...command: string[]])[] = [
  ['gzip', 'gzip', '-n', '-9', '-c'],
  ['xz as Linux packs itself', 'xz', '--check=crc32', '--x86', '--lzma2=,dict=32MiB', '-c'],
  ['xz, fast, several blocks', 'xz', '-0', '--block-size=100000', '-c'],
  ['xz, other contexts', 'xz', '--check=none', '--lzma2=lc=1,lp=2,pb=0,dict=64KiB', '-c'],
  ['bzip2', 'bzip2', '-9', '-c'],
  ['bzip2, small blocks', 'bzip2', '-1', '-c'],
  ['lzma', 'xz', '--format=lzma', '-9', '-c'],
  ['lz4', 'lz4', '-l', '-9', '-c'],
]
const has = (command: string) => spawnSync(command, ['--version']).status === 0
const packedBy = ([, command, ...args]: (typeof commands)[number]) =>
  execFileSync(command!, args, { input: content, maxBuffer: 2 * content.length, stdio: ['pipe', 'pipe', 'ignore'] })

/** A bzImage that has a payload and nothing else; behind that, Linux keeps its size. */
function bzImageOf(payload: Uint8Array, size: number): Uint8Array {
  const image = new Uint8Array(1024 + 64 + payload.length + 4)
  const view = new DataView(image.buffer)
  image[0x1f1] = 1
  view.setUint32(0x202, 0x53726448, true)
  view.setUint16(0x206, 0x20f, true)
  view.setUint32(0x248, 64, true)
  view.setUint32(0x24c, payload.length + 4, true)
  image.set(payload, 1024 + 64)
  view.setUint32(1024 + 64 + payload.length, size, true)
  return image
}

for (const command of commands) {
  const available = has(command[1]!)
  if (!available) console.warn(`skipped: there is no ${command[1]} to pack with`)
  const each = available ? test : test.skip
  each(`${command[0]}: whole, in a bzImage, damaged`, () => {
    const packed = packedBy(command)
    expect(Buffer.compare(unpackKernel('k', packed), content)).toBe(0)
    // Linux packs with gzip from a file, whose size stands at the end already.
    const image = command[0] === 'gzip' ? bzImageOf(packed, 0).subarray(0, -4) : bzImageOf(packed, content.length)
    if (command[0] === 'gzip') new DataView(image.buffer).setUint32(0x24c, packed.length, true)
    expect(Buffer.compare(unpackKernel('k', image), content)).toBe(0)
    expect(() => unpackKernel('k', packed.subarray(0, packed.length >> 1))).toThrow(LoadError)
    const damaged = Uint8Array.from(packed)
    damaged.fill(0x55, 4000, 4400)
    try {
      expect(Buffer.compare(unpackKernel('k', damaged), content)).not.toBe(0)
    } catch (error) {
      expect(error).toBeInstanceOf(LoadError)
    }
  })
}

test('what is no kernel', () => {
  const elf = writeElf({ entry: 5, segments: [{ linear: 0x100000, data: new Uint8Array(16) }] })
  expect(unpackKernel('k', elf)).toBe(elf)
  const image = bzImageOf(gzipSync(elf), elf.length)
  expect(() => unpackKernel('k', image.subarray(0, 1100))).toThrow('lies outside the file')
  image.fill(7, 1024 + 64)
  expect(() => unpackKernel('k', image)).toThrow('compressed in a way that is not known')
  expect(() => unpackKernel('k', gzipSync(elf).subarray(0, 30))).toThrow('gzip data is damaged')
  expect(() => unpackKernel('k', new Uint8Array(9))).toThrow('is no ELF file')
})
