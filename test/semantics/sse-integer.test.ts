// Moves, shuffles, shifts and packed integers of MMX, SSE and SSE2 against the host's own CPU.

import { sseAgainstHost } from '../drivers/sse-against-host.js'
import { integerGroups } from '../drivers/sse-instructions.js'

const SEED = Number(process.env.SEED ?? 20051020)

test.each(integerGroups)('%s', (_, instructions) => {
  const { skipped, differences } = sseAgainstHost(instructions, [{ count: 24 }], SEED)
  if (skipped) console.warn(`not compared with the host: ${skipped}`)
  expect(differences.slice(0, 3)).toEqual([])
})
