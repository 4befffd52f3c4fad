// Baselines: what moved is named exactly, a file is read back as it was written, and a bad one is told apart.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { baselineOf, baselineText, movements, readBaseline } from '../../../benchmarks/regression/baseline.js'
import { flattened, keyOf, type Sample } from '../../../benchmarks/regression/measure.js'
import { formatMovements } from '../../../benchmarks/regression/report.js'
import { operationOf, workloadsOf } from '../../../benchmarks/regression/suites.js'

const folder = mkdtempSync(join(tmpdir(), 'previrt-baseline-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const sample = (workload: string, counters: Record<string, number>): Sample => ({
  seed: 0,
  run: 'xen/4.17',
  workload,
  checksum: 'c',
  counters,
})
const before = [sample('fork', { instructions: 1000, 'entriesBy.hypercall': 5 }), sample('sort', { instructions: 7 })]
const IMAGE = { name: 'mini', digest: 'd' }
const tried = before.map(keyOf)

test('counters are flattened and sorted', () => {
  expect(flattened({ instructions: 3, entriesBy: { b: 1, a: 2 }, sensitive: { user: { int: 4 } }, name: 'x' })).toEqual(
    {
      'entriesBy.a': 2,
      'entriesBy.b': 1,
      instructions: 3,
      'sensitive.user.int': 4,
    },
  )
})

test('a baseline is read back, and nothing moved against itself', () => {
  const file = join(folder, 'one.json')
  writeFileSync(file, baselineText(baselineOf(IMAGE, undefined, before)))
  expect(movements(readBaseline(file), before, tried)).toEqual([])
  expect(formatMovements([])).toEqual(['no counter moved'])
})

test('by one is moved; what is new and what is gone are named; what was not tried is not looked at', () => {
  const baseline = baselineOf(IMAGE, undefined, before)
  const now = [sample('fork', { instructions: 1001, 'entriesBy.alarm': 1 })]
  const moved = movements(baseline, now, tried)
  expect(formatMovements(moved)).toEqual([
    '4 counters moved:',
    '  seed 0, xen/4.17, fork: entriesBy.alarm absent -> 1',
    '  seed 0, xen/4.17, fork: entriesBy.hypercall 5 -> absent',
    '  seed 0, xen/4.17, fork: instructions 1,000 -> 1,001 (0.10 %)',
    '  seed 0, xen/4.17, sort: instructions 7 -> absent',
  ])
  expect(movements(baseline, now, [tried[0]!])).toHaveLength(3)
})

test.each([
  ['nothing.json', undefined, /no such file; make one with --write-baseline/],
  ['text.json', 'text', /text\.json: .*give a file/],
  ['other.json', '{"schemaVersion":2}', /other\.json: schemaVersion/],
])('%s is refused', (name, text, message) => {
  const file = join(folder, name)
  if (text !== undefined) writeFileSync(file, text)
  expect(() => readBaseline(file)).toThrow(message)
})

test('suites have the workloads of an image, and operations at a scale', () => {
  expect(workloadsOf('micro', 'linux')).toHaveLength(11)
  expect([...workloadsOf('micro', 'linux'), ...workloadsOf('macro', 'linux')]).toEqual(workloadsOf('all', 'linux'))
  expect(workloadsOf('macro', 'mini')).toEqual(['sort', 'sha', 'grep', 'loop'])
  expect(operationOf('linux', 'fork', 50)).toEqual({ unit: 'fork, exit, wait', full: 100 })
  expect(operationOf('linux', 'sort')).toBeUndefined()
  expect(operationOf('mini', 'fork')).toBeUndefined()
})
