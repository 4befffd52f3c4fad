// Runs one emulator as a child process and reads its console: at each marker line the CPU time
// of the whole process tree is sampled, so that a job's time is the difference between its two markers and
// the boot's is what was used from exec to the first one. The child is killed at the last marker.
import { spawn } from 'node:child_process'
import { cpuSecondsOfTree, endedChildrenCpuSeconds, peakResidentBytesOfTree } from './process-tree.js'

/** One job of one run. */
export interface JobSample {
  cpuSeconds: number
  wallSeconds: number
  checksum: string
  status: number
}

/** One run of one machine: the boot is the job `boot`. */
export interface RunSample {
  jobs: Record<string, JobSample>
  peakResidentBytes: number
}

/** The job that every run begins with: from exec to the guest's first marker. */
export const BOOT = 'boot'

/** The console's markers, in order of appearance, as the figures of jobs. */
export class MarkerReader {
  readonly jobs: Record<string, JobSample> = {}
  isDone = false
  private rest = ''
  private begun: { name: string; cpuSeconds: number; wallSeconds: number } | undefined

  /**
   * Takes what the console printed.
   * @param text any piece of the output; lines may be split between pieces
   * @param sample called at most once, when the piece completes a marker: CPU and wall seconds since exec
   */
  take(text: string, sample: () => { cpuSeconds: number; wallSeconds: number }): void {
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop()!
    let now: { cpuSeconds: number; wallSeconds: number } | undefined
    for (const line of lines) {
      const words = /previrt: (userland|begin|end|done)\b ?(.*)/.exec(line.trimEnd())
      if (words === null) continue
      now ??= sample()
      this.marker(words[1]!, words[2]!.split(' '), now)
    }
  }

  private marker(kind: string, words: string[], now: { cpuSeconds: number; wallSeconds: number }): void {
    if (kind === 'userland') this.jobs[BOOT] = { ...now, checksum: '-', status: 0 }
    else if (kind === 'done') this.isDone = true
    else if (kind === 'begin') this.begun = { name: words[0]!, ...now }
    else if (this.begun?.name === words[0]) {
      this.jobs[words[0]!] = {
        cpuSeconds: now.cpuSeconds - this.begun.cpuSeconds,
        wallSeconds: now.wallSeconds - this.begun.wallSeconds,
        checksum: words[1] ?? '-',
        status: Number(words[2] ?? 1),
      }
      this.begun = undefined
    }
  }
}

const TAIL_CHARACTERS = 1500

/**
 * Runs a command until its console prints `previrt: done`.
 * @param command program and arguments; the guest's console is its standard output
 * @param timeoutSeconds wall time after which it is killed
 * @throws when it cannot be started, ends early or takes too long; the message has the end of its output
 */
export function runOnConsole(
  command: readonly string[],
  timeoutSeconds: number,
  onJob?: (name: string, sample: JobSample) => void,
): Promise<RunSample> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const endedBefore = endedChildrenCpuSeconds()
    let peakResidentBytes = 0
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    const reader = new MarkerReader()
    const seen = new Set<string>()
    let tail = ''
    let ended = false
    const finish = (act: () => void) => {
      if (ended) return
      ended = true
      clearTimeout(timer)
      process.off('exit', stop)
      child.kill('SIGKILL')
      act()
    }
    const fail = (reason: string) =>
      finish(() => reject(new Error(`${command[0]} ${reason}; its output ended:\n${tail}`)))
    const stop = () => child.kill('SIGKILL')
    process.once('exit', stop)
    const timer = setTimeout(() => fail(`did not finish within ${timeoutSeconds} s`), timeoutSeconds * 1000)
    const keep = (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARACTERS)
    }
    child.stderr.setEncoding('utf8').on('data', keep)
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      if (ended) return
      keep(text)
      reader.take(text, () => {
        const wallSeconds = (performance.now() - started) / 1000
        peakResidentBytes = Math.max(peakResidentBytes, peakResidentBytesOfTree(child.pid!))
        // A machine that ends right behind its last marker may be gone already.
        const cpuSeconds = cpuSecondsOfTree(child.pid!) || endedChildrenCpuSeconds() - endedBefore
        return { cpuSeconds, wallSeconds }
      })
      for (const [name, sample] of Object.entries(reader.jobs)) {
        if (!seen.has(name)) onJob?.(name, sample)
        seen.add(name)
      }
      if (reader.isDone) finish(() => resolve({ jobs: reader.jobs, peakResidentBytes }))
    })
    child.once('error', error => fail(`could not be started (${error.message})`))
    child.once('close', (code, signal) => fail(`ended with ${code ?? signal} before \`previrt: done\``))
  })
}
