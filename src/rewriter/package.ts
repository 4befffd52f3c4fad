// The guest as a package for back ends whose loader cannot fill guest memory (vmm/include/package.h): what a boot loader
// has written, rewritten, as parts with their guest-physical addresses; and the VMM with such a package inside.
import type { ElfImage } from '../loader/elf.js'
import type { EntryState, MemoryView } from '../loader/entry.js'
import { LoadError } from '../loader/load-error.js'
import { OPERAND_BYTES } from './operand.js'
import { OPERAND_LIMIT, OPERAND_TABLE, PACKAGE_POINTER, WINDOW_START } from './virtual-cpu.js'

const MAGIC = 0x31475650
const HEADER_WORDS = 7
const PART_WORDS = 3
const PAGE = 4096

/** Guest memory that remembers which of its pages were written. */
export class RecordedMemory implements MemoryView {
  private readonly bytes: Uint8Array
  private readonly written: Uint8Array

  /** @param size end of the guest's memory in bytes, a multiple of 4 KiB */
  constructor(readonly size: number) {
    this.bytes = new Uint8Array(size)
    this.written = new Uint8Array(size / PAGE)
  }
  /** What it answers is the memory itself: later writes are seen in it. */
  read(address: number, bytes: number): Uint8Array {
    return this.bytes.subarray(address, address + bytes)
  }
  write(address: number, data: Uint8Array): void {
    this.bytes.set(data, address)
    if (data.length > 0) this.written.fill(1, Math.floor(address / PAGE), Math.ceil((address + data.length) / PAGE))
  }
  /** Ranges of pages that were written and are not all zero: address and content. */
  *parts(): Generator<readonly [address: number, bytes: Uint8Array]> {
    const words = new Uint32Array(this.bytes.buffer)
    const holds = (page: number) => {
      if (this.written[page] === 0) return false
      for (let word = page * 1024; word < page * 1024 + 1024; word++) if (words[word] !== 0) return true
      return false
    }
    for (let page = 0; page < this.written.length; page++) {
      if (!holds(page)) continue
      const first = page
      while (page < this.written.length && holds(page)) page++
      yield [first * PAGE, this.bytes.subarray(first * PAGE, page * PAGE)]
    }
  }
}

/**
 * Packs a guest.
 * @param memory guest memory as a loader and the rewriter have left it
 * @param cpuModel number of the CPU model in the order of cpu/models.ts
 */
export function packGuest(memory: RecordedMemory, { eip, registers }: EntryState, cpuModel: number): Uint8Array {
  const parts = [...memory.parts()]
  const header = 4 * (HEADER_WORDS + PART_WORDS * parts.length)
  const words = [MAGIC, memory.size, cpuModel, eip, registers.esi, registers.esp, parts.length]
  let offset = header
  for (const [physical, bytes] of parts) {
    words.push(physical, bytes.length, offset)
    offset += bytes.length
  }
  const whole = new Uint8Array(offset)
  whole.set(new Uint8Array(Uint32Array.from(words).buffer))
  offset = header
  for (const [, bytes] of parts) {
    whole.set(bytes, offset)
    offset += bytes.length
  }
  return whole
}

/** What a domain needs beside its guest's memory: pools, the image with its package, what the domain builder adds. */
export const VMM_MEMORY_BYTES = 32 << 20

const HEADER_BYTES = 52
const SEGMENT_BYTES = 32
const SEGMENT_COUNT_FIELD = 44
const PT_LOAD = 1
const READ_ONLY = 4

/**
 * A VMM with a guest inside: one file that a hypervisor's own loader starts.
 * @param operands content of the operand table, of the plan that the guest was rewritten by
 * @returns a new file
 * @throws LoadError where the file is no VMM
 */
export function embedGuest(vmm: ElfImage, operands: Uint8Array, guest: Uint8Array): Uint8Array {
  const end = OPERAND_TABLE + OPERAND_LIMIT * OPERAND_BYTES
  const image = vmm.segments.find(({ linear, fileBytes }) => linear === WINDOW_START && linear + fileBytes >= end)
  const headers = HEADER_BYTES + SEGMENT_BYTES * (vmm.segments.length + 1)
  if (image === undefined || image.offset < headers) {
    const remedy = 'build it with vmm/Makefile'
    throw new LoadError({ file: vmm.file, reason: 'not a VMM: no segment holds the operand table', remedy })
  }
  const offset = Math.ceil(vmm.bytes.length / PAGE) * PAGE
  const linear = Math.ceil(Math.max(...vmm.segments.map(each => each.linear + each.memoryBytes)) / PAGE) * PAGE
  const bytes = new Uint8Array(offset + guest.length)
  const view = new DataView(bytes.buffer)
  bytes.set(vmm.bytes)
  bytes.set(guest, offset)
  const words = (at: number, values: readonly number[]) => {
    values.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true)
    })
  }
  bytes.set(operands, image.offset + OPERAND_TABLE - WINDOW_START)
  words(image.offset + PACKAGE_POINTER - WINDOW_START, [linear, guest.length])
  view.setUint16(SEGMENT_COUNT_FIELD, vmm.segments.length + 1, true)
  const segment = [PT_LOAD, offset, linear, linear, guest.length, guest.length, READ_ONLY, PAGE]
  words(headers - SEGMENT_BYTES, segment)
  return bytes
}
