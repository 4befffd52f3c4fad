// What it costs to go on from one translated region to the next, in each way that was thought of: by way of the core,
// which looks the region up; through a table of the module's own, one entry for each exit; to a function of the same module.
// Regions are those of a cycle through all modules, so that each exit always goes to the same place.
// Two columns: regions as V8 compiles them at first, and optimized. In the first most of the time is one REP STOS, by which
// V8 clears the locals of a function on entry when they take more than 24 bytes.
// Usage: node dist/benchmarks/micro/links.js

import { setFlagsFromString } from 'node:v8'
import { CORE_REGION, LIMIT, makeCore, makeRegions, WAYS } from './links-modules.js'

const REGIONS = 256
const TRANSITIONS = 10e6
const ROUNDS = 4

/** A cycle through all regions that is in no order. */
function cycle(length: number): number[] {
  const order = Array.from({ length }, (_, i) => i)
  let seed = 12345
  for (let i = length - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    const j = (seed >>> 8) % (i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  const next: number[] = []
  order.forEach((from, i) => {
    next[from] = order[(i + 1) % length]!
  })
  return next
}

/** Regions as they are at first, and as they are once they have run long; the core is optimized in both. */
const TIERS = ['--wasm-tiering-budget=100000000', '--wasm-tiering-budget=1800000']

let salt = 0
const best = new Map<string, number[]>()
for (let round = 0; round < ROUNDS; round++) {
  for (const [tier, flag] of TIERS.entries())
    for (const way of WAYS) {
      setFlagsFromString(flag)
      const memory = new WebAssembly.Memory({ initial: 64 })
      const core = makeCore(memory, way)
      const functions = makeRegions(memory, core, way, way.sameModule ? REGIONS : 16, cycle(REGIONS), ++salt)
      functions.forEach((f, i) => {
        core.table.set(CORE_REGION + i, f)
      })
      const run = (transitions: number) => {
        while (transitions > 0) {
          const slice = Math.min(transitions, 1e5)
          transitions -= slice
          core.run(CORE_REGION, slice * 15 + LIMIT)
        }
      }
      run(tier ? 10e6 : 3e6)
      const before = process.cpuUsage()
      run(TRANSITIONS)
      const { user, system } = process.cpuUsage(before)
      const ns = ((user + system) * 1000) / TRANSITIONS
      const known = best.get(way.name) ?? []
      known[tier] = Math.min(known[tier] ?? Infinity, ns)
      best.set(way.name, known)
    }
}
for (const [name, ns] of best) console.log(`${name.padEnd(24)} ${ns.map(t => t.toFixed(2).padStart(7)).join(' ')} ns`)
