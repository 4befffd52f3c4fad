// Starts a Linux kernel at its 32-bit entry (Documentation/x86/boot.rst, "32-bit Boot Protocol"): a bzImage at
// code32_start, or a vmlinux, or any other ELF that keeps the protocol, at its physical entry point. Everything the
// loader itself writes lies between 0x10000 and 0x90000; nothing below 0x10000 is needed. The initrd goes to the
// highest page boundary below the end of memory. Left out: the real-mode entry, EFI, setup_data.
import { isBzImage, parseBzImage } from './bzimage.js'
import { type ElfImage, isElf, loadElf, parseElf, physicalEntry } from './elf.js'
import { type EntryState, flatEntry, flatGdt, type LoadedFile, type MemoryView } from './entry.js'
import { checkInitrd } from './initrd.js'
import { hex, LoadError, tooLittleMemory } from './load-error.js'
import { defaultMemoryMap, type MemoryRange } from './memory-map.js'

const LOADER_START = 0x10000
const LOADER_END = 0x90000
const ZERO_PAGE = 0x10000
const GDT = 0x11000
const STACK_TOP = 0x13000
const COMMAND_LINE = 0x14000
const CODE_SELECTOR = 0x10
const DATA_SELECTOR = 0x18
const PAGE_BYTES = 0x1000
/** What a vmlinux, which has no setup header, is assumed to accept: x86's COMMAND_LINE_SIZE and initrd_addr_max. */
const VMLINUX_COMMAND_LINE_MAX = 2047
const VMLINUX_INITRD_MAX = 0x7fffffff
const PROTOCOL_OF_VMLINUX = 0x20f
const LOADED_HIGH = 1
const UNREGISTERED_LOADER = 0xff

export interface LinuxOptions {
  readonly kernel: LoadedFile
  readonly initrd?: LoadedFile
  readonly commandLine: string
  /** The memory map; without it RAM to 639 KiB and from 1 MiB to the end of memory. At most 128 ranges. */
  readonly e820?: readonly MemoryRange[]
}

/** What was loaded where; addresses are physical. */
export interface LinuxLoad {
  readonly entry: EntryState
  readonly initrd?: { readonly address: number; readonly bytes: number }
  /** The kernel's ELF image where there is one, for its symbols. */
  readonly elf?: ElfImage
}

interface Kernel {
  readonly elf?: ElfImage
  readonly header?: Uint8Array
  readonly eip: number
  readonly end: number
  readonly initrdMax: number
  readonly commandLineMax: number
  load(): void
}

/**
 * Loads kernel, initrd, command line, zero page and GDT.
 * @returns the CPU state at the entry: EIP the entry point, ESI the zero page, CS 0x10, DS ES SS 0x18, ESP a scratch page
 * @throws LoadError for a file that is no kernel, for a corrupt initrd, a command line too long or too little memory
 */
export function loadLinux(memory: MemoryView, options: LinuxOptions): LinuxLoad {
  const kernel = openKernel(memory, options.kernel)
  const commandLine = new TextEncoder().encode(options.commandLine)
  if (commandLine.length > kernel.commandLineMax) {
    throw new LoadError({
      file: options.kernel.file,
      reason: `a command line of ${commandLine.length} bytes, the kernel takes ${kernel.commandLineMax}`,
      remedy: 'shorten --append',
    })
  }
  const initrd = options.initrd && placeInitrd(memory, options.initrd, kernel)
  kernel.load()
  if (initrd) memory.write(initrd.address, options.initrd!.bytes)
  const line = new Uint8Array(commandLine.length + 1)
  line.set(commandLine)
  memory.write(COMMAND_LINE, line)
  memory.write(GDT, flatGdt(CODE_SELECTOR, DATA_SELECTOR))
  memory.write(ZERO_PAGE, zeroPage(kernel, initrd, options.e820 ?? defaultMemoryMap(memory.size)))

  const entry = flatEntry({
    eip: kernel.eip,
    registers: { esi: ZERO_PAGE, esp: STACK_TOP },
    codeSelector: CODE_SELECTOR,
    dataSelector: DATA_SELECTOR,
    gdt: { base: GDT, limit: DATA_SELECTOR + 7 },
  })
  return { entry, ...(initrd && { initrd }), ...(kernel.elf && { elf: kernel.elf }) }
}

