#!/usr/bin/env node
// The previrt command: arguments in, exit status out. What it can do is declared in program.ts.

import { setFlagsFromString } from 'node:v8'
import { STATUS_GUEST_FAILED, STATUS_WELL } from './exit.js'
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

// Whoever reads our output may leave early (EPIPE); a run notices by itself. Any other loss, as on a full disk, is told.
let lost: NodeJS.ErrnoException | undefined
process.stdout.on('error', error => {
  lost ??= error
})
process.stderr.on('error', () => {})
const status = await runCommandLine(process.argv.slice(2))
process.exitCode = status
// Open handles do not keep the process once everything is written.
if (process.stdout.writableLength > 0) process.stdout.write('', () => setImmediate(leave))
else setImmediate(leave)

function leave() {
  const incomplete = lost !== undefined && lost.code !== 'EPIPE'
  const words = incomplete
    ? `previrt: standard output: cannot be written (${lost?.code}); free space or send it elsewhere\n`
    : ''
  process.stderr.write(words, () => process.exit(incomplete && status === STATUS_WELL ? STATUS_GUEST_FAILED : status))
}
