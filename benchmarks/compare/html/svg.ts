// The little of SVG and HTML that the report's charts need: elements with escaped text, scales and their ticks.

/** Markup that is already escaped. */
export interface Markup {
  readonly markup: string
}
type Content = Markup | string | number | readonly Content[]
type Attributes = Readonly<Record<string, string | number | undefined>>

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => ENTITIES[character]!)
}

function flattened(content: Content): string {
  if (typeof content === 'string' || typeof content === 'number') return escaped(String(content))
  return 'markup' in content ? content.markup : content.map(flattened).join('')
}

/** An element; text in it is escaped, attributes that are undefined are left out. */
export function element(name: string, attributes: Attributes, ...content: Content[]): Markup {
  const words = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}="${escaped(typeof value === 'number' ? short(value) : value)}"`],
  )
  const open = [name, ...words].join(' ')
  return { markup: content.length === 0 && VOID.has(name) ? `<${open}>` : `<${open}>${flattened(content)}</${name}>` }
}
const VOID = new Set(['meta', 'input', 'br'])

/** Coordinates need no more than a hundredth of a pixel. */
function short(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** A picture with its title and description for those who do not see it. */
export function picture(
  id: string,
  kind: string,
  size: { readonly width: number; readonly height: number },
  words: { readonly title: string; readonly description: string },
  ...content: Content[]
): Markup {
  const { width, height } = size
  return element(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-labelledby': `${id}-title ${id}-desc`,
      class: `chart ${kind}`,
    },
    element('title', { id: `${id}-title` }, words.title),
    element('desc', { id: `${id}-desc` }, words.description),
    ...content,
  )
}

/** From values to coordinates. */
export type Scale = (value: number) => number

/** Maps `from` to `start` and `to` to `end`. */
export function linear(from: number, to: number, start: number, end: number): Scale {
  const span = to === from ? 1 : to - from
  return value => start + ((value - from) / span) * (end - start)
}

/** Values at or below 0 stand at the beginning. */
export function logarithmic(from: number, to: number, start: number, end: number): Scale {
  const scale = linear(Math.log10(from), Math.log10(to), start, end)
  return value => (value <= from ? start : scale(Math.log10(value)))
}

/** 1, 2 and 5 times powers of ten between two values. */
export function logarithmicTicks(from: number, to: number): number[] {
  const ticks: number[] = []
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++)
    for (const digit of [1, 2, 5]) {
      const tick = Number(`${digit}e${power}`)
      if (tick >= from * 0.999 && tick <= to * 1.001) ticks.push(tick)
    }
  return ticks
}

/** Round values over a span that begins at `from`, three to six of them. */
export function linearTicks(span: number, from = 0): number[] {
  const rough = span / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map(digit => digit * power).find(each => each >= rough)!
  const ticks: number[] = []
  for (let n = Math.ceil(from / step); n * step <= from + span; n++) ticks.push(Number((n * step).toPrecision(6)))
  return ticks
}

/** A tick's number in few characters. */
export function tickText(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`
  return value >= 1e3 ? `${value / 1e3} k` : String(value)
}
