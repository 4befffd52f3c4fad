// The property that engines agree on random programs. A failure prints fast-check's seed and the lockstep report.

import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from './flat-machine.js'
import { assemble, program } from './random-program.js'

const BUDGET = 200_000
const surroundings = fc.record({
  paging: fc.boolean(),
  user: fc.boolean(),
  timerTicks: fc.option(fc.integer({ min: 2, max: 60 }), { nil: undefined }),
})
const rounds = fc.integer({ min: 1, max: 700 })

/** Runs random programs on all engines; rejects with a report at the first difference. */
export async function randomProgramsAgree(runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(program, rounds, surroundings, fc.nat(), async (body, count, { timerTicks, ...where }, seed) => {
      const code = assemble(body, count)
      const options = { ...where, ...(timerTicks !== undefined && { timerTicks }) }
      const lockstep = new Lockstep({
        seed,
        make: (engine, thresholds) => flatMachine(code, { engine, thresholds, ...options }),
      })
      const result = lockstep.run(BUDGET)
      if (result.kind === 'difference') throw new Error(await lockstepReport(result))
      if (result.kind !== 'halted' && result.kind !== 'budget') throw new Error(`the run ended with ${result.kind}`)
    }),
    { numRuns: runs },
  )
}
