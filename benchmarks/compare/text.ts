// A comparison as text for a terminal: summary first, then each workload with its counts and cycles, then what hangs on
// which price.

import { ASSUMED, type CostTable } from '../costs/cost-table.js'
import { type Counts, total } from '../costs/counts.js'
import { CATEGORIES } from '../costs/events.js'
import type { CompareReport, ReportedTable, ReportedWorkload } from './report.js'
import { grouped, rightAligned, scaled } from './table-text.js'

/** The report for people. */
export function formatComparison(report: CompareReport): string {
  return [
    ...agreement(report),
    ...report.tables.flatMap(table => ratios(report, table)),
    ...targets(report),
    ...publishedLines(report),
    ...report.workloads.flatMap(workload => details(report, workload)),
    ...report.tables.flatMap(table => sensitivity(table)),
    ...report.tables.flatMap(sources),
    `host: ${report.host.seconds.toFixed(0)} seconds`,
  ].join('\n')
}

function agreement({ image, runs, workloads, agreement: { agree, differences, allowed } }: CompareReport): string[] {
  const skipped = workloads.filter(({ skippedOn }) => skippedOn.length > 0)
  return [
    `${image}: ${workloads.length} ${workloads.length === 1 ? 'workload' : 'workloads'}, run in ${runs.length} ways`,
    ...runs.map(({ id, cpu, command }) => `  ${id.padEnd(18)} ${cpu.padEnd(14)} previrt ${quoted(command)}`),
    agree
      ? 'observables agree: console of each workload, checksums, statuses, disk image, kernel log'
      : 'observables differ:',
    ...Object.entries(differences).flatMap(([id, lines]) => lines.map(line => `  ${id}: ${line}`)),
    ...skipped.map(({ name, skippedOn }) => `  ${name} was skipped on ${skippedOn.join(', ')}`),
    'kernel messages that may differ, time stamps and order aside:',
    ...allowed.map(({ pattern, reason }) => `  /${pattern}/  ${reason}`),
    '',
  ]
}

const quoted = (words: readonly string[]) => words.map(word => (word.includes(' ') ? `'${word}'` : word)).join(' ')

function ratios({ runs, workloads }: CompareReport, table: ReportedTable): string[] {
  const rows = workloads.map(({ name, ratios }) => [name, ...runs.map(({ id }) => ratio(ratios[table.name]?.[id]))])
  const means = ['geometric mean', ...runs.map(({ id }) => ratio(table.means[id]))]
  return [
    `cycles by those of native, ${table.name} (${table.machine}, ${table.megahertz} MHz)`,
    ...rightAligned([['workload', ...runs.map(({ id }) => id)], ...rows, means]),
    '',
  ]
}

const ratio = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(3))

function targets({ targets: all }: CompareReport): string[] {
  if (all.length === 0) return []
  const rows = all.map(({ what, workload, value, atMost, met }) => [
    workload,
    value.toFixed(3),
    `at most ${atMost}`,
    met ? 'met' : 'MISSED',
    what,
  ])
  return ['what pre-virtualization is to reach', ...rightAligned(rows), '']
}

function publishedLines({ published }: CompareReport): string[] {
  const rows = published.map(({ what, theirs, ours, how }) => [
    what,
    String(theirs),
    ours === undefined ? '-' : String(ours),
    ours === undefined ? '-' : (ours / theirs).toFixed(2),
    how,
  ])
  const sources = [...new Set(published.map(({ source }) => source))]
  return [
    'beside published measurements',
    ...rightAligned([['', 'theirs', 'ours', 'ours / theirs', 'what ours is'], ...rows], 3),
    ...sources.map(source => `  ${source}`),
    '',
  ]
}

