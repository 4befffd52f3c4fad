// What booting the annotated Linux to userland takes on Xen against native on the same CPU model: CPU seconds of all threads
// and seconds that pass, from the start of the process, in pairs of runs.
// Usage: node dist/benchmarks/micro/boot.js [RUNS]

import { join } from 'node:path'
import { buildImage } from '../../images/index.js'
import { packageRoot } from '../../images/package-root.js'
import { runOnConsole } from '../console-run.js'
import { median } from '../statistics.js'

const MAIN = join(packageRoot(import.meta.url), 'dist/src/cli/main.js')
const PATHS = { native: ['--cpu', 'previrt-guest'], xen: ['--on', 'xen'] }
const TIMEOUT_SECONDS = 120

const runs = Number(process.argv[2] ?? 5)
await buildImage('linux')
const boots = { native: [] as { cpu: number; wall: number }[], xen: [] as { cpu: number; wall: number }[] }
for (let run = 0; run < runs; run++)
  for (const path of ['native', 'xen'] as const) {
    const words = ['run', 'linux', ...PATHS[path], '--append', 'workload=smc scale=1']
    const { jobs } = await runOnConsole([process.execPath, MAIN, ...words], TIMEOUT_SECONDS)
    boots[path].push({ cpu: jobs.boot!.cpuSeconds, wall: jobs.boot!.wallSeconds })
  }
for (const kind of ['cpu', 'wall'] as const) {
  const [native, xen] = [median(boots.native.map(each => each[kind])), median(boots.xen.map(each => each[kind]))]
  const figures = `native ${native.toFixed(2)} s, xen ${xen.toFixed(2)} s, ratio ${(xen / native).toFixed(2)}`
  process.stdout.write(`${kind.padEnd(5)} ${figures} (medians of ${runs})\n`)
}
