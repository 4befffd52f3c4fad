// Cycles of an execution under a cost table: events times prices, and nothing else. Caches and pipelines are not in it.

import type { CostTable } from './cost-table.js'
import type { Category, PricedEvent } from './events.js'
import type { Item } from './items.js'

/** What an execution costs on a machine. */
export interface Price {
  readonly total: number
  readonly byCategory: Readonly<Partial<Record<Category, number>>>
  readonly byEvent: Readonly<Partial<Record<PricedEvent, number>>>
}

/** Cycles by event. */
export type Prices = ReadonlyMap<PricedEvent, number>

/** The prices of a table, in cycles. */
export function pricesOf({ entries }: CostTable): Prices {
  return new Map(entries.map(({ event, cycles }) => [event, cycles]))
}

/** The cycles of these events; undefined when the machine has no price for one of them. */
export function price(items: readonly Item[], prices: Prices): Price | undefined {
  const byCategory: Partial<Record<Category, number>> = {}
  const byEvent: Partial<Record<PricedEvent, number>> = {}
  let total = 0
  for (const { event, count, category } of items) {
    const each = prices.get(event)
    if (each === undefined) return undefined
    const cycles = each * count
    byCategory[category] = (byCategory[category] ?? 0) + cycles
    byEvent[event] = (byEvent[event] ?? 0) + cycles
    total += cycles
  }
  return { total: rounded(total), byCategory: allRounded(byCategory), byEvent: allRounded(byEvent) }
}

const rounded = (cycles: number) => Math.round(cycles * 10) / 10

function allRounded<Name extends string>(parts: Partial<Record<Name, number>>): Partial<Record<Name, number>> {
  return Object.fromEntries(
    Object.entries<number>(parts as Record<Name, number>).map(([n, c]) => [n, rounded(c)]),
  ) as Partial<Record<Name, number>>
}

/** What one execution pays more than another, by category, the largest first. */
export function contributors(of: Price, against: Price, atMost: number): { category: Category; cycles: number }[] {
  const categories = new Set([...Object.keys(of.byCategory), ...Object.keys(against.byCategory)]) as Set<Category>
  return [...categories]
    .map(category => ({
      category,
      cycles: rounded((of.byCategory[category] ?? 0) - (against.byCategory[category] ?? 0)),
    }))
    .filter(({ cycles }) => cycles > 0)
    .sort((a, b) => b.cycles - a.cycles || a.category.localeCompare(b.category))
    .slice(0, atMost)
}
