// Lockstep: the same guest on several engines at once, in slices of seeded lengths, compared after each.
// At the first difference two new machines are run up to the slice before it, and from there instruction by instruction,
// until the first one that differs is known. Translated code runs only in longer slices: what single steps do not show
// is narrowed down by the length of the last slice.

import type { Thresholds } from '../engine/blocks.js'
import type { EngineName } from '../engine/engines.js'
import type { Machine, RunResult } from '../machine/machine.js'
import { readLinear } from './linear-memory.js'
import {
  type ByteDifference,
  differentBytes,
  differentFields,
  differentPages,
  type FieldDifference,
  fieldsOf,
  sameRegisters,
} from './lockstep-compare.js'

const INSTRUCTION_BYTES = 15
/** Instructions between two comparisons of all memory. */
const MEMORY_INTERVAL = 2_000_000
const LONGEST_SLICE = 100_000
/** Instructions listed of the run in which engines part. */
const PATH_LISTED = 100
const CODE_BIG = 0x4000

export interface LockstepConfig {
  /** A new machine with this engine, at the guest's first instruction: exactly the same each time it is asked. */
  readonly make: (engine: EngineName, thresholds: Thresholds) => Machine
  /** Engines in the order in which neighbours are compared. Default: reference, interpreter, blocks. */
  readonly engines?: readonly EngineName[]
  /** Slice lengths and thresholds follow from it. An integer. */
  readonly seed: number
}

/** Where two engines part. */
export interface Difference {
  readonly kind: 'difference'
  readonly seed: number
  readonly engines: readonly [EngineName, EngineName]
  readonly thresholds: Thresholds
  /** Instructions retired when the states were last seen equal. */
  readonly equalAt: number
  /** Instructions from there on until the difference is seen: 1, or as many as a run of translated code has. */
  readonly length: number
  /** These instructions as the first engine executed them, the first ones of a long run. */
  readonly path: readonly Place[]
  /** All fields of the first machine's state where they were last equal. */
  readonly before: ReadonlyMap<string, string>
  readonly after: readonly [ReadonlyMap<string, string>, ReadonlyMap<string, string>]
  readonly fields: readonly FieldDifference[]
  readonly memory: readonly ByteDifference[]
}

/** An instruction where it stands. */
export interface Place {
  /** Offset in its code segment. */
  readonly eip: number
  readonly bits: 16 | 32
  /** Its bytes and some that follow; none where it cannot be read. */
  readonly bytes: Uint8Array
}

interface Slice {
  readonly length: number
  /** Console input that was given before it. */
  readonly input: readonly (Uint8Array | string)[]
}

export class Lockstep {
  readonly thresholds: Thresholds
  readonly machines: readonly Machine[]
  private readonly engines: readonly EngineName[]
  private readonly random: () => number
  private readonly slices: Slice[] = []
  private input: (Uint8Array | string)[] = []
  private stopAsked = false
  /** Slices after which memory was last found equal, and the count then. */
  private memoryEqual = { slices: 0, retired: 0 }
  /** Receives the console of the first machine. */
  onConsole: (byte: number) => void = () => {}
  /** Told what is being done to find the first difference. */
  onNarrowing: (step: string) => void = () => {}

  constructor(private readonly config: LockstepConfig) {
    this.random = generator(config.seed)
    const hot = [1, 2, 8, 64, 500, 4000][Math.floor(this.random() * 6)]!
    const batch = 1 + Math.floor(this.random() * 8)
    this.thresholds = { hot, batch, urgent: hot * 3 }
    this.engines = config.engines ?? ['reference', 'interpreter', 'blocks']
    if (this.engines.length < 2) throw new RangeError('lockstep compares at least two engines')
    this.machines = this.engines.map(name => config.make(name, this.thresholds))
    this.first.onConsole = byte => this.onConsole(byte)
  }

  private get first(): Machine {
    return this.machines[0]!
  }
  /** Instructions retired by each machine. */
  get retired(): number {
    return this.first.retired
  }
  /** Console input, given to all machines before the next slice. */
  send(bytes: Uint8Array | string) {
    this.input.push(bytes)
  }
  /** Ends run() after the current slice. */
  stop() {
    this.stopAsked = true
  }

