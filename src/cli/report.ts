// Collects what is known about a run into its JSON document (report-schema.ts).

import { machineDigest } from '../machine/digest.js'
import type { Verdict } from './exit.js'
import type { GuestProgress } from './guest-progress.js'
import type { RunOptions } from './options.js'
import type { RunReport } from './report-schema.js'
import type { Subject } from './subject.js'

/** Where the CPU stood at the end. */
export interface EndPlace {
  /** Linear address of the next instruction. */
  readonly eip: number
  readonly symbol: string | undefined
}

/**
 * The report on a run that has ended.
 * @param hostSeconds from the start of the command
 */
export function runReport(
  { machine, virtual }: Subject,
  options: RunOptions,
  verdict: Verdict,
  place: EndPlace,
  progress: GuestProgress,
  missedSites: RunReport['missedSites'],
  hostSeconds: number,
): RunReport {
  const { cpu, platform } = machine
  const { statistics } = machine.execution.engine
  const { status, reason } = verdict
  return {
    schemaVersion: 1,
    image: options.image ?? options.kernel ?? options.multiboot ?? options.roms[0]!.file,
    path: options.on as RunReport['path'],
    ...(virtual?.hypervisor.profile !== undefined && { profile: virtual.hypervisor.profile }),
    engine: options.engine as RunReport['engine'],
    cpu: options.cpu,
    exit: { status, reason, eip: place.eip, ...(place.symbol !== undefined && { symbol: place.symbol }) },
    instructions: machine.retired,
    instructionsBy: machine.instructionsBy,
    haltedNanoseconds: machine.haltedNanoseconds,
    virtualNanoseconds: machine.now,
    digest: machineDigest(machine),
    exceptions: byVector(cpu.exceptionCounts),
    interrupts: byVector(cpu.interruptCounts),
    ports: Object.fromEntries(
      platform.ports.mappings
        .filter(({ reads, writes }) => reads + writes > 0)
        .map(({ name, reads, writes }) => [name, { reads, writes }]),
    ),
    tlbFills: cpu.tlbFills,
    ...(statistics && { translations: statistics }),
    ...(virtual && { entries: Object.fromEntries(virtual.hosting.entries) }),
    ...(virtual &&
      virtual.hosting.hypercalls.size > 0 && { hypercalls: Object.fromEntries(virtual.hosting.hypercalls) }),
    ...(missedSites && { missedSites }),
    workloads: progress.workloads,
    post: Array.from(platform.post.codes),
    hostSeconds,
    residentBytes: process.resourceUsage().maxRSS * 1024,
  }
}

/** Counts above zero by vector number. */
function byVector(counts: Float64Array): Record<string, number> {
  return Object.fromEntries([...counts].flatMap((count, vector) => (count > 0 ? [[vector, count]] : [])))
}
