// The comparison of x87.test.ts with some hundred thousand cases.

import { againstHost } from '../drivers/x87-against-host.js'
import {
  arithmeticInstructions,
  compareInstructions,
  controlInstructions,
  type Encoded,
  loadInstructions,
  stepInstructions,
  storeInstructions,
} from '../drivers/x87-instructions.js'

const groups: [string, readonly Encoded[], number][] = [
  ['arithmetic', arithmeticInstructions, 3000],
  ['comparison', compareInstructions, 3000],
  ['loads', loadInstructions, 3000],
  ['stores', storeInstructions, 5000],
  ['steps', stepInstructions, 10000],
  ['control', controlInstructions, 1000],
]

describe.each(groups)('x87 %s', (_, instructions, count) => {
  test.each([1, 2])(
    'seed %d',
    seed => {
      const { skipped, differences } = againstHost(instructions, count, seed, { empty: seed, unmasked: seed === 2 })
      if (skipped) console.warn(`not compared with the host: ${skipped}`)
      expect(differences.slice(0, 3)).toEqual([])
    },
    600_000,
  )
})
