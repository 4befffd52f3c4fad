// Twenty times all jobs of the benchmark in one guest: the resident size of the process stays bounded and stops growing.
// SOAK_SCALE is the per cent of the full work of each job (5 if it is not given), SOAK_ROUNDS how often they run.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage } from '../../images/index.js'
import { BENCH_JOBS } from '../../images/jobs.js'
import { packageRoot } from '../../images/package-root.js'

const MINUTES = 60_000
const COMMAND = join(packageRoot(import.meta.url), 'dist/src/cli/main.js')
const SCALE = Number(process.env.SOAK_SCALE ?? 5)
const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 20)
const LIMIT_MEGABYTES = 500
/** Rounds until the guest's own memory and the caches have been filled once. */
const WARM = Math.ceil(ROUNDS / 2)
/** What the garbage collector of the host may leave lying about. */
const SLACK = 1.1

/** A line of proc(5)'s status, in MiB. */
function megabytes(pid: number, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line![1]) / 1024
}

test(
  'twenty rounds of all jobs stay within 500 MB and do not grow',
  async () => {
    const { path, initrd } = await buildImage('linux', { plain: true })
    const words = ['run', '--kernel', path, '--initrd', initrd, '--mem', '128M', '--cpu', 'pentium4']
    const child = spawn(process.execPath, [COMMAND, ...words, '--append', 'console=ttyS0 reboot=k panic=-1 shell'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const jobs = BENCH_JOBS.map(job => `/bench/${job}`).join(' ')
    const script = `J="${jobs}"; for r in $(seq ${ROUNDS}); do for j in $J; do $j ${SCALE} >/tmp/o || echo "failed $j"; done; echo "round $r"; read x; done; exit\n`
    const sizes: number[] = []
    let peak = 0
    let text = ''
    let typed = false
    child.stdout.setEncoding('latin1').on('data', (piece: string) => {
      text += piece
      if (!typed && (text.endsWith('# ') || text.endsWith('\u001b[6n'))) {
        typed = true
        child.stdin.write(`stty -echo\n${script}`)
      }
      // The guest waits for an empty line, so that it stands still while it is measured.
      if (text.includes(`round ${sizes.length + 1}\r\n`)) {
        sizes.push(megabytes(child.pid!, 'VmRSS'))
        peak = megabytes(child.pid!, 'VmHWM')
        child.stdin.write('\n')
      }
    })
    const status = await new Promise(resolve => child.once('close', resolve))
    console.log(
      `${ROUNDS} rounds of ${BENCH_JOBS.length} jobs at ${SCALE} %: ${sizes.map(Math.round).join(' ')} MiB, peak ${Math.round(peak)} MiB`,
    )
    expect(status).toBe(0)
    expect(text).not.toContain('failed ')
    expect(sizes.length).toBe(ROUNDS)
    expect(peak).toBeLessThanOrEqual(LIMIT_MEGABYTES)
    expect(sizes.at(-1)!).toBeLessThanOrEqual(SLACK * Math.max(...sizes.slice(0, WARM)))
  },
  120 * MINUTES,
)
