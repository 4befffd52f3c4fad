// The counting suites of `bench`: micro, macro and both, with baselines.

import { existsSync } from 'node:fs'
import { runsOf } from '../../benchmarks/compare/runs.js'
import { costTables } from '../../benchmarks/costs/cost-table.js'
import { baselineOf, baselineText, movements, readBaseline } from '../../benchmarks/regression/baseline.js'
import { keyOf, measure } from '../../benchmarks/regression/measure.js'
import { type BenchReport, figuresOf, formatBench, formatMovements } from '../../benchmarks/regression/report.js'
import { type Suite, workloadsOf } from '../../benchmarks/regression/suites.js'
import { median } from '../../benchmarks/statistics.js'
import { buildImage } from '../../images/index.js'
import type { BenchOptions } from './bench.js'
import { STATUS_DIFFERENT, STATUS_GUEST_FAILED, STATUS_WELL } from './exit.js'
import { CommandError, usage } from './failure.js'
import { requireWritable, writeOutput } from './output-file.js'
import { ProgressLine } from './progress-line.js'
import { requireWorkloads } from './workload-names.js'

const DEFAULT_IMAGE = 'linux'
const DEFAULT_PATHS = 'native,trap,xen'

const words = (text: string) => text.split(',').filter(Boolean)

/** Runs a suite. Status 5 when a counter is another one than in the baseline. */
export async function benchSuite(suite: Suite, options: BenchOptions): Promise<number> {
  const { image = DEFAULT_IMAGE, scale, json, against } = options
  const baseline = against === undefined ? undefined : usage(() => readBaseline(against))
  if (baseline && (baseline.image !== image || baseline.scale !== scale)) {
    const its = [`--image ${baseline.image}`, ...(baseline.scale === undefined ? [] : [`--scale ${baseline.scale}`])]
    throw new CommandError(`--against ${against}: made with ${its.join(' ')}; give the same`)
  }
  const runs = usage(() => runsOf(image, words(options.on ?? DEFAULT_PATHS)))
  const seeds = usage(() => seedsOf(options.seeds))
  const workloads = options.jobs === undefined ? workloadsOf(suite, image) : words(options.jobs)
  requireWorkloads(image, workloads)
  requireWritable('--write-baseline', options.writeBaseline)
  const progress = new ProgressLine(`bench ${suite}`)
  try {
    const digest = await digestOf(image, progress)
    const measurement = { image, workloads, scale, seeds, repetitions: options.runs ?? 1, runs }
    const measured = await measure(measurement, (done, of) => progress.showShare(done, of, 'runs'))
    progress.clear()
    const { samples, skipped, hostSeconds } = measured
    const tried = seeds.flatMap(seed =>
      runs.flatMap(({ id }) => workloads.map(workload => keyOf({ seed, run: id, workload }))),
    )
    const moved = baseline && movements(baseline, samples, tried)
    if (options.writeBaseline !== undefined)
      writeOutput(
        '--write-baseline',
        options.writeBaseline,
        baselineText(baselineOf({ name: image, digest }, scale, samples)),
      )
    const report: BenchReport = {
      schemaVersion: 1,
      suite,
      image,
      imageDigest: digest,
      ...(scale !== undefined && { scale }),
      seeds,
      figures: figuresOf(image, scale, samples, runs, costTables()),
      skipped,
      samples,
      ...(moved && { moved }),
      host: {
        medianSeconds: Object.fromEntries(Object.entries(hostSeconds).map(([id, all]) => [id, median(all)])),
      },
    }
    process.stdout.write(`${json ? JSON.stringify(report) : formatBench(report)}\n`)
    if (!moved || moved.length === 0) return STATUS_WELL
    if (baseline!.imageDigest !== digest)
      process.stderr.write(`previrt: ${against}: the image is another one than that of the baseline\n`)
    process.stderr.write(`previrt: ${against}: ${formatMovements(moved).join('\n')}\n`)
    return STATUS_DIFFERENT
  } catch (error) {
    progress.clear()
    throw error instanceof CommandError ? error : new CommandError((error as Error).message, STATUS_GUEST_FAILED)
  }
}

/** Of both kernels of a named image; of a file its name. */
async function digestOf(image: string, progress: ProgressLine): Promise<string> {
  if (existsSync(image) || image.includes('/')) return image
  const built = []
  for (const plain of [false, true])
    built.push(await buildImage(image, { plain, onProgress: (...state) => progress.showShare(...state) }))
  return built.map(({ digest }) => digest).join(' ')
}

/** Whole numbers from 0 to 99, joined by commas; 0 unless told. */
function seedsOf(text = '0'): number[] {
  const seeds = words(text).map(Number)
  if (seeds.length > 0 && seeds.every(seed => Number.isInteger(seed) && seed >= 0 && seed < 100)) return seeds
  throw new Error(`--seeds ${text}: give whole numbers from 0 to 99, joined by commas`)
}
