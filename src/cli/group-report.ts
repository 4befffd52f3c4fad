// The JSON document of a run with several guests: the machine's counts, and in `guests` each guest's own, as a run by
// itself would have them.

import { createHash } from 'node:crypto'
import type { Group } from './guest-group.js'
import type { RunOptions } from './options.js'
import { describeDisk } from './report.js'
import type { RunReport } from './report-schema.js'
import { countsOf } from './run-counts.js'
import type { GuestEnd } from './run-guests.js'

/** The report. `digest` of the whole is that of the guests' digests in their order. */
export function groupReport(
  { subject, members }: Group,
  options: RunOptions,
  ends: readonly GuestEnd[],
  status: number,
  hostSeconds: number,
): RunReport {
  const { statistics } = subject.machine.execution.engine
  const { entries: _, entriesBy, disk: __, ...counts } = countsOf(subject, undefined)
  const { verdict, place } = ends.find(end => end.verdict.status === status)!
  const hash = createHash('sha256')
  for (const { digest } of ends) hash.update(digest)
  return {
    schemaVersion: 1,
    image: members.map(({ image }) => image).join(' '),
    path: options.on as RunReport['path'],
    profile: subject.virtual!.hypervisor.profile!,
    engine: options.engine as RunReport['engine'],
    cpu: options.cpu,
    exit: { status, reason: verdict.reason, eip: place.eip },
    ...counts,
    digest: hash.digest('hex'),
    ...(statistics && { translations: statistics }),
    entries: entriesBy!,
    workloads: [],
    guests: ends.map(guestReport),
    post: [],
    hostSeconds,
    residentBytes: process.resourceUsage().maxRSS * 1024,
  }
}

function guestReport({ member, verdict, place, digest }: GuestEnd): NonNullable<RunReport['guests']>[number] {
  const { entries: _, entriesBy, disk: __, ...counts } = member.counts()
  const { status, reason } = verdict
  return {
    name: member.name,
    image: member.image,
    exit: { status, reason, eip: place.eip, ...(place.symbol !== undefined && { symbol: place.symbol }) },
    ...counts,
    digest,
    entries: entriesBy!,
    ...(member.disk && { disk: describeDisk(member.disk) }),
    workloads: member.progress.workloads,
  }
}
