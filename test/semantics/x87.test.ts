// x87 semantics, by the reference evaluator, against the host's own FPU: whole state before and after each instruction.

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
  ['arithmetic', arithmeticInstructions, 70],
  ['comparison', compareInstructions, 100],
  ['loads', loadInstructions, 100],
  ['stores', storeInstructions, 200],
  ['steps', stepInstructions, 100],
  ['control', controlInstructions, 60],
]

const SEED = 20051020
describe.each(groups)('x87 %s', (_, instructions, count) => {
  test.each([
    ['masked', { empty: 1 }],
    ['with open exceptions and empty registers', { empty: 3, unmasked: true }],
  ])('%s', (_, options) => {
    const { skipped, differences } = againstHost(instructions, count, SEED, options)
    if (skipped) console.warn(`not compared with the host: ${skipped}`)
    expect(differences.slice(0, 3)).toEqual([])
  })
})
