// Ours beside what others have published: how far predictions under a cost table are from measurements of real machines.
// Single events are priced as the model prices them; whole workloads are what was measured here. Nothing is fitted.

import type { CostTable } from '../costs/cost-table.js'
import { type Counts, NO_COUNTS, type PricedPath } from '../costs/counts.js'
import { itemize } from '../costs/itemize.js'
import { price, pricesOf } from '../costs/price.js'
import { geometricMean } from '../statistics.js'
import type { ReportedWorkload } from './report.js'

/** One published figure and ours. */
export interface Published {
  readonly what: string
  readonly theirs: number
  /** Absent where this comparison has not what it takes. */
  readonly ours?: number
  /** What ours is. */
  readonly how: string
  readonly source: string
}

const ADAMS =
  'Adams, Agesen: A Comparison of Software and Hardware Techniques for x86 Virtualization, ASPLOS 2006; as remembered, not checked at the source'
const BARHAM = 'Barham et al.: Xen and the Art of Virtualization, SOSP 2003; as remembered, not checked at the source'
const HAERTIG = 'Haertig et al.: The Performance of Microkernel-Based Systems, SOSP 1997, abstract'
const LANDAU = 'Landau, Ben-Yehuda, Gordon: SplitX, HotOS 2011, Table 1'

interface Event {
  readonly what: string
  readonly theirs: number
  readonly path: PricedPath
  readonly counts: Partial<Counts>
}

const NATIVE: PricedPath = { path: 'native' }
const VTX: PricedPath = { path: 'trap', profile: 'vtx' }
const ALL: PricedPath = { path: 'trap', profile: 'all' }

/** Nanobenchmarks on a Pentium 4 672: the events alone, without the instructions around them. */
const EVENTS: readonly Event[] = [
  event('system call, native', 242, NATIVE, { sensitive: { user: { sysenter: 1 }, kernel: { sysexit: 1 } } }),
  event('system call, software VMM', 2308, ALL, { entriesBy: { sysenter: 1, sysexit: 1 } }),
  event('port read, native', 3209, NATIVE, { operations: { in: 1 }, sensitive: { kernel: { in: 1 } } }),
  event('port read, VT-x', 15_826, VTX, {
    operations: { in: 1 },
    sensitive: { kernel: { in: 1 } },
    entriesBy: { in: 1 },
  }),
  event('page fault, native', 1093, NATIVE, { exceptions: { 14: 1 }, sensitive: { kernel: { iret: 1 } } }),
  event('page fault, software VMM', 3927, ALL, { exceptions: { 14: 1 }, entriesBy: { guest_fault: 1, iret: 1 } }),
  event('page fault, VT-x', 11_242, VTX, {
    exceptions: { 14: 1 },
    sensitive: { kernel: { iret: 1 } },
    entriesBy: { guest_fault: 1, fill: 1 },
  }),
  event('divide error, native', 889, NATIVE, { exceptions: { 0: 1 }, sensitive: { kernel: { iret: 1 } } }),
  event('divide error, VT-x', 1014, VTX, { exceptions: { 0: 1 }, sensitive: { kernel: { iret: 1 } }, entriesBy: {} }),
  event('page-table entry changed, VT-x', 10_192, VTX, { entriesBy: { table_write: 1 } }),
]

function event(what: string, theirs: number, path: PricedPath, counts: Partial<Counts>): Event {
  return { what, theirs, path, counts }
}

/** Work that somebody wants, as a stand-in for builds and job mixes. */
const MIX = ['sort', 'gzip', 'sha', 'awk', 'grep', 'compile']
const P4 = 'p4-2005'
const P3 = 'p3-2001'

/** All figures. */
export function publishedBeside(tables: readonly CostTable[], workloads: readonly ReportedWorkload[]): Published[] {
  const table = tables.find(({ name }) => name === P4)
  const mean = (name: string, run: string, of: readonly string[] = MIX) => {
    const ratios = workloads
      .filter(each => of.includes(each.name) && each.skippedOn.length === 0)
      .flatMap(({ ratios: all }) => all[name]?.[run] ?? [])
    return ratios.length === of.length ? round(geometricMean(ratios)) : undefined
  }
  const mix = `${MIX.join(' ')}: geometric mean of cycles by those of native`
  const whole = (what: string, theirs: number, name: string, run: string, source: string): Published => {
    const ours = mean(name, run)
    return { what, theirs, ...(ours !== undefined && { ours }), how: `${mix}, ${run}, ${name}`, source }
  }
  const single = EVENTS.map(({ what, theirs, path, counts }): Published => {
    const ours = table && price(itemize(path, { ...NO_COUNTS, ...counts }), pricesOf(table))?.total
    return {
      what: `${what}, cycles`,
      theirs,
      ...(ours !== undefined && { ours }),
      how: `the event under ${P4}`,
      source: ADAMS,
    }
  })
  const exit = table && price([item('vm_exit'), item('vm_entry')], pricesOf(table))?.total
  return [
    whole('build of Linux, Xen by native', round(271 / 263), P4, 'xen/4.17', BARHAM),
    whole('build of Linux, VMware Workstation by native', round(334 / 263), P4, 'trap/all', BARHAM),
    whole('AIM, native by L4Linux, at most', 1.05, P3, 'xen/4.17', HAERTIG),
    {
      what: 'VM exit and entry on a Xeon X5570, direct, cycles',
      theirs: 2000,
      ...(exit !== undefined && { ours: exit }),
      how: `vm_exit and vm_entry of ${P4}, a machine four years older`,
      source: LANDAU,
    },
    ...single,
  ]
}

const item = (name: 'vm_exit' | 'vm_entry') => ({ event: name, count: 1, category: 'crossings' }) as const
const round = (ratio: number) => Math.round(ratio * 1000) / 1000
