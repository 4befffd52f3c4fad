// The inspector's findings as text for people. Pure: the command line prints what these functions return.
import type { Comparison } from './against.js'
import type { Finding, Inspection } from './inspect.js'

/** Lines of a list that are shown before the rest is only counted. */
const SHOWN = 20
const hex = (value: number) => `0x${(value >>> 0).toString(16).padStart(8, '0')}`

function row(name: string, cells: readonly (string | number)[]): string {
  return name.padEnd(26) + cells.map(cell => String(cell).padStart(10)).join('')
}

function list(title: string, findings: readonly Finding[]): string[] {
  const lines = findings.slice(0, SHOWN).map(each => `  ${hex(each.address)} ${each.symbol}: ${each.what}`)
  const rest = findings.length > SHOWN ? [`  and ${findings.length - SHOWN} more`] : []
  return [`${title}: ${findings.length}`, ...lines, ...rest]
}

/** Text of an inspection, without a newline at its end. */
export function formatInspection(report: Inspection): string {
  const share = ((report.paddingBytes / (report.textBytes - report.paddingBytes)) * 100).toFixed(2)
  return [
    row('class', ['sites', 'padding', 'init']),
    ...report.classes.map(each => row(each.name, [each.sites, each.paddingBytes, each.initSites])),
    row('total', [report.sites, report.paddingBytes, report.initSites]),
    `text: ${report.textBytes} bytes, of which ${report.paddingBytes} are padding (${share} % of the rest)`,
    `instructions: ${report.instructions}, bytes that are none: ${report.invalidBytes}`,
    ...list('sensitive instructions outside sites', report.uncovered),
    ...list('records that describe no instruction', report.strayRecords),
    ...list('references into a site', report.interiorReferences),
    report.complete ? 'coverage: complete' : 'coverage: INCOMPLETE',
  ].join('\n')
}

/** Text of a comparison, without a newline at its end. */
export function formatComparison(report: Comparison): string {
  const section = (title: string, found: Comparison['unproved']) => [
    ...(found.length > 0 ? [title] : []),
    ...found.map(each => `  ${hex(each.address)} ${each.symbol}: ${each.reason}`),
  ]
  return [
    `text: ${report.plainTextBytes} bytes plain, ${report.annotatedTextBytes} annotated (${report.growthPercent.toFixed(2)} % more)`,
    `functions proved equal but for padding: ${report.proved} of ${report.functions}`,
    ...section(
      'proved if these constants are what they seem (moved: addresses with an offset; the same: none):',
      report.assumed,
    ),
    ...section('not proved:', report.unproved),
  ].join('\n')
}
