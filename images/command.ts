// Runs one external command to its end, its output into a log file and line by line to a callback.
// A failure names the command, the log and the last lines of it.
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'

export interface CommandOptions {
  cwd?: string
  /** Added to the environment. */
  env?: Record<string, string>
  /** File that the output is appended to. */
  log?: string
  onLine?: (line: string) => void
}

const LINES_IN_ERROR = 12

/**
 * Runs a command without a shell and waits for its end.
 * @throws when it cannot be started or its status is not 0
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<void> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stop = () => child.kill('SIGTERM')
  // Before whoever clears up behind the command.
  process.prependOnceListener('exit', stop)
  const log = options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a' })
  const last: string[] = []
  const take = (line: string) => {
    last.push(line)
    if (last.length > LINES_IN_ERROR) last.shift()
    log?.write(`${line}\n`)
    options.onLine?.(line)
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take)
  try {
    const status = await new Promise<number | string | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve(code ?? signal))
    })
    if (status !== 0) {
      const where = options.log === undefined ? '' : ` (whole output: ${options.log})`
      throw new Error(`${program} ${args.join(' ')} ended with ${status}${where}\n${last.join('\n')}`)
    }
  } finally {
    process.off('exit', stop)
    log?.end()
  }
}
