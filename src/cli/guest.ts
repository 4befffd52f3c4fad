// What is booted: finds and reads the files that the options name, loads them into a machine and says at which CPU
// state it starts. Symbols are read when somebody asks for them.

import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { GuestImage } from '../../hypervisors/hypervisor.js'
import { cpuid } from '../cpu/cpuid.js'
import * as L from '../cpu/layout.js'
import { settleAlternatives } from '../loader/alternatives.js'
import { type ElfImage, findSection, isElf, parseElf } from '../loader/elf.js'
import type { EntryState, LoadedFile, MemoryView } from '../loader/entry.js'
import { resetEntry } from '../loader/entry.js'
import { loadLinux } from '../loader/linux.js'
import { linuxFeatures } from '../loader/linux-features.js'
import { LoadError } from '../loader/load-error.js'
import { loadMultiboot } from '../loader/multiboot.js'
import { romMappings } from '../loader/rom.js'
import { SymbolTable } from '../loader/symbols.js'
import type { Machine } from '../machine/machine.js'
import { CommandError } from './failure.js'
import { readInput } from './input-file.js'
import { IMAGE_NAMES, type RunOptions } from './options.js'
import type { Virtualized } from './virtualized.js'

/** What a kernel is told where no --append is given (images/index.ts has the same for its images). */
const DEFAULT_COMMAND_LINE = 'console=ttyS0,115200 panic=-1 reboot=k'

/** The files of a guest, found but not read. */
export interface GuestFiles {
  readonly kind: 'linux' | 'multiboot' | 'rom'
  readonly kernel: string
  readonly initrd: string | undefined
  readonly commandLine: string
}

/** The options that say what the guest is. */
export type GuestOptions = Pick<
  RunOptions,
  'image' | 'kernel' | 'multiboot' | 'roms' | 'initrd' | 'append' | 'on' | 'net' | 'plain'
>

/** A guest that is loaded. */
export interface Guest {
  readonly entry: EntryState
  /** The kernel's symbols; empty where there are none. */
  symbols(): SymbolTable
}

/**
 * Resolves what the options name to files; an image by name must have been built (mini is built at once). What --append
 * says is added to a named image's own command line, unless it names a console itself. linux-net asks the user network for
 * its address.
 */
export async function findGuest(options: GuestOptions): Promise<GuestFiles> {
  const { image, kernel, multiboot, initrd, append } = options
  if (multiboot !== undefined)
    return { kind: 'multiboot', kernel: multiboot, initrd: undefined, commandLine: append ?? '' }
  if (options.roms.length > 0) return { kind: 'rom', kernel: options.roms[0]!.file, initrd: undefined, commandLine: '' }
  const commandLine = append ?? (options.on === 'xen' ? '' : DEFAULT_COMMAND_LINE)
  if (kernel !== undefined) return { kind: 'linux', kernel, initrd, commandLine }
  if (!IMAGE_NAMES.includes(image!) && (existsSync(image!) || image!.includes('/')))
    return { kind: 'linux', kernel: image!, initrd, commandLine }
  const { locateImage } = await import('./image.js')
  const found = await locateImage(image!, options.plain)
  return {
    kind: 'linux',
    kernel: found.path,
    initrd: initrd ?? (found.initrd || undefined),
    commandLine: append !== undefined && /\bconsole=/.test(append) ? append : namedCommandLine(options),
  }
}

/** The command line of an image that is run by name, with what --append adds. */
function namedCommandLine({ image, net, append }: GuestOptions): string {
  const asksForAddress = image === 'linux-net' && net === 'user' && !/\bip=/.test(append ?? '')
  return [DEFAULT_COMMAND_LINE, ...(asksForAddress ? ['ip=dhcp'] : []), ...(append ? [append] : [])].join(' ')
}

