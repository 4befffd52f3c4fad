// Runs random cases of a list of MMX and SSE instructions on the host and here, and lists the differences.

import { hostSse, type SseCase } from './host-sse.js'
import { randomSseCase, type SseOptions } from './sse-cases.js'
import { SseMachine } from './sse-machine.js'
import { Random } from './x87-cases.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).reverse().toString('hex')

/** Registers 0 and 1 of both kinds, and what every instruction can change besides. */
function describe(c: SseCase): string {
  const at = (from: number, bytes: number) => hex(c.image.subarray(from, from + bytes))
  const xmm = [at(160, 16), at(176, 16)].join(' ')
  const mm = [at(32, 10), at(48, 10)].join(' ')
  const rest = Buffer.from(c.image.subarray(192, 288)).toString('base64') === '' ? '' : at(192, 96)
  const fpu = `${at(2, 2)}:${at(4, 1)}`
  return `mxcsr ${c.mxcsr.toString(16)} signal ${c.signal} eax ${(c.eax >>> 0).toString(16)} fl ${(c.eflags & 0x8d5).toString(16)} m ${hex(c.memory)} xmm ${xmm} st ${mm} fpu ${fpu} others ${rest}`
}

export interface Outcome {
  /** Why nothing was tried, if so. */
  readonly skipped?: string
  readonly differences: string[]
}

/** `count` cases of each instruction (Intel syntax; destination register 0, source 1, [esi+32], EAX, ECX). */
export function sseAgainstHost(
  instructions: readonly string[],
  count: number,
  seed: number,
  options: SseOptions = {},
): Outcome {
  const host = hostSse(instructions)
  if (typeof host === 'string') return { skipped: host, differences: [] }
  const r = new Random(seed)
  const cases: SseCase[] = []
  for (let i = 0; i < count * instructions.length; i++) cases.push(randomSseCase(r, i % instructions.length, options))
  const expected = host.run(cases)
  const machine = new SseMachine()
  const hot = host.code.map(code => machine.ready(code, false))
  const cold = host.code.map(code => machine.ready(code, true))
  const differences: string[] = []
  for (const [i, c] of cases.entries()) {
    const binding = i & 8 ? hot : cold
    const ours = describe(machine.case(binding[c.instruction]!, c))
    const theirs = describe(expected[i]!)
    if (ours !== theirs)
      differences.push(
        `${instructions[c.instruction]}\n before ecx ${c.ecx.toString(16)} ${describe(c)}\n host   ${theirs}\n ours   ${ours}`,
      )
  }
  return { differences }
}
