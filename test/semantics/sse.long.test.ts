// The comparisons of sse-integer.test.ts and sse-float.test.ts with many more operands, and other ones on every run.

import { sseAgainstHost } from '../drivers/sse-against-host.js'
import { floatGroups, integerGroups } from '../drivers/sse-instructions.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000_007)

test.each(integerGroups)('%s', (_, instructions) => {
  expect({ seed: SEED, ...sseAgainstHost(instructions, [{ count: 400 }], SEED) }).toMatchObject({ differences: [] })
})
test.each(floatGroups)('%s', (_, instructions) => {
  const usual = { masked: true, plain: true }
  const runs = [{ count: 2000 }, { count: 500, ...usual }, { count: 500, ...usual, sticky: true }]
  expect({ seed: SEED, ...sseAgainstHost(instructions, runs, SEED) }).toMatchObject({ differences: [] })
})