function details({ runs, tables }: CompareReport, workload: ReportedWorkload): string[] {
  const { name, checksum, status, counts, cycles, largest, throughput, perKilobyte } = workload
  const lines = [`== ${name}: checksum ${checksum ?? '-'}, status ${status ?? '-'}`]
  for (const { id } of runs) {
    const counted = counts[id]
    if (!counted) continue
    lines.push(`${id}:`, ...described(counted).map(([what, text]) => `  ${what.padEnd(22)} ${text}`))
    for (const { what, amount, unit, microseconds } of throughput[id] ?? [])
      lines.push(`  ${what.padEnd(22)} ${amount} ${unit} in ${grouped(microseconds)} us of virtual time`)
    const each = perKilobyte[id]
    if (each) {
      const parts = Object.entries(each.cycles).map(([table, value]) => `${scaled(value)} cycles (${table})`)
      const entries = each.entries === undefined ? [] : [`${each.entries} entries`]
      lines.push(`  ${`for each KiB of ${each.device}`.padEnd(22)} ${[...entries, ...parts].join(', ')}`)
    }
    for (const table of tables) {
      const price = cycles[table.name]?.[id]
      if (!price) continue
      const parts = Object.entries(price.byCategory).sort(([, a], [, b]) => b - a)
      const shares = parts.map(([part, each]) => `${CATEGORIES[part as keyof typeof CATEGORIES]} ${scaled(each)}`)
      lines.push(`  ${`cycles ${table.name}`.padEnd(22)} ${scaled(price.total)} = ${shares.join(' + ')}`)
      const more = largest[table.name]?.[id] ?? []
      if (more.length > 0)
        lines.push(
          `  ${'  more than native'.padEnd(22)} ${more.map(each => `${CATEGORIES[each.category]} ${scaled(each.cycles)}`).join(', ')}`,
        )
    }
  }
  return [...lines, '']
}

/** What was counted, in words. What is not known is left out. */
export function described(counts: Counts): [what: string, text: string][] {
  const { entriesBy, hypercalls, pageTableUpdates, upcalls } = counts
  const lines: [string, string][] = [
    ['instructions', `${grouped(counts.instructions)} = ${list(counts.instructionsBy)}`],
    ['exceptions', list(counts.exceptions)],
    ['interrupts', list(counts.interrupts)],
    ['software interrupts', list(counts.softwareInterrupts)],
    [
      'TLB',
      `${grouped(counts.tlbFills)} fills, ${grouped(counts.tlbFlushes)} flushes, ${grouped(counts.tlbInvalidations)} single`,
    ],
  ]
  if (entriesBy) lines.push(['entries', `${grouped(total(entriesBy))} = ${list(entriesBy)}`])
  if (entriesBy?.fill !== undefined) lines.push(['shadow fills', grouped(entriesBy.fill)])
  if (hypercalls) lines.push(['hypercalls', list(hypercalls)])
  if (upcalls !== undefined) lines.push(['upcalls', grouped(upcalls)])
  if (counts.disk) lines.push(['disk sectors', list({ ...counts.disk })])
  if (counts.network) lines.push(['network frames, bytes', list({ ...counts.network })])
  if (pageTableUpdates) {
    const { entries, batches, tables } = pageTableUpdates
    const whole = tables === undefined ? '' : `, ${grouped(tables)} whole tables`
    lines.push(['page-table updates', `${grouped(entries)} in ${grouped(batches)} batches${whole}`])
  }
  return lines.filter(([, text]) => text !== '')
}

function list(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return parts
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b))
    .map(([name, count]) => `${name} ${grouped(count)}`)
    .join(', ')
}

function sensitivity({ name, flips, swings }: ReportedTable): string[] {
  const lines = [`prices of ${name} that a conclusion hangs on, each halved and doubled alone`]
  if (flips.length === 0) lines.push('  none: the order of the paths and what is reached stay as they are')
  for (const { event, factor, workload, from, to } of flips)
    lines.push(`  ${event} x ${factor}: ${workload}: ${to} (${from})`)
  for (const [id, all] of Object.entries(swings)) {
    const widest = all.slice(0, 5).map(each => `${each.event} ${each.halved.toFixed(3)} to ${each.doubled.toFixed(3)}`)
    lines.push(`  mean of ${id} by native, price halved to doubled: ${widest.join(', ')}`)
  }
  return [...lines, '']
}

function sources({ name, machine, megahertz, note, sources: cited, entries }: CostTable): string[] {
  const rows = entries.map(({ event, cycles, source, note: why }) => [
    event,
    String(cycles),
    `  ${source}${why ? `: ${why}` : ''}`,
  ])
  const assumed = entries.filter(({ source }) => source === ASSUMED).length
  return [
    `prices of ${name}: ${machine}, ${megahertz} MHz; ${assumed} of ${entries.length} are assumed. ${note}`,
    ...rightAligned(rows, 1),
    ...Object.entries(cited).map(([key, text]) => `  [${key}] ${text}`),
    '',
  ]
}
