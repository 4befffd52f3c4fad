// Runs a guest once for each run of a comparison: `previrt run --json` as a child process, at most two at a time, each with
// a console file and a disk of its own.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { packageRoot } from '../../images/package-root.js'
import { countsSchema } from '../costs/counts.js'
import { type Observables, observe } from './observables.js'
import { isNamed, type Run } from './runs.js'

/** What is run. */
export interface Guest {
  readonly image: string
  /** Names joined by commas, or `all`. */
  readonly workloads: string
  /** Per cent of the full number of iterations on Linux, a factor on mini. */
  readonly scale?: number | undefined
  /** Makes the kernel's command line longer, and so moves what is timed; 0 or undefined: nothing. */
  readonly seed?: number | undefined
}

const documentSchema = z.object({
  path: z.string(),
  profile: z.string().optional(),
  cpu: z.string(),
  exit: z.object({ status: z.number(), reason: z.string() }),
  digest: z.string(),
  ...countsSchema.shape,
  entries: z.record(z.string(), z.number()).optional(),
  workloads: z.array(
    z.object({
      name: z.string(),
      checksum: z.string().optional(),
      status: z.number().optional(),
      ...countsSchema.partial().shape,
    }),
  ),
  hostSeconds: z.number(),
  residentBytes: z.number(),
})

/** The JSON of a run. */
export type RunDocument = z.infer<typeof documentSchema>

/** One run that has ended. */
export interface Execution {
  readonly run: Run
  readonly document: RunDocument
  readonly observed: Observables
  /** Wall seconds of the host, for the child as a whole. */
  readonly hostSeconds: number
}

const AT_ONCE = 2
/** Blank, so that the workload `disk` makes a file system on it. */
const DISK_BYTES = 64 << 20

/**
 * Runs all.
 * @param onProgress told of how many have ended
 * @throws Error when a run prints no JSON: the message has the last line that it said
 */
export async function executeAll(
  guest: Guest,
  runs: readonly Run[],
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Execution[]> {
  const results = new Map<Run, Execution>()
  // The longest first.
  const waiting = [...runs].reverse()
  const work = async () => {
    for (let run = waiting.shift(); run; run = waiting.shift()) {
      results.set(run, await execute(guest, run))
      onProgress(results.size, runs.length)
    }
  }
  onProgress(0, runs.length)
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return runs.map(run => results.get(run)!)
}

/** The words of `previrt run` that repeat a run; the console's and the disk's file aside. */
export function commandOf(guest: Guest, run: Run): string[] {
  const { image, workloads, scale, seed = 0 } = guest
  const kernelArguments = [
    `workload=${workloads}`,
    ...(scale === undefined ? [] : [`scale=${scale}`]),
    ...(seed === 0 ? [] : [`seed=${'s'.repeat(seed)}`]),
  ]
  const net = image === 'linux-net' ? ['--net', 'user'] : []
  return ['run', image, ...run.arguments, ...net, '--append', kernelArguments.join(' '), '--json', '--count-sensitive']
}

async function execute(guest: Guest, run: Run): Promise<Execution> {
  const folder = mkdtempSync(join(tmpdir(), 'previrt-compare-'))
  try {
    const [console, disk] = [join(folder, 'console'), join(folder, 'disk')]
    const hasDisk = guest.image !== 'mini'
    if (hasDisk) {
      writeFileSync(disk, '')
      truncateSync(disk, DISK_BYTES)
    }
    const begun = performance.now()
    const files = ['--serial', `file:${console}`, ...(hasDisk ? ['--disk', disk] : [])]
    const { output, errors } = await runCommand([...commandOf(guest, run), ...files])
    const hostSeconds = (performance.now() - begun) / 1000
    if (output === '') throw new Error(`${run.id}: ${errors.trim().split('\n').at(-1) ?? 'it said nothing'}`)
    const document = documentSchema.parse(JSON.parse(output))
    const digest = hasDisk ? createHash('sha256').update(readFileSync(disk)).digest('hex') : undefined
    const observed = observe(readFileSync(console, 'latin1'), document.exit.status, digest)
    return { run, document, observed, hostSeconds }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs `previrt WORDS` as a process of its own: its standard output, and the end of what it said. */
export function runCommand(words: readonly string[]): Promise<{ output: string; errors: string }> {
  const command = join(packageRoot(import.meta.url), 'dist', 'src', 'cli', 'main.js')
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, [command, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    process_.stdout.setEncoding('utf8').on('data', text => {
      output += text
    })
    process_.stderr.setEncoding('utf8').on('data', text => {
      errors = (errors + text).slice(-2000)
    })
    process_.on('error', reject)
    process_.on('close', () => resolve({ output, errors }))
  })
}

/** Whether images of this name have to be built before they can be run. */
export const needsBuilding = (image: string) => isNamed(image) && image !== 'mini'
