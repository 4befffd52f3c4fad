// The peers benchmark: the same bzImage and initial file system on previrt, on v86 and on QEMU's TCG,
// interleaved, CPU seconds of each whole process tree for every job and for the boot. Nothing is warm: every
// run is a new process that begins at the firmware or the boot protocol and decompresses the kernel itself.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { buildImage, DEFAULT_COMMAND_LINE, type Image, type Progress } from '../images/index.js'
import { BENCH_JOBS } from '../images/jobs.js'
import { packageRoot } from '../images/package-root.js'
import { PEER_PACKAGES, requirePackages } from '../images/packages.js'
import { runOnConsole } from './console-run.js'
import { comparePeers, type PeersReport, type Samples } from './peers-report.js'

export { formatPeersReport, type PeersReport } from './peers-report.js'

/** Machines to compare previrt with. */
export const PEERS = ['v86', 'qemu'] as const
/** One of them. */
export type Peer = (typeof PEERS)[number]

/** Options of `runPeersBenchmark`. */
export interface PeersOptions {
  peers?: readonly Peer[]
  /** Runs of each machine; 3 unless told. */
  runs?: number
  /** Names of jobs; all of them unless told. */
  jobs?: readonly string[]
  /** Per cent of the full number of iterations; 100 unless told. */
  scale?: number
  /** Guest memory in MiB; 128 unless told. */
  memoryMegabytes?: number
  /** Wall seconds that one run may take; 900 unless told. */
  timeoutSeconds?: number
  /** Leave previrt itself out, to measure the peers alone. */
  peersOnly?: boolean
  /** Arguments added to `previrt run`, for instance an engine. */
  runArguments?: readonly string[]
  onProgress?: (text: string) => void
  onImageProgress?: Progress
}

const DEFAULT_RUNS = 3
const DEFAULT_MEGABYTES = 128
const DEFAULT_TIMEOUT_SECONDS = 900
const ROOT = packageRoot(import.meta.url)

function builtModule(path: string): string {
  const file = join(ROOT, 'dist', path)
  if (!existsSync(file)) throw new Error(`${file} is missing; run: npm run build`)
  return file
}

function commandOf(machine: string, image: Image, commandLine: string, megabytes: number, extra: readonly string[]) {
  const kernel = image.bzImage ?? image.path
  if (machine === 'v86') {
    return [
      process.execPath,
      builtModule('benchmarks/v86-runner.js'),
      kernel,
      image.initrd,
      commandLine,
      `${megabytes}`,
    ]
  }
  const boot = ['-kernel', kernel, '-initrd', image.initrd, '-append', commandLine, '-m', `${megabytes}`]
  if (machine === 'qemu') {
    const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot', '-net', 'none']
    return ['qemu-system-i386', '-accel', 'tcg', ...quiet, ...boot]
  }
  // The model with SSE2, which the other machines show by default.
  const ours = [
    '--cpu',
    'pentium4',
    '--kernel',
    kernel,
    '--initrd',
    image.initrd,
    '--append',
    commandLine,
    '--mem',
    `${megabytes}M`,
  ]
  return [process.execPath, builtModule('src/cli/main.js'), 'run', ...ours, ...extra]
}

function versionOf(machine: string): string {
  if (machine === 'v86') return `npm v86 ${createRequire(import.meta.url)('v86/package.json').version}`
  if (machine === 'qemu') return execFileSync('qemu-system-i386', ['--version'], { encoding: 'utf8' }).split('\n')[0]!
  return `Node ${process.version}`
}

function refuseUnknown(what: string, given: readonly string[], known: readonly string[]): void {
  const unknown = given.filter(name => !known.includes(name))
  if (unknown.length > 0) throw new RangeError(`no ${what} '${unknown.join(', ')}'; there are: ${known.join(', ')}`)
}

/**
 * Runs the benchmark and compares.
 * @returns every sample, medians, deviations, ratios and geometric means; `failed` lists the jobs whose checksum or
 *   status differed between machines or runs, which no mean includes
 * @throws RangeError for an unknown peer or job or a number of runs below 1
 * @throws when a package or the build is missing, or when a machine ends before the suite does
 */
export async function runPeersBenchmark(options: PeersOptions = {}): Promise<PeersReport> {
  const { runs = DEFAULT_RUNS, memoryMegabytes = DEFAULT_MEGABYTES, scale = 100 } = options
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`--runs ${runs}: give a whole number above 0`)
  const peers = options.peers ?? PEERS
  refuseUnknown('peer', peers, PEERS)
  refuseUnknown('job', options.jobs ?? [], BENCH_JOBS)
  requirePackages(PEER_PACKAGES)
  const image = await buildImage('linux', {
    plain: true,
    ...(options.onImageProgress === undefined ? {} : { onProgress: options.onImageProgress }),
  })
  const machines = [...(options.peersOnly ? [] : ['previrt']), ...peers]
  const commandLine = `${DEFAULT_COMMAND_LINE} bench=${options.jobs?.join(',') ?? 'all'} scale=${scale}`
  const samples: Samples = Object.fromEntries(machines.map(machine => [machine, []]))
  for (let run = 1; run <= runs; run++) {
    for (const machine of machines) {
      const command = commandOf(machine, image, commandLine, memoryMegabytes, options.runArguments ?? [])
      const sample = await runOnConsole(command, options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS, (name, job) =>
        options.onProgress?.(`run ${run} of ${runs}, ${machine}: ${name} ${job.cpuSeconds.toFixed(2)} s`),
      )
      samples[machine]!.push(sample)
    }
  }
  return comparePeers(samples, {
    image: image.digest,
    commandLine,
    memoryMegabytes,
    processor: cpus()[0]?.model ?? 'unknown',
    versions: Object.fromEntries(machines.map(machine => [machine, versionOf(machine)])),
  })
}
