// The `bench` command: suites of benchmarks by name.

import { formatAnnotation, measureAnnotation } from '../../benchmarks/annotation.js'
import { formatPeersReport, PEERS, type Peer, runPeersBenchmark } from '../../benchmarks/peers.js'
import { SUITES, type Suite } from '../../benchmarks/regression/suites.js'
import { missingPackages, PEER_PACKAGES } from '../../images/packages.js'
import { STATUS_GUEST_FAILED, STATUS_WELL } from './exit.js'
import { CommandError } from './failure.js'
import { ProgressLine } from './progress-line.js'

/** What `bench` was given. */
export interface BenchOptions {
  readonly peers?: string
  readonly runs?: number
  readonly jobs?: string
  readonly scale?: number
  readonly engine?: string
  readonly json?: boolean
  /** Of the counting suites. */
  readonly image?: string
  readonly on?: string
  readonly seeds?: string
  readonly against?: string
  readonly writeBaseline?: string
}

const isCounting = (suite: string): suite is Suite => (SUITES as readonly string[]).includes(suite)

/**
 * Runs a suite, `peers` unless told. Status 1 when a job's results differ between machines, 5 when counters differ from a
 * baseline.
 */
export async function bench(suite: string | undefined, options: BenchOptions): Promise<number> {
  if (suite === 'annotation') return await benchAnnotation(options)
  if (suite !== undefined && isCounting(suite)) {
    const counted = await (await import('./bench-suite.js')).benchSuite(suite, options)
    return suite !== 'all' || counted !== STATUS_WELL ? counted : await benchPeersIfPossible(options)
  }
  if (suite !== undefined && suite !== 'peers')
    throw new CommandError(`no suite '${suite}'; there are: ${[...SUITES, 'peers', 'annotation'].join(', ')}`)
  return await benchPeers(options)
}

/** For `all`: without the peers it says why. Not with --json, which is one document, nor where counters are compared. */
async function benchPeersIfPossible(options: BenchOptions): Promise<number> {
  if (options.json || options.against !== undefined || options.writeBaseline !== undefined) return STATUS_WELL
  const missing = missingPackages(PEER_PACKAGES)
  if (missing.length > 0) {
    process.stderr.write(`previrt: peers skipped, missing Debian packages: ${missing.join(' ')}\n`)
    return STATUS_WELL
  }
  const { jobs: _jobs, scale: _scale, ...others } = options
  return await benchPeers(others)
}

async function benchPeers(options: BenchOptions): Promise<number> {
  const list = (text: string | undefined) => text?.split(',').filter(Boolean)
  const { runs, scale, engine } = options
  const [peers, jobs] = [list(options.peers) ?? PEERS, list(options.jobs)]
  const progress = new ProgressLine('bench')
  try {
    const report = await runPeersBenchmark({
      peers: peers as readonly Peer[],
      onProgress: text => progress.show(text),
      onImageProgress: (...state) => progress.showShare(...state),
      ...(runs !== undefined && { runs }),
      ...(scale !== undefined && { scale }),
      ...(jobs && { jobs }),
      ...(engine !== undefined && { runArguments: ['--engine', engine] }),
    })
    progress.clear()
    process.stdout.write(`${options.json ? JSON.stringify(report) : formatPeersReport(report)}\n`)
    return report.failed.length === 0 ? STATUS_WELL : STATUS_GUEST_FAILED
  } catch (error) {
    progress.clear()
    const usage = error instanceof RangeError || /^missing Debian packages/.test((error as Error).message)
    throw usage
      ? new CommandError((error as Error).message)
      : new CommandError((error as Error).message, STATUS_GUEST_FAILED)
  }
}

async function benchAnnotation({ json }: BenchOptions): Promise<number> {
  const progress = new ProgressLine('building linux')
  try {
    const report = await measureAnnotation('linux', (...state) => progress.showShare(...state))
    progress.clear()
    process.stdout.write(`${json ? JSON.stringify(report) : formatAnnotation(report)}\n`)
    return STATUS_WELL
  } catch (error) {
    progress.clear()
    throw new CommandError((error as Error).message, STATUS_GUEST_FAILED)
  }
}
