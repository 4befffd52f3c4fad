// What pricing and comparing read of the JSON of `previrt run --json --count-sensitive`; SPECIFICATION.md says what each
// field means. Other fields are ignored, so that the JSON may grow.

import { z } from 'zod'

const count = z.number().int().nonnegative()
const byName = z.record(z.string(), count)

/** The counts of a whole run, or of one workload. */
export const countsSchema = z.object({
  instructions: count,
  instructionsBy: byName,
  haltedNanoseconds: count,
  virtualNanoseconds: count,
  exceptions: byName,
  interrupts: byName,
  softwareInterrupts: byName,
  operations: byName,
  tlbFills: count,
  tlbFlushes: count,
  tlbInvalidations: count,
  /** By owner and class. */
  sensitive: z.record(z.string(), byName),
  entries: count.optional(),
  entriesBy: byName.optional(),
  hypercalls: byName.optional(),
  upcalls: count.optional(),
  /** Sectors. */
  disk: z.object({ reads: count, writes: count, flushes: count }).optional(),
  /** Ethernet frames. */
  network: z.object({ sent: count, received: count, sentBytes: count, receivedBytes: count }).optional(),
  pageTableUpdates: z.object({ entries: count, batches: count, tables: count.optional() }).optional(),
})

export type Counts = z.infer<typeof countsSchema>

/** Of an execution in which nothing happens. */
export const NO_COUNTS: Counts = {
  instructions: 0,
  instructionsBy: {},
  haltedNanoseconds: 0,
  virtualNanoseconds: 0,
  exceptions: {},
  interrupts: {},
  softwareInterrupts: {},
  operations: {},
  tlbFills: 0,
  tlbFlushes: 0,
  tlbInvalidations: 0,
  sensitive: {},
}

/** The path that was run, as far as prices depend on it. */
export interface PricedPath {
  readonly path: string
  readonly profile?: string | undefined
}

/** The sum of all counts of a record. */
export function total(counts: Readonly<Record<string, number>> = {}): number {
  return Object.values(counts).reduce((sum, each) => sum + each, 0)
}

/** Frames that the network card has sent and received, and their bytes. */
export function networkTraffic({ network }: Counts): { frames: number; bytes: number } {
  if (!network) return { frames: 0, bytes: 0 }
  const { sent, received, sentBytes, receivedBytes } = network
  return { frames: sent + received, bytes: sentBytes + receivedBytes }
}

/** Sectors that were moved to and from the disk. */
export function diskSectors({ disk }: Counts): number {
  return disk ? disk.reads + disk.writes : 0
}
