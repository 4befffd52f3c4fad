// The NE2000 in the steps of Linux's driver and against the data sheet of the DP8390D: probe, remote DMA, ring, filters.
import { multicastHash } from '../../src/devices/dp8390-filter.js'
import { Ne2000 } from '../../src/devices/ne2000-dp8390.js'
import { PacketLine } from '../../src/machine/line.js'
import { checkSaveRestore, Rig } from './rig.js'

const MAC = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56)
const [START_PAGE, STOP_PAGE, RECEIVE_PAGE] = [0x40, 0x80, 0x46]

class Board extends Rig {
  readonly irq = this.line('irq9')
  readonly packets = new PacketLine('eth0')
  readonly sent: Uint8Array[] = []
  readonly card = this.add(new Ne2000(this.irq, this.packets, MAC))
  constructor() {
    super()
    this.map(0x300, 32, this.card)
    this.packets.output = frame => {
      this.sent.push(frame)
      this.note(`sent ${frame.length}`)
    }
  }

  outAll(...pairs: [number, number][]): void {
    for (const [register, value] of pairs) this.out(0x300 + register, value)
  }

  /** The start-up of a driver: word transfers, ring at 0x46-0x7F, own frames and broadcasts. */
  open(): this {
    this.outAll([0, 0x21], [14, 0x49], [10, 0], [11, 0], [12, 0x04], [13, 0x02])
    this.outAll([4, START_PAGE], [1, RECEIVE_PAGE], [3, RECEIVE_PAGE], [2, STOP_PAGE], [7, 0xff], [15, 0x7f])
    this.out(0x300, 0x61)
    for (const [index, byte] of MAC.entries()) this.out(0x301 + index, byte)
    this.out(0x307, RECEIVE_PAGE + 1)
    this.out(0x300, 0x22)
    this.out(0x30d, 0)
    return this
  }

  remote(command: number, address: number, bytes: number): void {
    this.outAll([10, bytes & 0xff], [11, bytes >> 8], [8, address & 0xff], [9, address >> 8], [0, command])
  }

  /** Remote DMA from the card's memory, in words. */
  fetch(address: number, bytes: number): Uint8Array {
    this.remote(0x0a, address, bytes)
    const result = new Uint8Array(bytes)
    for (let at = 0; at < bytes; at += 2) {
      const word = this.in(0x310, 2)
      result[at] = word & 0xff
      result[at + 1] = word >> 8
    }
    return result
  }

  get current(): number {
    this.out(0x300, 0x62)
    const page = this.in(0x307)
    this.out(0x300, 0x22)
    return page
  }
}

function frame(length: number, destination: Uint8Array = MAC): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, index) => index * 7)
  bytes.set(destination)
  return bytes
}

test('the probe of Linux: reset, counters, PROM in bytes with each byte twice', () => {
  const board = new Board()
  board.in(0x31f)
  expect(board.in(0x307) & 0x80).toBe(0x80)
  board.outAll([0, 0x61], [13, 0xff], [0, 0x20])
  expect([board.in(0x30d), board.in(0x30d)]).toEqual([0, 0])
  board.outAll([0, 0x21], [14, 0x48])
  board.remote(0x0a, 0, 32)
  const prom = Array.from({ length: 32 }, () => board.in(0x310))
  expect(prom.filter((_, index) => index % 2 === 0).slice(0, 6)).toEqual([...MAC])
  expect(prom.every((byte, index) => byte === prom[index ^ 1])).toBe(true)
  expect(prom.slice(28)).toEqual([0x57, 0x57, 0x57, 0x57])
  expect(board.in(0x307) & 0x40).toBe(0x40)
})

test('a remote DMA of no bytes is done at once, which drivers use to find the interrupt', () => {
  const board = new Board()
  board.outAll([15, 0x50], [10, 0], [11, 0], [0, 0x0a])
  expect(board.irq.level).toBe(true)
  board.out(0x307, 0xff)
  expect(board.irq.level).toBe(false)
})

test('transmission: words by string output, then the command', () => {
  const board = new Board().open()
  const packet = frame(64)
  board.remote(0x12, START_PAGE << 8, 64)
  expect(board.bus.writeBlock(0x310, 2, 40, new Uint8Array([...packet, ...new Uint8Array(16)]))).toBe(32)
  expect(board.in(0x307) & 0x40).toBe(0x40)
  board.outAll([7, 0xff], [4, START_PAGE], [5, 64], [6, 0], [0, 0x26])
  expect(board.sent).toEqual([packet])
  expect(board.in(0x300) & 4).toBe(0)
  expect(board.in(0x304) & 1).toBe(1)
  expect(board.in(0x307)).toBe(0x02)
  expect(board.irq.level).toBe(true)
})

