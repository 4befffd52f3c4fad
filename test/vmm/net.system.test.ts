// The workload net on Linux natively, on trap and on Xen (through the VMM's NE2000 and the network rings), against the user
// network: Linux's TCP and ours. What its streams fold together is computed here from the definition of the services.
import { crc32 } from 'node:zlib'
import { buildImage } from '../../images/index.js'
import { type RunReport, runReportSchema } from '../../src/cli/report-schema.js'
import { previrt } from '../cli/command.js'
import { PATHS } from '../drivers/every-path.js'

const MINUTES = 60_000
const BLOCK = 65_536
const BLOCKS = 64
const SEGMENT = 1460
/** Packets with data of one stream. */
const FRAMES = Math.ceil((BLOCKS * BLOCK) / SEGMENT)

const WORKLOADS = ['net', 'net-rr', 'net-up', 'net-down']

function xorshift(seed: number): () => number {
  let x = seed
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    x >>>= 0
    return x
  }
}
const FOLD_START = 2166136261
/** As images/workloads/runtime folds. */
function fold(sum: number, word: number): number {
  const product = Math.imul(sum ^ word, 16777619)
  return ((product << 5) | (product >>> 27)) >>> 0
}
const hex = (value: number) => value.toString(16).padStart(8, '0')

/** The answer to BLOCKS blocks of a sequence, folded byte by byte. */
function expectedUp(): string {
  const next = xorshift(41)
  const block = Buffer.from(Uint32Array.from({ length: BLOCK / 4 }, next).buffer)
  let crc = 0
  for (let n = 0; n < BLOCKS; n++) crc = crc32(block, crc)
  return hex(Buffer.from(`${BLOCKS * BLOCK} ${hex(crc)}\n`).reduce(fold, FOLD_START))
}
/** The sequence of the file server, folded word by word. */
function expectedDown(): string {
  const next = xorshift(2463534242)
  let sum = FOLD_START
  for (let n = 0; n < (BLOCKS * BLOCK) / 4; n++) sum = fold(sum, next())
  return hex(sum)
}

async function run([on, ...more]: (typeof PATHS)[number]): Promise<RunReport> {
  const words = ['--on', on, ...more, '--net', 'user', '--append', `workload=${WORKLOADS.join()}`]
  const { stdout } = await previrt('run', 'linux-net', ...words, '--serial', 'none', '--json')
  return runReportSchema.parse(JSON.parse(stdout))
}

beforeAll(async () => {
  await buildImage('linux-net')
}, 60 * MINUTES)

test(
  'checksums are those of the services` definition on every path; streams on Xen cost few entries',
  async () => {
    const runs: RunReport[] = []
    for (const path of PATHS) runs.push(await run(path))
    const checksums = ({ exit, workloads }: RunReport) => [
      exit.status,
      ...workloads.map(({ name, status, checksum }) => `${name} ${status} ${checksum}`),
    ]
    expect(checksums(runs[0]!).slice(3)).toEqual([`net-up 0 ${expectedUp()}`, `net-down 0 ${expectedDown()}`])
    for (const report of runs) expect(checksums(report)).toEqual(checksums(runs[0]!))
    const entries = (report: RunReport) => report.workloads.map(workload => workload.entries!)
    const [all, vtx, ...xen] = runs.slice(1).map(entries)
    for (const [n, name] of WORKLOADS.entries())
      process.stderr.write(
        `${name}: ${[all, vtx, ...xen].map(counts => counts![n]).join(', ')} entries (all, vtx, xen)\n`,
      )
    for (const counts of xen) {
      for (const n of WORKLOADS.keys()) expect(counts[n]).toBeLessThan(all![n]! / 10)
      for (const n of [2, 3]) expect(counts[n]).toBeLessThan(FRAMES / 8)
    }
  },
  15 * MINUTES,
)

test(
  'an image without a network skips it and says why',
  async () => {
    const { stdout, status } = await previrt('run', 'linux', '--append', 'workload=net')
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/net: skipped, the kernel has no sockets\r?\nprevirt: end net - 77\r?\n/),
    ])
  },
  5 * MINUTES,
)
