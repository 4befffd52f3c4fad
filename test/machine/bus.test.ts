// The address space of devices: splitting, unclaimed accesses, overlap, string I/O.
import { Bus, type BusDevice, BusOverlap, copyState } from '../../src/machine/bus.js'
import { CharacterLine, Line } from '../../src/machine/line.js'

class Recorder implements BusDevice {
  readonly accesses: string[] = []
  constructor(readonly width: 1 | 2 | 4) {}
  read(offset: number, size: number): number {
    this.accesses.push(`r${size}@${offset}`)
    return 0x10 + offset
  }
  write(offset: number, size: number, value: number): void {
    this.accesses.push(`w${size}@${offset}=${value.toString(16)}`)
  }
}

describe.each([0x10000, 0x100000000])('a bus of %d addresses', size => {
  test('splits wide accesses for a narrow chip, lowest address first', () => {
    const bus = new Bus('ports', size)
    const chip = new Recorder(1)
    const mapping = bus.map({ name: 'chip', base: 0x60, length: 4 }, chip)
    expect(bus.read(0x60, 4)).toBe(0x13121110)
    bus.write(0x61, 2, 0xbbaa)
    expect(chip.accesses).toEqual(['r1@0', 'r1@1', 'r1@2', 'r1@3', 'w1@1=aa', 'w1@2=bb'])
    expect(mapping).toMatchObject({ reads: 1, writes: 1 })
  })

  test('an unclaimed access reads all ones and is counted', () => {
    const bus = new Bus('ports', size)
    expect([bus.read(0x300, 1), bus.read(0x302, 2), bus.read(0x304, 4)]).toEqual([0xff, 0xffff, 0xffffffff])
    bus.write(0x308, 2, 1)
    expect(bus.unclaimed).toEqual({ reads: 3, writes: 1, lastAddress: 0x308 })
  })

  test('an access across an edge goes to both sides byte by byte', () => {
    const bus = new Bus('ports', size)
    const chip = new Recorder(4)
    bus.map({ name: 'chip', base: 0x60, length: 1 }, chip)
    expect(bus.read(0x60, 2)).toBe(0xff10)
    expect(chip.accesses).toEqual(['r1@0'])
    expect(bus.unclaimed.lastAddress).toBe(0x61)
  })

  test('overlap is refused and names both ranges', () => {
    const bus = new Bus('ports', size)
    const chip = new Recorder(1)
    bus.map({ name: 'first', base: 0x60, length: 4 }, chip)
    expect(() => bus.map({ name: 'second', base: 0x63, length: 2 }, chip)).toThrow(BusOverlap)
    expect(() => bus.map({ name: 'second', base: 0x63, length: 2 }, chip)).toThrow(
      'second at 0x63-0x64 overlaps first at 0x60-0x63',
    )
    expect(() => bus.map({ name: 'third', base: size - 1, length: 2 }, chip)).toThrow(RangeError)
  })

  test('an unmapped range is free again', () => {
    const bus = new Bus('ports', size)
    const mapping = bus.map({ name: 'chip', base: 0x60, length: 4 }, new Recorder(1))
    expect(bus.read(0x60, 1)).toBe(0x10)
    bus.unmap(mapping)
    expect(bus.read(0x60, 1)).toBe(0xff)
    bus.map({ name: 'other', base: 0x62, length: 1 }, new Recorder(1))
    expect(bus.mappings.map(({ name }) => name)).toEqual(['other'])
  })
})

test('string I/O is one operation where the device can, single units elsewhere', () => {
  const bus = new Bus('ports', 0x10000)
  const plain = new Recorder(1)
  bus.map({ name: 'plain', base: 0x10, length: 1 }, plain)
  const sink = new Uint8Array(8)
  expect(bus.readBlock(0x10, 1, 8, sink)).toBe(1)
  expect(sink[0]).toBe(0x10)
  expect(bus.writeBlock(0x10, 1, 8, Uint8Array.of(0x5a))).toBe(1)
  expect(plain.accesses).toEqual(['r1@0', 'w1@0=5a'])
  const block: BusDevice = {
    read: () => 0,
    write: () => {},
    readBlock: (_offset, unit, count, target) => {
      target.fill(7, 0, unit * count)
      return count - 1
    },
  }
  const mapping = bus.map({ name: 'block', base: 0x20, length: 2 }, block)
  expect(bus.readBlock(0x20, 2, 4, sink)).toBe(3)
  expect(mapping.reads).toBe(3)
})

test('copied state shares nothing', () => {
  const state = { bytes: Uint8Array.of(1, 2), list: [1, { deep: true }], nothing: null }
  const copy = copyState(state)
  expect(copy).toEqual(state)
  copy.bytes[0] = 9
  ;(copy.list[1] as { deep: boolean }).deep = false
  expect(state).toEqual({ bytes: Uint8Array.of(1, 2), list: [1, { deep: true }], nothing: null })
})

test('a line tells of changes only, and nothing of a restore', () => {
  const line = new Line('irq4')
  const seen: boolean[] = []
  line.onChange(level => seen.push(level))
  line.set(false)
  line.set(true)
  line.set(true)
  line.restore(false)
  line.set(true)
  expect(seen).toEqual([true, true])
})

test('a character line keeps the order over many bytes', () => {
  const line = new CharacterLine('com1')
  let told = 0
  line.onInput = () => told++
  line.input('å')
  for (let byte = 0; byte < 10_000; byte++) line.input(Uint8Array.of(byte))
  expect([line.take(), line.take()]).toEqual([0xc3, 0xa5])
  for (let byte = 0; byte < 10_000; byte++) expect(line.take()).toBe(byte & 0xff)
  expect(line.take()).toBeUndefined()
  expect(told).toBe(10_001)
})
