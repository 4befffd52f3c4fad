// Runs random cases of a list of MMX and SSE instructions on the host and here, and lists the differences.

import { hostSse, type SseCase } from './host-sse.js'
import { randomSseCase, type SseOptions } from './sse-cases.js'
import { SseMachine } from './sse-machine.js'
import { Random } from './x87-cases.js'

/** Cases of each instruction that go to the host together. */
const BATCH = 50

const hex = (bytes: Uint8Array) => Buffer.from(bytes).reverse().toString('hex')

/** Registers 0 and 1 of both kinds, and what every instruction can change besides. */
function describe(c: SseCase): string {
  const at = (from: number, bytes: number) => hex(c.image.subarray(from, from + bytes))
  const xmm = [at(160, 16), at(176, 16)].join(' ')
  const mm = [at(32, 10), at(48, 10)].join(' ')
  const rest = at(192, 96)
  const fpu = `${at(2, 2)}:${at(4, 1)}`
  return `mxcsr ${c.mxcsr.toString(16)} signal ${c.signal} eax ${(c.eax >>> 0).toString(16)} fl ${(c.eflags & 0x8d5).toString(16)} m ${hex(c.memory)} xmm ${xmm} st ${mm} fpu ${fpu} others ${rest}`
}

export interface Outcome {
  /** Why nothing was tried, if so. */
  readonly skipped?: string
  readonly differences: string[]
}

/** How many cases of each instruction, and what they are like. */
export interface SseRun extends SseOptions {
  readonly count: number
}

/** Runs all cases, `runs` one after the other, in batches that the host's program takes at once. */
export function sseAgainstHost(instructions: readonly string[], runs: readonly SseRun[], seed: number): Outcome {
  const host = hostSse(instructions)
  if (typeof host === 'string') return { skipped: host, differences: [] }
  const r = new Random(seed)
  const machine = new SseMachine()
  const hot = host.code.map(code => machine.ready(code, false))
  const cold = host.code.map(code => machine.ready(code, true))
  const differences: string[] = []
  for (const run of runs)
    for (let done = 0; done < run.count; done += BATCH) {
      const cases: SseCase[] = []
      for (let n = done; n < Math.min(run.count, done + BATCH); n++)
        for (const i of instructions.keys()) cases.push(randomSseCase(r, i, run))
      const expected = host.run(cases)
      for (const [i, c] of cases.entries()) {
        const { instruction } = c
        const ready = (i / instructions.length) & 1 ? hot : cold
        const ours = describe(machine.case(ready[instruction]!, c))
        const theirs = describe(expected[i]!)
        if (ours === theirs) continue
        const before = `ecx ${c.ecx.toString(16)} ${describe(c)}`
        differences.push(`${instructions[instruction]}\n before ${before}\n host   ${theirs}\n ours   ${ours}`)
      }
    }
  host.close()
  return { differences }
}
