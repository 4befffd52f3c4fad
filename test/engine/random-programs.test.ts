// Random programs on all engines in lockstep: equal states after every slice, with translated code, code that changes
// itself, page faults and timer interrupts at exact counts. A failure prints fast-check's seed and the lockstep report.
import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { assemble, program } from '../drivers/random-program.js'

const RUNS = 30
const MINUTES = 60_000
const BUDGET = 200_000

const surroundings = fc.record({
  paging: fc.boolean(),
  user: fc.boolean(),
  timerTicks: fc.option(fc.integer({ min: 2, max: 60 }), { nil: undefined }),
})

test(
  'engines agree on random programs',
  async () => {
    const rounds = fc.integer({ min: 1, max: 700 })
    await fc.assert(
      fc.asyncProperty(
        program,
        rounds,
        surroundings,
        fc.nat(),
        async (body, rounds, { timerTicks, ...where }, seed) => {
          const code = assemble(body, rounds)
          const options = { ...where, ...(timerTicks !== undefined && { timerTicks }) }
          const lockstep = new Lockstep({
            seed,
            make: (engine, thresholds) => flatMachine(code, { engine, thresholds, ...options }),
          })
          const result = lockstep.run(BUDGET)
          if (result.kind === 'difference') throw new Error(await lockstepReport(result))
          expect(['halted', 'budget']).toContain(result.kind)
        },
      ),
      { numRuns: RUNS },
    )
  },
  5 * MINUTES,
)
