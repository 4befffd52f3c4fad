// Records: reading, sorting and moving them, on lists made by hand.
import fc from 'fast-check'
import { moveRecords, RecordError, readSites, sortRecords } from '../../src/isa/sites.js'

const CODE = [{ start: 0x1000, end: 0x2000 }]
const CLI = 1
const RDTSC = 23

/** Records of eight-byte sites with instructions of two bytes. */
function records(sites: readonly (readonly [address: number, number: number])[]): Uint8Array {
  const bytes = new Uint8Array(sites.length * 8)
  const view = new DataView(bytes.buffer)
  sites.forEach(([address, number], i) => {
    view.setUint32(i * 8, address, true)
    bytes.set([2, 8, number, 0], i * 8 + 4)
  })
  return bytes
}

const addresses = (bytes: Uint8Array) => readSites(bytes, CODE).map(site => [site.address, site.class.number])

test('reads what was written', () => {
  const [site] = readSites(records([[0x1000, RDTSC]]), CODE)
  expect(site).toMatchObject({ address: 0x1000, instructionBytes: 2, bytes: 8, fused: false, declared: false })
  expect(site!.class.name).toBe('rdtsc')
})

test('sites may touch each other and the ends of the text, but no more', () => {
  expect(
    readSites(
      records([
        [0x1000, CLI],
        [0x1008, CLI],
        [0x1ff8, CLI],
      ]),
      CODE,
    ),
  ).toHaveLength(3)
  expect(() =>
    readSites(
      records([
        [0x1000, CLI],
        [0x1007, CLI],
      ]),
      CODE,
    ),
  ).toThrow(/overlap/)
  expect(() => readSites(records([[0x1ff9, CLI]]), CODE)).toThrow(/outside the text/)
  expect(() =>
    readSites(
      records([
        [0x1008, CLI],
        [0x1000, CLI],
      ]),
      CODE,
    ),
  ).toThrow(/not sorted/)
})

test('errors tell the offset of the record', () => {
  try {
    readSites(
      records([
        [0x1000, CLI],
        [0x3000, CLI],
      ]),
      CODE,
    )
    throw new Error('accepted')
  } catch (error) {
    expect(error).toBeInstanceOf(RecordError)
    expect((error as RecordError).offset).toBe(8)
  }
})

test('sorting keeps every record', () => {
  const slots = fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { maxLength: 40 })
  fc.assert(
    fc.property(slots, chosen => {
      const sites = chosen.map(slot => [0x1000 + slot * 8, slot % 2 === 0 ? CLI : RDTSC] as const)
      const bytes = records(sites)
      sortRecords(bytes)
      expect(addresses(bytes)).toEqual([...sites].sort((a, b) => a[0] - b[0]).map(site => [...site]))
    }),
  )
})

test('records follow replaced code, and those of what it replaces are gone', () => {
  const bytes = records([
    [0x1100, RDTSC],
    [0x1200, CLI],
    [0x1803, RDTSC],
    [0x1900, CLI],
  ])
  const moved = moveRecords(bytes, [{ from: 0x1800, fromBytes: 11, to: 0x1100, toBytes: 12 }])
  expect(addresses(moved)).toEqual([
    [0x1103, RDTSC],
    [0x1200, CLI],
    [0x1900, CLI],
  ])
  const later = moveRecords(bytes, [
    { from: 0x1800, fromBytes: 11, to: 0x1100, toBytes: 12 },
    { from: 0x1900, fromBytes: 8, to: 0x1100, toBytes: 12 },
  ])
  expect(addresses(later)).toEqual([
    [0x1100, CLI],
    [0x1200, CLI],
  ])
  expect(addresses(moveRecords(bytes, []))).toEqual(addresses(bytes))
})
