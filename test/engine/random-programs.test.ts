// Random programs on all engines in lockstep: equal states after every slice, translated code and code that changes
// itself included. A failure prints fast-check's seed and the lockstep report.
import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { assemble, program } from '../drivers/random-program.js'

const RUNS = 60
const MINUTES = 60_000
const BUDGET = 300_000

test(
  'engines agree on random programs',
  async () => {
    await fc.assert(
      fc.asyncProperty(program, fc.integer({ min: 1, max: 700 }), fc.nat(), async (body, rounds, seed) => {
        const code = assemble(body, rounds)
        const lockstep = new Lockstep({ seed, make: (engine, thresholds) => flatMachine(code, engine, thresholds) })
        const result = lockstep.run(BUDGET)
        if (result.kind === 'difference') throw new Error(await lockstepReport(result))
        expect(['halted', 'budget', 'triple-fault']).toContain(result.kind)
      }),
      { numRuns: RUNS },
    )
  },
  5 * MINUTES,
)
