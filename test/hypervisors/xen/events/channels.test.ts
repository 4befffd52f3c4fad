// Event channels: ports by the lowest number, what they are bound to, and which bits go up when.

import {
  EventChannels,
  INTERDOMAIN,
  type SharedBits,
  UNBOUND,
  VIRQ,
} from '../../../../hypervisors/xen/events/channels.js'

const DOMAIN = 1
const SELF = 0x7ff0

function channels() {
  const pending = new Set<number>()
  const masked = new Set<number>()
  const selected = new Set<number>()
  const upcalls: number[] = []
  const bits: SharedBits = {
    pending: port => pending.has(port),
    setPending: port => pending.add(port),
    clearPending: port => pending.delete(port),
    masked: port => masked.has(port),
    setMasked: (port, on) => (on ? masked.add(port) : masked.delete(port)),
    select: port => {
      const isNew = !selected.has(port >>> 5)
      selected.add(port >>> 5)
      return isNew
    },
    upcallPending: false,
  }
  return { ports: new EventChannels(DOMAIN, bits, port => upcalls.push(port)), bits, pending, masked, selected }
}

test('the lowest free port, again after a close', () => {
  const { ports } = channels()
  expect([ports.bindVirq(1, 0), ports.bindIpi(0), ports.bindVirq(2, 0)]).toEqual([1, 2, 3])
  expect(ports.close(2)).toBe(0)
  expect(ports.allocateUnbound(SELF, SELF)).toBe(2)
  expect(ports.status(2)).toMatchObject({ state: UNBOUND, remoteDomain: DOMAIN })
})

test('errors', () => {
  const { ports } = channels()
  expect(ports.bindVirq(24, 0)).toBe(-22)
  expect(ports.bindVirq(0, 1)).toBe(-2)
  ports.bindVirq(0, 0)
  expect(ports.bindVirq(0, 0)).toBe(-17)
  expect(ports.send(9)).toBe(-22)
  expect(ports.close(9)).toBe(-22)
  // Ports are made 64 at a time, and one that was made can be unmasked before it is in use.
  expect(ports.unmask(0)).toBe(0)
  expect(ports.unmask(63)).toBe(0)
  expect(ports.unmask(64)).toBe(-22)
  expect(ports.bindInterdomain(SELF, 1)).toBe(-22)
  expect(ports.bindInterdomain(5, 1)).toBe(-3)
  expect(ports.allocateUnbound(5, 0)).toBe(-3)
  expect(ports.bindVcpu(1, 0)).toBe(-22)
  for (let port = 2; port < 1024; port++) expect(ports.bindIpi(0)).toBe(port)
  expect(ports.bindIpi(0)).toBe(-28)
})

test('two ends in one domain: binding raises the new end, sending the other', () => {
  const { ports, pending } = channels()
  const unbound = ports.allocateUnbound(SELF, SELF)
  const bound = ports.bindInterdomain(SELF, unbound)
  expect(ports.status(bound)).toMatchObject({ state: INTERDOMAIN, remotePort: unbound })
  expect([...pending]).toEqual([bound])
  ports.send(bound)
  expect(pending.has(unbound)).toBe(true)
  ports.close(bound)
  expect(ports.status(unbound)).toMatchObject({ state: UNBOUND })
})

test('a masked port is pending without an upcall, and unmasking raises it', () => {
  const { ports, bits, pending, masked, selected } = channels()
  const port = ports.bindVirq(0, 0)
  expect(ports.status(port)).toMatchObject({ state: VIRQ, source: 0 })
  masked.add(port)
  ports.raiseVirq(0)
  expect([pending.has(port), selected.size, bits.upcallPending]).toEqual([true, 0, false])
  expect(ports.unmask(port)).toBe(0)
  expect([masked.has(port), selected.has(0), bits.upcallPending]).toEqual([false, true, true])
})

test('a port that is pending already changes nothing', () => {
  const { ports, bits, selected } = channels()
  const port = ports.bindVirq(0, 0)
  ports.raise(port)
  bits.upcallPending = false
  selected.clear()
  ports.raise(port)
  expect([bits.upcallPending, selected.size]).toEqual([false, 0])
})

test('a channel to the hypervisor tells its listener', () => {
  const { ports, pending } = channels()
  let told = 0
  const port = ports.connect(0, () => {
    told++
  })
  expect(ports.send(port)).toBe(0)
  expect([told, pending.size]).toEqual([1, 0])
})
