// The property that a random program ends on trap as it ends without a monitor. A failure prints fast-check's seed.

import fc from 'fast-check'
import { engineNames } from '../../../src/engine/engines.js'
import { machineDigest } from '../../../src/machine/digest.js'
import type { Machine } from '../../../src/machine/machine.js'
import { flatMachine } from '../../drivers/flat-machine.js'
import { assemble, program } from '../../drivers/random-program.js'
import { entriesOf, POLICIES, reserveFor, takeOver } from './on-trap.js'

const BUDGET = 200_000
const thresholds = { hot: 3, batch: 1, urgent: 4 }
const surroundings = fc.record({
  paging: fc.boolean(),
  user: fc.boolean(),
  timerTicks: fc.option(fc.integer({ min: 2, max: 60 }), { nil: undefined }),
})
const rounds = fc.integer({ min: 1, max: 300 })

const outcome = (machine: Machine) => ({
  result: machine.run(BUDGET),
  retired: machine.retired,
  now: machine.now,
  digest: machineDigest(machine),
})

/** Runs random programs, each natively and on trap under one policy and engine. */
export function randomProgramsEndAsNatively(runs: number): void {
  const where = fc.tuple(fc.constantFrom(...POLICIES), fc.constantFrom(...engineNames))
  fc.assert(
    fc.property(program, rounds, surroundings, where, (body, count, { timerTicks, ...others }, [policy, engine]) => {
      const code = assemble(body, count)
      const options = { ...others, engine, thresholds, ...(timerTicks !== undefined && { timerTicks }) }
      const native = outcome(flatMachine(code, options))
      const machine = flatMachine(code, { ...options, reserve: reserveFor(4 << 20) })
      const hosting = takeOver(machine, policy)
      expect(outcome(machine)).toEqual(native)
      expect(hosting.counted).toBe(entriesOf(hosting))
    }),
    { numRuns: runs },
  )
}
