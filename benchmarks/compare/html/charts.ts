// The four pictures of a comparison: where the cycles of a workload go on each path, marks for the paths along one axis,
// and how far a mean moves with each price.

import { CATEGORIES, type Category } from '../../costs/events.js'
import type { Price } from '../../costs/price.js'
import type { Swing } from '../../costs/sensitivity.js'
import { scaled } from '../table-text.js'
import { runClass } from './style.js'
import { element, linear, linearTicks, logarithmic, logarithmicTicks, type Markup, picture, tickText } from './svg.js'

/** One path's cycles in one workload. */
export interface Bar {
  readonly title: string
  readonly price: Price
  readonly ratio: number
}

const BAR = { width: 340, label: 96, value: 46, height: 17, gap: 6 }
/** Of a bar's number and the space before it: where native's line would cross it, it stands behind the line. */
const VALUE_WIDTH = 33

/** Cycles of one workload as stacked bars, a bar for each path; all bars of a panel have one scale. */
export function stackedBars(id: string, workload: string, bars: readonly Bar[]): Markup {
  const { width, label, value, height, gap } = BAR
  const most = Math.max(...bars.map(({ price }) => price.total))
  const x = linear(0, most, label, width - value)
  const native = bars[0]!.price.total
  const rows = bars.map(({ title, price, ratio }, n) => {
    const y = n * (height + gap)
    let from = 0
    const parts = (Object.keys(CATEGORIES) as Category[]).flatMap(category => {
      const cycles = price.byCategory[category] ?? 0
      if (cycles === 0) return []
      const start = x(from)
      from += cycles
      const words = `${title}: ${CATEGORIES[category]} ${scaled(cycles)} cycles`
      const attributes = { x: start, y, width: Math.max(0, x(from) - start), height, class: `fill-${category} gap` }
      return [element('rect', attributes, element('title', {}, words))]
    })
    const middle = y + height - 5
    const end = x(price.total)
    const crossed = end < x(native) && end + VALUE_WIDTH > x(native)
    return [
      element('text', { x: label - 8, y: middle, class: 'end' }, title),
      ...parts,
      element('text', { x: (crossed ? x(native) : end) + 5, y: middle, class: 'soft' }, `${ratio.toFixed(2)}`),
    ]
  })
  const bottom = bars.length * (height + gap)
  const line = element('line', { x1: x(native), x2: x(native), y1: -3, y2: bottom - gap + 3, class: 'native' })
  const said = bars.map(({ title, ratio }) => `${title} ${ratio.toFixed(2)}`).join(', ')
  return picture(
    id,
    'bars',
    { width, height: bottom },
    { title: `Cycles of ${workload}`, description: `Cycles by those of native: ${said}.` },
    rows.flat(),
    line,
  )
}

/** A value of each path in a row; undefined where there is none. */
export interface DotRow {
  readonly name: string
  readonly values: readonly (number | undefined)[]
}

/** What a dot plot is of. */
export interface DotPlot {
  readonly title: string
  readonly description: string
  /** Names of the paths. */
  readonly series: readonly string[]
  /** Index of each path among all runs, for its colour and shape. */
  readonly indices: readonly number[]
  readonly rows: readonly DotRow[]
  readonly axis: string
  /** Where a line is drawn, such as at native. */
  readonly mark: number
}

const DOTS = { width: 1060, label: 92, right: 24, row: 22, top: 8, bottom: 40, radius: 5.5 }

/** Rows with one mark for each path on a common logarithmic axis; paths differ in colour and shape. Narrow pages scroll it. */
export function dotPlot(id: string, { title, description, series, indices, rows, axis, mark }: DotPlot): Markup {
  const { width, label, right, row, top, bottom } = DOTS
  const all = rows.flatMap(({ values }) => values).filter(value => value !== undefined && value > 0) as number[]
  const low = 0.9 * Math.min(mark, ...all)
  const high = 1.15 * Math.max(mark, ...all)
  const x = logarithmic(low, high, label, width - right)
  const height = top + rows.length * row
  const ticks = logarithmicTicks(low, high)
  const grid = ticks.flatMap(tick => [
    element('line', { x1: x(tick), x2: x(tick), y1: top, y2: height, class: 'grid' }),
    element('text', { x: x(tick), y: height + 16, class: 'middle soft' }, tickText(tick)),
  ])
  const bands = rows.map(({ name, values }, n) => {
    const y = top + n * row + row / 2
    const band =
      n % 2 === 0
        ? [element('rect', { x: label, y: y - row / 2, width: width - right - label, height: row, class: 'band' })]
        : []
    return { band, y, name, values }
  })
  const plot = picture(
    id,
    'dots',
    { width, height: height + bottom },
    { title, description },
    bands.flatMap(({ band }) => band),
    grid,
    element('line', { x1: x(mark), x2: x(mark), y1: top, y2: height, class: 'native' }),
    bands.map(({ y, name, values }) => [
      element('text', { x: label - 10, y: y + 4, class: 'end' }, name),
      ...values.flatMap((value, n) =>
        value === undefined ? [] : [shape(indices[n]!, x(value), y, `${name}, ${series[n]}: ${exact(value)}`)],
      ),
    ]),
    element('text', { x: (label + width - right) / 2, y: height + 34, class: 'middle soft' }, axis),
  )
  return element('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': `Plot: ${title}` }, plot)
}

