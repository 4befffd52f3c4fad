// A wire counts what its card sends and takes; a frame that waits has not been taken.

import { PacketLine } from '../../src/machine/line.js'

test('frames and bytes are counted in both directions', () => {
  const wire = new PacketLine('eth0')
  const far: number[] = []
  wire.output = frame => far.push(frame.length)
  wire.transmit(new Uint8Array(60))
  wire.transmit(new Uint8Array(1514))
  wire.input(new Uint8Array(100))
  wire.input(new Uint8Array(64))
  expect(wire.take()).toHaveLength(100)
  expect(far).toEqual([60, 1514])
  expect(wire.counts).toEqual({ sent: 2, sentBytes: 1574, received: 1, receivedBytes: 100 })
  wire.take()
  wire.take()
  expect(wire.counts).toMatchObject({ received: 2, receivedBytes: 164 })
})