  /** Runs at most `budget` instructions more on every machine, up to the first difference. */
  run(budget: number): RunResult | Difference {
    const end = this.retired + budget
    while (this.retired < end) {
      const length = Math.min(this.sliceLength(), end - this.retired)
      const slice = { length, input: this.input }
      this.input = []
      this.slices.push(slice)
      const results = this.machines.map(machine => runSlice(machine, slice))
      const last = results[0]!.kind !== 'budget' || this.stopAsked || this.retired >= end
      const found = this.compare(results, last)
      if (found) return found
      if (results[0]!.kind !== 'budget') return results[0]!
      if (this.stopAsked) {
        this.stopAsked = false
        return { kind: 'stopped' }
      }
    }
    return { kind: 'budget' }
  }
  /** Short slices, slices around what the engines do near a deadline, and long ones. */
  private sliceLength(): number {
    const { random } = this
    const [from, to] = [
      [1, 40],
      [400, 2500],
      [2500, 20_000],
      [20_000, LONGEST_SLICE],
    ][Math.floor(random() * 4)]!
    return from! + Math.floor(random() * (to! - from!))
  }

  private compare(results: readonly RunResult[], memory: boolean): Difference | undefined {
    const due = memory || this.retired - this.memoryEqual.retired >= MEMORY_INTERVAL
    for (let i = 1; i < this.machines.length; i++) {
      const [a, b] = [this.machines[i - 1]!, this.machines[i]!]
      const same = JSON.stringify(results[i - 1]) === JSON.stringify(results[i]) && sameRegisters(a, b)
      if (!same || (due && differentPages(a, b).length > 0)) return this.narrow(i - 1)
    }
    if (due) this.memoryEqual = { slices: this.slices.length, retired: this.retired }
    return undefined
  }

  /** Finds where machines `pair` and `pair + 1` part: they are not equal now. */
  private narrow(pair: number): Difference {
    const engines = [this.engines[pair]!, this.engines[pair + 1]!] as const
    const replay = new Replay(this.config, engines, this.thresholds)
    this.onNarrowing(`${engines.join(' and ')} differ: running again to the slice in which they part`)
    const bad = replay.badSlice(this.slices, this.memoryEqual.slices)
    if (bad < 0)
      throw new Error(`${engines.join(' and ')} differ, but not when they run again: a run depends on the host`)
    const before = this.slices.slice(0, bad)
    const { input, length } = this.slices[bad]!
    this.onNarrowing('instruction by instruction')
    const single = replay.singly(before, input, length)
    const found = single ?? replay.byLength(before, input, length, text => this.onNarrowing(text))
    return { kind: 'difference', seed: this.config.seed, engines, thresholds: this.thresholds, ...found }
  }
}

type Found = Omit<Difference, 'kind' | 'seed' | 'engines' | 'thresholds'>
type Pair = readonly [Machine, Machine]

/** Runs of two engines over the same slices again. */
class Replay {
  constructor(
    private readonly config: LockstepConfig,
    private readonly engines: readonly [EngineName, EngineName],
    private readonly thresholds: Thresholds,
  ) {}

  private to(slices: readonly Slice[]): Pair {
    const [a, b] = this.engines.map(name => {
      const machine = this.config.make(name, this.thresholds)
      for (const slice of slices) runSlice(machine, slice)
      return machine
    })
    return [a!, b!]
  }

  /** The first slice from `from` on behind which they are not equal; -1 when they always are. */
  badSlice(slices: readonly Slice[], from: number): number {
    const [a, b] = this.to(slices.slice(0, from))
    for (let i = from; i < slices.length; i++) {
      const results = [a, b].map(machine => JSON.stringify(runSlice(machine, slices[i]!)))
      if (results[0] !== results[1] || !sameRegisters(a, b) || differentPages(a, b).length > 0) return i
    }
    return -1
  }

