// Which conclusions hang on which price, on two workloads whose cycles are computed by hand.
import type { CostTable } from '../../../benchmarks/costs/cost-table.js'
import type { Item } from '../../../benchmarks/costs/items.js'
import { flips, swings } from '../../../benchmarks/costs/sensitivity.js'

const table: CostTable = {
  schemaVersion: 1,
  name: 'toy-1999',
  machine: 'a toy',
  megahertz: 1,
  note: '',
  sources: {},
  entries: [
    { event: 'instruction', cycles: 1, source: 'assumed' },
    { event: 'exception', cycles: 100, source: 'assumed' },
  ],
}
const items = (instructions: number, exceptions: number): Item[] => [
  { event: 'instruction', count: instructions, category: 'user' },
  { event: 'exception', count: exceptions, category: 'transitions' },
]

// native: 1000. xen: 600 + 3 * 100 = 900; with the price of an exception doubled 1200, halved 750.
const near = { workload: 'near', items: { native: items(1000, 0), xen: items(600, 3) } }
// native: 1000; xen: 1000 + 10 * 100 = 2000: the dearer one whatever the prices are.
const far = { workload: 'far', items: { native: items(1000, 0), xen: items(1000, 10) } }
// A machine without a price for it says nothing about it.
const unpriced = {
  workload: 'near',
  items: { native: items(1, 0), trap: [{ event: 'vm_exit', count: 1, category: 'crossings' }] },
} as const

test('an order that turns is named with the price, the factor and both conclusions', () => {
  const dearer = {
    from: 'xen takes fewer cycles than native',
    to: 'native takes fewer cycles than xen',
    workload: 'near',
  }
  expect(flips(table, [near, far], ['native', 'xen'], [])).toEqual([
    // 500 against 300 + 300.
    { event: 'instruction', factor: 0.5, ...dearer },
    // 1000 against 600 + 600.
    { event: 'exception', factor: 2, ...dearer },
  ])
})

test('a limit that is kept or missed is a conclusion of its own', () => {
  const limits = [{ workload: 'far', run: 'xen', against: 'native', atMost: 1.5 }]
  // 1000 + 500 is 1.5 of 1000; 2000 + 1000 is 1.5 of 2000.
  expect(flips(table, [far], [], limits)).toEqual([
    {
      event: 'instruction',
      factor: 2,
      workload: 'far',
      from: 'xen misses 1.5 of native',
      to: 'xen keeps 1.5 of native',
    },
    {
      event: 'exception',
      factor: 0.5,
      workload: 'far',
      from: 'xen misses 1.5 of native',
      to: 'xen keeps 1.5 of native',
    },
  ])
})

test('what has no price on a machine is part of no conclusion', () => {
  expect(flips(table, [unpriced], ['native', 'trap'], [])).toEqual([])
})

test('swings: the mean ratio with each price halved and doubled, the widest first', () => {
  // Exceptions: (750/1000, 1500/1000) and (1200/1000, 3000/1000); instructions: (600/500, 1500/500), (1500/2000, 3000/2000).
  const [first, second] = swings(table, [near, far], 'xen', 'native')
  expect(first).toEqual({
    event: 'exception',
    halved: expect.closeTo(Math.sqrt(0.75 * 1.5)),
    doubled: expect.closeTo(Math.sqrt(1.2 * 3)),
  })
  expect(second).toEqual({
    event: 'instruction',
    halved: expect.closeTo(Math.sqrt(1.2 * 3)),
    doubled: expect.closeTo(Math.sqrt(0.75 * 1.5)),
  })
})
