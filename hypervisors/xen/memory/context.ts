// What the memory hypercalls need of the domain that calls.

import type { FrameTable } from './frame-table.js'
import type { GuestMemory } from './guest-memory.js'
import type { MachineMemory } from './machine-memory.js'
import type { MachineToPhysical } from './machine-to-physical.js'
import type { PageTypes } from './page-types.js'

/** What the processor is told when tables change. */
export interface TranslationCache {
  /** Drops all translations. */
  flush(): void
  /** Drops that of one linear page. */
  invalidate(linear: number): void
  /** The table of page-directory pointers in force is another one, or has changed. */
  baseChanged(): void
  /** The pages of the descriptor tables, or the local one's place, have changed. */
  gdtChanged(): void
}

export interface MemoryContext {
  readonly id: number
  /** The control domain: may map I/O memory and frames of others. */
  readonly privileged: boolean
  readonly memory: MachineMemory
  readonly frames: FrameTable
  readonly types: PageTypes
  readonly guest: GuestMemory
  readonly machineToPhysical: MachineToPhysical
  readonly translations: TranslationCache
  /** Frame of the table of page-directory pointers in force. */
  base: number
  /** The frames that the descriptor table consists of. */
  gdtFrames: readonly number[]
  ldt: { base: number; entries: number }
  /** Forgets which pages of the local descriptor table are mapped. */
  forgetLdt(): void
  /** The descriptor table has changed. */
  gdtChanged(): void
}