function openKernel(memory: MemoryView, { file, bytes }: LoadedFile): Kernel {
  if (isElf(bytes)) {
    const elf = parseElf(file, bytes)
    const loads = elf.segments.filter(segment => segment.type === 1 && segment.memoryBytes > 0)
    for (const segment of loads) {
      if (segment.physical >= LOADER_END || segment.physical + segment.memoryBytes <= LOADER_START) continue
      const reason = `a segment at ${hex(segment.physical)} lies on the loader's own ${hex(LOADER_START)} to ${hex(LOADER_END)}`
      throw new LoadError({ file, reason, remedy: 'link the kernel at 1 MiB or above' })
    }
    const end = Math.max(0, ...loads.map(segment => segment.physical + segment.memoryBytes))
    return {
      elf,
      eip: physicalEntry(elf),
      end,
      initrdMax: VMLINUX_INITRD_MAX,
      commandLineMax: VMLINUX_COMMAND_LINE_MAX,
      load: () => loadElf(memory, elf),
    }
  }
  if (!isBzImage(bytes)) {
    const reason = 'neither an ELF file nor a bzImage'
    throw new LoadError({ file, offset: 0, reason, remedy: 'give a vmlinux or a bzImage for i386' })
  }
  const image = parseBzImage(file, bytes)
  if (image.workEnd > memory.size) throw tooLittleMemory(file, image.workEnd, memory.size)
  return {
    header: image.header,
    eip: image.entry,
    end: image.workEnd,
    initrdMax: image.initrdMax,
    commandLineMax: image.commandLineMax,
    load: () => memory.write(image.entry, image.protectedMode),
  }
}

function placeInitrd(memory: MemoryView, initrd: LoadedFile, kernel: Kernel): { address: number; bytes: number } {
  checkInitrd(initrd.file, initrd.bytes)
  const bytes = initrd.bytes.length
  const address = Math.floor((Math.min(memory.size, kernel.initrdMax + 1) - bytes) / PAGE_BYTES) * PAGE_BYTES
  if (address < kernel.end) throw tooLittleMemory(initrd.file, kernel.end + bytes + PAGE_BYTES, memory.size)
  return { address, bytes }
}

function zeroPage(
  kernel: Kernel,
  initrd: { address: number; bytes: number } | undefined,
  map: readonly MemoryRange[],
): Uint8Array {
  const page = new Uint8Array(PAGE_BYTES)
  const view = new DataView(page.buffer)
  if (kernel.header) page.set(kernel.header, 0x1f1)
  else {
    view.setUint16(0x1fe, 0xaa55, true)
    view.setUint32(0x202, 0x53726448, true)
    view.setUint16(0x206, PROTOCOL_OF_VMLINUX, true)
    view.setUint32(0x214, kernel.eip, true)
    view.setUint32(0x22c, kernel.initrdMax, true)
    view.setUint32(0x238, kernel.commandLineMax, true)
    page[0x211] = LOADED_HIGH
  }
  page[0x210] = UNREGISTERED_LOADER
  if (initrd) {
    view.setUint32(0x218, initrd.address, true)
    view.setUint32(0x21c, initrd.bytes, true)
  }
  view.setUint32(0x228, COMMAND_LINE, true)
  page[0x1e8] = map.length
  map.forEach((entry, index) => {
    const at = 0x2d0 + index * 20
    view.setBigUint64(at, BigInt(entry.address), true)
    view.setBigUint64(at + 8, BigInt(entry.bytes), true)
    view.setUint32(at + 16, entry.type, true)
  })
  return page
}
