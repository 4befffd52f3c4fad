// The document of a comparison: what was counted on each path, what it costs on each machine, which conclusions hang on which
// price. Everything but `host` follows from the guest and the tables alone.

import type { CostTable } from '../costs/cost-table.js'
import { type Counts, countsSchema, diskSectors, networkTraffic } from '../costs/counts.js'
import type { Category } from '../costs/events.js'
import { itemize } from '../costs/itemize.js'
import { contributors, type Price, price, pricesOf } from '../costs/price.js'
import { type Flip, flips, type PathItems, type Swing, swings } from '../costs/sensitivity.js'
import { geometricMean } from '../statistics.js'
import { commandOf, type Execution, type Guest } from './execute.js'
import { ALLOWED, differences, isSkipped, type Observables, type Throughput } from './observables.js'
import { type Published, publishedBeside } from './published.js'
import { BASELINE } from './runs.js'
import { checkTargets, limitsOf, type Target } from './targets.js'

/** A run as the document names it. */
export interface ReportedRun {
  readonly id: string
  readonly title: string
  /** `previrt` and this repeats it. */
  readonly command: readonly string[]
  readonly cpu: string
  readonly exit: { readonly status: number; readonly reason: string }
  readonly digest: string
}

/** One workload on all paths. */
export interface ReportedWorkload {
  readonly name: string
  readonly checksum: string | undefined
  readonly status: number | undefined
  /** Runs that have not what it needs. */
  readonly skippedOn: readonly string[]
  /** By run: what it said of itself, in virtual time. */
  readonly throughput: Readonly<Record<string, readonly Throughput[]>>
  /** By run: of what was moved to and from disk or network; absent where that is little. */
  readonly perKilobyte: Readonly<Record<string, PerKilobyte>>
  /** By run. */
  readonly counts: Readonly<Record<string, Counts>>
  /** By table, then by run; absent where the machine has no price for what the run does. */
  readonly cycles: Readonly<Record<string, Readonly<Record<string, Price>>>>
  /** Cycles of the run by those of native, by table and run. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** What a run pays more than native: the three largest parts, by table and run. */
  readonly largest: Readonly<
    Record<string, Readonly<Record<string, readonly { category: Category; cycles: number }[]>>>
  >
}

/** Of one KiB that was moved to and from a device. */
export interface PerKilobyte {
  readonly device: 'disk' | 'network'
  readonly kilobytes: number
  readonly entries?: number
  /** By table. */
  readonly cycles: Readonly<Record<string, number>>
}

export interface ReportedTable extends CostTable {
  /** Geometric means of the ratios to native, by run. */
  readonly means: Readonly<Record<string, number>>
  readonly flips: readonly Flip[]
  /** By run: how the mean moves with each price. */
  readonly swings: Readonly<Record<string, readonly Swing[]>>
}

export interface CompareReport {
  readonly schemaVersion: 1
  readonly image: string
  readonly runs: readonly ReportedRun[]
  readonly agreement: {
    readonly agree: boolean
    /** By run: what differs from native. */
    readonly differences: Readonly<Record<string, readonly string[]>>
    /** Kernel messages that may differ. */
    readonly allowed: readonly { readonly pattern: string; readonly reason: string }[]
  }
  readonly workloads: readonly ReportedWorkload[]
  readonly tables: readonly ReportedTable[]
  readonly targets: readonly Target[]
  /** Figures of others, and ours. */
  readonly published: readonly Published[]
  /** Of this host and moment: the only part that another run of the same command changes. */
  readonly host: {
    readonly seconds: number
    readonly runs: Readonly<Record<string, { readonly seconds: number; readonly residentBytes: number }>>
  }
}

/** Runs whose order by cycles is a conclusion: one of each way to run a guest. */
const isOrdered = (id: string) => id === BASELINE || !id.startsWith(`${BASELINE}/`)

/** Puts the document together. */
export function compareReport(
  guest: Guest,
  executions: readonly Execution[],
  tables: readonly CostTable[],
  hostSeconds: number,
): CompareReport {
  const baseline = executions[0]!
  const names = baseline.observed.workloads.map(({ name }) => name)
  const measured = names.map(name => measure(name, executions))
  const workloads = measured.map(one => priced(one, tables))
  // Ratios and conclusions are drawn from workloads that every path has run.
  const complete = measured.filter(({ skippedOn, items }) => skippedOn.length === 0 && items[BASELINE])
  const ids = executions.map(({ run }) => run.id)
  const found = Object.fromEntries(
    executions.slice(1).map(({ run, observed }) => [run.id, differences(baseline.observed, observed)]),
  )
  return {
    schemaVersion: 1,
    image: guest.image,
    runs: executions.map(({ run, document: { cpu, exit, digest } }) => ({
      id: run.id,
      title: run.title,
      command: commandOf(guest, run),
      cpu,
      exit: { status: exit.status, reason: exit.reason },
      digest,
    })),
    agreement: {
      agree: Object.values(found).every(({ length }) => length === 0),
      differences: found,
      allowed: ALLOWED.map(({ pattern, reason }) => ({ pattern: pattern.source, reason })),
    },
    workloads,
    tables: tables.map(table => judged(table, workloads, complete, ids, limitsOf(guest.image, ids))),
    targets: checkTargets(guest.image, workloads, ids),
    published: publishedBeside(tables, workloads),
    host: {
      seconds: hostSeconds,
      runs: Object.fromEntries(
        executions.map(({ run, document, hostSeconds: seconds }) => [
          run.id,
          { seconds, residentBytes: document.residentBytes },
        ]),
      ),
    },
  }
}

