// The handshake of a device by xenstore (io/xenbus.h): what the front end's driver does, step by step, against the block
// device of a domain; refusals, closing and coming back.

import { BlockDevice } from '../../../../hypervisors/xen/block/block-device.js'
import type { Domain } from '../../../../hypervisors/xen/domain.js'
import { EventChannels, INTERDOMAIN, UNBOUND } from '../../../../hypervisors/xen/events/channels.js'
import { ERROR, type StoreMessage, StoreServer, WATCH_EVENT } from '../../../../hypervisors/xen/store/server.js'
import { StoreTree } from '../../../../hypervisors/xen/store/tree.js'
import { DeviceBackEnd } from '../../../../hypervisors/xen/xenbus/back-end.js'
import { MemoryStorage } from '../../../../src/devices/block-storage.js'
import { blockWorld, RING } from '../block/block-world.js'
import { DOMAIN } from '../granting-domain.js'

const READ = 2
const WATCH = 4
const WRITE = 11
const SELF = 0x7ff0

function device() {
  const storage = new MemoryStorage(new Uint8Array(64 * 512))
  const world = blockWorld(storage)
  const bits = {
    pending: () => false,
    setPending: () => {},
    clearPending: () => {},
    masked: () => true,
    setMasked: () => {},
    select: () => false,
    upcallPending: false,
  }
  const channels = new EventChannels(DOMAIN, bits, () => {})
  const { memory } = world
  const domain = { id: DOMAIN, channels, memory, types: world.types, grants: world.grants } as unknown as Domain
  const block = new BlockDevice(domain, storage)
  const end = new DeviceBackEnd(DOMAIN, block)
  const tree = new StoreTree()
  end.publish(tree)
  const sent: StoreMessage[] = []
  const server = new StoreServer(tree, DOMAIN, message => sent.push(message))
  server.onWritten = path => end.changed(server, path)
  const ask = (type: number, payload: string) => {
    sent.length = 0
    server.request({ type, request: 1, transaction: 0, payload: Buffer.from(payload) })
    return Buffer.from(sent[0]!.payload).toString()
  }
  const front = 'device/vbd/51712'
  const read = (path: string) => ask(READ, `${path}\0`)
  const back = read(`${front}/backend`)
  return {
    ...{ block, channels, sent, server, world, back },
    set: (name: string, value: string | number) => ask(WRITE, `${front}/${name}\0${value}`),
    front: (name: string) => read(`${front}/${name}`),
    backNode: (name: string) => read(`${back}/${name}`),
    watch: () => ask(WATCH, `${back}/state\0t\0`),
    connect(port: number, reference = RING) {
      this.set('ring-ref', reference)
      this.set('event-channel', port)
      this.set('protocol', 'x86_32-abi')
      this.set('state', 3)
    },
  }
}

test('both ends are announced as the tool stack does, each readable by the other', () => {
  const { front, backNode, back } = device()
  expect(back).toBe('/local/domain/0/backend/vbd/1/51712')
  expect([front('state'), front('backend-id'), front('virtual-device'), front('device-type')]).toEqual([
    ...['1', '0', '51712', 'disk'],
  ])
  expect([backNode('state'), backNode('frontend-id'), backNode('frontend'), backNode('feature-flush-cache')]).toEqual([
    ...['2', '1', '/local/domain/1/device/vbd/51712', '1'],
  ])
  // By device_disk_add() of Xen's tools/libs/light/libxl_disk.c; GNU Mach takes no disk without `params`.
  expect([front('protocol'), front('trusted')]).toEqual(['x86_32-abi', '1'])
  const ofTools = ['mode', 'device-type', 'specification', 'dev', 'bootable', 'removable', 'online', 'discard-enable']
  expect(ofTools.map(backNode)).toEqual(['w', 'disk', 'xen', 'xvda', '1', '0', '1', '1'])
  expect(backNode('params')).toMatch(/^\//)
})

test('from 1 to 4: the ring is bound, the size is told, watches on the state fire', () => {
  const end = device()
  const port = end.channels.allocateUnbound(SELF, 0)
  end.watch()
  end.connect(port)
  const events = end.sent
    .filter(({ type }) => type === WATCH_EVENT)
    .map(({ payload }) => Buffer.from(payload).toString())
  expect(events).toEqual([`${end.back}/state\0t\0`])
  expect([end.backNode('state'), end.backNode('sectors'), end.backNode('sector-size')]).toEqual(['4', '64', '512'])
  expect(end.channels.status(port)).toMatchObject({ state: INTERDOMAIN, remoteDomain: 0 })
  expect(end.set('state', 4)).toBe('OK\0')
  expect(end.backNode('state')).toBe('4')
})

test('requests that were in the ring before the channel was bound are served', () => {
  const end = device()
  end.world.put({ operation: 3, segments: [], sector: 0 })
  end.world.setIndex(0, 1)
  end.connect(end.channels.allocateUnbound(SELF, 0))
  expect(end.world.index(8)).toBe(1)
})

test.each([
  ['a port that is none', (end: ReturnType<typeof device>) => end.connect(99)],
  ['a port for another domain', (end: ReturnType<typeof device>) => end.connect(end.channels.allocateUnbound(SELF, 7))],
  ['no number', (end: ReturnType<typeof device>) => end.connect(end.channels.allocateUnbound(SELF, 0), Number.NaN)],
  [
    'another layout',
    (end: ReturnType<typeof device>) => {
      end.set('ring-ref', RING)
      end.set('event-channel', end.channels.allocateUnbound(SELF, 0))
      end.set('protocol', 'x86_64-abi')
      end.set('state', 3)
    },
  ],
])('is refused, by closing: %s', (_, attempt) => {
  const end = device()
  attempt(end)
  expect(end.backNode('state')).toBe('5')
})

test('closing gives the channel back, and the front end may come again', () => {
  const end = device()
  const port = end.channels.allocateUnbound(SELF, 0)
  end.connect(port)
  end.set('state', 5)
  expect(end.backNode('state')).toBe('5')
  expect(end.channels.status(port)).toMatchObject({ state: UNBOUND })
  end.set('state', 6)
  expect(end.backNode('state')).toBe('6')
  end.set('state', 1)
  expect(end.backNode('state')).toBe('2')
  end.connect(port)
  expect(end.backNode('state')).toBe('4')
})

test('states that make no sense change nothing', () => {
  const end = device()
  for (const state of ['', 'x', '9', '-1', '2']) {
    end.set('state', state)
    expect(end.backNode('state')).toBe('2')
  }
  expect(end.sent[0]!.type).not.toBe(ERROR)
})

test('saved and restored with its place in the ring', () => {
  const end = device()
  const port = end.channels.allocateUnbound(SELF, 0)
  end.connect(port)
  expect(end.world.put({ operation: 3, segments: [], sector: 0 })).toBe(1000)
  end.world.setIndex(0, 1)
  end.channels.send(port)
  const saved = structuredClone(end.block.save())
  expect(saved).toEqual({ reference: RING, port, consumer: 1 })
  end.block.restore(saved)
  expect(end.block.save()).toEqual(saved)
  expect(end.block.listenerOf(port)).toBeDefined()
  expect(end.block.listenerOf(port + 1)).toBeUndefined()
})
