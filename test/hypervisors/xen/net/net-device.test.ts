// The handshake of a network interface by xenstore (io/netif.h, io/xenbus.h), and when its driver looks at the rings: at a
// notification, while there is traffic at intervals, and when the domain waits.

import type { Domain } from '../../../../hypervisors/xen/domain.js'
import { EventChannels, UNBOUND } from '../../../../hypervisors/xen/events/channels.js'
import { Timers } from '../../../../hypervisors/xen/events/timers.js'
import { NetDevice } from '../../../../hypervisors/xen/net/net-device.js'
import { StoreServer } from '../../../../hypervisors/xen/store/server.js'
import { StoreTree } from '../../../../hypervisors/xen/store/tree.js'
import { DeviceBackEnd } from '../../../../hypervisors/xen/xenbus/back-end.js'
import { DOMAIN } from '../granting-domain.js'
import { netWorld, PAGES, RECEIVE_RING, SEND_RING } from './net-world.js'

const READ = 2
const WRITE = 11
const SELF = 0x7ff0
const MILLISECOND = 1_000_000
const PACKET = { reference: PAGES[0]!, offset: 0, flags: 0, size: 60 }

function device() {
  const world = netWorld()
  let now = 0
  let raised = 0
  let entered = 0
  const bits = {
    pending: () => false,
    setPending: () => raised++,
    clearPending: () => {},
    masked: () => true,
    setMasked: () => {},
    select: () => false,
    upcallPending: false,
  }
  const channels = new EventChannels(DOMAIN, bits, () => {})
  const timers = new Timers(
    () => now,
    () => {},
  )
  timers.setPeriod(undefined)
  const { memory, types, grants } = world
  const domain = { id: DOMAIN, channels, memory, types, grants, timers, onWait: () => {} } as unknown as Domain
  const net = new NetDevice(domain, world.wire, () => entered++)
  const end = new DeviceBackEnd(DOMAIN, net)
  const tree = new StoreTree()
  end.publish(tree)
  let answer = ''
  const server = new StoreServer(tree, DOMAIN, message => {
    answer = Buffer.from(message.payload).toString()
  })
  server.onWritten = path => end.changed(server, path)
  const ask = (type: number, payload: string) => {
    server.request({ type, request: 1, transaction: 0, payload: Buffer.from(payload) })
    return answer
  }
  const back = ask(READ, 'device/vif/0/backend\0')
  const set = (name: string, value: string | number) => ask(WRITE, `device/vif/0/${name}\0${value}`)
  const port = channels.allocateUnbound(SELF, 0)
  return {
    ...{ world, channels, timers, domain, net, port, set },
    front: (name: string) => ask(READ, `device/vif/0/${name}\0`),
    back: (name: string) => ask(READ, `${back}/${name}\0`),
    raised: () => raised,
    entered: () => entered,
    connect(nodes: Record<string, string | number> = {}) {
      const own = { 'tx-ring-ref': SEND_RING, 'rx-ring-ref': RECEIVE_RING, 'event-channel': port, 'request-rx-copy': 1 }
      for (const [name, value] of Object.entries({ ...own, ...nodes })) set(name, value)
      set('state', 4)
    },
    /** Time passes, and what is due is done. */
    pass(nanoseconds: number) {
      now += nanoseconds
      timers.runDue()
    },
  }
}

test('both ends are announced: address, copying of received packets, no offers that are not kept', () => {
  const { front, back } = device()
  expect([front('mac'), front('handle'), front('state'), back('mac'), back('state')]).toEqual([
    ...['52:54:00:12:34:56', '0', '1', '52:54:00:12:34:56', '2'],
  ])
  expect(['feature-rx-copy', 'feature-rx-flip', 'feature-sg', 'feature-gso-tcpv4'].map(back)).toEqual([
    ...['1', '0', '0', '0'],
  ])
})

test.each([
  ['a front end that wants pages instead of copies', { 'request-rx-copy': 0 }],
  ['a port that is none', { 'event-channel': 99 }],
  ['no number', { 'tx-ring-ref': 'x' }],
])('is refused, by closing: %s', (_what, nodes) => {
  const end = device()
  end.connect(nodes)
  expect(end.back('state')).toBe('5')
})

// As Linux's driver does (drivers/net/xen-netback/xenbus.c): GNU Mach says Initialised, then waits to see InitWait.
test('a front end that is initialised is waited for until it is connected', () => {
  const end = device()
  end.set('state', 3)
  expect(end.back('state')).toBe('2')
  end.connect()
  expect(end.back('state')).toBe('4')
})

test('a page of the rings that is no grant ends the service, and nothing else', () => {
  const end = device()
  end.connect({ 'rx-ring-ref': 600 })
  expect(end.back('state')).toBe('4')
  end.world.wire.input(new Uint8Array(60))
  expect(end.channels.send(end.port)).toBe(0)
})

test('a notification has everything taken; then none is asked for until an interval has passed without traffic', () => {
  const end = device()
  end.connect()
  const { sending, put, sent } = end.world
  expect(sending.get(4)).toBe(1)
  put(PACKET)
  end.channels.send(end.port)
  expect([sent.length, sending.get(4)]).toEqual([1, 1])
  put(PACKET, PACKET)
  end.pass(2 * MILLISECOND)
  expect([sent.length, sending.get(4)]).toEqual([3, 1])
  end.pass(2 * MILLISECOND)
  expect([sending.get(4), end.timers.next]).toEqual([4, undefined])
})

test('when the domain waits its rings are looked at', () => {
  const end = device()
  end.connect()
  end.world.put(PACKET)
  end.domain.onWait()
  expect(end.world.sent.length).toBe(1)
})

test('packets that come by themselves are delivered, told once, and bring the hypervisor back; answers need none of that', () => {
  const end = device()
  end.connect()
  const { post, receiving, wire, put } = end.world
  post(...PAGES.slice(0, 3))
  receiving.set(12, 1)
  wire.input(new Uint8Array(60))
  expect([receiving.get(8), end.raised(), end.entered()]).toEqual([1, 1, 1])
  wire.output = frame => wire.input(frame)
  receiving.set(12, 2)
  put(PACKET, PACKET)
  end.channels.send(end.port)
  expect([receiving.get(8), end.raised(), end.entered()]).toEqual([3, 2, 1])
})

test('closing gives the channel back and ends the looking; saved and restored it goes on at its place', () => {
  const end = device()
  end.connect()
  end.world.put(PACKET)
  end.channels.send(end.port)
  const saved = end.net.save()
  end.net.restore(null)
  expect([end.net.listenerOf(end.port), end.timers.next]).toEqual([undefined, undefined])
  end.net.restore(saved)
  end.world.put(PACKET)
  end.net.listenerOf(end.port)!()
  expect([end.world.sent.length, end.world.sending.get(8)]).toEqual([2, 2])
  end.set('state', 5)
  expect([end.back('state'), end.timers.next]).toEqual(['5', undefined])
  expect(end.channels.status(end.port)).toMatchObject({ state: UNBOUND })
})
