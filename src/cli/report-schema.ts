// The JSON that `run --json` prints, schemaVersion 1. What is not known is absent, never 0. This file is the
// definition; the command itself takes only its type.

import { z } from 'zod'

const count = z.number().int().nonnegative()
const address = z.number().int().min(0).max(0xffffffff)
const vectors = z.record(z.string().regex(/^\d+$/), count)

const byName = z.record(z.string(), count)
const byOwner = z.partialRecord(z.enum(['user', 'kernel', 'vmm', 'firmware']), count)

/** What is counted in the same way for a run and for each of its workloads. SPECIFICATION.md says what each means. */
const counts = {
  instructions: count,
  instructionsBy: byOwner.optional(),
  haltedNanoseconds: count,
  virtualNanoseconds: count,
  exceptions: vectors,
  interrupts: vectors,
  softwareInterrupts: vectors.optional(),
  operations: byName.optional(),
  /** By the name under which a device is mapped. */
  ports: z.record(z.string(), z.strictObject({ reads: count.optional(), writes: count.optional() })),
  tlbFills: count.optional(),
  tlbFlushes: count.optional(),
  tlbInvalidations: count.optional(),
  hypercalls: byName.optional(),
  upcalls: count.optional(),
  pageTableUpdates: z.strictObject({ entries: count, batches: count, tables: count.optional() }).optional(),
  /** Ethernet frames without CRC, as the guest's card has sent and taken them. */
  network: z.strictObject({ sent: count, received: count, sentBytes: count, receivedBytes: count }).optional(),
  /** Sensitive instructions by owner and class. */
  sensitive: z.partialRecord(z.enum(['user', 'kernel', 'vmm']), byName).optional(),
}
const workloadCounts = z.strictObject({
  ...counts,
  entries: count.optional(),
  entriesBy: byName.optional(),
  /** Sectors read and written. */
  disk: z.strictObject({ reads: count, writes: count, flushes: count }).optional(),
})

/** What stood at one place of a run, or lies between two. */
export type RunCounts = z.infer<typeof workloadCounts>

const exit = z.strictObject({
  status: count.max(255),
  reason: z.string(),
  eip: address.optional(),
  symbol: z.string().optional(),
})
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const disk = z.strictObject({
  sectors: count,
  reads: count,
  writes: count,
  flushes: count,
  digest: digest.optional(),
})
const workloads = z.array(
  z.strictObject({
    name: z.string(),
    checksum: z.string().optional(),
    status: count.optional(),
    ...workloadCounts.partial().shape,
  }),
)

/** One document for each run. */
export const runReportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  /** Image name or file. */
  image: z.string(),
  path: z.enum(['native', 'trap', 'xen', 'l4', 'linux']),
  profile: z.string().optional(),
  engine: z.enum(['reference', 'interpreter', 'blocks', 'lockstep']),
  cpu: z.string(),
  exit,
  ...counts,
  cyclesBy: z.record(z.string(), count).optional(),
  digest,
  translations: z
    .strictObject({ blocks: count.optional(), bytes: count.optional(), invalidations: count.optional() })
    .optional(),
  entries: z.record(z.string(), count).optional(),
  missedSites: z.array(z.strictObject({ address, symbol: z.string().optional(), count })).optional(),
  migrations: z
    .array(
      z.strictObject({
        from: z.string(),
        to: z.string(),
        atInstruction: count,
        pages: count,
        sites: count,
        gone: count,
        virtualNanoseconds: count,
        hostMilliseconds: z.number(),
      }),
    )
    .optional(),
  /** Sectors read and written, and SHA-256 over all sectors at the end. */
  disk: disk.optional(),
  workloads,
  /** Where there are several: each as a run by itself would have it. */
  guests: z
    .array(
      z.strictObject({
        name: z.string(),
        image: z.string(),
        exit,
        ...counts,
        digest,
        entries: byName,
        disk: disk.optional(),
        workloads,
      }),
    )
    .optional(),
  post: z.array(count.max(255)),
  hostSeconds: z.number().nonnegative(),
  residentBytes: count,
})

export type RunReport = z.infer<typeof runReportSchema>
