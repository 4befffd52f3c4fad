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
const BY_NUMBER: (SensitiveClass | undefined)[] = []
for (const entry of SENSITIVE_CLASSES) BY_NUMBER[entry.number] = entry

const addressAt = (records: Uint8Array, at: number) =>
  (records[at]! | (records[at + 1]! << 8) | (records[at + 2]! << 16) | (records[at + 3]! << 24)) >>> 0

/** Checks each record by itself: what the section holds, not its order. */
function checkRecords(records: Uint8Array): void {
  if (records.length % RECORD_BYTES !== 0) {
    const whole = records.length - (records.length % RECORD_BYTES)
    throw new RecordError(
      whole,
      `the records are truncated: ${records.length} bytes are no multiple of ${RECORD_BYTES}`,
    )
  }
  for (let at = 0; at < records.length; at += RECORD_BYTES) {
    const instructionBytes = records[at + 4]!
    const bytes = records[at + 5]!
    const entry = BY_NUMBER[records[at + 6]!]
    if (entry === undefined || instructionBytes === 0 || instructionBytes > bytes || bytes < entry.room)
      throw damaged(records, at)
  }
}

function damaged(records: Uint8Array, at: number): RecordError {
  const [instructionBytes, bytes, number] = records.subarray(at + 4, at + 7) as unknown as [number, number, number]
  const address = hex(addressAt(records, at))
  const entry = BY_NUMBER[number]
  if (entry === undefined) return new RecordError(at + 6, `the record for ${address} has the unknown class ${number}`)
  if (instructionBytes === 0 || instructionBytes > bytes) {
    const reason = `the record for ${address} has an instruction of ${instructionBytes} in a site of ${bytes} bytes`
    return new RecordError(at + 4, reason)
  }
  return new RecordError(at + 5, `the ${entry.name} site at ${address} has ${bytes} bytes, fewer than ${entry.room}`)
}

/** The records of an image by number, without an object for each. */
export class SiteTable {
  readonly count: number

  /** @param records as in the image, checked */
  constructor(private readonly records: Uint8Array) {
    this.count = records.length / RECORD_BYTES
  }
  address(n: number): number {
    return addressAt(this.records, n * RECORD_BYTES)
  }
  instructionBytes(n: number): number {
    return this.records[n * RECORD_BYTES + 4]!
  }
  bytes(n: number): number {
    return this.records[n * RECORD_BYTES + 5]!
  }
  classNumber(n: number): number {
    return this.records[n * RECORD_BYTES + 6]!
  }
  /** What sites with equal instructions differ in: lengths, class and flags. */
  shape(n: number): number {
    const at = n * RECORD_BYTES + 4
    const { records } = this
    return records[at]! | (records[at + 1]! << 8) | (records[at + 2]! << 16) | (records[at + 3]! << 24)
  }
  site(n: number): Site {
    const at = n * RECORD_BYTES
    const { records } = this
    const flags = records[at + 7]!
    return {
      address: addressAt(records, at),
      instructionBytes: records[at + 4]!,
      bytes: records[at + 5]!,
      class: BY_NUMBER[records[at + 6]!]!,
      fused: (flags & SITE_FUSED) !== 0,
      declared: (flags & SITE_DECLARED) !== 0,
    }
  }
}

/**
 * Reads the records of an image.
 * @param records content of the record section
 * @param code the image's executable ranges; every site must lie inside one of them
 * @returns the sites, ascending and disjoint
 * @throws RecordError for truncated, unknown, unsorted, overlapping records and for those outside `code`
 */
export function readSiteTable(records: Uint8Array, code: readonly CodeRange[]): SiteTable {
  checkRecords(records)
  let before = 0
  let end = 0
  let start = 0
  let last = 0
  for (let at = 0; at < records.length; at += RECORD_BYTES) {
    const address = addressAt(records, at)
    if (address < before)
      throw new RecordError(at, `the records are not sorted: ${hex(address)} comes after ${hex(before)}`)
    if (address < end) throw new RecordError(at, `the sites at ${hex(before)} and ${hex(address)} overlap`)
    before = address
    end = address + records[at + 5]!
    if (address >= start && end <= last) continue
    const range = code.find(each => before >= each.start && end <= each.end)
    if (range === undefined) throw new RecordError(at, `the site at ${hex(address)} lies outside the text of the image`)
    start = range.start
    last = range.end
  }
  return new SiteTable(records)
}

/** The same, as objects. */
export function readSites(records: Uint8Array, code: readonly CodeRange[]): Site[] {
  const table = readSiteTable(records, code)
  return Array.from({ length: table.count }, (_, n) => table.site(n))
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
  const sorted = new Uint8Array(records)
  sortRecords(sorted)
  const count = sorted.length / RECORD_BYTES
  const addresses = Float64Array.from({ length: count }, (_, i) => addressAt(sorted, i * RECORD_BYTES))
  /** Addresses of those that went with their code; not a number once they are gone. The others are where they were. */
  const moved = new Map<number, number>()
  const inside = (from: number, bytes: number): number[] => {
    const found: number[] = []
    for (let i = lowerBound(addresses, from); i < count && addresses[i]! < from + bytes; i++)
      if (!moved.has(i)) found.push(i)
    for (const [i, address] of moved) if (address >= from && address < from + bytes) found.push(i)
    return found
  }
  for (const { from, fromBytes, to, toBytes } of moves) {
    for (const i of inside(to, toBytes)) moved.set(i, Number.NaN)
    for (const i of inside(from, fromBytes)) moved.set(i, (moved.get(i) ?? addresses[i]!) - from + to)
  }
  if (moved.size === 0) return sorted
  const gone = [...moved.values()].filter(Number.isNaN).length
  const kept = new Uint8Array((count - gone) * RECORD_BYTES)
  const view = new DataView(kept.buffer)
  let at = 0
  for (let i = 0; i < count; i++) {
    const address = moved.get(i)
    if (address !== undefined && Number.isNaN(address)) continue
    kept.set(sorted.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES), at)
    if (address !== undefined) view.setUint32(at, address, true)
    at += RECORD_BYTES
  }
  sortRecords(kept)
  return kept
}

/** The place of the first number that is not less than `value`, in ascending ones. */
function lowerBound(ascending: Float64Array, value: number): number {
  let [low, high] = [0, ascending.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Puts the records of a freshly linked image in the order of their addresses, in place.
 * @throws RecordError when a record is damaged
 */
export function sortRecords(records: Uint8Array): void {
  checkRecords(records)
  let ordered = true
  for (let at = RECORD_BYTES; at < records.length && ordered; at += RECORD_BYTES)
    ordered = addressAt(records, at - RECORD_BYTES) <= addressAt(records, at)
  if (ordered) return
  const copy = new Uint8Array(records)
  const order = Array.from({ length: records.length / RECORD_BYTES }, (_, i) => i * RECORD_BYTES)
  order.sort((a, b) => addressAt(copy, a) - addressAt(copy, b))
  for (const [i, from] of order.entries()) records.set(copy.subarray(from, from + RECORD_BYTES), i * RECORD_BYTES)
}