  /** One instruction at a time; undefined when they stay equal so. */
  singly(before: readonly Slice[], input: Slice['input'], length: number): Found | undefined {
    const suspects = this.suspects(before, { input, length })
    const [a, b] = this.to(before)
    const step: Slice = { length: 1, input: [] }
    for (const machine of [a, b]) for (const bytes of input) machine.platform.com1.input(bytes)
    for (let i = 0; i < length; i++) {
      const equalAt = a.retired
      const at = place(a)
      const state = fieldsOf(a)
      const results = [a, b].map(machine => JSON.stringify(runSlice(machine, step)))
      if (results[0] !== results[1] || !sameRegisters(a, b) || differentPages(a, b, suspects).length > 0)
        return { equalAt, length: 1, path: [at], before: state, ...outcome(a, b) }
    }
    return undefined
  }
  /** Pages that differ behind a slice. */
  private suspects(before: readonly Slice[], slice: Slice): number[] {
    const [a, b] = this.to([...before, slice])
    return differentPages(a, b)
  }

  /**
   * The shortest last slice that shows the difference, by bisection, and in it the first moment at which the second
   * engine's state can be seen: where it leaves translated code. The slice that is shorter by one leaves it earlier.
   */
  byLength(before: readonly Slice[], input: Slice['input'], length: number, say: (text: string) => void): Found {
    let equal = 0
    let different = length
    while (different - equal > 1) {
      const middle = (equal + different) >> 1
      say(`by the length of the run of translated code: ${equal} to ${different} instructions`)
      const [a, b] = this.to([...before, { length: middle, input }])
      if (sameRegisters(a, b) && differentPages(a, b).length === 0) equal = middle
      else different = middle
    }
    const from = this.firstSeen(before, { length: equal, input })
    const to = this.firstSeen(before, { length: different, input })
    const [a, b] = this.to(before)
    const path: Place[] = []
    const step: Slice = { length: 1, input: [] }
    for (const bytes of input) a.platform.com1.input(bytes)
    let state = fieldsOf(a)
    while (a.retired < to.retired) {
      if (a.retired === from.retired) state = fieldsOf(a)
      if (a.retired >= from.retired && path.length < PATH_LISTED) path.push(place(a))
      runSlice(a, step)
    }
    const here = fieldsOf(a)
    const fields = [...here].flatMap(([name, value]) =>
      value === to.fields.get(name) ? [] : [{ name, values: [value, to.fields.get(name)!] as const }],
    )
    for (const machine of [b]) runSlice(machine, { length: different, input })
    const [x] = this.to([...before, { length: different, input }])
    const memory = differentBytes(x, b, differentPages(x, b))
    return {
      equalAt: from.retired,
      length: to.retired - from.retired,
      path,
      before: state,
      after: [here, to.fields],
      fields,
      memory,
    }
  }
  /** The second engine's state when it begins to go instruction by instruction in a last slice. */
  private firstSeen(before: readonly Slice[], slice: Slice): { retired: number; fields: Map<string, string> } {
    const [, b] = this.to(before)
    let seen: { retired: number; fields: Map<string, string> } | undefined
    b.execution.engine.observer = () => {
      seen ??= { retired: b.retired, fields: fieldsOf(b) }
    }
    runSlice(b, slice)
    b.execution.engine.observer = undefined
    return seen ?? { retired: b.retired, fields: fieldsOf(b) }
  }
}

function runSlice(machine: Machine, { length, input }: Slice): RunResult {
  for (const bytes of input) machine.platform.com1.input(bytes)
  return machine.run(length)
}

/** The instruction that a machine is at. */
function place(machine: Machine): Place {
  const { eip, cs } = machine.cpu.state
  const bytes = readLinear(machine, (cs.base + eip) >>> 0, INSTRUCTION_BYTES) ?? new Uint8Array()
  return { eip, bits: (cs.rights & CODE_BIG) !== 0 ? 32 : 16, bytes }
}
function outcome(a: Machine, b: Machine): Pick<Difference, 'after' | 'fields' | 'memory'> {
  return {
    after: [fieldsOf(a), fieldsOf(b)],
    fields: differentFields(a, b),
    memory: differentBytes(a, b, differentPages(a, b)),
  }
}

/** Numbers from 0 up to 1 that follow from the seed: a linear congruential generator of 48 bits, as drand48. */
function generator(seed: number): () => number {
  let x = (BigInt(Math.trunc(seed)) << 16n) + 0x330en
  return () => {
    x = (x * 0x5deece66dn + 0xbn) & 0xffffffffffffn
    return Number(x) / 2 ** 48
  }
}
