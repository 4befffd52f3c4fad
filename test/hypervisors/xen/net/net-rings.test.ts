// The rings of a network interface by their public interface (io/netif.h): what goes to the wire and what comes from it, and
// guests that ask for nonsense: each request gets an error, nothing else is touched and nothing is thrown.

import fc from 'fast-check'
import { completeChecksum } from '../../../../hypervisors/xen/net/checksum-offload.js'
import { remainder } from '../../../network/link.js'
import {
  FOREIGN_FRAME,
  FOREIGN_PAGE,
  OTHERS_PAGE,
  READ_ONLY_PAGE,
  TABLE_FRAME,
  TABLE_PAGE,
} from '../granting-domain.js'
import { anyReference, anySendRequest, netWorld, PAGES } from './net-world.js'

const MORE = 4
const EXTRA = 8
const [FIRST, SECOND] = PAGES as [number, number]
const packet = (bytes: number, seed = 1) => Uint8Array.from({ length: bytes }, (_, i) => seed + i * 3)

test('a packet goes out from its place in a page, and the answer has its id', () => {
  const { send, sent, page } = netWorld()
  page(0).set(packet(100), 200)
  expect(send({ reference: FIRST, offset: 200, flags: 0, size: 100 })).toEqual([[0, 0]])
  expect(sent).toEqual([packet(100)])
  expect(send({ reference: READ_ONLY_PAGE, offset: 200, flags: 0, size: 60 })).toEqual([[1, 0]])
})

test('a packet may lie in several pages: the first request says how long it is', () => {
  const { send, sent, page } = netWorld()
  page(0).set(packet(1000).subarray(0, 600), 3496)
  page(1).set(packet(1000).subarray(600))
  const answers = send(
    { reference: FIRST, offset: 3496, flags: MORE, size: 1000 },
    { reference: SECOND, offset: 0, flags: 0, size: 400 },
  )
  expect(answers).toEqual([
    [0, 0],
    [1, 0],
  ])
  expect(sent).toEqual([packet(1000)])
})

test.each([
  ['a page of another domain`s', { reference: FOREIGN_PAGE, offset: 0, flags: 0, size: 60 }],
  ['a grant for another domain', { reference: OTHERS_PAGE, offset: 0, flags: 0, size: 60 }],
  ['no grant', { reference: 600, offset: 0, flags: 0, size: 60 }],
  ['a packet over the end of its page', { reference: FIRST, offset: 4090, flags: 0, size: 60 }],
  ['a packet that is no frame', { reference: FIRST, offset: 0, flags: 0, size: 13 }],
  ['a packet that is too long', { reference: FIRST, offset: 0, flags: 0, size: 1519 }],
  ['a packet that goes on in nothing', { reference: FIRST, offset: 0, flags: MORE, size: 60 }],
])('%s is answered with an error', (_what, request) => {
  const { send, sent } = netWorld()
  expect(send(request)).toEqual([[0, -1]])
  expect(sent).toEqual([])
})

test('extra segments are answered with an error, their own slots with nothing', () => {
  const { send, sent } = netWorld()
  const slots = [
    { reference: FIRST, offset: 0, flags: EXTRA, size: 60 },
    { reference: 0x0001, offset: 0, flags: 0, size: 0 },
    { reference: FIRST, offset: 0, flags: 0, size: 60 },
  ]
  expect(send(...slots)).toEqual([
    [0, -1],
    [0, 1],
    [2, 0],
  ])
  expect(sent.length).toBe(1)
})

test('packets come into the buffers in their order; those without a buffer wait, and more buffers are asked for', () => {
  const { post, deliver, page, receiving } = netWorld()
  post(FIRST, SECOND)
  expect(deliver(packet(60), packet(1514, 9), packet(70, 5))).toEqual([
    [500, 0, 0, 60],
    [501, 0, 0, 1514],
  ])
  expect([page(0).slice(0, 60), page(1).slice(0, 1514)]).toEqual([packet(60), packet(1514, 9)])
  expect(receiving.get(4)).toBe(3)
  post(FIRST)
  expect(deliver()).toEqual([[502, 0, 0, 70]])
})

