// Virtio disk and console over MMIO, by a driver of our own that keeps the rules of VIRTIO 1.1.
import { MediaError, MemoryStorage } from '../../src/devices/block-storage.js'
import { VirtioBlock } from '../../src/devices/virtio-block.js'
import { VirtioConsole } from '../../src/devices/virtio-console.js'
import { VirtioMmio, type VirtioModel } from '../../src/devices/virtio-mmio.js'
import { DmaError, type DmaMemory } from '../../src/devices/virtqueue.js'
import { CharacterLine } from '../../src/machine/line.js'
import { checkSaveRestore, Rig } from './rig.js'

const BASE = 0x1000 // of the registers, on the rig's bus
const RAM_BYTES = 0x10000

/** A board with RAM and a driver written from the specification. */
class Board extends Rig {
  readonly ram = new Uint8Array(RAM_BYTES)
  readonly view = new DataView(this.ram.buffer)
  readonly irq = this.line('irq5')
  readonly transport: VirtioMmio
  private readonly next: number[] = []

  constructor(model: VirtioModel) {
    super()
    const check = (physical: number, length: number) => {
      if (physical + length > RAM_BYTES) throw new DmaError(`no memory at 0x${physical.toString(16)}`)
    }
    const memory: DmaMemory = {
      read: (physical, length) => {
        check(physical, length)
        return this.ram.slice(physical, physical + length)
      },
      write: (physical, bytes) => {
        check(physical, bytes.length)
        this.ram.set(bytes, physical)
      },
    }
    this.transport = this.add(new VirtioMmio(this.irq, memory, model))
    this.map(BASE, 0x200, this.transport)
    this.keep('ram', this.ram)
  }

  /** Memory that is saved and restored with the chips. */
  keep(name: string, bytes: Uint8Array): void {
    this.add({
      name,
      reset: () => {},
      save: () => ({ bytes: bytes.slice() }),
      restore: state => bytes.set(state.bytes as Uint8Array),
    })
  }

  /** The driver's place in the available ring, for a driver that goes on after a restore. */
  resume(queue: number): void {
    this.next[queue] = this.view.getUint16(0x1000 * (queue + 1) + 0x102, true)
  }

  get(register: number): number {
    return this.in(BASE + register, 4)
  }

  set(register: number, value: number): void {
    this.out(BASE + register, value, 4)
  }

  /** Rings of eight entries: queue n has its tables at 0x1000 * (n + 1). */
  start(features = 0): this {
    for (const status of [0, 1, 3]) this.set(0x70, status)
    this.set(0x24, 0)
    this.set(0x20, features)
    this.set(0x24, 1)
    this.set(0x20, 1)
    this.set(0x70, 0x0b)
    for (let queue = 0; ; queue++) {
      this.set(0x30, queue)
      if (this.get(0x34) === 0) break
      const tables = 0x1000 * (queue + 1)
      this.set(0x38, 8)
      this.set(0x80, tables)
      this.set(0x90, tables + 0x100)
      this.set(0xa0, tables + 0x200)
      this.set(0x44, 1)
      this.next[queue] = 0
    }
    this.set(0x70, 0x0f)
    return this
  }

  /** Puts a request of several buffers into a queue and notifies. */
  submit(queue: number, ...buffers: { at: number; length: number; write?: boolean }[]): void {
    const tables = 0x1000 * (queue + 1)
    for (const [index, { at, length, write }] of buffers.entries()) {
      const descriptor = tables + 16 * index
      this.view.setUint32(descriptor, at, true)
      this.view.setUint32(descriptor + 4, 0, true)
      this.view.setUint32(descriptor + 8, length, true)
      this.view.setUint16(descriptor + 12, (write ? 2 : 0) | (index < buffers.length - 1 ? 1 : 0), true)
      this.view.setUint16(descriptor + 14, index + 1, true)
    }
    const entry = this.next[queue]!++
    this.view.setUint16(tables + 0x100 + 4 + 2 * (entry % 8), 0, true)
    this.view.setUint16(tables + 0x102, entry + 1, true)
    this.set(0x50, queue)
  }

  used(queue: number): { count: number; written: number } {
    const tables = 0x1000 * (queue + 1)
    const count = this.view.getUint16(tables + 0x202, true)
    return { count, written: this.view.getUint32(tables + 0x204 + 8 * ((count - 1) & 7) + 4, true) }
  }
}

class BlockBoard extends Board {
  readonly storage: MemoryStorage
  constructor() {
    const storage = new MemoryStorage(Uint8Array.from({ length: 64 * 512 }, (_, at) => (at >> 9) * 3 + at))
    super(new VirtioBlock(storage))
    this.storage = storage
    this.keep('disk', storage.bytes)
  }

  /** A block request; returns its status byte. */
  request(type: number, sector: number, length: number): number {
    this.view.setUint32(0x8000, type, true)
    this.view.setUint32(0x8008, sector, true)
    this.ram[0x8010] = 0xee
    const data = length === 0 ? [] : [{ at: 0x9000, length, write: type !== 1 }]
    this.submit(0, { at: 0x8000, length: 16 }, ...data, { at: 0x8010, length: 1, write: true })
    return this.ram[0x8010]!
  }
}

class ConsoleBoard extends Board {
  readonly characters: CharacterLine
  constructor() {
    const characters = new CharacterLine('hvc0')
    super(new VirtioConsole(characters))
    this.characters = characters
    characters.output = byte => this.note(`sent ${byte}`)
  }
}

