// What may end or wake a run from outside: signals, a closed output, a timeout. Nothing here stops a guest by itself;
// the run loop is told and looks between two slices.

import { constants } from 'node:os'
import { type RunEnd, STATUS_SIGNAL } from './exit.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** Lets others sleep until something has happened; what happens while nobody sleeps is not lost. */
export class Wake {
  private pending = false
  private sleepers: (() => void)[] = []

  wake(): void {
    this.pending = true
    for (const resume of this.sleepers.splice(0)) resume()
  }

  /** Resolves when wake() is called, at once if it was called since the last time. */
  async woken(): Promise<void> {
    if (!this.pending)
      await new Promise<void>(resolve => {
        this.sleepers.push(resolve)
      })
    this.pending = false
  }
}

/**
 * Watches for what ends a run from outside.
 * @param timeoutSeconds host seconds from now, or undefined
 * @returns stops watching
 */
export function watchHost(timeoutSeconds: number | undefined, end: (how: RunEnd) => void): () => void {
  const byName = Object.fromEntries(
    SIGNALS.map(name => [name, () => end({ kind: 'signal', name, number: constants.signals[name] })]),
  )
  const closed = () => end({ kind: 'output-closed' })
  const timer =
    timeoutSeconds === undefined ? undefined : setTimeout(() => end({ kind: 'timeout' }), timeoutSeconds * 1000)
  for (const name of SIGNALS) process.on(name, byName[name]!)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', closed)
  return () => {
    clearTimeout(timer)
    for (const name of SIGNALS) process.off(name, byName[name]!)
    for (const stream of [process.stdout, process.stderr]) stream.off('error', closed)
  }
}

/**
 * Ends this process, with its exit handlers, when a signal comes: for work that clears up after itself at exit.
 * @returns stops watching
 */
export function exitOnSignals(): () => void {
  const leave = (name: (typeof SIGNALS)[number]) => process.exit(STATUS_SIGNAL + constants.signals[name])
  for (const name of SIGNALS) process.on(name, leave)
  return () => {
    for (const name of SIGNALS) process.off(name, leave)
  }
}