test('a buffer that may not be written costs its packet and is answered with an error', () => {
  const { post, deliver, memory } = netWorld()
  const table = memory.u8.slice(TABLE_FRAME * 4096, TABLE_FRAME * 4096 + 4096)
  post(READ_ONLY_PAGE, TABLE_PAGE, FOREIGN_PAGE, FIRST)
  const statuses = deliver(packet(60), packet(61), packet(62), packet(63)).map(answer => answer[3])
  expect(statuses).toEqual([-1, -1, -1, 63])
  expect(memory.u8.slice(TABLE_FRAME * 4096, TABLE_FRAME * 4096 + 4096)).toEqual(table)
})

test('the guest is told of answers only where it asks for that', () => {
  const { post, deliver, receiving, notified } = netWorld()
  post(FIRST, SECOND, FIRST)
  receiving.set(12, 2)
  deliver(packet(60))
  expect(notified()).toBe(0)
  deliver(packet(60), packet(60))
  expect(notified()).toBe(1)
})

test('a notification of the next packet is asked for once there is none; then one that is there already is seen', () => {
  const { rings, send, sending } = netWorld()
  send({ reference: FIRST, offset: 0, flags: 0, size: 60 })
  const asked = sending.get(4)
  expect(asked).toBe(0)
  expect(rings.askForNotification()).toBe(true)
  expect(sending.get(4)).toBe(2)
  sending.set(0, 2)
  expect(rings.askForNotification()).toBe(false)
})

test('an index out of range ends the service', () => {
  for (const which of ['sending', 'receiving'] as const) {
    const world = netWorld()
    world[which].set(0, 257)
    world.rings.takeSent()
    world.deliver(packet(60))
    expect(world.rings.usable).toBe(false)
    expect(world.send({ reference: FIRST, offset: 0, flags: 0, size: 60 })).toEqual([])
  }
})

test('a blank checksum is filled in', () => {
  for (const [protocol, place] of [
    [6, 16],
    [17, 6],
  ] as const)
    for (const bytes of [20, 33]) {
      const frame = new Uint8Array(60 + bytes)
      frame.set([8, 0, 0x45], 12)
      frame.set([0, 20 + bytes], 16)
      frame[23] = protocol
      frame.set([10, 0, 2, 15, 10, 0, 2, 2], 26)
      frame.set(packet(bytes), 34)
      completeChecksum(frame)
      const payload = frame.subarray(34, 34 + bytes)
      const pseudo = Uint8Array.of(...frame.subarray(26, 34), 0, protocol, 0, bytes)
      expect([protocol, bytes, remainder(pseudo, payload)]).toEqual([protocol, bytes, 0])
      expect(payload.subarray(0, place)).toEqual(packet(bytes).subarray(0, place))
    }
})

test('whatever stands in the rings: nothing is thrown, no page but the granted ones changes, all references come back', () => {
  const step = fc.oneof(
    fc.record({ send: fc.array(anySendRequest, { maxLength: 6 }) }),
    fc.record({ post: fc.array(anyReference, { maxLength: 6 }) }),
    fc.record({ come: fc.array(fc.integer({ min: 14, max: 1518 }), { maxLength: 4 }) }),
    fc.record({ set: fc.tuple(fc.boolean(), fc.constantFrom(0, 4, 12), fc.nat(0xffffffff)) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), steps => {
      const world = netWorld()
      const { rings, memory, frames } = world
      const kept = () =>
        [TABLE_FRAME, FOREIGN_FRAME].map(frame =>
          Buffer.from(memory.u8.subarray(frame * 4096, (frame + 1) * 4096)).toString('hex'),
        )
      const state = () => [...kept(), frames.references.join(), frames.typeCount.join()]
      const before = state()
      for (const each of steps) {
        if ('send' in each) world.send(...each.send)
        else if ('post' in each) world.post(...each.post)
        else if ('come' in each) world.deliver(...each.come.map(bytes => packet(bytes)))
        else (each.set[0] ? world.sending : world.receiving).set(each.set[1], each.set[2])
        rings.takeSent()
        rings.deliver()
        rings.askForNotification()
      }
      expect(state()).toEqual(before)
    }),
    { numRuns: 1000 },
  )
})
