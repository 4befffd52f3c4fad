// The JSON that `run --json` prints, schemaVersion 1. What is not known is absent, never 0. This file is the
// definition; the command itself takes only its type.

import { z } from 'zod'

const count = z.number().int().nonnegative()
const address = z.number().int().min(0).max(0xffffffff)
const vectors = z.record(z.string().regex(/^\d+$/), count)

/** One document for each run. */
export const runReportSchema = z.strictObject({
  schemaVersion: z.literal(1),
  /** Image name or file. */
  image: z.string(),
  path: z.enum(['native', 'trap', 'xen', 'l4', 'linux']),
  profile: z.string().optional(),
  engine: z.enum(['reference', 'interpreter', 'blocks', 'lockstep']),
  cpu: z.string(),
  exit: z.strictObject({
    status: count.max(255),
    reason: z.string(),
    eip: address.optional(),
    symbol: z.string().optional(),
  }),
  instructions: count,
  instructionsBy: z.partialRecord(z.enum(['user', 'kernel', 'vmm', 'firmware']), count).optional(),
  cyclesBy: z.record(z.string(), count).optional(),
  haltedNanoseconds: count,
  virtualNanoseconds: count,
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  exceptions: vectors,
  interrupts: vectors,
  /** By the name under which a device is mapped. */
  ports: z.record(z.string(), z.strictObject({ reads: count, writes: count })),
  tlbFills: count.optional(),
  translations: z
    .strictObject({ blocks: count.optional(), bytes: count.optional(), invalidations: count.optional() })
    .optional(),
  entries: z.record(z.string(), count).optional(),
  hypercalls: z.record(z.string(), count).optional(),
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
  workloads: z.array(
    z.strictObject({
      name: z.string(),
      checksum: z.string().optional(),
      status: count.optional(),
      instructions: count.optional(),
      entries: count.optional(),
    }),
  ),
  post: z.array(count.max(255)),
  hostSeconds: z.number().nonnegative(),
  residentBytes: count,
})

export type RunReport = z.infer<typeof runReportSchema>
