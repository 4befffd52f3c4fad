// x87 semantics, by the reference evaluator, against the host's own FPU: whole state before and after each instruction.

import { againstHost } from '../drivers/x87-against-host.js'
import * as i from '../drivers/x87-instructions.js'

const groups: [string, readonly i.Encoded[], number, boolean][] = [
  ['arithmetic', i.arithmeticInstructions, 50, false],
  ['comparison', i.compareInstructions, 80, false],
  ['loads', i.loadInstructions, 80, false],
  ['stores', i.storeInstructions, 150, false],
  ['steps', i.stepInstructions, 100, false],
  ['control', i.controlInstructions, 50, false],
  ['transcendentals', i.transcendentalInstructions, 60, true],
]

const SEED = 20051020
describe.each(groups)('x87 %s', (_, instructions, count, approximate) => {
  test.each([
    ['masked', { empty: 1, approximate }],
    ['with open exceptions and empty registers', { empty: 3, unmasked: true, approximate }],
  ])('%s', (_, options) => {
    const { skipped, differences } = againstHost(instructions, count, SEED, options)
    if (skipped) console.warn(`not compared with the host: ${skipped}`)
    expect(differences.slice(0, 3)).toEqual([])
  })
})
