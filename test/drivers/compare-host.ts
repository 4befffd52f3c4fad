// Runs snippets of user-mode code on the host's CPU and through builder and evaluator, on random vectors, and compares
// registers, flags and memory; every other vector with segmented instead of flat addresses. The seed is in every
// failure; SEED=n in the environment repeats it.

import { BUDGET } from '../../src/cpu/layout.js'
import { STOP_AGAIN } from '../../src/cpu/stops.js'
import { type HostState, hostCpu, MEMORY_AT, MEMORY_BYTES } from './host-cpu.js'
import { type Prepared, SemanticsMachine } from './semantics-machine.js'

export const CF = 1
export const PF = 4
export const AF = 0x10
export const ZF = 0x40
export const SF = 0x80
export const DF = 0x400
export const OF = 0x800
/** Set in every user program; not compared. */
const IF = 0x200
const ALL = CF | PF | AF | ZF | SF | DF | OF
const ESP = 4

export interface Snippet {
  /** Instructions in Intel syntax. */
  readonly text: string
  /** Registers that point into the memory window (by number). */
  readonly pointers?: readonly number[]
  /** Flags that the manual leaves undefined, perhaps by state. */
  readonly undefinedFlags?: number | ((state: HostState) => number)
  /** Random DF too; the host's driver itself runs with DF clear. */
  readonly direction?: boolean
  /** Changes a random state, for instance to bound a count. */
  readonly prepare?: (registers: number[]) => void
}

const { imul } = Math
/** A random source with a printable seed. */
function randomFrom(seed: number) {
  let a = seed | 0
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = imul(a ^ (a >>> 15), 1 | a)
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}
const notable = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]

function randomState(random: () => number, snippet: Snippet): HostState {
  const value = () => {
    const kind = random() % 4
    if (kind === 0) return notable[random() % notable.length]!
    return kind === 1 ? random() % 64 : random()
  }
  const registers = Array.from({ length: 8 }, value)
  const pointer = () => MEMORY_AT + 96 + (random() % 64)
  registers[ESP] = pointer()
  for (const n of snippet.pointers ?? []) registers[n] = pointer()
  snippet.prepare?.(registers)
  const flags = (random() & (snippet.direction ? ALL : ALL & ~DF)) | 2
  const memory = Uint8Array.from({ length: MEMORY_BYTES }, () => (random() % 3 ? random() : (random() & 1) * 0xff))
  return { registers, flags, memory, fx: new Uint8Array(512) }
}

const vectorOfSignal: Record<number, number> = { 8: 0, 4: 6, 11: 13 }
const hex = (n: number) => `0x${n.toString(16)}`
const show = (s: HostState) => `registers ${s.registers.map(hex).join(' ')} flags ${hex(s.flags)}`

const summary = (registers: readonly number[], flags: number, memory: Uint8Array) =>
  `${registers.map(hex).join(' ')} flags ${hex(flags)} memory ${Buffer.from(memory).toString('hex')}`

/** Runs code to its end; returns the vector of an exception, or -1. */
function runSequence(
  machine: SemanticsMachine,
  bytes: Uint8Array,
  address: number,
  cache: Map<number, Prepared>,
): number {
  let eip = address
  for (let steps = 0; eip !== address + bytes.length; steps++) {
    if (steps > 1000 || eip < address || eip > address + bytes.length) throw new Error(`went to ${hex(eip)}`)
    const at = eip - address
    let prepared = cache.get(eip)
    if (!prepared) {
      prepared = machine.prepare(bytes.subarray(at, at + 15), eip)
      cache.set(eip, prepared)
    }
    // Small budgets, so that repeated instructions pause now and then.
    machine.cells[BUDGET >> 2] = 1 + (steps % 7)
    const result = machine.execute(prepared)
    if (result.fault) return result.fault.vector
    const { ending } = result
    if (ending.kind !== 'stop' || ending.reason !== STOP_AGAIN) eip = result.eip
  }
  return -1
}

/** Defines one test for each snippet, on `vectors` random states. The snippets are built together, before the tests. */
export function compareWithHost(snippets: readonly Snippet[], vectors = 100) {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  const host = hostCpu(snippets.map(s => s.text))
  if (typeof host === 'string') {
    test.skip(`comparison with the host's CPU: ${host}`, () => undefined)
    return
  }
  const random = randomFrom(seed)
  const states = snippets.map(s => Array.from({ length: vectors }, () => randomState(random, s)))
  const results = host.run(states.flatMap((of, snippet) => of.map(state => ({ snippet, state }))))
  host.close()
  const machine = new SemanticsMachine()
  machine.map(MEMORY_AT >>> 12, 1)
  machine.map((MEMORY_AT >>> 12) + 1, 2)
  test.each(snippets.map((s, i) => [s.text.replaceAll('\n', '; '), i] as const))('%s', (_text, i) => {
    const { bytes, address } = host.code[i]!
    const { undefinedFlags = 0 } = snippets[i]!
    const caches = [new Map<number, Prepared>(), new Map<number, Prepared>()]
    for (const [n, state] of states[i]!.entries()) {
      const expected = results[i * vectors + n]!
      machine.registers = state.registers
      machine.flags = state.flags | IF
      machine.write(MEMORY_AT, state.memory)
      machine.mode = { ...machine.mode, flat: n % 2 === 0 }
      const fault = runSequence(machine, bytes, address, caches[n % 2]!)
      const where = () => `seed ${seed}, vector ${n}: ${show(state)}`
      if (expected.signal || fault >= 0) {
        const vector = vectorOfSignal[expected.signal] ?? -1
        if (fault !== vector) expect({ where: where(), vector: fault }).toEqual({ where: where(), vector })
        continue
      }
      const defined = ALL & ~(typeof undefinedFlags === 'number' ? undefinedFlags : undefinedFlags(state))
      const memory = machine.read(MEMORY_AT, MEMORY_BYTES)
      const { registers } = machine
      const flags = machine.flags & defined
      const equal =
        registers.every((v, r) => v === expected.registers[r]) && Buffer.compare(memory, expected.memory) === 0
      if (equal && flags === (expected.flags & defined)) continue
      const theirs = summary(expected.registers, expected.flags & defined, expected.memory)
      expect(`${summary(registers, flags, memory)} from ${where()}`).toBe(`${theirs} from ${where()}`)
    }
  })
}

/** The texts with `{r}` and `{m}` operands in all three sizes: `{a}` and `{b}` become registers of the size, `{m}` memory at EBX. */
export function allSizes(text: string, sizes: readonly number[] = [1, 2, 4]): { text: string; size: number }[] {
  const names: Record<number, [string, string, string]> = {
    1: ['al', 'dh', 'byte ptr [ebx]'],
    2: ['ax', 'dx', 'word ptr [ebx]'],
    4: ['eax', 'edx', 'dword ptr [ebx]'],
  }
  return sizes.map(size => {
    const [a, b, m] = names[size]!
    return { text: text.replaceAll('{a}', a).replaceAll('{b}', b).replaceAll('{m}', m), size }
  })
}
