#!/usr/bin/env node
// The previrt command (CONTRACT 1). What it can do is declared in program.ts; here is what every command shares:
// the arguments, the exit status, and the one line that a failure is told in.

import { describeFailure } from './failure.js'
import { runProgram } from './program.js'

const finish = (status: number) => {
  process.exitCode = status
}

const fail = (error: unknown) => {
  const { line, status } = describeFailure(error)
  process.stderr.write(`previrt: ${line}\n`)
  finish(status)
}

await runProgram(process.argv.slice(2)).then(finish, fail)
