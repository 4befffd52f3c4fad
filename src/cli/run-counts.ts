// What is counted while a guest runs, in one shape for the whole run and for each workload: the counts of a workload
// are those at its second marker less those at its first. What is not known is absent. Everything is counted by processor,
// machine and hypervisor as they go, and depends on the guest and its options alone.

import { OPERATIONS } from '../cpu/operation-counts.js'
import type { Machine } from '../machine/machine.js'
import type { Counting } from './guest-progress.js'
import type { RunCounts } from './report-schema.js'
import { SensitiveCounts } from './sensitive-counts.js'
import type { Subject } from './subject.js'

/** What is counted of a run. */
export interface CountingOptions {
  /** The guest runs with a VMM in its window. */
  readonly hasVmm: boolean
  /** Sensitive instructions by class. */
  readonly sensitive: boolean
}

/** Counts one run. */
export class RunCounting implements Counting {
  private sensitive: SensitiveCounts | undefined

  constructor(
    private readonly subject: () => Subject,
    private readonly options: CountingOptions,
  ) {}

  /** The machine is ready, its hypervisor has set its controls. */
  start(machine: Machine) {
    if (this.options.sensitive) this.sensitive = new SensitiveCounts(machine, this.options.hasVmm)
  }
  /** So far. */
  now(): RunCounts {
    const counts = countsOf(this.subject(), this.sensitive)
    if (!this.options.hasVmm) return counts
    const vmm = this.subject().machine.instructionsInWindow
    const { kernel = 0, ...others } = counts.instructionsBy!
    return { ...counts, instructionsBy: { ...others, kernel: kernel - vmm, vmm } }
  }
  between(begin: RunCounts, end: RunCounts): RunCounts {
    return between(begin, end)
  }
}

/** What a machine and its hypervisor have counted so far. */
export function countsOf({ machine, virtual, disk, wire }: Subject, sensitive: SensitiveCounts | undefined): RunCounts {
  const { cpu, platform } = machine
  return {
    instructions: machine.retired,
    instructionsBy: machine.instructionsBy,
    haltedNanoseconds: machine.haltedNanoseconds,
    virtualNanoseconds: machine.now,
    exceptions: byVector(cpu.exceptionCounts),
    interrupts: byVector(cpu.interruptCounts),
    softwareInterrupts: byVector(cpu.softwareCounts),
    operations: Object.fromEntries(
      OPERATIONS.flatMap((name, n) => (cpu.operationCounts[n]! > 0 ? [[name, cpu.operationCounts[n]!]] : [])),
    ),
    ports: Object.fromEntries(
      platform.ports.mappings
        .filter(({ reads, writes }) => reads + writes > 0)
        .map(({ name, reads, writes }) => [name, { reads, writes }]),
    ),
    tlbFills: cpu.tlbFills,
    tlbFlushes: cpu.tlb.flushes,
    tlbInvalidations: cpu.tlb.invalidations,
    ...(sensitive && { sensitive: sensitive.counts }),
    ...(disk && { disk: disk.counts }),
    ...(wire && { network: { ...wire.counts } }),
    ...(virtual && countsOfHypervisor(virtual.hosting)),
  }
}

function countsOfHypervisor({
  counted,
  entries,
  hypercalls,
  work,
}: NonNullable<Subject['virtual']>['hosting']): Partial<RunCounts> {
  const { upcalls, pageTableUpdates, pageTableBatches, pageTablesWalked } = work
  return {
    entries: counted,
    entriesBy: Object.fromEntries(entries),
    ...(hypercalls.size > 0 && { hypercalls: Object.fromEntries(hypercalls), upcalls }),
    pageTableUpdates: {
      entries: pageTableUpdates,
      batches: pageTableBatches,
      ...(hypercalls.size > 0 && { tables: pageTablesWalked }),
    },
  }
}

/** Counts above zero by vector number. */
export function byVector(counts: Float64Array): Record<string, number> {
  return Object.fromEntries([...counts].flatMap((count, vector) => (count > 0 ? [[vector, count]] : [])))
}

type Counts = { readonly [name: string]: number | Counts }

/** What was counted between two places. Names whose count did not change are left out of the parts that have any names. */
export function between(begin: RunCounts, end: RunCounts): RunCounts {
  return difference(begin as unknown as Counts, end as unknown as Counts, true) as unknown as RunCounts
}

function difference(begin: Counts, end: Counts, keepZeros: boolean): Counts {
  const parts = Object.entries(end).map(([name, value]): [string, number | Counts] => {
    const before = begin[name]
    if (typeof value === 'number') return [name, value - ((before as number | undefined) ?? 0)]
    return [name, difference((before as Counts | undefined) ?? {}, value, FIXED.has(name))]
  })
  return Object.fromEntries(keepZeros ? parts : parts.filter(([, value]) => !isNothing(value)))
}
/** Parts whose names are always there. */
const FIXED: ReadonlySet<string> = new Set(['instructionsBy', 'pageTableUpdates', 'disk', 'network'])

function isNothing(value: number | Counts): boolean {
  return typeof value === 'number' ? value === 0 : Object.values(value).every(isNothing)
}
