// Multiboot 1 (Multiboot Specification 0.6.96): finds the header, loads the kernel as ELF or by the header's own
// addresses ("a.out kludge"), then modules, strings, memory map and the information structure. Left out: video modes
// (a request is ignored), symbols, drives, APM. As other loaders do, the command line begins with the kernel's name.
import { type ElfSegment, loadElf, PT_LOAD, parseElf, physicalEntry } from './elf.js'
import { type EntryState, flatEntry, flatGdt, type LoadedFile, type MemoryView } from './entry.js'
import { hex, LoadError, tooLittleMemory } from './load-error.js'
import { defaultMemoryMap } from './memory-map.js'

const HEADER_MAGIC = 0x1badb002
const LOADER_MAGIC = 0x2badb002
const SEARCH_BYTES = 8192
const HEADER_BYTES = 12
const KLUDGE_BYTES = 32
const FLAG_KLUDGE = 1 << 16
/** Requirements that we meet or may ignore: page-aligned modules, memory information, video mode. */
const KNOWN_REQUIREMENTS = 0x7
/** Information present: memory sizes, command line, modules, memory map, loader name. */
const INFO_FLAGS = 0x1 | 0x4 | 0x8 | 0x40 | 0x200
const INFO_BYTES = 116
const CODE_SELECTOR = 0x08
const DATA_SELECTOR = 0x10
const PAGE_BYTES = 0x1000
const STACK_BYTES = PAGE_BYTES
const LOW_AREA = 0x10000
const LOW_AREA_END = 0x90000
const LOADER_NAME = 'previrt'

/** A module and the string that the kernel is told for it (its file's name where none is given). */
export interface MultibootModule extends LoadedFile {
  readonly commandLine?: string
}

export interface MultibootOptions {
  readonly kernel: LoadedFile
  readonly modules?: readonly MultibootModule[]
  readonly commandLine: string
}

interface Range {
  readonly start: number
  readonly end: number
}

interface Kernel {
  readonly entry: number
  readonly ranges: readonly Range[]
  load(): void
}

/**
 * Loads a multiboot kernel with its modules.
 * @returns the CPU state at the entry: EAX the loader's magic, EBX the information structure, flat segments
 * @throws LoadError for a file without a valid header, contradictory addresses or too little memory
 */
export function loadMultiboot(memory: MemoryView, options: MultibootOptions): EntryState {
  const kernel = openKernel(memory, options.kernel)
  const used: Range[] = [...kernel.ranges]
  const kernelEnd = Math.max(...used.map(range => range.end))
  if (kernelEnd > memory.size) throw tooLittleMemory(options.kernel.file, kernelEnd, memory.size)
  const place = (file: string, bytes: number, from: number, to = memory.size): number => {
    const start = firstGap(used, from, bytes)
    if (start + bytes > to) throw tooLittleMemory(file, start + bytes, memory.size)
    used.push({ start, end: start + bytes })
    return start
  }
  const modules = (options.modules ?? []).map(module => {
    const start = place(module.file, module.bytes.length, Math.max(kernelEnd, 0x100000))
    return { start, end: start + module.bytes.length, module }
  })
  const text = new TextEncoder()
  const strings = [
    LOADER_NAME,
    `${options.kernel.file} ${options.commandLine}`.trim(),
    ...modules.map(({ module }) => module.commandLine ?? module.file),
  ].map(line => text.encode(`${line}\0`))
  const map = defaultMemoryMap(memory.size)
  const gdt = flatGdt(CODE_SELECTOR, DATA_SELECTOR)

  const parts = [INFO_BYTES, modules.length * 16, map.length * 24, gdt.length, ...strings.map(string => string.length)]
  const offsets = [0]
  for (const bytes of parts) offsets.push(align(offsets.at(-1)! + bytes, 8))
  const bytes = align(offsets.at(-1)!, PAGE_BYTES) + STACK_BYTES
  const low = firstGap(used, LOW_AREA, bytes)
  const base = place(options.kernel.file, bytes, low + bytes <= LOW_AREA_END ? LOW_AREA : Math.max(kernelEnd, 0x100000))
  const at = (part: number) => base + offsets[part]!

  const block = new Uint8Array(offsets.at(-1)!)
  const view = new DataView(block.buffer)
  const put = (offset: number, ...values: number[]) => {
    values.forEach((value, i) => {
      view.setUint32(offset + i * 4, value, true)
    })
  }
  put(0, INFO_FLAGS, 639, (memory.size - 0x100000) >>> 10, 0, at(5), modules.length, at(1))
  put(44, map.length * 24, at(2))
  put(64, at(4))
  modules.forEach(({ start, end }, i) => {
    put(offsets[1]! + i * 16, start, end, at(6 + i), 0)
  })
  map.forEach((range, i) => {
    put(offsets[2]! + i * 24, 20, range.address, 0, range.bytes, 0, range.type)
  })
  block.set(gdt, offsets[3])
  strings.forEach((string, i) => {
    block.set(string, offsets[4 + i])
  })

  kernel.load()
  for (const { start, module } of modules) memory.write(start, module.bytes)
  memory.write(base, block)
  return flatEntry({
    eip: kernel.entry,
    registers: { eax: LOADER_MAGIC, ebx: base, esp: base + bytes },
    codeSelector: CODE_SELECTOR,
    dataSelector: DATA_SELECTOR,
    gdt: { base: at(3), limit: gdt.length - 1 },
  })
}

