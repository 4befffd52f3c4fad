// Settles the "alternatives" of a Linux 6.1 i386 kernel in its ELF image (arch/x86/kernel/alternative.c): every
// replacement that the kernel would make at boot on the given processor is made here, and the table is then emptied in
// place, so that the kernel changes none of its own text. Only the lengths in the table are changed: the kernel still
// walks it and finds nothing to do, and it still settles its vDSO, which is user code. Because static_cpu_has() sites
// are settled too, none jumps into .altinstr_aux after the kernel has freed it. Left out: merging of single-byte NOPs in
// text that is not replaced, which changes no result and would hide boundaries of sites.
import type { CodeMove } from '../isa/sites.js'
import { type ElfImage, fileOffset, findSection, SHF_EXECINSTR, sectionBytes } from './elf.js'
import { hex, LoadError } from './load-error.js'
import { settleRecords } from './settled-records.js'

const ENTRY_BYTES = 12
const FLAG_INVERTED = 0x8000
const OPCODE_CALL = 0xe8
const OPCODE_JMP = 0xe9
const OPCODE_JMP_SHORT = 0xeb
const JUMP_BYTES = 5

/** The kernel's no-operations by length, 1 to 8 bytes (asm/nops.h, 32-bit). */
const NOPS: readonly (readonly number[])[] = [
  [],
  [0x90],
  [0x89, 0xf6],
  [0x8d, 0x76, 0x00],
  [0x8d, 0x74, 0x26, 0x00],
  [0x3e, 0x8d, 0x74, 0x26, 0x00],
  [0x8d, 0xb6, 0x00, 0x00, 0x00, 0x00],
  [0x8d, 0xb4, 0x26, 0x00, 0x00, 0x00, 0x00],
  [0x3e, 0x8d, 0xb4, 0x26, 0x00, 0x00, 0x00, 0x00],
]

/** One replacement that was made. `feature` is Linux's number, word * 32 + bit. */
export interface SettledPlace {
  readonly linear: number
  readonly bytes: number
  readonly feature: number
}

/** The settled image and what was done. `entries` counts the table, `patched` lists the replacements in its order. */
export interface SettledAlternatives {
  readonly bytes: Uint8Array
  readonly entries: number
  readonly patched: readonly SettledPlace[]
}

interface Alternative {
  /** Offset of the entry in the file. */
  readonly at: number
  readonly linear: number
  readonly target: number
  readonly replacementLinear: number
  readonly replacement: number
  readonly feature: number
  readonly inverted: boolean
  readonly bytes: number
  readonly replacementBytes: number
}

/**
 * Settles the alternatives of a kernel image for a processor.
 * @param features the kernel's feature words, as `linuxFeatures` gives them; words beyond the array count as 0
 * @returns a changed copy of the file; a kernel without a table comes back unchanged with 0 entries
 * @throws LoadError if the table is not one of Linux 6.1 or names bytes outside the kernel
 */
export function settleAlternatives(elf: ElfImage, features: Uint32Array): SettledAlternatives {
  const bytes = new Uint8Array(elf.bytes)
  const table = readTable(elf)
  const patched: SettledPlace[] = []
  const moves: CodeMove[] = []
  for (const alternative of table) {
    const present = (((features[alternative.feature >>> 5] ?? 0) >>> (alternative.feature & 31)) & 1) === 1
    if (present !== alternative.inverted) {
      bytes.set(replacementFor(bytes, alternative), alternative.target)
      const place = { linear: alternative.linear, bytes: alternative.bytes, feature: alternative.feature }
      patched.push(place)
      const { replacementLinear: from, replacementBytes: fromBytes, linear: to, bytes: toBytes } = alternative
      moves.push({ from, fromBytes, to, toBytes })
    }
  }
  // The lengths, last two bytes of an entry: with none the kernel neither copies nor looks at a byte.
  for (const { at } of table) bytes.fill(0, at + 10, at + 12)
  settleRecords(elf, bytes, moves)
  return { bytes, entries: table.length, patched }
}

function readTable(elf: ElfImage): Alternative[] {
  const section = findSection(elf, '.altinstructions')
  if (!section) return []
  const fail = (offset: number, reason: string): LoadError =>
    new LoadError({ file: elf.file, offset, reason, remedy: 'give the image of a Linux 6.1 kernel for i386' })
  const content = sectionBytes(elf, section)
  if (content.length % ENTRY_BYTES !== 0) {
    throw fail(
      section.offset,
      `the table of alternatives (${content.length} bytes) is not made of ${ENTRY_BYTES}-byte entries`,
    )
  }
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
  const executable = elf.sections.filter(candidate => (candidate.flags & SHF_EXECINSTR) !== 0)
  const locate = (at: number, linear: number, bytes: number, what: string): number => {
    const offset = fileOffset(elf, linear, bytes)
    const inside = executable.some(code => linear >= code.address && linear + bytes <= code.address + code.bytes)
    if (offset !== undefined && inside) return offset
    throw fail(
      section.offset + at,
      `an alternative's ${what} at ${hex(linear)} (${bytes} bytes) is outside the kernel's code`,
    )
  }
  const table: Alternative[] = []
  for (let at = 0; at < content.length; at += ENTRY_BYTES) {
    const linear = (section.address + at + view.getInt32(at, true)) >>> 0
    const replacementLinear = (section.address + at + 4 + view.getInt32(at + 4, true)) >>> 0
    const condition = view.getUint16(at + 8, true)
    const [length, replacementLength] = [view.getUint8(at + 10), view.getUint8(at + 11)]
    if (replacementLength > length) {
      throw fail(section.offset + at + 11, `an alternative of ${replacementLength} bytes for ${length} bytes of code`)
    }
    table.push({
      at: section.offset + at,
      linear,
      target: locate(at, linear, length, 'code'),
      replacementLinear,
      replacement: replacementLength === 0 ? 0 : locate(at, replacementLinear, replacementLength, 'replacement'),
      feature: condition & ~FLAG_INVERTED,
      inverted: (condition & FLAG_INVERTED) !== 0,
      bytes: length,
      replacementBytes: replacementLength,
    })
  }
  return table
}

/** The bytes for the place of an alternative: the replacement with its branch corrected, then no-operations. */
function replacementFor(image: Uint8Array, alternative: Alternative): Uint8Array {
  const { replacement, replacementBytes, bytes } = alternative
  const code = new Uint8Array(bytes)
  code.set(image.subarray(replacement, replacement + replacementBytes))
  let used = replacementBytes
  if (replacementBytes === JUMP_BYTES && (code[0] === OPCODE_CALL || code[0] === OPCODE_JMP)) {
    used = moveBranch(code, alternative.replacementLinear - alternative.linear)
  }
  while (used < bytes) {
    const nop = NOPS[Math.min(bytes - used, NOPS.length - 1)]!
    code.set(nop, used)
    used += nop.length
  }
  return code
}

/**
 * Corrects a five-byte call or jump that moves down by `distance` bytes; a jump forward by at most 127 bytes becomes
 * short, as the kernel makes it. Returns the bytes that it takes now.
 */
function moveBranch(code: Uint8Array, distance: number): number {
  const view = new DataView(code.buffer)
  const target = (view.getInt32(1, true) + JUMP_BYTES + distance) | 0
  if (code[0] === OPCODE_JMP && target >= 0 && target - 2 <= 127) {
    code[0] = OPCODE_JMP_SHORT
    view.setInt8(1, target - 2)
    return 2
  }
  view.setInt32(1, target - JUMP_BYTES, true)
  return JUMP_BYTES
}
