// The built command as a process of its own, watched by what it writes.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../../images/package-root.js'

/** The command that `npm run build` made. */
export const COMMAND = join(packageRoot(import.meta.url), 'dist/src/cli/main.js')

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts `previrt WORDS`. `shows` waits for a text on either output. */
export function start(...words: string[]): {
  child: ChildProcess
  ended: Promise<Ended>
  shows(text: string): Promise<void>
} {
  const child = spawn(process.execPath, [COMMAND, ...words], { stdio: ['pipe', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  const waiting: { text: string; found: () => void }[] = []
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('latin1').on('data', (text: string) => {
      output[name] += text
      for (const { text, found } of waiting) if (output.stdout.includes(text) || output.stderr.includes(text)) found()
    })
  }
  const ended = new Promise<Ended>(resolve => {
    child.once('close', status => resolve({ status, ...output }))
  })
  const shows = (text: string) =>
    new Promise<void>((found, never) => {
      waiting.push({ text, found })
      child.once('close', () => never(new Error(`ended without "${text}": ${output.stdout}${output.stderr}`)))
    })
  return { child, ended, shows }
}
