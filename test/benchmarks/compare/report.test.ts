// The document of a comparison, its text and its page, on figures that are known.
import { htmlReport } from '../../../benchmarks/compare/html/page.js'
import { publishedBeside } from '../../../benchmarks/compare/published.js'
import { grouped, rightAligned, scaled } from '../../../benchmarks/compare/table-text.js'
import { formatComparison } from '../../../benchmarks/compare/text.js'
import { findCostTable } from '../../../benchmarks/costs/cost-table.js'
import { toyReport } from './fixture.js'

test('cycles, ratios, means and the largest differences', () => {
  const { workloads, tables, agreement } = toyReport()
  const [one, two] = workloads
  expect(one!.cycles['toy-1999']!['trap/all']).toMatchObject({
    total: 16000,
    byCategory: { user: 6000, kernel: 2000, crossings: 8000 },
    byEvent: { instruction: 8000, exception: 4000, iret: 4000 },
  })
  expect(one!.ratios['toy-1999']).toEqual({ native: 1, 'trap/all': 2 })
  expect(two!.ratios['toy-1999']).toEqual({ native: 1, 'trap/all': 4 })
  expect(two!.largest['toy-1999']!['trap/all']).toEqual([{ category: 'crossings', cycles: 3000 }])
  // The square root of 2 * 4.
  expect(tables[0]!.means).toEqual({ native: 1, 'trap/all': 2.8284 })
  expect(agreement).toMatchObject({ agree: true, differences: { 'trap/all': [] } })
})

test('no price turns the order; instructions have the widest swing', () => {
  const { flips, swings } = toyReport().tables[0]!
  expect(flips).toEqual([])
  // Halved: (4000 + 8000) / 4000 = 3 and (500 + 3000) / 500 = 7; doubled: 24000 / 16000 and 5000 / 2000.
  expect(swings['trap/all']![0]).toEqual({ event: 'instruction', halved: 4.5826, doubled: 1.9365 })
})

test('a difference is named, and nothing else of the document changes but host times', () => {
  const { agreement, ...rest } = toyReport(
    'previrt: begin one\nprevirt: end one bad 0\nprevirt: begin two\n<b>&\nprevirt: end two beef 0\n',
  )
  expect(agreement.agree).toBe(false)
  expect(agreement.differences['trap/all']).toEqual(['checksum of one: "bad", not "c0ffee"'])
  expect(JSON.stringify(rest)).toBe(JSON.stringify({ ...toyReport(), agreement: undefined }))
})

test('the text names counts, cycles, sources', () => {
  const text = formatComparison(toyReport())
  expect(text).toMatch(/^one +1\.000 +2\.000$/m)
  expect(text).toMatch(/^geometric mean +1\.000 +2\.828$/m)
  expect(text).toMatch(/^ {2}entries +8 = cli 8$/m)
  expect(text).toMatch(/16\.0 k = entries into the hypervisor 8\.00 k \+ guest user 6\.00 k \+ guest kernel 2\.00 k/)
  expect(text).toContain('[eggestad-2002] Terje Eggestad')
})

test('numbers and tables for people', () => {
  expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567'])
  expect([12, 1234, 45678, 123456, 9.87e6, 2.5e9].map(scaled)).toEqual([
    '12',
    '1.23 k',
    '45.7 k',
    '123 k',
    '9.87 M',
    '2.50 G',
  ])
  expect(
    rightAligned([
      ['a', '1'],
      ['bcd', '22'],
    ]),
  ).toEqual(['a     1', 'bcd  22'])
})

describe('the page', () => {
  const page = htmlReport(toyReport())

  test('asks nothing of a network and runs no script', () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:\/\//)
    expect(page.match(/<style>/g)).toHaveLength(1)
  })

  test('each picture has a title, a description and names that are its own', () => {
    const pictures = page.match(/<svg [^>]*role="img"[^>]*>/g)!
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(pictures.length).toBeGreaterThanOrEqual(5)
    expect(new Set(ids).size).toBe(ids.length)
    for (const each of pictures)
      for (const id of /aria-labelledby="([^"]+)"/.exec(each)![1]!.split(' ')) expect(ids).toContain(id)
  })

  test('bars are as long as their cycles', () => {
    const [, panel] = /<svg[^>]*bars-toy-1999-two-title.*?<\/desc>(.*?)<\/svg>/.exec(page)!
    const widths = [...panel!.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width))
    // native: 500 user, 500 kernel; trap: the same and 3000 for entries.
    expect(widths).toHaveLength(5)
    const unit = widths[0]!
    expect(widths.map(width => Math.round((100 * width) / unit))).toEqual([100, 100, 100, 100, 600])
  })

  test('text of a guest is text', () => {
    expect(htmlReport(toyReport('previrt: begin one\n<script>\nprevirt: end one c0ffee 0\n'))).not.toContain('<script>')
  })
})

test('published figures stand beside what the model charges, computed by hand', () => {
  const tables = [findCostTable('p4-2005')]
  const cost = Object.fromEntries(tables[0]!.entries.map(({ event, cycles }) => [event, cycles])) as Record<
    string,
    number
  >
  const ours = (what: string) => publishedBeside(tables, []).find(each => each.what.startsWith(what))?.ours
  expect(ours('port read, native')).toBe(cost.port)
  expect(ours('port read, VT-x')).toBe(cost.vm_exit! + cost.vm_entry! + cost.monitor_switch! + cost.emulate_port!)
  expect(ours('page fault, native')).toBe(cost.exception! + cost.iret!)
  expect(ours('divide error, VT-x')).toBe(cost.exception! + cost.iret!)
  // Without the workloads there is nothing to say about a build.
  expect(ours('build of Linux, Xen')).toBeUndefined()
})
