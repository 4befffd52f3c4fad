// The FIFO ABI as a guest of its header sees it: a consumer that takes ports from the queues by the rules of
// xen/include/public/event_channel.h and Linux's drivers/xen/events/events_fifo.c.

import type { Domain } from '../../../../hypervisors/xen/domain.js'
import { EventChannels } from '../../../../hypervisors/xen/events/channels.js'
import { FifoEvents } from '../../../../hypervisors/xen/events/fifo.js'
import { fifoOp } from '../../../../hypervisors/xen/events/fifo-op.js'
import { SharedInfo } from '../../../../hypervisors/xen/events/shared-info.js'
import type { MachineMemory } from '../../../../hypervisors/xen/memory/machine-memory.js'

const CONTROL = 1
const WORDS = 2
const ARGUMENT = 0x3000
const PENDING = 0x80000000
const MASKED = 0x40000000
const LINKED = 0x20000000
const LINK = 0x1ffff

/** A domain of 16 frames, its shared page first, and a guest that takes events. */
function makeWorld() {
  const u8 = new Uint8Array(16 * 4096)
  const memory: MachineMemory = { u8, u32: new Uint32Array(u8.buffer), changed: () => {} }
  const { u32 } = memory
  const shared = new SharedInfo(memory, 0)
  const channels = new EventChannels(1, shared, () => {})
  const types = { getPageAndType: (frame: number) => (frame < 16 ? 0 : -22) }
  const guest = {
    word: (at: number) => u32[at >>> 2]!,
    setBytes: (at: number, bytes: Uint8Array) => u8.set(bytes, at),
  }
  const domain = { id: 1, memory, shared, channels, types, guest } as unknown as Domain
  const call = (command: number, ...words: number[]) => {
    u32.set(words, ARGUMENT >>> 2)
    return fifoOp(domain, command, ARGUMENT)
  }
  const word = (port: number) => WORDS * 1024 + port
  const heads = new Array<number>(16).fill(0)
  /** Takes all that the queues say is ready, as the guest's upcall does. */
  const take = () => {
    const events: number[] = []
    u8[0] = 0
    let ready = u32[CONTROL * 1024]!
    u32[CONTROL * 1024] = 0
    while (ready !== 0) {
      const queue = 31 - Math.clz32(ready & -ready)
      if (heads[queue] === 0) heads[queue] = u32[CONTROL * 1024 + 2 + queue]!
      const port = heads[queue]!
      const link = u32[word(port)]! & LINK
      u32[word(port)] = (u32[word(port)]! & ~(LINKED | LINK)) >>> 0
      heads[queue] = link
      if (link === 0) ready &= ~(1 << queue)
      const value = u32[word(port)]!
      if ((value & PENDING) !== 0 && (value & MASKED) === 0) {
        events.push(port)
        u32[word(port)] = (value & ~PENDING) >>> 0
      }
      ready |= u32[CONTROL * 1024]!
      u32[CONTROL * 1024] = 0
    }
    return events
  }
  const begin = () => {
    expect(call(11, CONTROL, 0, 0, 0)).toBe(0)
    expect(call(12, WORDS, 0)).toBe(0)
  }
  const setMask = (port: number, on: boolean) => {
    u32[word(port)] = on ? (u32[word(port)]! | MASKED) >>> 0 : (u32[word(port)]! & ~MASKED) >>> 0
  }
  return { u8, u32, memory, shared, channels, call, take, begin, word, setMask }
}

const open = ({ channels }: ReturnType<typeof makeWorld>, count: number) =>
  Array.from({ length: count }, () => channels.bindIpi(0))

test('events come in the order in which they were raised, each once', () => {
  const world = makeWorld()
  const [a, b, c] = open(world, 3) as [number, number, number]
  world.begin()
  for (const port of [b, c, b, a]) world.channels.send(port)
  expect(world.u8[0]).toBe(1)
  expect(world.take()).toEqual([b, c, a])
  expect(world.take()).toEqual([])
  world.channels.send(c)
  expect(world.take()).toEqual([c])
})

test('a queue of a higher priority is a queue of its own', () => {
  const world = makeWorld()
  const [a, b, c] = open(world, 3) as [number, number, number]
  world.begin()
  expect(world.call(13, b, 0)).toBe(0)
  for (const port of [a, b, c]) world.channels.send(port)
  expect(world.u32[CONTROL * 1024]).toBe((1 << 7) | 1)
  expect(world.take()).toEqual([b, a, c])
})

