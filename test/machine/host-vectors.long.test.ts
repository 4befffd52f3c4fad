// As host-vectors.test.ts, with 250,000 instructions.

import { hostSteps } from '../drivers/host-steps.js'
import { againstSteps } from '../drivers/library-steps.js'
import { Vectors } from '../drivers/random-vector.js'

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

test.each(['integer', 'memory', 'x87', 'vector', 'narrow'] as const)(
  `50,000 %s instructions, seed ${seed}`,
  kind => {
    const vectors = new Vectors(50_000, kind, seed)
    const host = hostSteps(vectors.records)
    if (typeof host === 'string') return console.warn(`not compared with the host's CPU: ${host}`)
    expect(againstSteps(vectors, host, 'interpreter').slice(0, 20)).toEqual([])
  },
  600_000,
)
