// The checker is worth something: each of these faults in the validation code is found within random sequences.

import fc from 'fast-check'
import { audit } from '../../../hypervisors/xen/memory/audit.js'
import { alteredModules } from './altered-modules.js'
import { drafted, sequences } from './memory-world.js'
import { realModules } from './real-modules.js'
import { seededFaults } from './seeded-faults.js'

const SEQUENCES = 12_000
const SEED = Number(process.env.SEED ?? 1)
const samples = fc.sample(sequences, { numRuns: SEQUENCES, seed: SEED })

/** Index of the first sequence after which something is wrong; -1 when there is none. */
function firstFound(modules: typeof realModules): number {
  return samples.findIndex(steps => {
    const world = drafted(modules)
    try {
      for (const step of steps) step(world)
    } catch (error) {
      if (error instanceof RangeError) return true
      throw error
    }
    return world.audit(audit).length > 0
  })
}

test('none in the code as it is', () => {
  expect(firstFound(realModules)).toBe(-1)
})

test.each(seededFaults.map((fault, index) => [index, fault.text.trim(), fault] as const))(
  'fault %i: %s',
  async (_index, _text, fault) => {
    const found = firstFound(await alteredModules(fault))
    expect(found).toBeGreaterThanOrEqual(0)
  },
)
