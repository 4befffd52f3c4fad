// Runs random cases of a list of x87 instructions on the host and here, and lists the differences.

import { type FpuCase, HostFpu } from './host-fpu.js'
import { type CaseOptions, Random, randomCase } from './x87-cases.js'
import type { Encoded } from './x87-instructions.js'
import { X87Machine } from './x87-machine.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).reverse().toString('hex')
const C1 = 0x200

export interface Comparison extends CaseOptions {
  /** Results may differ by one unit in the last place, and C1 with them. */
  readonly approximate?: boolean
}

/** What is compared: not the pointers to the last instruction and operand, which are the oracle's own. */
function parts(c: FpuCase, ignoredStatus: number): { text: string; registers: bigint[] } {
  const view = new DataView(c.image.buffer, c.image.byteOffset)
  const words = [view.getUint16(0, true), view.getUint16(4, true) & ~ignoredStatus, view.getUint16(8, true)]
  const [control, status, tag] = words.map(w => w.toString(16).padStart(4, '0'))
  const registers = [0, 1, 2, 3, 4, 5, 6, 7].map(i => BigInt(`0x${hex(c.image.subarray(28 + 10 * i, 38 + 10 * i))}`))
  const flags = (c.eflags & 0x8d5).toString(16)
  return {
    text: `cw ${control} sw ${status} tw ${tag} eax ${(c.eax >>> 0).toString(16)} fl ${flags} m ${hex(c.memory)}`,
    registers,
  }
}
function describe(c: FpuCase): string {
  const { text, registers } = parts(c, 0)
  return `${text} st ${registers.map(v => v.toString(16).padStart(20, '0')).join(' ')}`
}

/** 80-bit numbers as integers that follow each other; those without an integer bit as they are. */
const position = (v: bigint) => ((v >> 64n) << 63n) + (v & ((1n << 63n) - 1n))
function close(x: bigint, y: bigint): boolean {
  const distance = position(x) - position(y)
  return distance >= -1n && distance <= 1n
}

function equal(ours: FpuCase, theirs: FpuCase, approximate: boolean): boolean {
  const ignored = approximate ? C1 : 0
  const [x, y] = [parts(ours, ignored), parts(theirs, ignored)]
  if (x.text !== y.text) return false
  return x.registers.every((v, i) => v === y.registers[i] || (approximate && close(v, y.registers[i]!)))
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
  { approximate = false, ...options }: Comparison = {},
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
    const { name } = instructions[c.instruction]!
    const ours = machine.run(programs[c.instruction]!, c)
    const theirs = expected[i]!
    if (!equal(ours, theirs, approximate))
      differences.push(`${name}\n before ${describe(c)}\n host   ${describe(theirs)}\n ours   ${describe(ours)}`)
  })
  return { tried: cases.length, differences }
}
