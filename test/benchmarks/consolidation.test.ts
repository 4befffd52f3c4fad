// What `compare --consolidate` finds different, and how it says what it has found.

import { type ConsolidationReport, differences, formatConsolidation } from '../../benchmarks/consolidation.js'
import { previrt } from '../cli/command.js'

const alone = {
  exit: { status: 0, reason: 'power-off' },
  digest: 'ab',
  instructions: 1_000_000,
  virtualNanoseconds: 4_000_000,
  haltedNanoseconds: 3_000_000,
  entries: { hypercall: 20, exception_14: 10 },
  hypercalls: { mmu_update: 4 },
  workloads: [{ name: 'sort', checksum: '17', status: 0 }],
}

test('what is equal is equal in any order; what differs is named', () => {
  expect(differences(alone, { ...alone, entries: { exception_14: 10, hypercall: 20 } })).toEqual([])
  expect(differences(alone, { ...alone, digest: 'cd', entries: { hypercall: 21, exception_14: 10 } })).toEqual([
    'digest is "cd", alone "ab"',
    'entries is {"exception_14":10,"hypercall":21}, alone {"exception_14":10,"hypercall":20}',
  ])
  const failed = { ...alone, workloads: [{ name: 'sort', checksum: '18', status: 0 }] }
  expect(differences(alone, failed)).toHaveLength(1)
})

test('the table', () => {
  const run = { instructions: 1e6, hostSeconds: 1, residentBytes: 64 << 20, differences: [] }
  const report: ConsolidationReport = {
    ...{ schemaVersion: 1, image: 'mini', workloads: 'sort', profile: '3.0', guests: [1, 2], alone },
    runs: [
      {
        ...{ ...run, guests: 1, virtualNanoseconds: 4e6, haltedNanoseconds: 3e6, entries: 30 },
        ...{ scheduleEntries: 0, throughput: 1 },
      },
      {
        ...{ ...run, guests: 2, virtualNanoseconds: 5e6, haltedNanoseconds: 3e6, entries: 1061 },
        ...{ scheduleEntries: 1, throughput: 1.6 },
      },
    ],
  }
  const lines = formatConsolidation(report).split('\n')
  expect(lines[0]).toBe('mini on xen 3.0, workload=sort; alone 4 ms of virtual time,')
  expect(lines.find(line => line.startsWith('2 '))?.split(/ {2,}/)).toEqual([
    '2',
    '5',
    '8',
    '3',
    '1.60',
    '1,061',
    '1',
    '1.00 M',
    '64',
  ])
  expect(lines.at(-1)).toMatch(/^Each guest ends as it does alone/)
})

test.each([
  [['--consolidate', '0,2'], 'give numbers of guests'],
  [['--consolidate', '9'], 'give numbers of guests'],
  [['--consolidate', '2', '--on', 'native'], 'on xen'],
  [['--consolidate', '2', '--html', 'f'], '--html: not with --consolidate'],
])('%j is refused', async (words, part) => {
  const { status, stderr } = await previrt('compare', 'mini', ...words)
  expect(status).toBe(2)
  expect(stderr).toContain(part)
})
