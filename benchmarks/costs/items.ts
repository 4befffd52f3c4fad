// What an execution is taken apart into.

import { type Counts, networkTraffic } from './counts.js'
import type { Category, PricedEvent } from './events.js'

/** So many events of a kind, and where they are shown. */
export interface Item {
  readonly event: PricedEvent
  readonly count: number
  readonly category: Category
}

/** Units of string I/O: what the processor counted beyond single IN and OUT. */
export function stringUnits({ operations, sensitive }: Counts): number {
  const single = Object.values(sensitive).reduce((sum, owner) => sum + (owner.in ?? 0) + (owner.out ?? 0), 0)
  return Math.max(0, (operations.in ?? 0) + (operations.out ?? 0) - single)
}

/** Port accesses to the registers of a network card for each frame: Linux's driver makes 40 (receiving a stream) to 51. */
const CARD_ACCESSES = 40

/** Port accesses to the registers of the network card that all frames take at the least. */
export function cardAccesses(counts: Counts): number {
  return networkTraffic(counts).frames * CARD_ACCESSES
}