test('reception: header and bytes in the ring, the next page, the interrupt', () => {
  const board = new Board().open()
  const packet = frame(300)
  board.packets.input(packet)
  expect(board.in(0x307) & 1).toBe(1)
  expect(board.irq.level).toBe(true)
  expect(board.current).toBe(RECEIVE_PAGE + 3)
  const bytes = board.fetch((RECEIVE_PAGE + 1) << 8, 304)
  expect([...bytes.subarray(0, 4)]).toEqual([0x01, RECEIVE_PAGE + 3, 304 & 0xff, 304 >> 8])
  expect(bytes.subarray(4)).toEqual(packet)
})

test('a short frame is padded to 60 bytes', () => {
  const board = new Board().open()
  board.packets.input(frame(14))
  expect([...board.fetch((RECEIVE_PAGE + 1) << 8, 4)]).toEqual([0x01, RECEIVE_PAGE + 2, 64, 0])
})

test.each([
  ['by interrupt: a group of frames at a time', 0x7f],
  ['by polling: whenever the ring is empty', 0],
])('the ring wraps, and frames wait for their turn: none is lost, %s', (_how, mask) => {
  const board = new Board().open()
  board.out(0x30f, mask)
  const frames = Array.from({ length: 60 }, (_, index) => frame(1000 + index))
  for (const one of frames) board.packets.input(one)
  const got: Uint8Array[] = []
  let before = 0
  let page = RECEIVE_PAGE + 1
  while (page !== board.current) {
    const header = board.fetch(page << 8, 4)
    const length = header[2]! + header[3]! * 256 - 4
    // Remote DMA itself goes round the ring.
    got.push(board.fetch((page << 8) + 4, length + (length & 1)).slice(0, length))
    page = header[1]!
    board.out(0x303, page === RECEIVE_PAGE ? STOP_PAGE - 1 : page - 1)
    if (mask !== 0 && page === board.current) {
      expect(got.length - before).toBeLessThanOrEqual(8)
      before = got.length
      board.out(0x307, 1)
    }
  }
  expect(got).toEqual(frames)
})

test('a command with neither start nor stop leaves the chip as it is: frames are not lost meanwhile', () => {
  const board = new Board().open()
  board.out(0x300, 0x60)
  board.packets.input(frame(64))
  board.out(0x300, 0x20)
  board.packets.input(frame(65))
  board.out(0x307, 1)
  expect(board.current).toBe(RECEIVE_PAGE + 3)
  board.outAll([0, 0x21], [0, 0x20])
  board.packets.input(frame(66))
  expect(board.current).toBe(RECEIVE_PAGE + 3)
})

test('only own frames, accepted broadcasts and multicasts of the filter are taken', () => {
  const board = new Board().open()
  const group = Uint8Array.of(0x01, 0x00, 0x5e, 0, 0, 0xfb)
  const taken = (destination: Uint8Array) => {
    board.out(0x307, 0xff)
    board.packets.input(frame(60, destination))
    return (board.in(0x307) & 1) === 1
  }
  const everyone = new Uint8Array(6).fill(0xff)
  expect([taken(MAC), taken(everyone), taken(frame(6).fill(2)), taken(group)]).toEqual([true, true, false, false])
  board.out(0x30c, 0x08)
  expect(taken(everyone)).toBe(false)
  expect(taken(group)).toBe(false)
  // The hash of 01:00:5e:00:00:fb by the CRC-32 that zlib computes, bits reversed.
  board.outAll([0, 0x62], [8 + (multicastHash(group) >> 3), 1 << (multicastHash(group) & 7)], [0, 0x22])
  expect(taken(group)).toBe(true)
  board.out(0x30c, 0x10)
  expect(taken(frame(6).fill(2))).toBe(true)
  board.out(0x300, 0x21)
  expect(taken(MAC)).toBe(false)
})

test('the multicast hash is the top of the Ethernet CRC', () => {
  const reference = (bytes: Uint8Array) => {
    let crc = 0xffffffff // reflected form, as in IEEE 802.3 software
    for (const byte of bytes) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    }
    let hash = 0
    for (let bit = 0; bit < 6; bit++) hash = (hash << 1) | ((crc >>> bit) & 1)
    return hash
  }
  for (let low = 0; low < 256; low++) {
    const address = Uint8Array.of(1, 0, 0x5e, low ^ 0x55, 3, low)
    expect(multicastHash(address)).toBe(reference(address))
  }
})

test('the registers of page 2 show the configuration', () => {
  const board = new Board().open()
  board.out(0x300, 0xa2)
  expect([1, 2, 4, 12, 14].map(register => board.in(0x300 + register))).toEqual([
    RECEIVE_PAGE,
    STOP_PAGE,
    START_PAGE,
    0xc4,
    0xc9,
  ])
})

test('saving and restoring at any moment changes nothing', () => {
  const ports = Array.from({ length: 16 }, (_, register) => 0x300 + register)
  checkSaveRestore(() => new Board().open(), [...ports, 0x300, 0x303, 0x307, 0x310, 0x310, 0x31f], {
    sizes: [1, 2],
    values: [0x22, 0x62, 0x26, 0x0a, 0x12, 0x21, 0x47, 0x50, 0xff, 0x40],
    events: [board => board.note(`${board.fetch(0x4600, 40)}`)],
  })
})