interface Measured extends PathItems {
  readonly skippedOn: readonly string[]
  readonly throughput: Readonly<Record<string, Throughput[]>>
  readonly counts: Readonly<Record<string, Counts>>
  readonly observed: Observables['workloads'][number] | undefined
}

function measure(name: string, executions: readonly Execution[]): Measured {
  const counts: Record<string, Counts> = {}
  const items: Record<string, ReturnType<typeof itemize>> = {}
  const skippedOn: string[] = []
  const throughput: Record<string, Throughput[]> = {}
  for (const { run, document, observed } of executions) {
    const seen = observed.workloads.find(workload => workload.name === name)
    if (!seen || isSkipped(seen)) {
      skippedOn.push(run.id)
      continue
    }
    const counted = countsSchema.safeParse(document.workloads.find(workload => workload.name === name))
    if (!counted.success) continue
    counts[run.id] = counted.data
    const said = observed.throughput.filter(({ what }) => what.startsWith(`${name} `))
    if (said.length > 0) throughput[run.id] = said
    items[run.id] = itemize(run, counted.data)
  }
  const observed = executions[0]!.observed.workloads.find(workload => workload.name === name)
  return { workload: name, skippedOn, throughput, counts, items, observed }
}

function priced(
  { workload, skippedOn, throughput, counts, items, observed }: Measured,
  tables: readonly CostTable[],
): ReportedWorkload {
  const cycles: Record<string, Record<string, Price>> = {}
  const ratios: Record<string, Record<string, number>> = {}
  const largest: Record<string, Record<string, { category: Category; cycles: number }[]>> = {}
  for (const table of tables) {
    const prices = pricesOf(table)
    const each = Object.entries(items).flatMap(([id, parts]) => {
      const cost = price(parts, prices)
      return cost ? [[id, cost] as const] : []
    })
    cycles[table.name] = Object.fromEntries(each)
    const native = cycles[table.name]![BASELINE]
    if (!native) continue
    ratios[table.name] = Object.fromEntries(each.map(([id, cost]) => [id, toFour(cost.total / native.total)]))
    largest[table.name] = Object.fromEntries(
      each.filter(([id]) => id !== BASELINE).map(([id, cost]) => [id, contributors(cost, native, 3)]),
    )
  }
  return {
    name: workload,
    checksum: observed?.checksum,
    status: observed?.status,
    skippedOn,
    throughput,
    perKilobyte: perKilobyte(counts, cycles),
    counts,
    cycles,
    ratios,
    largest,
  }
}

const KILOBYTES_AT_LEAST = 64

function perKilobyte(
  counts: Measured['counts'],
  cycles: Readonly<Record<string, Readonly<Record<string, Price>>>>,
): Record<string, PerKilobyte> {
  return Object.fromEntries(
    Object.entries(counts).flatMap(([id, counted]) => {
      const moved = { disk: diskSectors(counted) / 2, network: networkTraffic(counted).bytes / 1024 }
      const device = moved.disk >= KILOBYTES_AT_LEAST ? 'disk' : 'network'
      const kilobytes = moved[device]
      if (kilobytes < KILOBYTES_AT_LEAST) return []
      const each = (value: number) => toFour(value / kilobytes)
      const costs = Object.entries(cycles).flatMap(([table, byRun]) =>
        byRun[id] ? [[table, each(byRun[id].total)]] : [],
      )
      const entries = counted.entries === undefined ? {} : { entries: each(counted.entries) }
      return [[id, { device, kilobytes: Math.round(kilobytes), ...entries, cycles: Object.fromEntries(costs) }]]
    }),
  )
}

function judged(
  table: CostTable,
  workloads: readonly ReportedWorkload[],
  complete: readonly Measured[],
  ids: readonly string[],
  limits: ReturnType<typeof limitsOf>,
): ReportedTable {
  const names = complete.map(({ workload }) => workload)
  const meanOf = (id: string) => {
    const ratios = workloads.filter(({ name }) => names.includes(name)).map(({ ratios }) => ratios[table.name]?.[id])
    const known = ratios.filter(ratio => ratio !== undefined)
    return known.length === 0 || known.length < ratios.length ? undefined : geometricMean(known)
  }
  const means = ids.flatMap(id => {
    const mean = meanOf(id)
    return mean === undefined ? [] : [[id, toFour(mean)] as const]
  })
  return {
    ...table,
    means: Object.fromEntries(means),
    flips: flips(
      table,
      complete,
      ids.filter(isOrdered),
      limits.filter(limit => limit.table === table.name),
    ),
    swings: Object.fromEntries(
      means
        .filter(([id]) => id !== BASELINE && isOrdered(id))
        .map(([id]) => [id, swings(table, complete, id, BASELINE).map(rounded)]),
    ),
  }
}

const toFour = (ratio: number) => Math.round(ratio * 1e4) / 1e4
const rounded = ({ event, halved, doubled }: Swing): Swing => ({
  event,
  halved: toFour(halved),
  doubled: toFour(doubled),
})
