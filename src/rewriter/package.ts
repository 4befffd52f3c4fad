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
const ZEROES = new Uint8Array(PAGE)

/** What is allocated at once: most of a guest's memory is never written here. */
const CHUNK = 16 << 20

/** Guest memory that remembers which of its pages were written. */
export class RecordedMemory implements MemoryView {
  private readonly chunks: (Uint8Array | undefined)[] = []
  private readonly written: Uint8Array

  /** @param size end of the guest's memory in bytes, a multiple of 4 KiB */
  constructor(readonly size: number) {
    this.written = new Uint8Array(size / PAGE)
  }
  /** What it answers may be the memory itself: later writes are seen in it. */
  read(address: number, bytes: number): Uint8Array {
    const within = address % CHUNK
    const chunk = this.chunks[Math.floor(address / CHUNK)]
    if (chunk && within + bytes <= CHUNK) return chunk.subarray(within, within + bytes)
    const copy = new Uint8Array(bytes)
    this.eachPart(address, bytes, (part, from, length) => {
      if (part) copy.set(part.subarray(from % CHUNK, (from % CHUNK) + length), from - address)
    })
    return copy
  }
  write(address: number, data: Uint8Array): void {
    this.eachPart(address, data.length, (chunk, from, length) => {
      const place = chunk ?? new Uint8Array(CHUNK)
      this.chunks[Math.floor(from / CHUNK)] = place
      place.set(data.subarray(from - address, from - address + length), from % CHUNK)
    })
    if (data.length > 0) this.written.fill(1, Math.floor(address / PAGE), Math.ceil((address + data.length) / PAGE))
  }
  /** Calls for each chunk that a range touches: with it, if there is one, and with address and length of the range's part. */
  private eachPart(
    address: number,
    bytes: number,
    call: (chunk: Uint8Array | undefined, from: number, length: number) => void,
  ) {
    for (let from = address; from < address + bytes; from += CHUNK - (from % CHUNK))
      call(this.chunks[Math.floor(from / CHUNK)], from, Math.min(CHUNK - (from % CHUNK), address + bytes - from))
  }
  /** Ranges of pages that were written: address, length and content, which is undefined where all of it is zero. */
  *parts(): Generator<readonly [address: number, length: number, content: Uint8Array | undefined]> {
    const { written } = this
    const isZero = (page: number) => Buffer.compare(this.read(page * PAGE, PAGE), ZEROES) === 0
    for (let page = 0; page < written.length; page++) {
      if (written[page] === 0) continue
      const first = page
      const zero = isZero(first)
      while (page + 1 < written.length && written[page + 1] !== 0 && isZero(page + 1) === zero) page++
      const bytes = (page + 1 - first) * PAGE
      yield [first * PAGE, bytes, zero ? undefined : this.read(first * PAGE, bytes)]
    }
  }
}

/** A guest, packed: what its package holds, to be written where it is wanted. */
export interface GuestPackage {
  readonly bytes: number
  writeTo(place: Uint8Array): void
}

/**
 * Packs a guest.
 * @param memory guest memory as a loader and the rewriter have left it
 * @param cpuModel number of the CPU model in the order of cpu/models.ts
 */
export function packGuest(memory: RecordedMemory, { eip, registers }: EntryState, cpuModel: number): GuestPackage {
  const parts = [...memory.parts()]
  const words = [MAGIC, memory.size, cpuModel, eip, registers.esi, registers.esp, parts.length]
  const header = 4 * (HEADER_WORDS + PART_WORDS * parts.length)
  let end = header
  for (const [physical, bytes, content] of parts) {
    words.push(physical, bytes, content ? end : 0)
    end += content?.length ?? 0
  }
  const writeTo = (place: Uint8Array) => {
    place.set(new Uint8Array(Uint32Array.from(words).buffer))
    let offset = header
    for (const [, , content] of parts) {
      if (content) place.set(content, offset)
      offset += content?.length ?? 0
    }
  }
  return { bytes: end, writeTo }
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
export function embedGuest(vmm: ElfImage, operands: Uint8Array, guest: GuestPackage): Uint8Array {
  const end = OPERAND_TABLE + OPERAND_LIMIT * OPERAND_BYTES
  const image = vmm.segments.find(({ linear, fileBytes }) => linear === WINDOW_START && linear + fileBytes >= end)
  const headers = HEADER_BYTES + SEGMENT_BYTES * (vmm.segments.length + 1)
  if (image === undefined || image.offset < headers) {
    const remedy = 'build it with vmm/Makefile'
    throw new LoadError({ file: vmm.file, reason: 'not a VMM: no segment holds the operand table', remedy })
  }
  const offset = Math.ceil(vmm.bytes.length / PAGE) * PAGE
  const linear = Math.ceil(Math.max(...vmm.segments.map(each => each.linear + each.memoryBytes)) / PAGE) * PAGE
  const bytes = new Uint8Array(offset + guest.bytes)
  const view = new DataView(bytes.buffer)
  bytes.set(vmm.bytes)
  guest.writeTo(bytes.subarray(offset))
  const words = (at: number, values: readonly number[]) => {
    values.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true)
    })
  }
  bytes.set(operands, image.offset + OPERAND_TABLE - WINDOW_START)
  words(image.offset + PACKAGE_POINTER - WINDOW_START, [linear, guest.bytes])
  view.setUint16(SEGMENT_COUNT_FIELD, vmm.segments.length + 1, true)
  const segment = [PT_LOAD, offset, linear, linear, guest.bytes, guest.bytes, READ_ONLY, PAGE]
  words(headers - SEGMENT_BYTES, segment)
  return bytes
}