/** The guest as a hypervisor is told of it; its kernel has been read. In a VMM it is one file. */
export function describeGuest(
  machine: Machine,
  files: GuestFiles,
  options: RunOptions,
  virtualized?: Virtualized,
): GuestImage {
  if (virtualized) {
    const { kernel, memoryBytes } = virtualized
    const image = describeGuest(machine, { ...files, initrd: undefined, commandLine: '' }, options)
    return { ...image, kernel, memoryBytes, elf: parseElf(kernel.file, kernel.bytes) }
  }
  const kernel = readInput(files.kernel)
  const modules = files.initrd === undefined ? [] : [{ ...readInput(files.initrd), commandLine: undefined }]
  return {
    name: options.image ?? files.kernel,
    memoryBytes: options.memoryBytes,
    kernel,
    elf: isElf(kernel.bytes) ? parseElf(kernel.file, kernel.bytes) : undefined,
    commandLine: files.commandLine,
    modules,
    privileged: options.privileged,
    load: memory => loadGuest(machine, files, options, memory).entry,
  }
}

/**
 * Loads a guest into a machine that has not run yet.
 * @throws LoadError or CommandError for every file that cannot be used
 */
export function loadGuest(
  machine: Machine,
  files: GuestFiles,
  options: RunOptions,
  memory: MemoryView = machine.memory,
): Guest {
  if (files.kind === 'rom') {
    const images = options.roms.map(({ file, address }) => ({ ...readInput(file), address }))
    romMappings(images)
    for (const { file, address, bytes } of images) {
      try {
        machine.memory.loadRom(address, bytes)
      } catch (error) {
        throw new CommandError(`${file}: ${(error as Error).message}; give smaller images`)
      }
    }
    return { entry: resetEntry(machine.cpu.model.signature), symbols: () => SymbolTable.empty() }
  }
  const kernel = readInput(files.kernel)
  const symbols = once(() => symbolsOf(kernel))
  if (files.kind === 'multiboot') {
    const modules = options.modules.map(({ file, commandLine }) => ({
      ...readInput(file),
      ...(commandLine !== undefined && { commandLine }),
    }))
    return { entry: loadMultiboot(memory, { kernel, modules, commandLine: files.commandLine }), symbols }
  }
  const { entry } = loadLinux(memory, {
    kernel: settled(machine, kernel),
    commandLine: files.commandLine,
    ...(files.initrd !== undefined && { initrd: readInput(files.initrd) }),
  })
  return { entry, symbols }
}

/** A vmlinux with its alternatives settled for the machine's CPU; whatever cannot be settled settles itself at boot. */
function settled(machine: Machine, kernel: LoadedFile): LoadedFile {
  if (!isElf(kernel.bytes)) return kernel
  const elf = parseElf(kernel.file, kernel.bytes)
  if (!findSection(elf, '.altinstructions') || !machine.cpu.model.hasCpuid) return kernel
  try {
    return { file: kernel.file, bytes: settleAlternatives(elf, linuxFeatures(cpuidOf(machine))).bytes }
  } catch (error) {
    if (error instanceof LoadError) return kernel
    throw error
  }
}

/** CPUID of the machine as a function; it uses the registers, which are set at the entry. */
function cpuidOf({ cpu }: Machine) {
  return (leaf: number, subleaf: number) => {
    cpu.setRegister(L.EAX, leaf)
    cpu.setRegister(L.ECX, subleaf)
    cpuid(cpu)
    const [eax, ebx, ecx, edx] = [L.EAX, L.EBX, L.ECX, L.EDX].map(n => cpu.register(n))
    return { eax: eax!, ebx: ebx!, ecx: ecx!, edx: edx! }
  }
}

/** The kernel's symbols, read when they are asked for. */
export function guestSymbols(files: GuestFiles): () => SymbolTable {
  return once(() => symbolsOf(readInput(files.kernel)))
}

/** Symbols of an ELF kernel, or of the System.map beside a bzImage. */
function symbolsOf(kernel: LoadedFile): SymbolTable {
  try {
    if (isElf(kernel.bytes)) return SymbolTable.fromElf(parseElf(kernel.file, kernel.bytes) as ElfImage)
    const name = basename(kernel.file).replace(/^(?:bzImage|vmlinuz)/, 'System.map')
    const map = join(dirname(kernel.file), name)
    if (name !== basename(kernel.file) && existsSync(map))
      return SymbolTable.fromSystemMap(map, readFileSync(map, 'latin1'))
  } catch (error) {
    if (!(error instanceof LoadError)) throw error
  }
  return SymbolTable.empty()
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
