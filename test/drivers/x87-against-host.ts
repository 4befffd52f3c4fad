// Runs random cases of a list of x87 instructions on the host and here, and lists the differences.

import { type FpuCase, HostFpu } from './host-fpu.js'
import { type CaseOptions, Random, randomCase } from './x87-cases.js'
import type { Encoded } from './x87-instructions.js'
import { X87Machine } from './x87-machine.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).reverse().toString('hex')

const C1 = 0x200
/** C1 after FCOMI is 0 by the manual (SDM vol. 2, FCOMI); AMD's processors leave it alone. */
const ignored = (mnemonic: string) => (/^fu?comi/.test(mnemonic) ? C1 : 0)

/** What is compared: not the pointers to the last instruction and operand, which are the oracle's own. */
function describe(c: FpuCase, ignoredStatus = 0): string {
  const view = new DataView(c.image.buffer, c.image.byteOffset)
  const word = view.getUint16(4, true) & ~ignoredStatus
  const words = [view.getUint16(0, true), word, view.getUint16(8, true)].map(w => w.toString(16).padStart(4, '0'))
  const registers = [0, 1, 2, 3, 4, 5, 6, 7].map(i => hex(c.image.subarray(28 + 10 * i, 38 + 10 * i)))
  return `cw ${words[0]} sw ${words[1]} tw ${words[2]} eax ${(c.eax >>> 0).toString(16)} fl ${(c.eflags & 0x8d5).toString(16)} m ${hex(c.memory)} st ${registers.join(' ')}`
}

export interface Outcome {
  /** Why nothing was tried, if so. */
  readonly skipped?: string
  readonly tried: number
  readonly differences: string[]
}

/** `count` cases of each instruction. */
export function againstHost(
  instructions: readonly Encoded[],
  count: number,
  seed: number,
  options: CaseOptions = {},
): Outcome {
  const host = HostFpu.create(instructions.map(i => i.bytes))
  if (typeof host === 'string') return { skipped: host, tried: 0, differences: [] }
  const r = new Random(seed)
  const cases: FpuCase[] = []
  for (let i = 0; i < count * instructions.length; i++) cases.push(randomCase(r, i % instructions.length, options))
  const expected = host.run(cases)
  const machine = new X87Machine()
  const programs = instructions.map(i => machine.prepare(i))
  const differences: string[] = []
  cases.forEach((c, i) => {
    const { name, mnemonic } = instructions[c.instruction]!
    const ours = describe(machine.run(programs[c.instruction]!, c), ignored(mnemonic))
    const theirs = describe(expected[i]!, ignored(mnemonic))
    if (ours !== theirs) differences.push(`${name}\n before ${describe(c)}\n host   ${theirs}\n ours   ${ours}`)
  })
  return { tried: cases.length, differences }
}
