// Hypercalls set_trap_table (0), set_callbacks (4) and callback_op (30): where the guest wants to be entered. A selector
// with RPL 0 becomes one of ring 1.

import { EINVAL, ENOSYS } from '../errors.js'
import { RING1_CODE } from '../layout.js'
import type { GuestMemory } from '../memory/guest-memory.js'
import { NMI } from './registers.js'

const VECTORS = 256
const ENTRY_BYTES = 8

/** A place in the guest's kernel. */
export interface Entry {
  readonly selector: number
  readonly address: number
  /** Events are masked while it runs. */
  readonly masks: boolean
}

export interface TrapEntry extends Entry {
  /** Lowest privilege (highest ring) that may call it by INT n. */
  readonly dpl: number
}

export interface Callbacks {
  event: Entry | undefined
  failsafe: Entry | undefined
  sysenter: Entry | undefined
  syscall32: Entry | undefined
}

export const ringed = (selector: number) => ((selector & 3) === 0 ? selector | 1 : selector) & 0xffff

export class TrapTable {
  private entries: (TrapEntry | undefined)[] = []

  at(vector: number): TrapEntry | undefined {
    return this.entries[vector]
  }
  /** The hypercall: an array that ends with an address of 0; no array clears the table. */
  set(guest: GuestMemory, list: number): number {
    if (list === 0) {
      this.entries = []
      return 0
    }
    for (let i = 0; i < VECTORS; i++) {
      const at = list + i * ENTRY_BYTES
      const word = guest.word(at)
      const address = guest.word(at + 4)
      if (address === 0) return 0
      const flags = (word >>> 8) & 0xff
      const entry = { selector: ringed(word >>> 16), address, masks: (flags & 4) !== 0, dpl: flags & 3 }
      this.entries[word & 0xff] = entry
    }
    return 0
  }
  /** The handler of non-maskable interrupts: that of vector 2. */
  setNmi(address: number | undefined) {
    this.entries[NMI] = address === undefined ? undefined : { selector: RING1_CODE, address, masks: true, dpl: 0 }
  }
  /** All entries, for saving. */
  all(): readonly (readonly [vector: number, entry: TrapEntry])[] {
    return this.entries.flatMap((entry, vector) => (entry ? [[vector, entry] as const] : []))
  }
  replace(entries: readonly (readonly [vector: number, entry: TrapEntry])[]) {
    this.entries = []
    for (const [vector, entry] of entries) this.entries[vector] = entry
  }
}

/** set_callbacks. */
export function setCallbacks(callbacks: Callbacks, args: readonly number[]): number {
  callbacks.event = { selector: ringed(args[0]!), address: args[1]!, masks: true }
  callbacks.failsafe = { selector: ringed(args[2]!), address: args[3]!, masks: false }
  return 0
}

/** Where the guest is entered. */
interface Entries {
  readonly callbacks: Callbacks
  readonly traps: TrapTable
  readonly guest: GuestMemory
}

// callback_op.
const REGISTER = 0
const UNREGISTER = 1
const TYPES: Readonly<Record<number, keyof Callbacks>> = {
  0: 'event',
  1: 'failsafe',
  5: 'sysenter',
  7: 'syscall32',
}

const NMI_TYPE = 4

/** Entries of system calls that only a hypervisor in long mode has: SYSENTER of another one is the processor's. */
const OF_LONG_MODE: ReadonlySet<string> = new Set(['sysenter', 'syscall32'])

/** callback_op. */
export function callbackOp(
  { callbacks, traps, guest }: Entries,
  longMode: boolean,
  command: number,
  at: number,
): number {
  if (command !== REGISTER && command !== UNREGISTER) return EINVAL
  const type = guest.half(at)
  const name = TYPES[type]
  if (type === NMI_TYPE) {
    traps.setNmi(command === REGISTER ? guest.word(at + 8) : undefined)
    return 0
  }
  if (name === undefined || (!longMode && OF_LONG_MODE.has(name))) return ENOSYS
  if (command === UNREGISTER) return EINVAL
  const masks = name === 'event' || (guest.half(at + 2) & 1) !== 0
  callbacks[name] = { selector: ringed(guest.word(at + 4)), address: guest.word(at + 8), masks }
  return 0
}
