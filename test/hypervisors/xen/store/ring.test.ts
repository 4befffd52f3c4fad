// The store's shared page: messages in pieces, rings that wrap and fill up, indices that make no sense.

import { StoreRing } from '../../../../hypervisors/xen/store/ring.js'

const PAGE = 4096
const BUFFER = new ArrayBuffer(2 * PAGE)

function ring() {
  const u8 = new Uint8Array(BUFFER).fill(0)
  const view = new DataView(BUFFER, PAGE)
  let notified = 0
  const page = new StoreRing({ u8, u32: new Uint32Array(BUFFER), changed: () => {} }, PAGE, () => {
    notified++
  })
  const index = (field: number) => view.getUint32(field, true)
  const set = (field: number, value: number) => view.setUint32(field, value, true)
  const guestWrites = (bytes: Uint8Array) => {
    for (const byte of bytes) {
      view.setUint8(index(2052) % 1024, byte)
      set(2052, index(2052) + 1)
    }
  }
  const guestReads = () => {
    const out: number[] = []
    while (index(2056) !== index(2060)) {
      out.push(view.getUint8(1024 + (index(2056) % 1024)))
      set(2056, index(2056) + 1)
    }
    return Uint8Array.from(out)
  }
  return { page, guestWrites, guestReads, set, index, notified: () => notified }
}

const message = (type: number, payload: string) => ({ type, request: 7, transaction: 0, payload: Buffer.from(payload) })
const bytesOf = (type: number, payload: string) =>
  Uint8Array.of(...new Uint8Array(Uint32Array.of(type, 7, 0, payload.length).buffer), ...Buffer.from(payload))

test('a message arrives in pieces', () => {
  const { page, guestWrites, notified } = ring()
  const bytes = bytesOf(2, 'path\0')
  guestWrites(bytes.subarray(0, 10))
  expect(page.take()).toEqual([])
  guestWrites(bytes.subarray(10))
  const taken = page.take()
  expect(taken.map(({ type, request, payload }) => [type, request, Buffer.from(payload).toString()])).toEqual([
    [2, 7, 'path\0'],
  ])
  expect(notified()).toBe(2)
})

test('answers longer than the ring come as the guest makes room', () => {
  const { page, guestReads } = ring()
  page.put(message(2, 'x'.repeat(2500)))
  let read = guestReads()
  for (let i = 0; i < 5; i++) {
    page.flush()
    read = Uint8Array.of(...read, ...guestReads())
  }
  expect(Buffer.from(read)).toEqual(Buffer.from(bytesOf(2, 'x'.repeat(2500))))
})

test('indices that make no sense are an empty ring', () => {
  const { page, set, index } = ring()
  set(2052, 5000)
  expect(page.take()).toEqual([])
  expect(index(2048)).toBe(0)
  set(2056, 77)
  page.put(message(2, 'x'))
  expect(index(2060)).toBe(0)
})
