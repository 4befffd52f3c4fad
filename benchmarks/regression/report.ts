// What a suite found: figures per operation where a workload has operations, counters, and what moved against a baseline.

import type { Run } from '../compare/runs.js'
import { grouped, rightAligned, scaled } from '../compare/table-text.js'
import type { CostTable } from '../costs/cost-table.js'
import { type Counts, countsSchema } from '../costs/counts.js'
import { itemize } from '../costs/itemize.js'
import { price, pricesOf } from '../costs/price.js'
import { median } from '../statistics.js'
import type { Movement } from './baseline.js'
import type { Measured, Sample } from './measure.js'
import { operationOf } from './suites.js'

/** One workload on one path: medians over the seeds. */
export interface Figure {
  readonly workload: string
  readonly run: string
  readonly instructions: number
  /** Absent without a hypervisor. */
  readonly entries?: number
  /** By cost table; absent where the machine has no price for it. */
  readonly cycles: Readonly<Record<string, number>>
  /** The same by the number of operations; absent where a workload has none. */
  readonly perOperation?: {
    readonly unit: string
    readonly instructions: number
    readonly entries?: number
    readonly cycles: Readonly<Record<string, number>>
  }
}

export interface BenchReport {
  readonly schemaVersion: 1
  readonly suite: string
  readonly image: string
  readonly imageDigest: string
  readonly scale?: number
  readonly seeds: readonly number[]
  readonly figures: readonly Figure[]
  readonly skipped: Measured['skipped']
  readonly samples: readonly Sample[]
  /** Against a baseline. */
  readonly moved?: readonly Movement[]
  /** Of this host and moment. */
  readonly host: { readonly medianSeconds: Readonly<Record<string, number>> }
}

/** Medians of what was measured. */
export function figuresOf(
  image: string,
  scale: number | undefined,
  samples: readonly Sample[],
  runs: readonly Run[],
  tables: readonly CostTable[],
): Figure[] {
  const workloads = [...new Set(samples.map(({ workload }) => workload))]
  return workloads.flatMap(workload =>
    runs.flatMap(run => {
      const all = samples.filter(sample => sample.workload === workload && sample.run === run.id)
      return all.length === 0 ? [] : [figure(workload, run, all, tables, operationOf(image, workload, scale))]
    }),
  )
}

function figure(
  workload: string,
  run: Run,
  samples: readonly Sample[],
  tables: readonly CostTable[],
  operation: ReturnType<typeof operationOf>,
): Figure {
  const counts = samples.map(({ counters }) => countsOf(counters))
  const instructions = median(counts.map(each => each.instructions))
  const entries = counts[0]!.entries === undefined ? undefined : median(counts.map(each => each.entries ?? 0))
  const cycles = Object.fromEntries(
    tables.flatMap(table => {
      const costs = counts.map(each => price(itemize(run, each), pricesOf(table))?.total)
      return costs.includes(undefined) ? [] : [[table.name, median(costs as number[])]]
    }),
  )
  const each = (value: number) => Math.round((value / operation!.full) * 1000) / 1000
  return {
    workload,
    run: run.id,
    instructions,
    ...(entries !== undefined && { entries }),
    cycles,
    ...(operation && {
      perOperation: {
        unit: operation.unit,
        instructions: each(instructions),
        ...(entries !== undefined && { entries: each(entries) }),
        cycles: Object.fromEntries(Object.entries(cycles).map(([name, value]) => [name, each(value)])),
      },
    }),
  }
}

/** Counts as they were before they were flattened. */
function countsOf(counters: Sample['counters']): Counts {
  const root: Record<string, unknown> = {
    exceptions: {},
    interrupts: {},
    softwareInterrupts: {},
    operations: {},
    sensitive: {},
  }
  for (const [name, value] of Object.entries(counters)) {
    const path = name.split('.')
    let at = root
    for (const part of path.slice(0, -1)) {
      at[part] ??= {}
      at = at[part] as Record<string, unknown>
    }
    at[path.at(-1)!] = value
  }
  return countsSchema.parse(root)
}

/** For a terminal. */
export function formatBench(report: BenchReport): string {
  const { suite, image, seeds, figures, skipped, host } = report
  const tables = [...new Set(figures.flatMap(({ cycles }) => Object.keys(cycles)))]
  const number = (value: number | undefined) =>
    value === undefined ? '-' : value >= 1e4 ? scaled(value) : String(Math.round(value * 100) / 100)
  const perOperation = figures.filter(figure => figure.perOperation)
  const whole = figures.filter(figure => !figure.perOperation)
  const rows = (all: readonly Figure[], of: (figure: Figure) => Omit<Figure, 'workload' | 'run' | 'perOperation'>) =>
    all.map(one => {
      const { instructions, entries, cycles } = of(one)
      return [one.workload, one.run, number(instructions), number(entries), ...tables.map(name => number(cycles[name]))]
    })
  const head = ['workload', 'run', 'instructions', 'entries', ...tables.map(name => `cycles ${name}`)]
  const units = [...new Map(perOperation.map(({ workload, perOperation: each }) => [workload, each!.unit]))]
  return [
    `${suite} on ${image}, seeds ${seeds.join(', ')}; counters are exact, figures are medians over the seeds`,
    ...(perOperation.length > 0
      ? ['', 'for each operation', ...rightAligned([head, ...rows(perOperation, one => one.perOperation!)])]
      : []),
    ...units.map(([workload, unit]) => `  ${workload}: ${unit}`),
    ...(whole.length > 0 ? ['', 'as a whole', ...rightAligned([head, ...rows(whole, one => one)])] : []),
    ...skipped.map(({ run, workload }) => `  ${workload} was skipped on ${run}`),
    '',
    `host seconds (medians): ${Object.entries(host.medianSeconds)
      .map(([id, seconds]) => `${id} ${seconds.toFixed(1)}`)
      .join(', ')}`,
    ...(report.moved ? ['', ...formatMovements(report.moved)] : []),
  ].join('\n')
}

/** Every counter that moved, in a line each. */
export function formatMovements(moved: readonly Movement[]): string[] {
  if (moved.length === 0) return ['no counter moved']
  const shown = (value: number | undefined) => (value === undefined ? 'absent' : grouped(value))
  return [
    `${moved.length} counters moved:`,
    ...moved.map(({ sample, counter, before, now }) => {
      const change = before && now !== undefined ? ` (${(100 * (now / before - 1)).toFixed(2)} %)` : ''
      return `  ${sample}: ${counter} ${shown(before)} -> ${shown(now)}${change}`
    }),
  ]
}
