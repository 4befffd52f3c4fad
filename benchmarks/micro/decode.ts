// What decoding costs in a fresh process: table set-up, the first 250 to 100,000 distinct instructions, and warm.
// Usage: node dist/benchmarks/micro/decode.js FILE, an i386 ELF file (a vmlinux, a static busybox) whose .text is decoded.

import { readFileSync } from 'node:fs'

const since = (start: number) => (performance.now() - start).toFixed(2).padStart(8)

/** The bytes of section .text of a 32-bit little-endian ELF file (System V ABI, chapter 4). */
function textOf(file: Buffer): Uint8Array {
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 1) throw new Error('not a 32-bit ELF file: name another one')
  const headers = file.readUInt32LE(32)
  const size = file.readUInt16LE(46)
  const namesAt = file.readUInt32LE(headers + size * file.readUInt16LE(50) + 16)
  for (let i = 0; i < file.readUInt16LE(48); i++) {
    const header = headers + size * i
    const name = namesAt + file.readUInt32LE(header)
    if (file.toString('latin1', name, name + 6) !== '.text\0') continue
    const at = file.readUInt32LE(header + 16)
    return new Uint8Array(file.subarray(at, at + file.readUInt32LE(header + 20)))
  }
  throw new Error('the file has no section .text: name another one')
}

const path = process.argv[2]
if (path === undefined) throw new Error('usage: node dist/benchmarks/micro/decode.js FILE (an i386 ELF file)')
const text = textOf(readFileSync(path))

const setUp = performance.now()
const { Decoder } = await import('../../src/isa/decode.js')
const { forms } = await import('../../src/isa/forms.js')
const { ALL_FEATURES, PROTECTED } = await import('../../src/isa/features.js')
console.log(`modules and tables  ${since(setUp)} ms, ${forms.length} forms`)

const mode = { code32: true, flat: true, features: ALL_FEATURES | PROTECTED }
const decoder = new Decoder()
/** Decodes up to `count` instructions in sequence from byte `at` on; returns where it stopped. */
function decode(at: number, count: number): number {
  for (let n = 0; n < count && at < text.length; n++)
    at += decoder.decode(text, at, text.length - at, mode) > 1 ? decoder.length : 1
  return at
}

let at = 0
let total = 0
const start = performance.now()
for (const upTo of [250, 1000, 10000, 100000, 200000]) {
  at = decode(at, upTo - total)
  total = upTo
  console.log(`cold ${String(total).padStart(7)} decoded ${since(start)} ms`)
}
for (let round = 0; round < 3; round++) {
  const from = performance.now()
  decode(0, 200000)
  console.log(`warm, each of 200000 ${((performance.now() - from) / 200).toFixed(3).padStart(7)} us`)
}
