// The report beside other emulators, from samples made by hand: medians, ratios, failures, skipped jobs.
import type { RunSample } from '../../benchmarks/console-run.js'
import { comparePeers, formatPeersReport } from '../../benchmarks/peers-report.js'

const CIRCUMSTANCES = {
  image: 'digest',
  commandLine: '',
  memoryMegabytes: 128,
  processor: 'a processor',
  versions: { previrt: '1', v86: '2' },
}

function run(jobs: Record<string, [cpuSeconds: number, checksum?: string, status?: number]>): RunSample {
  const entries = Object.entries(jobs).map(([name, [cpuSeconds, checksum = 'aa', status = 0]]) => [
    name,
    { cpuSeconds, wallSeconds: cpuSeconds, checksum, status },
  ])
  return { jobs: Object.fromEntries(entries), peakResidentBytes: 1048576 }
}

test('medians over runs, ratios to the peer, geometric mean over jobs', () => {
  const report = comparePeers(
    {
      previrt: [run({ boot: [1], fork: [2] }), run({ boot: [3], fork: [2] }), run({ boot: [2], fork: [9] })],
      v86: [run({ boot: [4], fork: [1] }), run({ boot: [4], fork: [1] }), run({ boot: [4], fork: [1] })],
    },
    CIRCUMSTANCES,
  )
  expect(report.jobs.map(job => job.cpuSeconds)).toEqual([
    { previrt: 2, v86: 4 },
    { previrt: 2, v86: 1 },
  ])
  expect(report.jobs.map(job => job.ratios.v86)).toEqual([0.5, 2])
  expect(report.geometricMeans.v86).toBeCloseTo(1, 12)
  expect(report.failed).toEqual([])
})

test('a job whose checksum differs has failed and is in no mean', () => {
  const report = comparePeers(
    { previrt: [run({ boot: [1], sort: [1, 'aa'] })], v86: [run({ boot: [2], sort: [100, 'bb'] })] },
    CIRCUMSTANCES,
  )
  expect(report.failed).toEqual(['sort'])
  expect(report.geometricMeans.v86).toBeCloseTo(0.5, 12)
  expect(formatPeersReport(report)).toContain('previrt: aa 0, v86: bb 0')
})

test('a checksum that differs between runs of one machine has failed too', () => {
  const report = comparePeers(
    { previrt: [run({ x: [1, 'aa'] }), run({ x: [1, 'ab'] })], v86: [run({ x: [1, 'aa'] }), run({ x: [1, 'aa'] })] },
    CIRCUMSTANCES,
  )
  expect(report.failed).toEqual(['x'])
})

test('a job that ended with an error, or that one machine never finished, has failed', () => {
  const report = comparePeers(
    { previrt: [run({ x: [1, '-', 139], y: [1] })], v86: [run({ x: [1, '-', 139] })] },
    CIRCUMSTANCES,
  )
  expect(report.failed).toEqual(['x', 'y'])
})

test('a job that some machine has to skip is no failure and in no mean', () => {
  const report = comparePeers(
    { previrt: [run({ boot: [1], fp: [1] })], v86: [run({ boot: [1], fp: [1, '-', 77] })] },
    CIRCUMSTANCES,
  )
  expect(report.failed).toEqual([])
  expect(report.jobs[1]!.skipped).toBe(true)
  expect(Object.keys(report.jobs[1]!.ratios)).toEqual([])
})
