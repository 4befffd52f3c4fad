// A comparison as one HTML page without scripts and without anything from elsewhere: pictures first, then the numbers behind
// them, then how it was done. All cost tables are in it; radio buttons choose the one that is shown and printed.

import { total } from '../../costs/counts.js'
import { CATEGORIES, type Category } from '../../costs/events.js'
import type { CompareReport, ReportedTable } from '../report.js'
import { BASELINE } from '../runs.js'
import { type Bar, dotPlot, shape, stackedBars, tornado } from './charts.js'
import { STYLE } from './style.js'
import { element, type Markup } from './svg.js'
import {
  countTable,
  flipTable,
  folded,
  foldedLong,
  priceTable,
  publishedTable,
  ratioTable,
  targetTable,
  workloadTable,
} from './tables.js'

const SHOWN_FIRST = 'p4-2005'
const SWINGS = 8

/** The page. */
export function htmlReport(report: CompareReport): string {
  const title = `previrt compare ${report.image}`
  const shown = report.tables.some(({ name }) => name === SHOWN_FIRST) ? SHOWN_FIRST : report.tables[0]!.name
  const chosen = report.tables
    .map(({ name }) => `body:has(#show-${name}:checked) .of-table:not(.of-${name}){display:none}`)
    .join('\n')
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    element('title', {}, title),
    { markup: `<style>${STYLE}\n${chosen}</style>` },
  )
  const body = element(
    'body',
    {},
    element(
      'header',
      {},
      element('h1', {}, `One guest, ${report.runs.length} ways to run it`),
      lead(report),
      verdict(report),
      chooser(report, shown),
    ),
    element(
      'main',
      {},
      report.tables.map(each => pricedSections(report, each)),
      entriesSection(report),
      targetSection(report),
      publishedSection(report),
      numbers(report),
      method(report),
    ),
    element('footer', {}, `Made by ${title}. The same command makes the same page.`),
  )
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body).markup}\n`
}

function lead({ image, workloads, runs }: CompareReport): Markup {
  return element(
    'p',
    { class: 'lead' },
    `The guest ${image} ran the same ${workloads.length} workloads natively, under trap and emulate and pre-virtualized `,
    `(${runs.map(({ title }) => title).join('; ')}). Every event was counted; cycles are these counts times the prices of a named machine.`,
  )
}

function verdict({ agreement: { agree, differences } }: CompareReport): Markup {
  const lines = Object.entries(differences).flatMap(([id, all]) => all.map(line => `${id}: ${line}`))
  const text = agree
    ? 'All runs agree: what each workload printed, checksums, exit statuses, the disk image and the kernel log.'
    : 'The runs differ in what can be observed:'
  return element(
    'div',
    { class: agree ? 'verdict' : 'verdict differs' },
    element('p', {}, text),
    lines.length === 0
      ? []
      : element(
          'ul',
          {},
          lines.map(line => element('li', {}, line)),
        ),
  )
}

function chooser({ tables }: CompareReport, shown: string): Markup {
  return element(
    'fieldset',
    {},
    element('legend', {}, 'Prices of'),
    tables.map(({ name, machine }) => {
      const input = {
        type: 'radio',
        name: 'table',
        id: `show-${name}`,
        checked: name === shown ? 'checked' : undefined,
      }
      return element(
        'span',
        {},
        element('input', input),
        ' ',
        element('label', { for: `show-${name}` }, `${name} (${machine})`),
      )
    }),
  )
}

function pricedSections(report: CompareReport, priced: ReportedTable): Markup {
  return element(
    'section',
    { class: `of-table of-${priced.name}`, 'aria-label': `Under the prices of ${priced.name}` },
    cards(report, priced),
    element(
      'p',
      { class: 'under' },
      `Geometric mean of the cycles of all workloads by those of native, on ${priced.machine}.`,
    ),
    ratioFigure(report, priced),
    barFigure(report, priced),
    sensitivityFigure(report, priced),
  )
}

function cards({ runs }: CompareReport, { name, means }: ReportedTable): Markup {
  const items = runs.map(({ id, title }) => {
    const mean = means[id]
    const text = mean === undefined ? 'no price' : `${mean.toFixed(2)} ×`
    return element('li', {}, element('b', {}, text), element('span', {}, title))
  })
  return element('ul', { class: 'cards', 'aria-label': `Mean cycles by those of native, ${name}` }, items)
}

function seriesOf({ runs }: CompareReport, isShown: (id: string) => boolean) {
  const all = runs.map(({ id, title }, index) => ({ id, title, index })).filter(({ id }) => isShown(id))
  const key = element(
    'ul',
    { class: 'key', 'aria-hidden': 'true' },
    all.map(({ title, index }) =>
      element(
        'li',
        {},
        element(
          'svg',
          { width: 16, height: 16, viewBox: '0 0 16 16', style: 'vertical-align:-3px;margin-right:4px' },
          shape(index, 8, 8, title),
        ),
        title,
      ),
    ),
  )
  return { all, key, series: all.map(({ title }) => title), indices: all.map(({ index }) => index) }
}

function ratioFigure(report: CompareReport, priced: ReportedTable): Markup {
  const { all, key, series, indices } = seriesOf(report, id => id !== BASELINE && priced.means[id] !== undefined)
  const rows = report.workloads
    .filter(({ ratios }) => ratios[priced.name])
    .map(({ name, ratios }) => ({ name, values: all.map(({ id }) => ratios[priced.name]![id]) }))
  const chart = dotPlot(`ratios-${priced.name}`, {
    title: `Cycles by those of native, ${priced.name}`,
    description: `One row for each workload, one mark for each way to run it, on a logarithmic axis. The table below has the numbers.`,
    series,
    indices,
    rows,
    axis: `cycles by those of native (${priced.name}, logarithmic)`,
    mark: 1,
  })
  return element(
    'figure',
    {},
    element('h2', {}, 'What each path costs'),
    element(
      'figcaption',
      {},
      `Cycles of each workload by those of native on ${priced.machine}. The broken line is native; further right is dearer.`,
    ),
    key,
    chart,
    folded('Numbers of this figure', ratioTable(report, priced)),
  )
}

function barFigure({ runs, workloads }: CompareReport, priced: ReportedTable): Markup {
  const used = new Set<Category>()
  const panels = workloads.flatMap(({ name, cycles, ratios }) => {
    const bars: Bar[] = runs.flatMap(({ id, title }) => {
      const price = cycles[priced.name]?.[id]
      if (!price || id.startsWith(`${BASELINE}/`)) return []
      for (const category of Object.keys(price.byCategory)) used.add(category as Category)
      return [{ title, price, ratio: ratios[priced.name]?.[id] ?? Number.NaN }]
    })
    if (bars.length === 0) return []
    return [element('div', {}, element('h3', {}, name), stackedBars(`bars-${priced.name}-${name}`, name, bars))]
  })
  const key = (Object.keys(CATEGORIES) as Category[])
    .filter(category => used.has(category))
    .map(category => element('li', {}, element('i', { class: `fill-${category}` }), CATEGORIES[category]))
  return element(
    'figure',
    {},
    element('h2', {}, 'Where the cycles go'),
    element(
      'figcaption',
      {},
      'Each panel has a scale of its own; the broken line is native. The number behind a bar is its length by that of native.',
    ),
    element('ul', { class: 'key' }, key),
    element('div', { class: 'panels' }, panels),
  )
}

function sensitivityFigure({ runs }: CompareReport, priced: ReportedTable): Markup {
  const panels = runs.flatMap(({ id, title }) => {
    const swings = priced.swings[id]?.slice(0, SWINGS)
    if (!swings) return []
    const chart = tornado(`tornado-${priced.name}-${id.replace(/\W/g, '-')}`, title, priced.means[id]!, swings)
    return [element('div', {}, element('h3', {}, title), chart)]
  })
  const turned = new Set(priced.flips.map(({ event }) => event)).size
  const words =
    turned === 0
      ? 'No single price, halved or doubled, turns a conclusion: neither the order of two paths in a workload nor whether a target is met.'
      : `${turned} prices, halved or doubled alone, would turn ${priced.flips.length} conclusions; they are listed below.`
  return element(
    'figure',
    {},
    element('h2', {}, 'What hangs on which price'),
    element(
      'figcaption',
      {},
      'The mean over all workloads when one price alone is halved (blue) or doubled (orange), the eight that matter most.',
    ),
    element('div', { class: 'panels' }, panels),
    element('p', {}, words),
    priced.flips.length === 0 ? [] : folded('Conclusions that would turn', flipTable(priced)),
  )
}

/** Ways into the guest's kernel, counted natively: system calls, exceptions, interrupts. */
function kernelEntries({ counts }: CompareReport['workloads'][number]): number {
  const native = counts[BASELINE]
  if (!native) return 0
  const { softwareInterrupts, exceptions, interrupts, operations } = native
  return total(softwareInterrupts) + total(exceptions) + total(interrupts) + (operations.sysenter ?? 0)
}

function entriesSection(report: CompareReport): Markup {
  const { all, key, series, indices } = seriesOf(report, id =>
    report.workloads.some(({ counts }) => counts[id]?.entries !== undefined),
  )
  if (all.length === 0) return element('section', {})
  const rows = report.workloads.flatMap(workload => {
    const events = kernelEntries(workload)
    const values = all.map(({ id }) => {
      const entries = workload.counts[id]?.entries
      return entries === undefined || events === 0 ? undefined : entries / events
    })
    return values.every(value => value === undefined) ? [] : [{ name: workload.name, values }]
  })
  const chart = dotPlot('entries', {
    title: 'Entries into the hypervisor for each way into the guest kernel',
    description:
      'One row for each workload, one mark for each path, on a logarithmic axis. Counts are in the table further below.',
    series,
    indices,
    rows,
    axis: 'entries into the hypervisor for each system call, exception or interrupt of the native run (logarithmic)',
    mark: 1,
  })
  return element(
    'section',
    {},
    element(
      'figure',
      {},
      element('h2', {}, 'Entries for each event'),
      element(
        'figcaption',
        {},
        'How often the hypervisor is entered for each system call, exception and interrupt that the native kernel takes. No price is in this picture.',
      ),
      key,
      chart,
    ),
  )
}

function targetSection(report: CompareReport): Markup {
  if (report.targets.length === 0) return element('section', {})
  const met = report.targets.filter(target => target.met).length
  return element(
    'section',
    {},
    element('h2', {}, 'Targets'),
    element('p', {}, `${met} of ${report.targets.length} are met.`),
    folded('All targets', targetTable(report)),
  )
}

function publishedSection(report: CompareReport): Markup {
  return element(
    'section',
    {},
    element('h2', {}, 'Beside published measurements'),
    element(
      'p',
      {},
      'Nothing is fitted to these figures. Events alone are what the model charges for them; mixes of workloads are a stand-in for the ones that were published.',
    ),
    publishedTable(report),
  )
}

function numbers(report: CompareReport): Markup {
  return element(
    'section',
    {},
    element('h2', {}, 'Numbers'),
    folded('Instructions, entries and page tables of every workload', countTable(report)),
    report.workloads.map(workload => foldedLong(`Everything about ${workload.name}`, workloadTable(report, workload))),
  )
}

function method({ runs, tables, agreement: { allowed } }: CompareReport): Markup {
  return element(
    'section',
    {},
    element('h2', {}, 'How it was done'),
    element(
      'p',
      {},
      'Each run is one deterministic execution on an emulated PC; time is virtual. Only what lies between the markers of a workload counts, halted time aside. ',
      'Native is the plain kernel on a processor with SYSENTER, large and global pages; beside it stand the annotated kernel, and the plain kernel on the processor without these that virtualized guests see. ',
      'An event of the processor costs the same on every path; instructions of the VMM count like any others; the work of monitors and hypervisors is priced by kind.',
    ),
    element(
      'p',
      {},
      'The model knows no caches, no pipelines and no TLB of limited size: what an entry evicts is not in it. Published measurements of real machines are set beside such figures in docs/costs.md.',
    ),
    element('h3', {}, 'Commands'),
    element(
      'ul',
      {},
      runs.map(({ command }) => element('li', {}, element('code', {}, `previrt ${quoted(command)}`))),
    ),
    element('h3', {}, 'Kernel messages that may differ'),
    element('p', {}, 'Time stamps and the order of messages are not compared.'),
    element(
      'ul',
      {},
      allowed.map(({ pattern, reason }) => element('li', {}, element('code', {}, pattern), `: ${reason}`)),
    ),
    tables.flatMap(priceTable),
  )
}

const quoted = (words: readonly string[]) => words.map(word => (word.includes(' ') ? `'${word}'` : word)).join(' ')