const exact = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

/** The mark of a run: its colour, and a circle, square, diamond or triangle. */
export function shape(index: number, x: number, y: number, words: string): Markup {
  const r = DOTS.radius
  const colour = runClass(index)
  const title = element('title', {}, words)
  const path = (d: string) => element('path', { d, class: `${colour} gap` }, title)
  switch (index % 5) {
    case 0:
      return element('circle', { cx: x, cy: y, r, class: `${colour} gap` }, title)
    case 1:
      return element('rect', { x: x - r, y: y - r, width: 2 * r, height: 2 * r, class: `${colour} gap` }, title)
    case 2:
      return path(`M${x} ${y - r - 1.5}L${x + r + 1.5} ${y}L${x} ${y + r + 1.5}L${x - r - 1.5} ${y}Z`)
    case 3:
      return path(`M${x} ${y - r - 1}L${x + r + 1} ${y + r}L${x - r - 1} ${y + r}Z`)
    default:
      return path(`M${x} ${y + r + 1}L${x + r + 1} ${y - r}L${x - r - 1} ${y - r}Z`)
  }
}

const TORNADO = { width: 350, label: 122, right: 42, height: 16, gap: 6, bottom: 36 }

/** The widest swings of a mean ratio: a bar from the price halved to the price doubled, about what the table says. */
export function tornado(id: string, run: string, mean: number, swings: readonly Swing[]): Markup {
  const { width, label, right, height, gap, bottom } = TORNADO
  const values = swings.flatMap(({ halved, doubled }) => [halved, doubled])
  const [low, high] = [Math.min(mean, ...values), Math.max(mean, ...values)]
  const margin = (high - low) * 0.08 || 0.01
  const x = linear(low - margin, high + margin, label, width - right)
  const end = swings.length * (height + gap)
  const ticks = linearTicks(high + margin - (low - margin), low - margin)
  const rows = swings.flatMap(({ event, halved, doubled }, n) => {
    const y = n * (height + gap)
    const part = (value: number, kind: string, category: string) =>
      element(
        'rect',
        {
          x: Math.min(x(value), x(mean)),
          y,
          width: Math.abs(x(value) - x(mean)),
          height,
          class: `fill-${category} gap`,
        },
        element('title', {}, `${event} ${kind}: ${value.toFixed(3)}`),
      )
    return [
      element('text', { x: label - 8, y: y + height - 5, class: 'end' }, event),
      part(halved, 'halved', 'user'),
      part(doubled, 'doubled', 'transitions'),
      element(
        'text',
        { x: width - right + 6, y: y + height - 5, class: 'soft' },
        `±${Math.abs((doubled - halved) / 2).toFixed(2)}`,
      ),
    ]
  })
  const grid = ticks.flatMap(tick => [
    element('line', { x1: x(tick), x2: x(tick), y1: -2, y2: end, class: 'grid' }),
    element('text', { x: x(tick), y: end + 14, class: 'middle soft' }, tickText(tick)),
  ])
  const said = swings.map(({ event, halved, doubled }) => `${event} from ${halved} to ${doubled}`).join('; ')
  return picture(
    id,
    'tornado',
    { width, height: end + bottom },
    {
      title: `What the mean of ${run} hangs on`,
      description: `Mean ratio to native with each price halved and doubled: ${said}.`,
    },
    grid,
    rows,
    element('line', { x1: x(mean), x2: x(mean), y1: -2, y2: end, class: 'native' }),
    element(
      'text',
      { x: (label + width - right) / 2, y: end + 31, class: 'middle soft' },
      'mean cycles by those of native',
    ),
  )
}
