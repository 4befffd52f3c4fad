// The cost tables of the package are complete and cited, and a bad one is told apart.
import { ASSUMED, costTables, findCostTable, parseCostTable } from '../../../benchmarks/costs/cost-table.js'
import { EVENTS, OPTIONAL_EVENTS } from '../../../benchmarks/costs/events.js'

const p4 = () => structuredClone(findCostTable('p4-2005'))
const parse = (value: unknown) => parseCostTable('some.json', JSON.stringify(value))

test('three machines, oldest first; all events priced but those of VT-x on the Pentium III', () => {
  const tables = costTables()
  expect(tables.map(({ name }) => name)).toEqual(['p3-2001', 'p4-2005', 'core2-2007'])
  const events = tables.map(({ entries }) => entries.length)
  const all = Object.keys(EVENTS).length
  expect(events).toEqual([all - OPTIONAL_EVENTS.length, all, all])
})

test('a figure has a citation or is called assumed; each table has some of both', () => {
  for (const { entries } of costTables()) {
    const assumed = entries.filter(({ source }) => source === ASSUMED).length
    expect(assumed).toBeGreaterThan(0)
    expect(assumed).toBeLessThan(entries.length)
  }
})

test.each([
  ['not JSON', '{', /^some\.json: .*JSON/],
  ['an event left out', JSON.stringify({ ...p4(), entries: p4().entries.slice(1) }), /instruction has no price/],
  ['an event twice', JSON.stringify({ ...p4(), entries: [...p4().entries, p4().entries[0]] }), /priced 2 times/],
  ['a source that is not cited', JSON.stringify({ ...p4(), sources: {} }), /not cited/],
])('%s is refused in one line', (_, text, message) => {
  expect(() => parseCostTable('some.json', text)).toThrow(message)
})

test('an unknown event, a negative price and an unused citation are refused', () => {
  const [first, ...rest] = p4().entries
  expect(() => parse({ ...p4(), entries: [{ ...first, event: 'teleport' }, ...rest] })).toThrow(/^some\.json: /)
  expect(() => parse({ ...p4(), entries: [{ ...first, cycles: -1 }, ...rest] })).toThrow(/^some\.json: /)
  const sources = { ...p4().sources, nobody: 'Nobody, A paper that is never used' }
  expect(() => parse({ ...p4(), sources })).toThrow(/nobody is not used/)
})

test('a name that does not exist names those that do', () => {
  expect(() => findCostTable('z80-1976')).toThrow(/there are: p3-2001, p4-2005, core2-2007/)
})
