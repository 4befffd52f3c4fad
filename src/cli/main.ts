#!/usr/bin/env node
// The previrt command: arguments in, exit status out. What it can do is declared in program.ts.

import { setFlagsFromString } from 'node:v8'
import { runCommandLine } from './program.js'

// V8 compiles a function of translated code again, a hundred times dearer, once it has run this many bytes of code: the
// default (1.8 MB) spends more on functions that run for a millisecond than their whole run is worth.
setFlagsFromString('--wasm-tiering-budget=100000000')
// It compiles our own functions with those they call copied in; a run of a few seconds does not earn what that costs.
setFlagsFromString('--max-inlined-bytecode-size=150')
setFlagsFromString('--max-inlined-bytecode-size-cumulative=250')
if (/^1[12]\./.test(process.versions.v8)) {
  // Slow paths of memory accesses are marked as unlikely (wasm/module.ts): code that is never run costs no registers then.
  setFlagsFromString('--experimental-wasm-branch-hinting')
  // The cold run loop is so large that V8 would keep everything in memory that lives from one instruction to the next.
  setFlagsFromString('--no-turbo-use-mid-tier-regalloc-for-huge-functions')
}

// Whoever reads our output may leave early; a run notices by itself.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
const status = await runCommandLine(process.argv.slice(2))
process.exitCode = status
// Open handles do not keep the process once everything is written.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)))
