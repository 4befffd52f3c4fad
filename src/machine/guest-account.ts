// What one guest of several does on a machine: its share of every count, its console, and how it ended. Counts of the
// machine go to whose turn it is; they are read off when the turn changes. Left out: what depends on the neighbours
// (translations) or belongs to no guest (ports of chips that all could use).

import type { GuestEnds, HostConsole, HypervisorWork } from './host.js'
import type { Machine, RunResult } from './machine.js'

/** Counts of a machine at one moment, or the difference of two moments, by group and name. */
interface Counts {
  readonly retired: number
  /** Of those, in the window where a VMM lies. */
  readonly inWindow: number
  readonly instructionsBy: Machine['instructionsBy']
  readonly work: HypervisorWork
  readonly exceptions: Float64Array
  readonly interrupts: Float64Array
  readonly software: Float64Array
  readonly operations: Float64Array
}

const VECTORS = ['exceptions', 'interrupts', 'software', 'operations'] as const

/** `total` and what lies between two moments. */
function advance(total: Counts, from: Counts, to: Counts): Counts {
  const records = <T extends object>(of: (counts: Counts) => T): T => {
    const [sum, before, after] = [total, from, to].map(counts => of(counts) as Record<string, number>)
    const names = Object.keys(after!)
    return Object.fromEntries(names.map(name => [name, (sum![name] ?? 0) + after![name]! - (before![name] ?? 0)])) as T
  }
  const vectors = VECTORS.map(name => [name, total[name].map((count, n) => count + to[name][n]! - from[name][n]!)])
  return {
    retired: total.retired + to.retired - from.retired,
    inWindow: total.inWindow + to.inWindow - from.inWindow,
    instructionsBy: records(counts => counts.instructionsBy),
    work: records(counts => counts.work),
    ...(Object.fromEntries(vectors) as Pick<Counts, (typeof VECTORS)[number]>),
  }
}

export class GuestAccount implements GuestEnds {
  /** Entries into the hypervisor by kind, and hypercalls by name. */
  readonly entries = new Map<string, number>()
  readonly hypercalls = new Map<string, number>()
  /** How it ended; undefined while it has not. */
  result: RunResult | undefined
  /** Receives what it writes on its console, and what the hypervisor says on its behalf on a console of its own. */
  onConsole: (byte: number) => void = () => {}
  onLog: (byte: number) => void = () => {}
  readonly console: HostConsole = { write: byte => this.onConsole(byte), onInput: undefined }
  readonly log = { write: (byte: number) => this.onLog(byte) }
  /** Its disk and its wire, where it has them. */
  block: GuestEnds['block']
  net: GuestEnds['net']
  private total: Counts
  /** The machine's counts when its turn began; undefined while it is another's. */
  private since: Counts | undefined

  constructor(
    private readonly machine: Machine,
    private readonly work: HypervisorWork,
  ) {
    const now = this.machineCounts()
    const nothing = Object.fromEntries(VECTORS.map(name => [name, now[name].map(() => 0)]))
    this.total = { retired: 0, inWindow: 0, instructionsBy: {}, work: {}, ...nothing } as unknown as Counts
  }
  private machineCounts(): Counts {
    const { retired, instructionsInWindow, instructionsBy, cpu } = this.machine
    return {
      retired,
      inWindow: instructionsInWindow,
      instructionsBy,
      work: { ...this.work },
      exceptions: cpu.exceptionCounts.slice(),
      interrupts: cpu.interruptCounts.slice(),
      software: cpu.softwareCounts.slice(),
      operations: cpu.operationCounts.slice(),
    }
  }

  /** From now on the machine's counts are this guest's. */
  begin() {
    this.since = this.machineCounts()
  }
  /** Until now they were. */
  end() {
    this.total = this.counts
    this.since = undefined
  }
  /** The counts so far. */
  get counts(): Counts {
    const { since, total } = this
    return advance(total, since ?? total, since ? this.machineCounts() : total)
  }
  /** All entries so far. */
  get entryCount(): number {
    let sum = 0
    for (const count of this.entries.values()) sum += count
    return sum
  }
}
