// Sites as an annotated image keeps them: records of eight bytes in a section of their own (sensitive.ts). Reading
// checks every record; writing sorts them, which the linker does not. Knows nothing of ELF.
import { RECORD_BYTES, SENSITIVE_CLASSES, type SensitiveClass, SITE_DECLARED, SITE_FUSED } from './sensitive.js'

/** A sensitive instruction with its padding. */
export interface Site {
  /** Linear address of the first byte. */
  readonly address: number
  /** Bytes of the instruction; of both instructions where the site is fused. */
  readonly instructionBytes: number
  /** Bytes of instruction and padding. */
  readonly bytes: number
  readonly class: SensitiveClass
  /** The site holds STI and the instruction in its shadow. */
  readonly fused: boolean
  /** Source or profile declared the site: the instruction alone does not tell its class. */
  readonly declared: boolean
}

/** What is wrong with a record: `offset` counts bytes from the start of the records. */
export class RecordError extends Error {
  readonly offset: number

  constructor(offset: number, reason: string) {
    super(reason)
    this.name = 'RecordError'
    this.offset = offset
  }
}

/** A range of linear addresses that holds code; `end` is exclusive. */
export interface CodeRange {
  readonly start: number
  readonly end: number
}

const hex = (value: number) => `0x${(value >>> 0).toString(16).padStart(8, '0')}`
const BY_NUMBER = new Map(SENSITIVE_CLASSES.map(entry => [entry.number, entry]))

/** Cuts the section into records without judging their order. */
function readRecords(records: Uint8Array): Site[] {
  if (records.length % RECORD_BYTES !== 0) {
    const whole = records.length - (records.length % RECORD_BYTES)
    throw new RecordError(
      whole,
      `the records are truncated: ${records.length} bytes are no multiple of ${RECORD_BYTES}`,
    )
  }
  const view = new DataView(records.buffer, records.byteOffset, records.length)
  const sites: Site[] = []
  for (let at = 0; at < records.length; at += RECORD_BYTES) {
    const address = view.getUint32(at, true)
    const [instructionBytes, bytes, number, flags] = [4, 5, 6, 7].map(i => view.getUint8(at + i)) as [
      number,
      number,
      number,
      number,
    ]
    const entry = BY_NUMBER.get(number)
    if (entry === undefined)
      throw new RecordError(at + 6, `the record for ${hex(address)} has the unknown class ${number}`)
    if (instructionBytes === 0 || instructionBytes > bytes) {
      throw new RecordError(
        at + 4,
        `the record for ${hex(address)} has an instruction of ${instructionBytes} in a site of ${bytes} bytes`,
      )
    }
    if (bytes < entry.room) {
      throw new RecordError(
        at + 5,
        `the ${entry.name} site at ${hex(address)} has ${bytes} bytes, fewer than ${entry.room}`,
      )
    }
    const fused = (flags & SITE_FUSED) !== 0
    sites.push({ address, instructionBytes, bytes, class: entry, fused, declared: (flags & SITE_DECLARED) !== 0 })
  }
  return sites
}

/**
 * Reads the records of an image.
 * @param records content of the record section
 * @param code the image's executable ranges; every site must lie inside one of them
 * @returns the sites, ascending and disjoint
 * @throws RecordError for truncated, unknown, unsorted, overlapping records and for those outside `code`
 */
export function readSites(records: Uint8Array, code: readonly CodeRange[]): Site[] {
  const sites = readRecords(records)
  for (const [i, site] of sites.entries()) {
    const before = sites[i - 1]
    const at = i * RECORD_BYTES
    if (before !== undefined && site.address < before.address) {
      throw new RecordError(at, `the records are not sorted: ${hex(site.address)} comes after ${hex(before.address)}`)
    }
    if (before !== undefined && site.address < before.address + before.bytes) {
      throw new RecordError(at, `the sites at ${hex(before.address)} and ${hex(site.address)} overlap`)
    }
    const end = site.address + site.bytes
    if (!code.some(range => site.address >= range.start && end <= range.end)) {
      throw new RecordError(at, `the site at ${hex(site.address)} lies outside the text of the image`)
    }
  }
  return sites
}

/** Code that was copied over other code, as a kernel's alternatives are. Linear addresses, lengths in bytes. */
export interface CodeMove {
  readonly from: number
  readonly fromBytes: number
  readonly to: number
  readonly toBytes: number
}

/**
 * Records for an image in which code was moved: those of the code that was overwritten are gone, those of the code
 * that was copied go with it.
 * @returns sorted records, as many as before or fewer
 * @throws RecordError when a record is damaged
 */
export function moveRecords(records: Uint8Array, moves: readonly CodeMove[]): Uint8Array {
  readRecords(records)
  const view = new DataView(records.buffer, records.byteOffset, records.length)
  const offsets = Array.from({ length: records.length / RECORD_BYTES }, (_, i) => i * RECORD_BYTES)
  let places = offsets.map(at => ({ at, address: view.getUint32(at, true) }))
  for (const { from, fromBytes, to, toBytes } of moves) {
    places = places
      .filter(({ address }) => address < to || address >= to + toBytes)
      .map(({ at, address }) =>
        address >= from && address < from + fromBytes ? { at, address: address - from + to } : { at, address },
      )
  }
  const moved = new Uint8Array(places.length * RECORD_BYTES)
  const output = new DataView(moved.buffer)
  for (const [i, { at, address }] of places.entries()) {
    moved.set(records.subarray(at, at + RECORD_BYTES), i * RECORD_BYTES)
    output.setUint32(i * RECORD_BYTES, address, true)
  }
  sortRecords(moved)
  return moved
}

/**
 * Puts the records of a freshly linked image in the order of their addresses, in place.
 * @throws RecordError when a record is damaged
 */
export function sortRecords(records: Uint8Array): void {
  readRecords(records)
  const copy = new Uint8Array(records)
  const view = new DataView(copy.buffer)
  const order = Array.from({ length: records.length / RECORD_BYTES }, (_, i) => i * RECORD_BYTES)
  order.sort((a, b) => view.getUint32(a, true) - view.getUint32(b, true))
  for (const [i, from] of order.entries()) records.set(copy.subarray(from, from + RECORD_BYTES), i * RECORD_BYTES)
}