test('identity and features', () => {
  const board = new BlockBoard()
  expect([0, 4, 8].map(register => board.get(register))).toEqual([0x74726976, 2, 2])
  expect(board.get(0x10)).toBe((1 << 6) | (1 << 9))
  board.set(0x14, 1)
  expect(board.get(0x10)).toBe(1)
  expect(board.get(0x100)).toBe(64)
  expect(board.get(0x114)).toBe(512)
})

test('features that are not offered, or no VERSION_1, are refused', () => {
  const board = new BlockBoard()
  board.start(1 << 3)
  expect(board.get(0x70) & 8).toBe(0)
  board.start(1 << 9)
  expect(board.get(0x70)).toBe(0x0f)
})

test('reading and writing sectors', () => {
  const board = new BlockBoard().start()
  expect(board.request(0, 5, 1024)).toBe(0)
  expect(board.used(0)).toEqual({ count: 1, written: 1025 })
  expect(board.ram.slice(0x9000, 0x9400)).toEqual(board.storage.bytes.slice(5 * 512, 7 * 512))
  expect(board.irq.level).toBe(true)
  expect(board.get(0x60)).toBe(1)
  board.set(0x64, 1)
  expect(board.irq.level).toBe(false)
  board.ram.fill(0x77, 0x9000, 0x9200)
  expect(board.request(1, 63, 512)).toBe(0)
  expect(board.used(0)).toEqual({ count: 2, written: 1 })
  expect(board.storage.bytes.slice(63 * 512)).toEqual(new Uint8Array(512).fill(0x77))
})

test('flush, id, unknown requests, the end of the disk, media errors', () => {
  const board = new BlockBoard().start()
  expect(board.request(4, 0, 0)).toBe(0)
  expect(board.request(8, 0, 20)).toBe(0)
  expect(String.fromCharCode(...board.ram.slice(0x9000, 0x9007))).toBe('previrt')
  expect(board.request(77, 0, 0)).toBe(2)
  expect(board.request(0, 63, 1024)).toBe(1)
  expect(board.request(0, 0, 100)).toBe(1)
  board.storage.read = lba => {
    throw new MediaError(lba, 'scratched')
  }
  expect(board.request(0, 0, 512)).toBe(1)
  expect(board.used(0).count).toBe(6)
})

test('the driver may do without interrupts', () => {
  const board = new BlockBoard().start()
  board.view.setUint16(0x1100, 1, true)
  board.request(4, 0, 0)
  expect(board.irq.level).toBe(false)
})

test.each([
  ['an address outside memory', (board: BlockBoard) => board.submit(0, { at: 0xff000000, length: 16 })],
  ['a request without status', (board: BlockBoard) => board.submit(0, { at: 0x8000, length: 16 })],
  [
    'a huge request',
    (board: BlockBoard) => board.submit(0, { at: 0, length: 16 }, { at: 0, length: 0xf0000000, write: true }),
  ],
  [
    'a chain without end',
    (board: BlockBoard) => {
      board.view.setUint32(0x1008, 16, true)
      board.view.setUint16(0x100c, 1, true)
      board.view.setUint16(0x1102, 1, true)
      board.set(0x50, 0)
    },
  ],
])('%s asks for a reset, which brings the device back', (_name, breakIt) => {
  const board = new BlockBoard().start()
  breakIt(board)
  expect(board.get(0x70) & 0x40).toBe(0x40)
  expect(board.get(0x60) & 2).toBe(2)
  expect(board.used(0).count).toBe(0)
  board.ram.fill(0)
  board.start()
  expect(board.request(0, 5, 512)).toBe(0)
})

test('the console carries bytes both ways; input waits for buffers', () => {
  const board = new ConsoleBoard().start()
  board.ram.set([1, 2, 3], 0x8000)
  board.submit(1, { at: 0x8000, length: 3 })
  expect(board.log.filter(entry => entry.includes('sent'))).toEqual(['0 sent 1', '0 sent 2', '0 sent 3'])
  board.characters.input('abc')
  expect(board.used(0).count).toBe(0)
  board.submit(0, { at: 0x9000, length: 2, write: true })
  expect(board.used(0)).toEqual({ count: 1, written: 2 })
  board.submit(0, { at: 0x9010, length: 8, write: true })
  expect(board.used(0)).toEqual({ count: 2, written: 1 })
  expect([board.ram[0x9000], board.ram[0x9001], board.ram[0x9010]]).toEqual([0x61, 0x62, 0x63])
  board.submit(0, { at: 0x9020, length: 8, write: true })
  board.characters.input('d')
  expect(board.used(0)).toEqual({ count: 3, written: 1 })
})

test('saving and restoring at any moment changes nothing', () => {
  const registers = [0x10, 0x14, 0x20, 0x24, 0x30, 0x34, 0x38, 0x44, 0x50, 0x60, 0x64, 0x70, 0x80, 0x100]
  checkSaveRestore(
    () => new BlockBoard().start(),
    registers.map(register => BASE + register),
    {
      sizes: [4],
      values: [0, 1, 3, 0x0b, 0x0f, 8],
      events: [
        board => {
          board.resume(0)
          board.note(`status ${board.request(0, board.now % 63, 512)}`)
        },
        board => {
          board.resume(0)
          board.note(`status ${board.request(1, 7, 1024)}`)
        },
        board => void board.start(),
      ],
    },
  )
})
