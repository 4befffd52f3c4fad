// The `inspect` command: what the afterburner made of an image, checked against an independent disassembly.

import { compareImages } from '../afterburner/inspect/against.js'
import { inspectImage } from '../afterburner/inspect/inspect.js'
import { listFunction } from '../afterburner/inspect/listing.js'
import { formatComparison, formatInspection } from '../afterburner/inspect/report.js'
import { describeRules, SKIP_RULES } from '../afterburner/rules.js'
import { STATUS_GUEST_FAILED, STATUS_WELL } from './exit.js'
import { locateAnnotated, locateImage } from './image.js'
import { readInput } from './input-file.js'
import { IMAGE_NAMES } from './options.js'

/** What `inspect` was given. */
export interface InspectOptions {
  /** The plain twin, by name or file. */
  readonly against?: string
  readonly disasm?: string
  readonly json?: boolean
}

/** Inspects an image, by name or file. Status 1 when something sensitive is outside the sites or equality is not proved. */
export async function inspect(image: string, options: InspectOptions): Promise<number> {
  const { file, bytes } = readInput(await fileOf(image, false))
  if (options.disasm !== undefined) {
    const listing = listFunction(file, bytes, options.disasm)
    process.stdout.write(options.json ? `${JSON.stringify({ symbol: options.disasm, listing })}\n` : `${listing}\n`)
    return STATUS_WELL
  }
  const plain = options.against === undefined ? undefined : readInput(await fileOf(options.against, true))
  const inspection = inspectImage(file, bytes)
  const comparison = plain && compareImages(file, bytes, plain.file, plain.bytes)
  const more = comparison ? [formatComparison(comparison)] : []
  const text = [formatInspection(inspection), describeRules(), ...more].join('\n')
  const document = { schemaVersion: 1, ...inspection, leftAlone: SKIP_RULES, ...(comparison && { comparison }) }
  process.stdout.write(`${options.json ? JSON.stringify(document) : text}\n`)
  const sound = inspection.complete && (comparison === undefined || comparison.unproved.length === 0)
  return sound ? STATUS_WELL : STATUS_GUEST_FAILED
}

async function fileOf(image: string, plain: boolean): Promise<string> {
  if (!IMAGE_NAMES.includes(image)) return image
  return (plain ? await locateImage(image, true) : await locateAnnotated(image)).path
}
