#!/usr/bin/env node
// The previrt command (CONTRACT 1). What it can do is declared in program.ts; here is what every command shares:
// the arguments, the exit status, and the one line that a failure is told in.

import { describeFailure } from './failure.js'
import { runProgram } from './program.js'

const fail = (error: unknown) => {
  const { line, status } = describeFailure(error)
  process.stderr.write(`previrt: ${line}\n`)
  return status
}

/** Ends the process once everything is written; open handles do not keep it. */
function finish(status: number): void {
  process.exitCode = status
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)))
}

finish(await runProgram(process.argv.slice(2)).catch(fail))
