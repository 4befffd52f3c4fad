// `compare --consolidate`: throughput and entries as guests are added to one machine.

import {
  type ConsolidationReport,
  consolidate as consolidateGuests,
  formatConsolidation,
} from '../../benchmarks/consolidation.js'
import { STATUS_DIFFERENT, STATUS_GUEST_FAILED, STATUS_WELL } from './exit.js'
import { CommandError } from './failure.js'
import { ProgressLine } from './progress-line.js'
import { requireWorkloads } from './workload-names.js'

/** What `compare --consolidate` was given. */
export interface ConsolidateOptions {
  readonly consolidate: string
  readonly on: string
  readonly workload: string
  readonly scale?: number
  readonly json?: boolean
  readonly html?: string
}

const GUESTS_AT_MOST = 8
const PROFILES = ['4.17', '3.0']

/** Runs and reports. Status 5 when a guest is not what it is alone. */
export async function consolidate(image: string, options: ConsolidateOptions): Promise<number> {
  if (options.html !== undefined) throw new CommandError('--html: not with --consolidate; use --json')
  const guests = options.consolidate.split(',').map(Number)
  if (!guests.every(n => Number.isInteger(n) && n >= 1 && n <= GUESTS_AT_MOST))
    throw new CommandError(`--consolidate ${options.consolidate}: give numbers of guests, 1 to ${GUESTS_AT_MOST}`)
  requireWorkloads(image, options.workload.split(','))
  const what = {
    image,
    workloads: options.workload,
    scale: options.scale,
    profile: profileOf(options.on),
    guests,
  }
  const progress = new ProgressLine('compare')
  let report: ConsolidationReport
  try {
    report = await consolidateGuests(what, (done, of) => progress.showShare(done, of, 'runs'))
  } catch (error) {
    throw new CommandError((error as Error).message, STATUS_GUEST_FAILED)
  } finally {
    progress.clear()
  }
  process.stdout.write(`${options.json ? JSON.stringify(report) : formatConsolidation(report)}\n`)
  const differences = report.runs.flatMap(run => run.differences.map(line => `${run.guests} guests: ${line}`))
  for (const line of differences) process.stderr.write(`previrt: ${line}\n`)
  if (differences.length > 0) return STATUS_DIFFERENT
  return report.alone.exit.status === STATUS_WELL ? STATUS_WELL : STATUS_GUEST_FAILED
}

/** The profile of the first of the paths that hosts several guests. */
function profileOf(paths: string): string {
  for (const path of paths.split(',')) {
    const [name, profile = PROFILES[0]!] = path.split('/')
    if (name === 'xen' && PROFILES.includes(profile)) return profile
  }
  throw new CommandError(`--consolidate --on ${paths}: several guests run on xen, xen/4.17 or xen/3.0 only`)
}
