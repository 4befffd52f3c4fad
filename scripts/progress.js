// Long work as a child process: a progress bar on a terminal, one line of text anywhere else. The child's output is
// kept and shown only when it fails. Nothing here depends on npm packages.
import { spawn } from 'node:child_process'

const WIDTH = 30
const LEAST_WIDTH = 5
const REDRAW_MILLISECONDS = 200
const DEFAULT_COLUMNS = 80
const KEPT_CHARACTERS = 1 << 16

/**
 * Runs a command to its end.
 * @param {string} title what is being done, for people
 * @param {string[]} command program and arguments
 * @param {{ progress?: () => number | undefined, status?: (line: string) => number | undefined, env?: object, cwd?: string }} options
 *   `progress` is polled for a fraction from 0 to 1; `status` gets each line of file descriptor 3 and may return one
 * @returns {Promise<number>} the exit status, 127 if the program does not exist
 */
export function run(title, command, options = {}) {
  const terminal = process.stderr.isTTY === true
  let fraction
  let kept = ''
  const draw = () => {
    fraction = options.progress?.() ?? fraction
    process.stderr.write(line(fraction, title))
  }
  if (terminal) draw()
  else process.stderr.write(`${title} ...\n`)
  const timer = terminal ? setInterval(draw, REDRAW_MILLISECONDS) : undefined
  const [program, ...args] = command
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', options.status ? 'pipe' : 'ignore'],
  })
  const keep = chunk => {
    kept = (kept + chunk).slice(-KEPT_CHARACTERS)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  if (options.status) {
    let rest = ''
    child.stdio[3].on('data', chunk => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()
      for (const line of lines) fraction = options.status(line) ?? fraction
    })
  }
  return new Promise(resolve => {
    const finish = status => {
      clearInterval(timer)
      if (terminal) process.stderr.write(status === 0 ? `${line(1, title)}\n` : '\r\x1b[K')
      if (status !== 0) process.stderr.write(`${kept}\n${title} failed: ${command.join(' ')}\n`)
      resolve(status)
    }
    child.on('error', error => {
      kept += error.message
      finish(127)
    })
    child.on('close', status => finish(status ?? 1))
  })
}

/**
 * Waits for work that goes on elsewhere, with a bar on a terminal.
 * @template T
 * @param {string} title what is waited for, for people
 * @param {Promise<T>} ended
 * @param {() => number | undefined} progress polled for a fraction from 0 to 1
 */
export async function waitFor(title, ended, progress) {
  if (process.stderr.isTTY !== true) process.stderr.write(`${title} ...\n`)
  const draw = () => process.stderr.write(line(progress(), title))
  const timer = process.stderr.isTTY === true ? setInterval(draw, REDRAW_MILLISECONDS) : undefined
  try {
    return await ended
  } finally {
    clearInterval(timer)
    if (timer) process.stderr.write('\r\x1b[K')
  }
}

/** The bar's line anew, as wide as the terminal at the most: a line that wraps could not be overwritten. */
function line(fraction, title) {
  const columns = (process.stderr.columns || DEFAULT_COLUMNS) - 1
  const width = Math.max(LEAST_WIDTH, Math.min(WIDTH, columns - title.length - '[] 100% '.length))
  return `\r${`${bar(fraction, width)} ${title}`.slice(0, columns)}\x1b[K`
}

function bar(fraction, width) {
  if (fraction === undefined) return `[${'.'.repeat(width)}]     `
  const filled = Math.round(Math.min(1, fraction) * width)
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${String(Math.floor(fraction * 100)).padStart(3)}%`
}
