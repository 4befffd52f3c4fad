// From the samples of the peers benchmark to its report: medians for each job and machine, ratios of CPU
// time, geometric means, failures; as an object for --json and as a table for people.
import { STATUS_SKIPPED } from '../images/jobs.js'
import { BOOT, type RunSample } from './console-run.js'
import { geometricMean, median, medianAbsoluteDeviation } from './statistics.js'

/** All runs by machine; the first machine is the one that the others are compared with. */
export type Samples = Record<string, RunSample[]>

/** Where and on what the samples were taken. */
export interface Circumstances {
  /** Digest of the image. */
  image: string
  commandLine: string
  memoryMegabytes: number
  processor: string
  versions: Record<string, string>
}

/** One job on all machines. */
interface JobReport {
  name: string
  checksum: string
  /** Machine to median CPU seconds. */
  cpuSeconds: Record<string, number>
  /** Machine to median absolute deviation of the CPU seconds. */
  deviation: Record<string, number>
  /** Peer to (first machine's CPU seconds / peer's). */
  ratios: Record<string, number>
  /** Why the job does not count. */
  failure?: string
  /** Some machine lacks what the job needs. */
  skipped?: true
}

export interface PeersReport {
  schemaVersion: 1
  circumstances: Circumstances
  jobs: JobReport[]
  /** Peer to geometric mean of the ratios over the jobs that count, the boot included. */
  geometricMeans: Record<string, number>
  /** Machine to the largest resident size of any run, in bytes. */
  peakResidentBytes: Record<string, number>
  failed: string[]
  samples: Samples
}

/** Ratios are not formed of times that the clock can hardly tell from nothing. */
const SMALLEST_SECONDS = 0.001

function compareJob(name: string, samples: Samples): JobReport {
  const machines = Object.keys(samples)
  const cpuSeconds: Record<string, number> = {}
  const deviation: Record<string, number> = {}
  const outcomes = new Map<string, string>()
  const statuses = new Set<number>()
  for (const machine of machines) {
    const jobs = samples[machine]!.map(run => run.jobs[name])
    const present = jobs.filter(job => job !== undefined)
    if (present.length < jobs.length) outcomes.set(`${machine} did not finish it`, machine)
    for (const job of present) {
      outcomes.set(`${job.checksum} ${job.status}`, machine)
      statuses.add(job.status)
    }
    if (present.length === 0) continue
    const seconds = present.map(job => Math.max(job.cpuSeconds, SMALLEST_SECONDS))
    cpuSeconds[machine] = median(seconds)
    deviation[machine] = medianAbsoluteDeviation(seconds)
  }
  const report: JobReport = {
    name,
    checksum: [...outcomes.keys()][0]!.split(' ')[0]!,
    cpuSeconds,
    deviation,
    ratios: {},
  }
  if (statuses.has(STATUS_SKIPPED)) return { ...report, skipped: true }
  if (outcomes.size > 1) {
    const seen = [...outcomes].map(([outcome, machine]) => `${machine}: ${outcome}`).join(', ')
    return { ...report, failure: `results differ (${seen})` }
  }
  if ([...statuses].some(status => status !== 0)) return { ...report, failure: `status ${[...statuses].join(', ')}` }
  const [first, ...peers] = machines
  for (const peer of peers) report.ratios[peer] = cpuSeconds[first!]! / cpuSeconds[peer]!
  return report
}

/** Compares the first machine of `samples` with each of the others. */
export function comparePeers(samples: Samples, circumstances: Circumstances): PeersReport {
  const machines = Object.keys(samples)
  const names = new Set(Object.values(samples).flatMap(runs => runs.flatMap(run => Object.keys(run.jobs))))
  const jobs = [...names].map(name => compareJob(name, samples))
  const counted = jobs.filter(job => job.failure === undefined && job.skipped === undefined)
  const geometricMeans: Record<string, number> = {}
  if (counted.length > 0) {
    for (const peer of machines.slice(1)) geometricMeans[peer] = geometricMean(counted.map(job => job.ratios[peer]!))
  }
  return {
    schemaVersion: 1,
    circumstances,
    jobs,
    geometricMeans,
    peakResidentBytes: Object.fromEntries(
      machines.map(machine => [machine, Math.max(...samples[machine]!.map(run => run.peakResidentBytes))]),
    ),
    failed: jobs.filter(job => job.failure !== undefined).map(job => job.name),
    samples,
  }
}

const NAME_WIDTH = 16
const FIGURE_WIDTH = 12

/** The report as a table: median CPU seconds, ratios, geometric means, failures. */
export function formatPeersReport(report: PeersReport): string {
  const machines = Object.keys(report.samples)
  const peers = machines.slice(1)
  const row = (name: string, figures: readonly string[]) =>
    name.padEnd(NAME_WIDTH) + figures.map(figure => figure.padStart(FIGURE_WIDTH)).join('')
  const seconds = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(3))
  const lines = [
    `CPU seconds, median of ${report.samples[machines[0]!]!.length} runs, ${report.circumstances.memoryMegabytes} MiB; ${report.circumstances.processor}`,
    ...machines.map(machine => `  ${machine}: ${report.circumstances.versions[machine]}`),
    row('job', [...machines, ...peers.map(peer => `/ ${peer}`)]),
  ]
  for (const job of report.jobs) {
    const ratios = peers.map(peer => (job.ratios[peer] === undefined ? '-' : job.ratios[peer].toFixed(2)))
    const remark = job.failure ?? (job.skipped ? 'skipped' : '')
    const label = job.name === BOOT ? 'boot to userland' : job.name
    lines.push(
      row(label, [...machines.map(machine => seconds(job.cpuSeconds[machine])), ...ratios]) + (remark && `  ${remark}`),
    )
  }
  const blank = machines.map(() => '')
  lines.push(row('geometric mean', [...blank, ...peers.map(peer => report.geometricMeans[peer]?.toFixed(2) ?? '-')]))
  const megabytes = machines.map(machine => `${Math.round(report.peakResidentBytes[machine]! / 1048576)} MiB`)
  lines.push(row('peak resident', megabytes))
  if (report.failed.length > 0) lines.push(`failed: ${report.failed.join(', ')}`)
  return lines.join('\n')
}
