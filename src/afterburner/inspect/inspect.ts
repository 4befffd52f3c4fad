// What `previrt inspect` reports of an annotated image: sites by class, coverage, and whatever enters a site. The
// report is plain data, to be printed as JSON as it is or as text by report.ts.
import { SymbolTable } from '../../loader/symbols.js'
import { checkCoverage } from './coverage.js'
import { openAnnotated } from './image.js'
import { findInteriorReferences } from './interior.js'

/** Sites of one class. */
export interface ClassSummary {
  readonly number: number
  readonly name: string
  readonly sites: number
  readonly paddingBytes: number
  /** Sites in sections that are freed after the start. */
  readonly initSites: number
}

/** A finding with its place: linear address, and the nearest symbol with the distance from it. */
export interface Finding {
  readonly address: number
  readonly symbol: string
  readonly what: string
}

/** The whole report. */
export interface Inspection {
  readonly image: string
  /** No finding of any kind. */
  readonly complete: boolean
  readonly classes: readonly ClassSummary[]
  readonly sites: number
  readonly paddingBytes: number
  readonly initSites: number
  /** Bytes of all executable sections. */
  readonly textBytes: number
  readonly instructions: number
  readonly invalidBytes: number
  readonly uncovered: readonly Finding[]
  readonly strayRecords: readonly Finding[]
  readonly interiorReferences: readonly Finding[]
}

const INIT_SECTION = /^\.(init|exit|altinstr)/

/**
 * Inspects an annotated image.
 * @param file name for the report and for errors
 * @throws LoadError for anything that is no annotated image with sound records
 */
export function inspectImage(file: string, bytes: Uint8Array): Inspection {
  const image = openAnnotated(file, bytes)
  const symbols = SymbolTable.fromElf(image.elf)
  const initRanges = image.code.filter(section => INIT_SECTION.test(section.name))
  const isInit = (address: number) => initRanges.some(s => address >= s.address && address < s.address + s.bytes)
  const summaries = new Map<number, ClassSummary>()
  for (const site of image.sites) {
    const { number, name } = site.class
    const old = summaries.get(number) ?? { number, name, sites: 0, paddingBytes: 0, initSites: 0 }
    summaries.set(number, {
      ...old,
      sites: old.sites + 1,
      paddingBytes: old.paddingBytes + site.bytes - site.instructionBytes,
      initSites: old.initSites + (isInit(site.address) ? 1 : 0),
    })
  }
  const classes = [...summaries.values()].sort((a, b) => a.number - b.number)
  const sum = (value: (summary: ClassSummary) => number) => classes.reduce((total, each) => total + value(each), 0)
  const coverage = checkCoverage(image)
  const finding = (address: number, what: string) => ({ address, symbol: symbols.describe(address), what })
  const uncovered = coverage.uncovered.map(each => finding(each.address, each.class.name))
  const strayRecords = coverage.strays.map(each =>
    finding(each.site.address, `${each.site.class.name}: ${each.reason}`),
  )
  const interiorReferences = findInteriorReferences(image, coverage.targets).map(each =>
    finding(each.address, `${each.kind} (${each.from})`),
  )
  return {
    image: file,
    complete: uncovered.length + strayRecords.length + interiorReferences.length === 0,
    classes,
    sites: image.sites.length,
    paddingBytes: sum(each => each.paddingBytes),
    initSites: sum(each => each.initSites),
    textBytes: image.code.reduce((total, section) => total + section.bytes, 0),
    instructions: coverage.instructions,
    invalidBytes: coverage.invalidBytes,
    uncovered,
    strayRecords,
    interiorReferences,
  }
}
