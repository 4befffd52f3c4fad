// Turns what our Linux loader left in memory into a file that QEMU can start: a multiboot image, loaded high, whose few
// instructions copy every used range to its place, set the registers of the entry state and jump.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EntryState } from '../../src/loader/entry.js'

const LOAD_ADDRESS = 0x4000000
const STUB_BYTES = 0x1000
const CHUNK = 0x1000

/** Ranges of memory that are not all zero, in whole pages. */
function usedRanges(memory: Uint8Array): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = []
  for (let at = 0; at < memory.length; at += CHUNK) {
    if (memory.subarray(at, at + CHUNK).every(byte => byte === 0)) continue
    const last = ranges.at(-1)
    if (last?.end === at) last.end += CHUNK
    else ranges.push({ start: at, end: at + CHUNK })
  }
  return ranges
}

function assemble(source: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-stub-'))
  try {
    writeFileSync(join(folder, 'stub.s'), source)
    execFileSync('as', ['--32', '-o', join(folder, 'stub.o'), join(folder, 'stub.s')])
    execFileSync(
      'ld',
      [
        '-m',
        'elf_i386',
        '-Ttext',
        `0x${LOAD_ADDRESS.toString(16)}`,
        '--oformat',
        'binary',
        '-o',
        join(folder, 'stub'),
        join(folder, 'stub.o'),
      ],
      { stdio: 'pipe' },
    )
    return readFileSync(join(folder, 'stub'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The multiboot image for a memory and an entry state in flat protected mode. */
export function handover(memory: Uint8Array, entry: EntryState): Uint8Array {
  const ranges = usedRanges(memory)
  let from = LOAD_ADDRESS + STUB_BYTES
  const copies = ranges.map(({ start, end }) => {
    const copy = `mov $${from}, %esi; mov $${start}, %edi; mov $${end - start}, %ecx; rep movsb`
    from += end - start
    return copy
  })
  const { registers, segments, gdtr } = entry
  const stub = assemble(`
    .globl _start
header: .long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, ${LOAD_ADDRESS}, ${from}, 0, _start
gdtr:   .word ${gdtr.limit}; .long ${gdtr.base}
_start: cli; cld
        ${copies.join('\n        ')}
        lgdt gdtr
        mov $${segments.ds.selector}, %eax
        mov %eax, %ds; mov %eax, %es; mov %eax, %fs; mov %eax, %gs; mov %eax, %ss
        mov $${registers.eax}, %eax; mov $${registers.ebx}, %ebx; mov $${registers.ecx}, %ecx; mov $${registers.edx}, %edx
        mov $${registers.esi}, %esi; mov $${registers.edi}, %edi; mov $${registers.ebp}, %ebp; mov $${registers.esp}, %esp
        ljmp $${segments.cs.selector}, $${entry.eip}
  `)
  const image = new Uint8Array(from - LOAD_ADDRESS)
  image.set(stub)
  let at = STUB_BYTES
  for (const { start, end } of ranges) {
    image.set(memory.subarray(start, end), at)
    at += end - start
  }
  return image
}
