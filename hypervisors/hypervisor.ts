// The interface of a hypervisor: what the machine asks of it, and what it is told of its guests. A back end imports this
// file only, and knows its own ABI and nothing of our guest. Any number of guests share the one processor.

import type { ElfImage } from '../src/loader/elf.js'
import type { EntryState, LoadedFile, MemoryView } from '../src/loader/entry.js'
import type { Fault, Host, Resume, Trap } from '../src/machine/host.js'

export { type BlockStorage, MediaError } from '../src/devices/block-storage.js'
export type { EntryState, LoadedFile, MemoryView } from '../src/loader/entry.js'
export type * from '../src/machine/host.js'
export type { PacketLine } from '../src/machine/line.js'

/** A file that goes with a kernel: initial RAM disk, multiboot module, Xen module. */
export interface GuestModule extends LoadedFile {
  readonly commandLine: string | undefined
}

/** A guest as the user names it. A back end takes of it what its ABI has. */
export interface GuestImage {
  readonly name: string
  /** What the guest sees as its memory, in bytes. */
  readonly memoryBytes: number
  readonly kernel: LoadedFile
  /** The kernel's ELF structure; undefined for other formats. */
  readonly elf: ElfImage | undefined
  readonly commandLine: string
  readonly modules: readonly GuestModule[]
  /** The guest that controls the machine beside the hypervisor, where the ABI has one: Xen's domain 0. */
  readonly privileged: boolean
  /**
   * Puts the guest into a memory as a boot loader does on bare hardware.
   * @returns where it starts
   */
  load(memory: MemoryView): EntryState
}

/** Linear addresses that a guest cannot use. */
export interface ReservedRange {
  readonly name: string
  readonly first: number
  /** Address of the last byte. */
  readonly last: number
}

/** A JSON value; byte arrays are encoded by whoever writes it. */
export type SavedValue = number | boolean | string | null | Uint8Array | SavedValue[] | { [name: string]: SavedValue }

/** A guest as others may look at it. */
export interface GuestView {
  /** Its own virtual time in nanoseconds: what its clocks have counted. */
  readonly nanoseconds: number
  /** How much of that it has waited. */
  readonly haltedNanoseconds: number
  /** Its memory, page by page as it numbers them itself, not to be written; undefined where it has none. */
  memory(): readonly (Uint8Array | undefined)[]
}

/** One back end on one machine. */
export interface Hypervisor {
  /** Name of the path. */
  readonly path: string
  /** Which flavour of it, where there are several. */
  readonly profile: string | undefined
  readonly reserved: readonly ReservedRange[]
  /** Builds the guests, one or, where it hosts several, more, and leaves the processor at the first instruction of one. */
  boot(guests: readonly GuestImage[]): void
  /** The guests in boot()'s order; undefined where the only guest has the machine's memory and time for its own. */
  readonly guests?: readonly GuestView[] | undefined
  /** Puts a guest's registers into the processor, to be looked at when the run has ended. */
  show?(guest: number): void
  /** An entry: everything that is due is done, and the processor left as it is to go on. */
  handle(trap: Trap): Resume
  /** Everything that is not in machine memory and processor. */
  save(): SavedValue
  /** Takes back what save() returned; memory and processor have been restored. */
  restore(state: SavedValue): void
}

/** How a back end is made. */
export interface HypervisorKind {
  readonly path: string
  /** Machine memory that it needs for itself beside guests of so many bytes in all; a multiple of 4 KiB. */
  reserveBytes(guestBytes: number): number
  /** @param profile one of `profiles`; undefined: the first */
  make(host: Host, profile: string | undefined): Hypervisor
  /** Names of its flavours; empty where there is only one. */
  readonly profiles: readonly string[]
  /** Whether it hosts several guests at once. */
  readonly hostsSeveral: boolean
}

/** Whether an access has come to a fault instead of its result. */
export function isFault(result: object | number | undefined): result is Fault {
  return typeof result === 'object' && 'vector' in result
}
