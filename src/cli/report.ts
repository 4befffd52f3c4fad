// Collects what is known about a run into its JSON document (report-schema.ts).

import { readState } from '../cpu/state.js'
import { machineDigest } from '../machine/digest.js'
import type { Machine } from '../machine/machine.js'
import type { RunDisk } from './disk.js'
import type { Verdict } from './exit.js'
import { guestDigest } from './guest-digest.js'
import type { GuestProgress } from './guest-progress.js'
import type { RunOptions } from './options.js'
import type { RunCounts, RunReport } from './report-schema.js'
import type { Subject, Virtual } from './subject.js'

/** Where the CPU stood at the end. */
export interface EndPlace {
  /** Linear address of the next instruction. */
  readonly eip: number
  readonly symbol: string | undefined
}

/**
 * The report on a run that has ended.
 * @param counted what was counted up to its end
 * @param hostSeconds from the start of the command
 */
export function runReport(
  { machine, virtual, disk }: Subject,
  options: RunOptions,
  verdict: Verdict,
  place: EndPlace,
  progress: GuestProgress,
  counted: RunCounts,
  missedSites: RunReport['missedSites'],
  hostSeconds: number,
): RunReport {
  const { statistics } = machine.execution.engine
  const { status, reason } = verdict
  const { entries: _, entriesBy, disk: __, ...counts } = counted
  return {
    schemaVersion: 1,
    image: options.image ?? options.kernel ?? options.multiboot ?? options.roms[0]!.file,
    path: options.on as RunReport['path'],
    ...(virtual?.hypervisor.profile !== undefined && { profile: virtual.hypervisor.profile }),
    engine: options.engine as RunReport['engine'],
    cpu: options.cpu,
    exit: { status, reason, eip: place.eip, ...(place.symbol !== undefined && { symbol: place.symbol }) },
    ...counts,
    digest: digestOf(machine, virtual),
    ...(statistics && { translations: statistics }),
    ...(entriesBy && { entries: entriesBy }),
    ...(missedSites && { missedSites }),
    ...(disk && { disk: describeDisk(disk) }),
    workloads: progress.workloads,
    post: Array.from(machine.platform.post.codes),
    hostSeconds,
    residentBytes: process.resourceUsage().maxRSS * 1024,
  }
}

/** What was done with a disk. */
export function describeDisk(disk: RunDisk): NonNullable<RunReport['disk']> {
  const digest = disk.digest()
  return { sectors: disk.sectors, ...disk.counts, ...(digest !== undefined && { digest }) }
}

/** The guest's digest: of the whole machine where that is the guest's. */
function digestOf(machine: Machine, virtual: Virtual | undefined): string {
  const view = virtual?.hypervisor.guests?.[0]
  return view ? guestDigest(readState(machine.cpu), view, virtual!.inVmm) : machineDigest(machine)
}
