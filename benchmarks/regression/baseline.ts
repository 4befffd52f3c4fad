// Counters kept as a file: one line each, so that a change of the product is a readable change of the file. Counters are
// exact: whatever moved is named.

import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { type Counters, keyOf, type Sample } from './measure.js'

const baselineSchema = z.strictObject({
  schemaVersion: z.literal(1),
  image: z.string(),
  /** Of everything the image was made from. */
  imageDigest: z.string(),
  /** Absent: full. */
  scale: z.number().optional(),
  /** By seed, run and workload. */
  counters: z.record(z.string(), z.record(z.string(), z.number())),
})

export type Baseline = z.infer<typeof baselineSchema>

/** A baseline of what was measured. */
export function baselineOf(
  image: { readonly name: string; readonly digest: string },
  scale: number | undefined,
  samples: readonly Sample[],
): Baseline {
  const counters = samples.map(sample => [keyOf(sample), sample.counters] as const)
  return {
    schemaVersion: 1,
    image: image.name,
    imageDigest: image.digest,
    ...(scale !== undefined && { scale }),
    counters: Object.fromEntries(counters) as Record<string, Record<string, number>>,
  }
}

/**
 * Reads a baseline.
 * @throws Error in one line that names the file
 */
export function readBaseline(file: string): Baseline {
  if (!existsSync(file)) throw new Error(`${file}: there is no such file; make one with --write-baseline`)
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}; give a file that --write-baseline made`)
  }
  const result = baselineSchema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new Error(`${file}: ${[...path, message].join(': ')}; give a file that --write-baseline made`)
}

/** As it is kept in a file. */
export function baselineText(baseline: Baseline): string {
  return `${JSON.stringify(baseline, undefined, 2)}\n`
}

/** A counter that is another one than in the baseline; undefined: it is not there. */
export interface Movement {
  readonly sample: string
  readonly counter: string
  readonly before: number | undefined
  readonly now: number | undefined
}

/**
 * Every counter that moved.
 * @param tried names of all samples that this measurement could have; what else the baseline has is not looked at
 */
export function movements(baseline: Baseline, samples: readonly Sample[], tried: readonly string[]): Movement[] {
  const measured = new Map(samples.map(sample => [keyOf(sample), sample.counters]))
  return tried.flatMap(sample => {
    const before: Counters = baseline.counters[sample] ?? {}
    const now: Counters = measured.get(sample) ?? {}
    return Object.keys({ ...before, ...now })
      .sort()
      .filter(counter => before[counter] !== now[counter])
      .map(counter => ({ sample, counter, before: before[counter], now: now[counter] }))
  })
}
