// How long it takes to plan the rewriting of the annotated Linux, and to rewrite it and verify that, as `run --on xen` does
// it: once, in a process that has just started. Milliseconds that pass; and those in which the process has the processor,
// which other work on the machine does not change (its main thread, by Linux's schedstat).
// Usage: node dist/benchmarks/micro/rewrite.js [RUNS]

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildImage } from '../../images/index.js'
import { parseElf } from '../../src/loader/elf.js'
import { loadLinux } from '../../src/loader/linux.js'
import { RecordedMemory } from '../../src/rewriter/package.js'
import { planRewrite } from '../../src/rewriter/plan.js'
import { rewrite } from '../../src/rewriter/rewriter.js'
import { median } from '../statistics.js'

const SCHEDULED = '/proc/self/schedstat'
const MEMORY_BYTES = 128 << 20
const NANOSECONDS = 1e6

/** Milliseconds that have passed, and those of the main thread on a processor. */
function now(): readonly [passed: number, scheduled: number] {
  const scheduled = existsSync(SCHEDULED) ? Number(readFileSync(SCHEDULED, 'utf8').split(' ')[0]) / NANOSECONDS : 0
  return [performance.now(), scheduled]
}

/** In a process of its own: plans and rewrites a kernel once. */
function once(kernel: string): readonly number[] {
  const memory = new RecordedMemory(MEMORY_BYTES)
  const { elf } = loadLinux(memory, { kernel: parseElf(kernel, readFileSync(kernel)), commandLine: '' })
  const start = now()
  const plan = planRewrite(elf!, { fpu: 'real' })
  const planned = now()
  rewrite(memory, plan)
  const end = now()
  return [planned[0] - start[0], planned[1] - start[1], end[0] - planned[0], end[1] - planned[1]]
}

const [first = '5', kernel] = process.argv.slice(2)
if (first === 'once') process.stdout.write(JSON.stringify(once(kernel!)))
else {
  const { path } = await buildImage('linux')
  const runs = Array.from({ length: Number(first) }, () => {
    const text = execFileSync(process.execPath, [fileURLToPath(import.meta.url), 'once', path], { encoding: 'utf8' })
    return JSON.parse(text) as number[]
  })
  const of = (n: number) => median(runs.map(run => run[n]!)).toFixed(1)
  const all = (n: number) => median(runs.map(run => run[n]! + run[n + 2]!)).toFixed(1)
  process.stdout.write(`medians of ${runs.length} processes, in ms: passed (on a processor)\n`)
  process.stdout.write(`plan                 ${of(0)} (${of(1)})\nrewrite and verify   ${of(2)} (${of(3)})\n`)
  process.stdout.write(`both                 ${all(0)} (${all(1)})\n`)
}
