// Which prices a conclusion hangs on: each entry of a table alone is halved and doubled, and the conclusions are drawn
// again. A conclusion is which of two paths takes fewer cycles in a workload, or whether a limit is kept.

import { geometricMean } from '../statistics.js'
import type { CostTable } from './cost-table.js'
import type { PricedEvent } from './events.js'
import type { Item } from './items.js'
import { type Prices, pricesOf } from './price.js'

/** What was counted of a workload on each path. */
export interface PathItems {
  readonly workload: string
  /** By the name of the run. */
  readonly items: Readonly<Record<string, readonly Item[]>>
}

/** A ratio of cycles that is to be kept. */
export interface Limit {
  readonly workload: string
  readonly run: string
  readonly against: string
  readonly atMost: number
}

/** A conclusion that is another one when a price is halved or doubled. */
export interface Flip {
  readonly event: PricedEvent
  readonly factor: number
  readonly workload: string
  /** What holds under the table, and what would hold. */
  readonly from: string
  readonly to: string
}

/** The largest change of a ratio by a price, for a picture of what matters. */
export interface Swing {
  readonly event: PricedEvent
  /** The mean ratio with the price halved and with it doubled. */
  readonly halved: number
  readonly doubled: number
}

export const FACTORS = [0.5, 2] as const

type Totals = ReadonlyMap<string, number>

function totals({ items }: PathItems, prices: Prices): Totals {
  const cycles = new Map<string, number>()
  for (const [run, parts] of Object.entries(items)) {
    const each = parts.map(({ event, count }) => (prices.get(event) ?? Number.NaN) * count)
    const sum = each.reduce((a, b) => a + b, 0)
    if (!Number.isNaN(sum)) cycles.set(run, sum)
  }
  return cycles
}

function conclusions(
  workload: PathItems,
  ordered: readonly string[],
  limits: readonly Limit[],
  prices: Prices,
): string[] {
  const cycles = totals(workload, prices)
  const found: string[] = []
  ordered.forEach((a, n) => {
    for (const b of ordered.slice(n + 1)) {
      const [x, y] = [cycles.get(a), cycles.get(b)]
      if (x === undefined || y === undefined) continue
      found.push(
        x === y
          ? `${a} takes as many cycles as ${b}`
          : x < y
            ? `${a} takes fewer cycles than ${b}`
            : `${b} takes fewer cycles than ${a}`,
      )
    }
  })
  for (const { workload: name, run, against, atMost } of limits) {
    const [x, y] = [cycles.get(run), cycles.get(against)]
    if (name !== workload.workload || x === undefined || y === undefined) continue
    found.push(`${run} ${x <= atMost * y ? 'keeps' : 'misses'} ${atMost} of ${against}`)
  }
  return found
}

function* changes(table: CostTable): Generator<{ event: PricedEvent; factor: number; prices: Prices }> {
  const prices = pricesOf(table)
  for (const { event, cycles } of table.entries)
    for (const factor of FACTORS) yield { event, factor, prices: new Map([...prices, [event, cycles * factor]]) }
}

/** Conclusions that would be others, in the order of the table. */
export function flips(
  table: CostTable,
  workloads: readonly PathItems[],
  ordered: readonly string[],
  limits: readonly Limit[],
): Flip[] {
  const drawn = workloads.map(workload => conclusions(workload, ordered, limits, pricesOf(table)))
  const found: Flip[] = []
  for (const { event, factor, prices } of changes(table))
    workloads.forEach((workload, n) => {
      conclusions(workload, ordered, limits, prices).forEach((to, m) => {
        const from = drawn[n]![m]!
        if (from !== to) found.push({ event, factor, workload: workload.workload, from, to })
      })
    })
  return found
}

/** How the geometric mean over the workloads of `run` to `against` moves with each price, the widest swing first. */
export function swings(table: CostTable, workloads: readonly PathItems[], run: string, against: string): Swing[] {
  const byEvent = new Map<PricedEvent, number[]>()
  for (const { event, prices } of changes(table)) {
    const ratios = workloads.flatMap(workload => {
      const cycles = totals(workload, prices)
      const [x, y] = [cycles.get(run), cycles.get(against)]
      return x === undefined || y === undefined ? [] : [x / y]
    })
    if (ratios.length > 0) byEvent.set(event, [...(byEvent.get(event) ?? []), geometricMean(ratios)])
  }
  return [...byEvent]
    .map(([event, [halved, doubled]]) => ({ event, halved: halved!, doubled: doubled! }))
    .sort((a, b) => Math.abs(b.doubled - b.halved) - Math.abs(a.doubled - a.halved) || a.event.localeCompare(b.event))
}
