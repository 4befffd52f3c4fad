// Random single instructions with random states, segments and x87 and SSE registers on the host's CPU and through
// createCpu: the whole state behind each, faults and their addresses included. SEED=n repeats a run.

import { engineNames } from '../../src/engine/engines.js'
import { hostSteps } from '../drivers/host-steps.js'
import { againstSteps } from '../drivers/library-steps.js'
import { Vectors } from '../drivers/random-vector.js'

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

describe.each(['integer', 'memory', 'x87', 'vector', 'narrow'] as const)(`%s instructions, seed ${seed}`, kind => {
  const vectors = new Vectors(200, kind, seed)
  const host = hostSteps(vectors.records)
  if (typeof host === 'string') console.warn(`not compared with the host's CPU: ${host}`)
  const run = typeof host === 'string' ? test.skip : test
  run.each(engineNames)('%s', engine => {
    expect(againstSteps(vectors, host as Buffer, engine)).toEqual([])
  })
})
