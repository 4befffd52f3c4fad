// Whatever a domain asks for, the accounting stays true: random sequences of memory hypercalls, judged by a checker that
// counts everything from scratch.

import fc from 'fast-check'
import { audit } from '../../../hypervisors/xen/memory/audit.js'
import { drafted, sequences } from './memory-world.js'
import { realModules } from './real-modules.js'

const SEED = Number(process.env.SEED ?? 1)

test('10,000 sequences leave exact counts and no frame that is both writable and a table', () => {
  fc.assert(
    fc.property(sequences, steps => {
      const world = drafted(realModules)
      for (const step of steps) step(world)
      expect(world.audit(audit)).toEqual([])
    }),
    { numRuns: 10_000, seed: SEED },
  )
})