/** First page boundary at or after `from` where `bytes` bytes touch none of the ranges. */
function firstGap(ranges: readonly Range[], from: number, bytes: number): number {
  let start = align(from, PAGE_BYTES)
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    if (range.start < start + bytes && range.end > start) start = align(range.end, PAGE_BYTES)
  }
  return start
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to
}

function openKernel(memory: MemoryView, kernel: LoadedFile): Kernel {
  const { file, bytes } = kernel
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const header = findHeader(view)
  if (header === undefined) {
    const reason = `no multiboot header in the first ${SEARCH_BYTES} bytes`
    throw new LoadError({ file, offset: 0, reason, remedy: 'give a multiboot 1 kernel, or use --kernel for Linux' })
  }
  const flags = view.getUint32(header + 4, true)
  const unknown = flags & 0xffff & ~KNOWN_REQUIREMENTS
  if (unknown !== 0) {
    const reason = `the kernel requires features ${hex(unknown)} that this loader does not have`
    throw new LoadError({ file, offset: header + 4, reason, remedy: 'build it without them' })
  }
  if ((flags & FLAG_KLUDGE) !== 0) return openKludge(memory, kernel, view, header)
  const elf = parseElf(file, bytes)
  const occupied = (segment: ElfSegment) => ({ start: segment.physical, end: segment.physical + segment.memoryBytes })
  return {
    entry: physicalEntry(elf),
    ranges: elf.segments.filter(segment => segment.type === PT_LOAD && segment.memoryBytes > 0).map(occupied),
    load: () => loadElf(memory, elf),
  }
}

/** Offset of the header: 4-byte aligned, magic, and three words that add up to zero. */
function findHeader(view: DataView): number | undefined {
  const end = Math.min(view.byteLength, SEARCH_BYTES) - HEADER_BYTES
  for (let at = 0; at <= end; at += 4) {
    if (view.getUint32(at, true) !== HEADER_MAGIC) continue
    if (((HEADER_MAGIC + view.getUint32(at + 4, true) + view.getUint32(at + 8, true)) | 0) === 0) return at
  }
  return undefined
}

function openKludge(memory: MemoryView, { file, bytes }: LoadedFile, view: DataView, header: number): Kernel {
  const fail = (field: number, reason: string): LoadError =>
    new LoadError({ file, offset: header + field, reason, remedy: 'correct the addresses of the multiboot header' })
  if (header + KLUDGE_BYTES > bytes.length) throw fail(12, 'truncated: the multiboot header has no addresses')
  const word = (field: number) => view.getUint32(header + field, true)
  const [headerAddress, start, loadEnd, bssEnd, entry] = [word(12), word(16), word(20), word(24), word(28)]
  const offset = header - (headerAddress - start)
  if (headerAddress < start || offset < 0) throw fail(16, `the load address ${hex(start)} lies before the file's start`)
  const length = loadEnd === 0 ? bytes.length - offset : loadEnd - start
  if (length <= 0 || offset + length > bytes.length)
    throw fail(20, `the load end ${hex(loadEnd)} is not inside the file`)
  const end = bssEnd === 0 ? start + length : bssEnd
  if (end < start + length) throw fail(24, `the end of bss ${hex(bssEnd)} lies before the end of what is loaded`)
  if (entry < start || entry >= end) throw fail(28, `the entry point ${hex(entry)} is not in what is loaded`)
  return {
    entry,
    ranges: [{ start, end }],
    load: () => {
      memory.write(start, bytes.subarray(offset, offset + length))
      memory.write(start + length, new Uint8Array(end - start - length))
    },
  }
}
