// What ends a command before or instead of a guest: a message of one line and an exit status.

import { LoadError } from '../loader/load-error.js'
import { STATUS_INTERNAL, STATUS_USAGE } from './exit.js'

/** A command cannot go on. `message` is one line that says what, why and what to do. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly status: number = STATUS_USAGE,
  ) {
    super(message.replace(/\s*[\r\n]+\s*/g, '; '))
    this.name = 'CommandError'
  }
}

/** For everything that is promised but that this version does not have. */
export function notInThisVersion(what: string): CommandError {
  return new CommandError(`${what}: not in this version`)
}

/** What `act` returns. Whatever it throws is a mistake of the command line: a CommandError with status 2. */
export function usage<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new CommandError((error as Error).message)
  }
}

/** The line to print and the status to end with for anything that was thrown. */
export function describeFailure(error: unknown): { readonly line: string; readonly status: number } {
  if (error instanceof CommandError) return { line: error.message, status: error.status }
  if (error instanceof LoadError) return { line: error.message, status: STATUS_USAGE }
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  const place = /\bat (?:.*[/(])?([\w.-]+\.[jt]s:\d+)/.exec(stack ?? '')?.[1]
  const where = place === undefined ? '' : ` (${place})`
  const line = `internal error: ${message.split('\n')[0]}${where}; please report it with the command line`
  return { line, status: STATUS_INTERNAL }
}
