// What pre-virtualization is to reach, workload by workload: cycles close to native's, a tenth of the entries of a complete
// trap and emulate, and no more entries than with VT-x.

import type { Limit } from '../costs/sensitivity.js'
import type { ReportedWorkload } from './report.js'
import { BASELINE } from './runs.js'

/** A limit and what was measured. */
export interface Target {
  readonly what: string
  readonly workload: string
  readonly run: string
  readonly value: number
  readonly atMost: number
  readonly met: boolean
}

const RUN = 'xen/4.17'
const TABLE = 'p4-2005'
const CYCLES: Readonly<Record<string, number>> = { sort: 1.02, gzip: 1.02, sha: 1.02, awk: 1.02, compile: 1.1 }
const ENTRIES: Readonly<Record<string, number>> = { 'trap/all': 0.1, 'trap/vtx': 1 }

/** The limits on cycles, as far as they concern these runs. */
export function limitsOf(image: string, runs: readonly string[]): (Limit & { readonly table: string })[] {
  if (!concern(image, runs)) return []
  return Object.entries(CYCLES).map(([workload, atMost]) => ({
    table: TABLE,
    workload,
    run: RUN,
    against: BASELINE,
    atMost,
  }))
}

/** What was reached. */
export function checkTargets(image: string, workloads: readonly ReportedWorkload[], runs: readonly string[]): Target[] {
  if (!concern(image, runs)) return []
  const target = (what: string, workload: string, value: number, atMost: number): Target => ({
    what,
    workload,
    run: RUN,
    value,
    atMost,
    met: value <= atMost,
  })
  const found: Target[] = []
  const complete = workloads.filter(({ skippedOn }) => skippedOn.length === 0)
  for (const { workload, atMost } of limitsOf(image, runs)) {
    const ratio = complete.find(({ name }) => name === workload)?.ratios[TABLE]?.[RUN]
    if (ratio !== undefined) found.push(target(`cycles by those of ${BASELINE} (${TABLE})`, workload, ratio, atMost))
  }
  for (const [against, atMost] of Object.entries(ENTRIES))
    for (const { name, counts } of complete) {
      const [entries, theirs] = [counts[RUN]?.entries, counts[against]?.entries]
      if (entries === undefined || !theirs) continue
      found.push(target(`entries by those of ${against}`, name, Math.round((entries / theirs) * 1e4) / 1e4, atMost))
    }
  return found
}

/** They are set for Linux on the Xen that is measured. */
const concern = (image: string, runs: readonly string[]) => image.startsWith('linux') && runs.includes(RUN)
