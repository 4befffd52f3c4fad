// The `compare` command: one guest on several paths, the same workloads, and what each path costs.

import { executeAll, type Guest, needsBuilding } from '../../benchmarks/compare/execute.js'
import { htmlReport } from '../../benchmarks/compare/html/page.js'
import { type CompareReport, compareReport } from '../../benchmarks/compare/report.js'
import { runsOf } from '../../benchmarks/compare/runs.js'
import { formatComparison } from '../../benchmarks/compare/text.js'
import { costTables, findCostTable } from '../../benchmarks/costs/cost-table.js'
import { buildImage } from '../../images/index.js'
import { STATUS_DIFFERENT, STATUS_GUEST_FAILED, STATUS_WELL } from './exit.js'
import { CommandError, usage } from './failure.js'
import { requireWritable, writeOutput } from './output-file.js'
import { ProgressLine } from './progress-line.js'
import { requireWorkloads } from './workload-names.js'

/** What `compare` was given. */
export interface CompareOptions {
  readonly on: string
  readonly workload: string
  readonly scale?: number
  readonly costs?: string
  readonly json?: boolean
  readonly html?: string
}

const words = (text: string) => text.split(',').filter(Boolean)

/** Compares. Status 5 when what can be observed differs between the paths, 1 when the guest fails on all alike. */
export async function compare(image: string, options: CompareOptions): Promise<number> {
  const begun = performance.now()
  const runs = usage(() => runsOf(image, words(options.on)))
  const tables = usage(() => (options.costs === undefined ? costTables() : words(options.costs).map(findCostTable)))
  requireWorkloads(image, words(options.workload))
  const guest: Guest = { image, workloads: options.workload, scale: options.scale }
  requireWritable('--html', options.html)
  const progress = new ProgressLine('compare')
  let report: CompareReport
  try {
    if (needsBuilding(image)) for (const plain of [false, true]) await build(image, plain, progress)
    const executions = await executeAll(guest, runs, (done, of) => progress.showShare(done, of, 'runs'))
    report = compareReport(guest, executions, tables, (performance.now() - begun) / 1000)
  } catch (error) {
    throw new CommandError((error as Error).message, STATUS_GUEST_FAILED)
  } finally {
    progress.clear()
  }
  if (options.html !== undefined) writeOutput('--html', options.html, htmlReport(report))
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else if (options.html === undefined) process.stdout.write(`${formatComparison(report)}\n`)
  for (const [id, lines] of Object.entries(report.agreement.differences))
    for (const line of lines) process.stderr.write(`previrt: ${id} differs from native: ${line}\n`)
  if (!report.agreement.agree) return STATUS_DIFFERENT
  return report.runs.every(({ exit }) => exit.status === STATUS_WELL) ? STATUS_WELL : STATUS_GUEST_FAILED
}

async function build(image: string, plain: boolean, progress: ProgressLine): Promise<void> {
  await buildImage(image, { plain, onProgress: (...state) => progress.showShare(...state) })
}
