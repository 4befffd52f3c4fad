// A comparison of two toy workloads on a toy machine, of which every number is known.

import type { Execution } from '../../../benchmarks/compare/execute.js'
import { observe } from '../../../benchmarks/compare/observables.js'
import { compareReport } from '../../../benchmarks/compare/report.js'
import { runsOf } from '../../../benchmarks/compare/runs.js'
import { findCostTable } from '../../../benchmarks/costs/cost-table.js'
import { type Counts, NO_COUNTS } from '../../../benchmarks/costs/counts.js'

/** A table in which an instruction costs 1 cycle, an entry of trap all 1000 (500 + 500), and hypervisors work for nothing. */
export const TOY = {
  ...findCostTable('p4-2005'),
  name: 'toy-1999',
  machine: 'a toy',
  entries: findCostTable('p4-2005').entries.map(entry => ({
    ...entry,
    cycles: { instruction: 1, exception: 500, iret: 500 }[entry.event as string] ?? 0,
  })),
}

function counts(user: number, kernel: number, entriesBy?: Record<string, number>): Counts {
  return {
    ...NO_COUNTS,
    instructions: user + kernel,
    instructionsBy: { user, kernel },
    virtualNanoseconds: user + kernel,
    softwareInterrupts: { 128: 10 },
    ...(entriesBy && { entriesBy, entries: Object.values(entriesBy).reduce((a, b) => a + b, 0) }),
  }
}

function execution(path: string, one: Counts, two: Counts, console: string): Execution {
  const run = runsOf('kernel.elf', ['native', 'trap']).find(({ id }) => id === path)!
  return {
    run,
    document: {
      path: run.path,
      cpu: 'toy',
      exit: { status: 0, reason: 'power-off' },
      digest: 'd',
      ...one,
      entries: {},
      workloads: [
        { name: 'one', checksum: 'c0ffee', status: 0, ...one },
        { name: 'two', checksum: 'beef', status: 0, ...two },
      ],
      hostSeconds: 1,
      residentBytes: 1,
    },
    observed: observe(console, 0, undefined),
    hostSeconds: 1,
  }
}

const CONSOLE = 'previrt: begin one\nprevirt: end one c0ffee 0\nprevirt: begin two\n<b>&\nprevirt: end two beef 0\n'

/**
 * native: 8,000 and 1,000 cycles; trap all: 8,000 + 8 entries = 16,000 and 1,000 + 3 entries = 4,000 cycles.
 * @param other the console of trap, when it is not native's
 */
export function toyReport(other = CONSOLE) {
  return compareReport(
    { image: 'kernel.elf', workloads: 'all' },
    [
      execution('native', counts(6000, 2000), counts(500, 500), CONSOLE),
      execution('trap/all', counts(6000, 2000, { cli: 8 }), counts(500, 500, { fill: 3 }), other),
    ],
    [TOY],
    2,
  )
}
