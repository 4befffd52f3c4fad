// As isolation.test.ts, at length.

import fc from 'fast-check'
import { audit } from '../../../hypervisors/xen/memory/audit.js'
import { drafted, sequences } from './memory-world.js'
import { realModules } from './real-modules.js'

const SEED = Number(process.env.SEED ?? 1)

test('120,000 sequences leave exact counts and no frame that is both writable and a table', () => {
  fc.assert(
    fc.property(sequences, steps => {
      const world = drafted(realModules)
      for (const step of steps) step(world)
      return world.audit(audit).length === 0
    }),
    { numRuns: 120_000, seed: SEED },
  )
}, 300_000)
