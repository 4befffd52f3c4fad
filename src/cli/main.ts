#!/usr/bin/env node
// The previrt command (CONTRACT 1): arguments in, exit status out. What it can do is declared in program.ts.

import { runCommandLine } from './program.js'

// Whoever reads our output may leave early; a run notices by itself.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
const status = await runCommandLine(process.argv.slice(2))
process.exitCode = status
// Open handles do not keep the process once everything is written.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)))
