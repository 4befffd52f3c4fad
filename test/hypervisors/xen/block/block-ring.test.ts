// The block ring by its public interface (io/blkif.h): what goes to the disk and what comes from it, and guests that ask for
// nonsense: each request gets an error, nothing else is touched and nothing is thrown.

import fc from 'fast-check'
import { MediaError, MemoryStorage } from '../../../../src/devices/block-storage.js'
import { FOREIGN_PAGE, OTHERS_PAGE, READ_ONLY_PAGE, TABLE_FRAME, TABLE_PAGE } from '../granting-domain.js'
import { anyRequest, blockWorld, PAGES, RING } from './block-world.js'

const READ = 0
const WRITE = 1
const BARRIER = 2
const FLUSH = 3
const SECTORS = 256
const [FIRST, SECOND] = PAGES as [number, number]
const whole = (reference: number) => ({ reference, first: 0, last: 7 })

const CONTENTS = Buffer.alloc(SECTORS * 512)
for (let i = 0; i < CONTENTS.length; i++) CONTENTS[i] = (i >> 9) * 3 + i

class Disk extends MemoryStorage {
  readonly log: string[] = []
  failsAt = -1

  constructor() {
    super(new Uint8Array(CONTENTS))
  }
  override read(lba: number, buffer: Uint8Array) {
    this.log.push(`read ${lba} ${buffer.length / 512}`)
    if (lba <= this.failsAt && this.failsAt < lba + buffer.length / 512) throw new MediaError(this.failsAt, 'bad')
    super.read(lba, buffer)
  }
  override write(lba: number, buffer: Uint8Array) {
    this.log.push(`write ${lba} ${buffer.length / 512}`)
    if (lba <= this.failsAt && this.failsAt < lba + buffer.length / 512) throw new MediaError(this.failsAt, 'bad')
    super.write(lba, buffer)
  }
  override flush() {
    this.log.push('flush')
    if (this.failsAt >= 0) throw new MediaError(0, 'bad')
  }
}

test('reads into parts of pages and whole ones, one access for a request', () => {
  const disk = new Disk()
  const { ask, page } = blockWorld(disk)
  const segments = [{ reference: FIRST, first: 6, last: 7 }, whole(SECOND)]
  expect(ask({ operation: READ, segments, sector: 20 })).toBe(0)
  expect(disk.log).toEqual(['read 20 10'])
  expect(page(0).slice(3072)).toEqual(disk.bytes.slice(20 * 512, 22 * 512))
  expect(page(0).slice(0, 3072)).toEqual(new Uint8Array(3072))
  expect(page(1)).toEqual(disk.bytes.slice(22 * 512, 30 * 512))
})

test('writes, from read-only grants too; flush and barrier reach the disk in order', () => {
  const disk = new Disk()
  const { ask, page } = blockWorld(disk)
  page(0).fill(0xa5)
  expect(ask({ operation: WRITE, segments: [whole(READ_ONLY_PAGE)], sector: 100 })).toBe(0)
  expect(disk.bytes.slice(100 * 512, 108 * 512)).toEqual(new Uint8Array(4096).fill(0xa5))
  expect(ask({ operation: FLUSH, segments: [], sector: 0 })).toBe(0)
  expect(ask({ operation: BARRIER, segments: [whole(FIRST)], sector: 0 })).toBe(0)
  expect(ask({ operation: BARRIER, segments: [], sector: 0 })).toBe(0)
  expect(disk.log).toEqual(['write 100 8', 'flush', 'flush', 'write 0 8', 'flush', 'flush'])
})

test('many requests at once: a response for each in order, one notification where it is asked for', () => {
  const { put, go, setIndex, index, notified } = blockWorld(new Disk())
  const ids = Array.from({ length: 32 }, (_, i) => put({ operation: READ, segments: [whole(FIRST)], sector: i }))
  setIndex(12, 32)
  expect(go().responses.map(({ id, status }) => [id, status])).toEqual(ids.map(id => [id, 0]))
  expect(notified()).toBe(1)
  expect(index(4)).toBe(33)
  // Asked for later than what there is: none.
  put({ operation: READ, segments: [whole(FIRST)], sector: 0 })
  setIndex(12, 34)
  go()
  expect(notified()).toBe(1)
  put({ operation: READ, segments: [whole(FIRST)], sector: 0 })
  go()
  expect(notified()).toBe(2)
})

