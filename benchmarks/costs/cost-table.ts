// Named cost tables: what each event costs in cycles on a machine of some year, and where the figure is from. They are
// fixed before anything is compared; a later change is a commit of its own that shows all results under both.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { packageRoot } from '../../images/package-root.js'
import { EVENTS, OPTIONAL_EVENTS, type PricedEvent } from './events.js'

/** The source of a figure for which none was found. */
export const ASSUMED = 'assumed'

const EVENT_NAMES = Object.keys(EVENTS) as [PricedEvent, ...PricedEvent[]]

const costEntrySchema = z.strictObject({
  event: z.enum(EVENT_NAMES),
  cycles: z.number().nonnegative(),
  /** A key of `sources`, or `assumed`. */
  source: z.string(),
  /** How the figure follows from its source, or what the assumption leans on. */
  note: z.string().optional(),
})

/** A table: every event that is not optional exactly once, every source cited in full. */
export const costTableSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    name: z.string().regex(/^[a-z0-9-]+$/),
    machine: z.string(),
    megahertz: z.number().positive(),
    note: z.string(),
    /** Full citations by key. */
    sources: z.record(z.string(), z.string().min(20)),
    entries: z.array(costEntrySchema),
  })
  .superRefine(({ sources, entries }, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', message })
    const priced = entries.map(({ event }) => event)
    for (const event of EVENT_NAMES) {
      const count = priced.filter(name => name === event).length
      if (count > 1) complain(`${event} is priced ${count} times`)
      if (count === 0 && !OPTIONAL_EVENTS.includes(event)) complain(`${event} has no price`)
    }
    for (const { event, source } of entries)
      if (source !== ASSUMED && !Object.hasOwn(sources, source))
        complain(`${event} names ${source}, which is not cited`)
    const used = entries.map(({ source, note }) => `${source} ${note ?? ''}`).join(' ')
    for (const key of Object.keys(sources)) if (!used.includes(key)) complain(`source ${key} is not used`)
  })

export type CostTable = z.infer<typeof costTableSchema>

const FOLDER = join(packageRoot(import.meta.url), 'benchmarks', 'costs')

/**
 * Checks a table.
 * @throws Error in one line that names the file and what is wrong
 */
export function parseCostTable(file: string, text: string): CostTable {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}; give a cost table in JSON`)
  }
  const result = costTableSchema.safeParse(value)
  if (!result.success) {
    const { path, message } = result.error.issues[0]!
    throw new Error(`${file}: ${[...path, message].join(': ')}; see benchmarks/costs for complete tables`)
  }
  return result.data
}

/** The tables of this package, the oldest machine first. */
export function costTables(): CostTable[] {
  return readdirSync(FOLDER)
    .filter(name => name.endsWith('.json'))
    .map(name => readCostTable(join(FOLDER, name)))
    .sort((a, b) => yearOf(a) - yearOf(b))
}

/** A table by its name here, or by its file. */
export function findCostTable(name: string): CostTable {
  const own = join(FOLDER, `${basename(name, '.json')}.json`)
  return readCostTable(existsSync(name) ? name : own)
}

function readCostTable(file: string): CostTable {
  if (!existsSync(file)) {
    const known = costTables().map(({ name }) => name)
    throw new Error(`${file}: there is no such cost table; there are: ${known.join(', ')}`)
  }
  return parseCostTable(file, readFileSync(file, 'utf8'))
}

function yearOf({ name }: CostTable): number {
  return Number(/\d{4}$/.exec(name)?.[0] ?? 0)
}
