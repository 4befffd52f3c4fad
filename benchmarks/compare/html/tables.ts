// The numbers behind the pictures, as tables that can be read aloud, copied and checked.

import { ASSUMED } from '../../costs/cost-table.js'
import { EVENTS } from '../../costs/events.js'
import type { CompareReport, ReportedTable, ReportedWorkload } from '../report.js'
import { grouped, scaled } from '../table-text.js'
import { described } from '../text.js'
import { element, type Markup } from './svg.js'

type Cell = string | Markup

/** A table; columns from `numbersFrom` on are numbers. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  numbersFrom = 1,
): Markup {
  const kind = (n: number) => (n >= numbersFrom ? 'number' : head[n] === 'run' ? 'run' : undefined)
  return element(
    'div',
    { class: 'wide', tabindex: 0, role: 'region', 'aria-label': caption },
    element(
      'table',
      {},
      element('caption', {}, caption),
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          head.map((text, n) => element('th', { scope: 'col', class: kind(n) }, text)),
        ),
      ),
      element(
        'tbody',
        {},
        rows.map(row =>
          element(
            'tr',
            {},
            row.map((cell, n) =>
              n === 0 ? element('th', { scope: 'row' }, cell) : element('td', { class: kind(n) }, cell),
            ),
          ),
        ),
      ),
    ),
  )
}

/** Something folded up until it is asked for; printed in full. */
export function folded(summary: string, ...content: Markup[]): Markup {
  return element('details', {}, element('summary', {}, summary), ...content)
}

/** The same, but left out in print. */
export function foldedLong(summary: string, ...content: Markup[]): Markup {
  return element('details', { class: 'long' }, element('summary', {}, summary), ...content)
}

const NONE = '–'

/** Ratios and means under one cost table. */
export function ratioTable({ runs, workloads }: CompareReport, priced: ReportedTable): Markup {
  const shown = (value: number | undefined) => (value === undefined ? NONE : value.toFixed(3))
  return table(
    `Cycles by those of native, ${priced.name}`,
    ['workload', ...runs.map(({ title }) => title)],
    [
      ...workloads.map(({ name, ratios }) => [name, ...runs.map(({ id }) => shown(ratios[priced.name]?.[id]))]),
      ['geometric mean', ...runs.map(({ id }) => shown(priced.means[id]))],
    ],
  )
}

/** Retired instructions by owner, and entries into the hypervisor. */
export function countTable({ runs, workloads }: CompareReport): Markup {
  const rows = workloads.flatMap(({ name, counts }) =>
    runs.flatMap(({ id, title }) => {
      const counted = counts[id]
      if (!counted) return []
      const { instructionsBy: by, pageTableUpdates: updates } = counted
      const number = (value: number | undefined) => (value === undefined ? NONE : grouped(value))
      return [
        [
          name,
          title,
          number(by.user),
          number(by.kernel),
          number(by.vmm),
          number(counted.entries),
          updates ? `${grouped(updates.entries)} in ${grouped(updates.batches)}` : NONE,
          number(counted.entriesBy?.fill),
          number(counted.tlbFlushes),
        ],
      ]
    }),
  )
  const head = [
    'workload',
    'run',
    'user instr.',
    'kernel instr.',
    'VMM instr.',
    'entries',
    'table updates in batches',
    'shadow fills',
    'TLB flushes',
  ]
  return table('What was counted', head, rows, 2)
}

/** Everything that was counted of a workload, run by run. */
export function workloadTable(
  { runs }: CompareReport,
  { name, counts, cycles, throughput, perKilobyte }: ReportedWorkload,
): Markup {
  const rows = runs.flatMap(({ id, title }) => {
    const counted = counts[id]
    if (!counted) return []
    const prices = Object.entries(cycles).flatMap(([table, byRun]): [string, string][] => {
      const cost = byRun[id]
      return cost ? [[`cycles ${table}`, scaled(cost.total)]] : []
    })
    const moved = (throughput[id] ?? []).map(({ what, amount, unit, microseconds }): [string, string] => [
      what,
      `${amount} ${unit} in ${grouped(microseconds)} µs of virtual time`,
    ])
    const each = perKilobyte[id]
    const rates: [string, string][] = Object.entries(each?.cycles ?? {}).map(([table, value]) => [
      `for each KiB of ${each?.device}, ${table}`,
      `${scaled(value)} cycles`,
    ])
    if (each?.entries !== undefined) rates.unshift([`for each KiB of ${each.device}`, `${each.entries} entries`])
    return [...described(counted), ...moved, ...rates, ...prices].map(([what, text]) => [title, what, text])
  })
  return table(name, ['run', 'what', 'count'], rows, 3)
}

/** What pre-virtualization is to reach. */
export function targetTable({ targets }: CompareReport): Markup {
  const verdict = (met: boolean) => element('span', { class: met ? 'good' : 'bad' }, met ? 'met' : 'missed')
  const rows = targets.map(({ what, workload, value, atMost, met }) => [
    what,
    workload,
    value.toFixed(3),
    `≤ ${atMost}`,
    verdict(met),
  ])
  return table('Targets of pre-virtualization on xen 4.17', ['what', 'workload', 'measured', 'target', ''], rows, 2)
}

/** Ours beside figures that others have published. */
export function publishedTable({ published }: CompareReport): Markup {
  const rows = published.map(({ what, theirs, ours, how, source }) => [
    what,
    String(theirs),
    ours === undefined ? NONE : String(ours),
    ours === undefined ? NONE : (ours / theirs).toFixed(2),
    how,
    source,
  ])
  return table('Ours beside theirs', ['what', 'theirs', 'ours', 'ours / theirs', 'what ours is', 'source'], rows, 9)
}

/** The prices that a conclusion hangs on. */
export function flipTable({ name, flips }: ReportedTable): Markup {
  const rows = flips.map(({ event, factor, workload, from, to }) => [event, `× ${factor}`, workload, from, to])
  return table(
    `Conclusions under ${name} that another price would turn`,
    ['price', 'factor', 'workload', 'now', 'then'],
    rows,
    9,
  )
}

/** A cost table with its sources. */
export function priceTable({ name, machine, megahertz, note, sources, entries }: ReportedTable): Markup[] {
  const assumed = entries.filter(({ source }) => source === ASSUMED).length
  const rows = entries.map(({ event, cycles, source, note: why }) => [
    event,
    EVENTS[event],
    String(cycles),
    why ? `${source}: ${why}` : source,
  ])
  return [
    element('h3', {}, `${name}: ${machine}, ${megahertz} MHz`),
    element('p', {}, `${note} ${assumed} of ${entries.length} figures are assumed; the others name their source.`),
    folded(`Prices of ${name}`, table(`Prices of ${name}, in cycles`, ['event', 'what', 'cycles', 'source'], rows, 9)),
    element(
      'ul',
      {},
      Object.entries(sources).map(([key, text]) => element('li', {}, element('b', {}, key), `: ${text}.`)),
    ),
  ]
}