test.each([
  ['a page of another domain', { operation: READ, segments: [whole(FOREIGN_PAGE)], sector: 0 }],
  ['a grant for another domain', { operation: READ, segments: [whole(OTHERS_PAGE)], sector: 0 }],
  ['a read-only grant to be written', { operation: READ, segments: [whole(READ_ONLY_PAGE)], sector: 0 }],
  ['a page table to be written', { operation: READ, segments: [whole(TABLE_PAGE)], sector: 0 }],
  ['a reference that is none', { operation: WRITE, segments: [whole(0xffffffff)], sector: 0 }],
  [
    'sectors that are none of a page',
    { operation: READ, segments: [{ reference: FIRST, first: 0, last: 8 }], sector: 0 },
  ],
  ['sectors backwards', { operation: READ, segments: [{ reference: FIRST, first: 3, last: 2 }], sector: 0 }],
  ['the end of the disk', { operation: READ, segments: [whole(FIRST)], sector: SECTORS - 7 }],
  ['an absurd address', { operation: WRITE, segments: [whole(FIRST)], sector: 2 ** 52 }],
  ['too many segments', { operation: READ, segments: [whole(FIRST)], sector: 0, count: 12 }],
  ['no segment', { operation: READ, segments: [], sector: 0 }],
])('an error: %s', (_, request) => {
  const disk = new Disk()
  const { ask } = blockWorld(disk)
  expect(ask(request)).toBe(-1)
  expect(Buffer.compare(disk.bytes, CONTENTS)).toBe(0)
})

test('operations that are not supported; discard is one', () => {
  const { ask } = blockWorld(new Disk())
  expect(ask({ operation: 5, segments: [], sector: 0 })).toBe(-2)
  expect(ask({ operation: 77, segments: [whole(FIRST)], sector: 0 })).toBe(-2)
})

test('what the medium refuses is an error of its request alone', () => {
  const disk = new Disk()
  disk.failsAt = 50
  const { put, go } = blockWorld(disk)
  put({ operation: READ, segments: [whole(FIRST)], sector: 48 })
  put({ operation: WRITE, segments: [whole(FIRST)], sector: 48 })
  put({ operation: READ, segments: [whole(FIRST)], sector: 51 })
  put({ operation: FLUSH, segments: [], sector: 0 })
  expect(go().responses.map(({ status }) => status)).toEqual([-1, -1, 0, -1])
})

test('an index that is out of range, or a ring that is granted no more, ends the service', () => {
  const one = blockWorld(new Disk())
  one.setIndex(0, 33)
  expect(one.ring.serve()).toBe(false)
  expect(one.index(8)).toBe(0)
  const two = blockWorld(new Disk())
  two.grant(RING, TABLE_FRAME)
  expect(two.ring.serve()).toBe(false)
})

test('whatever is asked for: a response for each, page tables and foreign frames unchanged, all uses given back', () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyRequest, { minLength: 1, maxLength: 32 }), { maxLength: 6 }), rounds => {
      const disk = new Disk()
      const { put, go, frames, memory, ringFrame } = blockWorld(disk)
      const references = frames.references.slice()
      const uses = frames.typeCount.slice()
      const outside = () => Buffer.from(memory.u8.subarray(TABLE_FRAME * 4096)).toString('latin1')
      const before = outside()
      for (const requests of rounds) {
        const ids = requests.map(put)
        const { usable, responses } = go()
        expect(usable).toBe(true)
        expect(responses).toHaveLength(ids.length)
        // A request that reads the disk into the ring itself changes responses, and nothing else.
        if (!requests.some(({ segments }) => segments.some(({ reference }) => reference === RING)))
          expect(responses.map(({ id }) => id)).toEqual(ids)
        if (memory.u32[ringFrame * 1024]! !== memory.u32[ringFrame * 1024 + 2]!) break
      }
      expect(frames.references).toEqual(references)
      expect(frames.typeCount).toEqual(uses)
      expect(outside() === before).toBe(true)
    }),
    { numRuns: 150 },
  )
})
