// Floating-point instructions of SSE and SSE2 against the host's own CPU: in all modes of MXCSR, with exceptions masked
// and not, and in the usual mode, where PE may be set already and nothing is computed twice.

import { sseAgainstHost } from '../drivers/sse-against-host.js'
import { floatGroups } from '../drivers/sse-instructions.js'

const SEED = Number(process.env.SEED ?? 20051020)

test.each(floatGroups)('%s', (_, instructions) => {
  const usual = { masked: true, plain: true }
  const runs = [{ count: 24 }, { count: 12, ...usual }, { count: 12, ...usual, sticky: true }]
  const { skipped, differences } = sseAgainstHost(instructions, runs, SEED)
  if (skipped) console.warn(`not compared with the host: ${skipped}`)
  expect(differences.slice(0, 3)).toEqual([])
})