test('a port that was the last of its queue changes the queue', () => {
  const world = makeWorld()
  const [a, b, c] = open(world, 3) as [number, number, number]
  world.begin()
  for (const port of [a, b]) world.channels.send(port)
  expect(world.take()).toEqual([a, b])
  world.call(13, b, 3)
  world.channels.send(b)
  world.channels.send(c)
  expect(world.u32[CONTROL * 1024]).toBe((1 << 3) | (1 << 7))
  expect(world.take()).toEqual([b, c])
})

test('a masked port waits, for an unmask by the guest itself too', () => {
  const world = makeWorld()
  const [a, b] = open(world, 2) as [number, number]
  world.begin()
  world.setMask(a, true)
  world.channels.send(a)
  expect(world.take()).toEqual([])
  expect(world.channels.unmask(a)).toBe(0)
  expect(world.take()).toEqual([a])
  world.setMask(b, true)
  world.channels.send(b)
  world.setMask(b, false)
  expect(world.channels.unmask(b)).toBe(0)
  expect(world.take()).toEqual([b])
})

test('what is pending at the change of the ABI is pending after it', () => {
  const world = makeWorld()
  const [a, b] = open(world, 2) as [number, number]
  world.channels.send(b)
  expect(world.call(11, CONTROL, 0, 0, 0)).toBe(0)
  expect(world.u8[ARGUMENT + 16]).toBe(17)
  world.channels.send(a)
  expect(world.call(12, WORDS, 0)).toBe(0)
  expect(world.take().sort()).toEqual([a, b])
})

test('a port that is closed in its queue is not given out before the guest has taken it', () => {
  const world = makeWorld()
  const [a] = open(world, 1) as [number]
  world.begin()
  world.channels.send(a)
  world.channels.close(a)
  const other = world.channels.bindIpi(0)
  expect(other).not.toBe(a)
  expect(world.take()).toEqual([])
  expect(world.channels.bindIpi(0)).toBe(a)
})

test('refusals', () => {
  const world = makeWorld()
  const [a] = open(world, 1) as [number]
  expect(world.call(12, WORDS, 0)).toBe(-38)
  expect(world.call(13, a, 0)).toBe(-38)
  expect(world.call(11, CONTROL, 0, 0, 1)).toBe(-2)
  expect(world.call(11, CONTROL, 0, 4, 0)).toBe(-22)
  expect(world.call(11, CONTROL, 0, 4096 - 64, 0)).toBe(-22)
  expect(world.call(11, 16, 0, 0, 0)).toBe(-22)
  expect(world.call(11, CONTROL, 1, 0, 0)).toBe(-22)
  world.begin()
  expect(world.call(11, CONTROL, 0, 0, 0)).toBe(-22)
  expect(world.call(13, a, 16)).toBe(-22)
  expect(world.call(13, 99, 0)).toBe(-22)
  expect(world.call(14, 0, 0)).toBe(-38)
  for (let page = 1; page < 128; page++) expect(world.call(12, 3, 0)).toBe(0)
  expect(world.call(12, 3, 0)).toBe(-28)
})

test('random raises, masks, priorities and takings: what is unmasked comes, with a saved state put back at times', () => {
  const world = makeWorld()
  const ports = open(world, 60)
  world.begin()
  let seed = 7
  const below = (n: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return (seed >>> 8) % n
  }
  const pending = new Set<number>()
  const masked = new Set<number>()
  for (let round = 0; round < 20_000; round++) {
    const port = ports[below(ports.length)]!
    const choice = below(12)
    if (choice < 6) {
      world.channels.send(port)
      pending.add(port)
    } else if (choice === 6) {
      masked.add(port)
      world.setMask(port, true)
    } else if (choice === 7) {
      masked.delete(port)
      if (below(2) === 0) world.setMask(port, false)
      world.channels.unmask(port)
    } else if (choice === 8) expect(world.call(13, port, below(16))).toBe(0)
    else if (choice === 9) {
      const saved = JSON.parse(JSON.stringify(world.shared.fifo!.save()))
      world.shared.fifo = FifoEvents.restored(world.memory, saved)
    } else if (choice === 10) {
      const came = world.take().sort((x, y) => x - y)
      expect(came).toEqual([...pending].filter(each => !masked.has(each)).sort((x, y) => x - y))
      for (const each of came) pending.delete(each)
    }
  }
})
