// The ATA disk against ATA/ATAPI-4 (T13/1153D), command by command, with interrupts and errors.
import { MediaError, MemoryStorage } from '../../src/devices/block-storage.js'
import { IdeAta } from '../../src/devices/ide-ata.js'
import { checkSaveRestore, Rig } from './rig.js'

const SECTORS = 4096
const CONTENTS = Uint8Array.from({ length: SECTORS * 512 }, (_, at) => (at >> 9) ^ (at & 0xff))

/** A medium that forgets what is written: it is no part of a disk's saved state. */
class Unchanging extends MemoryStorage {
  override write(): void {}
}

class Board extends Rig {
  readonly irq = this.line('irq14')
  readonly disk: IdeAta
  constructor(readonly storage = new MemoryStorage(CONTENTS.slice())) {
    super()
    this.disk = this.add(new IdeAta(this.irq, storage))
    this.map(0x1f0, 8, this.disk.commandBlock)
    this.map(0x3f6, 1, this.disk.controlBlock)
  }

  command(code: number, lba = 0, count = 1): void {
    this.out(0x1f6, 0xe0 | (lba >>> 24))
    this.out(0x1f2, count)
    for (let byte = 0; byte < 3; byte++) this.out(0x1f3 + byte, (lba >> (8 * byte)) & 0xff)
    this.out(0x1f7, code)
  }

  readWords(words: number): Uint8Array {
    const bytes = new Uint8Array(2 * words)
    for (let index = 0; index < words; index++) {
      const word = this.in(0x1f0, 2)
      bytes[2 * index] = word & 0xff
      bytes[2 * index + 1] = word >> 8
    }
    return bytes
  }

  writeWords(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 2) this.out(0x1f0, bytes[at]! | (bytes[at + 1]! << 8), 2)
  }

  get interrupts(): number {
    return this.log.filter(entry => entry.endsWith('irq14 1')).length
  }
}

const sector = (board: Board, lba: number) => board.storage.bytes.slice(lba * 512, lba * 512 + 512)

test('IDENTIFY DEVICE: size, PIO only, text with swapped bytes', () => {
  const board = new Board()
  board.command(0xec)
  expect(board.irq.level).toBe(true)
  expect(board.in(0x1f7)).toBe(0x58)
  expect(board.irq.level).toBe(false)
  const bytes = board.readWords(256)
  const word = (index: number) => bytes[2 * index]! | (bytes[2 * index + 1]! << 8)
  expect(word(60) | (word(61) << 16)).toBe(SECTORS)
  expect([word(1), word(3), word(6)]).toEqual([4, 16, 63])
  expect(word(49) & 0x0300).toBe(0x0200)
  expect(word(83) >> 14).toBe(1)
  expect([word(63), word(88)]).toEqual([0, 0])
  const model = Array.from({ length: 20 }, (_, at) => String.fromCharCode(bytes[55 + 2 * at]!, bytes[54 + 2 * at]!))
  expect(model.join('').trim()).toBe('PREVIRT PIO DISK')
  expect(board.in(0x1f7)).toBe(0x50)
})

test('READ SECTORS interrupts before each sector', () => {
  const board = new Board()
  board.command(0x20, 7, 3)
  for (let index = 0; index < 3; index++) {
    expect(board.interrupts).toBe(index + 1)
    expect(board.in(0x3f6)).toBe(0x58)
    expect(board.irq.level).toBe(true)
    expect(board.in(0x1f7)).toBe(0x58)
    expect(board.readWords(256)).toEqual(sector(board, 7 + index))
  }
  expect(board.in(0x1f7)).toBe(0x50)
  expect(board.interrupts).toBe(3)
})

test('READ MULTIPLE interrupts before each block, the last one shorter', () => {
  const board = new Board()
  board.command(0xc6, 0, 0)
  board.command(0xc4, 0, 1)
  expect(board.in(0x1f7) & 1).toBe(1) // switched off
  board.command(0xc6, 0, 4)
  expect(board.in(0x1f7)).toBe(0x50)
  const before = board.interrupts
  board.command(0xc4, 100, 6)
  board.in(0x1f7)
  board.readWords(4 * 256)
  board.in(0x1f7)
  expect(board.readWords(2 * 256).slice(512)).toEqual(sector(board, 105))
  expect(board.interrupts - before).toBe(2)
  expect(board.in(0x1f7)).toBe(0x50)
})

test('WRITE SECTORS asks for the first sector by DRQ alone and interrupts after each', () => {
  const board = new Board()
  board.command(0x30, 9, 2)
  expect(board.irq.level).toBe(false)
  expect(board.in(0x3f6)).toBe(0x58)
  board.writeWords(new Uint8Array(512).fill(0xaa))
  expect(board.in(0x1f7)).toBe(0x58)
  expect(board.interrupts).toBe(1)
  board.writeWords(new Uint8Array(512).fill(0xbb))
  expect(board.interrupts).toBe(2)
  expect(board.in(0x1f7)).toBe(0x50)
  expect(sector(board, 9)).toEqual(new Uint8Array(512).fill(0xaa))
  expect(sector(board, 10)).toEqual(new Uint8Array(512).fill(0xbb))
})

test('string I/O moves one DRQ block at once and no further', () => {
  const board = new Board()
  board.command(0x20, 3, 2)
  board.in(0x1f7)
  const sink = new Uint8Array(1024)
  expect(board.bus.readBlock(0x1f0, 2, 512, sink)).toBe(256)
  expect(sink.subarray(0, 512)).toEqual(sector(board, 3))
  expect(board.irq.level).toBe(true)
  expect(board.bus.readBlock(0x1f0, 4, 64, sink)).toBe(64)
  expect(board.bus.readBlock(0x1f0, 2, 256, sink)).toBe(128)
  expect(board.bus.readBlock(0x1f0, 2, 256, sink)).toBe(1) // no data: one word of ones
  expect(sink.subarray(0, 2)).toEqual(Uint8Array.of(0xff, 0xff))
  board.command(0x30, 20, 1)
  expect(board.bus.writeBlock(0x1f0, 2, 300, new Uint8Array(600).fill(0x77))).toBe(256)
  expect(sector(board, 20)).toEqual(new Uint8Array(512).fill(0x77))
})

test('cylinder, head and sector in the default translation and in another', () => {
  const board = new Board()
  const read = (cylinder: number, head: number, number: number) => {
    board.out(0x1f6, 0xa0 | head)
    board.out(0x1f2, 1)
    board.out(0x1f3, number)
    board.out(0x1f4, cylinder & 0xff)
    board.out(0x1f5, cylinder >> 8)
    board.out(0x1f7, 0x20)
    return board.in(0x1f7)
  }
  expect(read(1, 2, 3)).toBe(0x58)
  expect(board.readWords(256)).toEqual(sector(board, (1 * 16 + 2) * 63 + 2))
  expect(read(0, 0, 0)).toBe(0x51)
  expect(board.in(0x1f1)).toBe(0x10)
  board.out(0x1f6, 0xa3)
  board.out(0x1f2, 17)
  board.out(0x1f7, 0x91)
  expect(read(5, 3, 17)).toBe(0x58)
  expect(board.readWords(256)).toEqual(sector(board, (5 * 4 + 3) * 17 + 16))
})

test('errors: beyond the end, unknown commands, media', () => {
  const board = new Board()
  board.command(0x20, SECTORS - 1, 2)
  expect([board.in(0x1f7), board.in(0x1f1)]).toEqual([0x51, 0x10])
  board.command(0xa1)
  expect([board.in(0x1f7), board.in(0x1f1)]).toEqual([0x51, 0x04])
  board.command(0x25)
  expect(board.in(0x1f1)).toBe(0x04)
  board.storage.read = lba => {
    throw new MediaError(lba, 'scratched')
  }
  board.command(0x20, 0x123, 1)
  expect([board.in(0x1f7), board.in(0x1f1)]).toEqual([0x51, 0x40])
  expect([0x1f3, 0x1f4, 0x1f5].map(port => board.in(port))).toEqual([0x23, 0x01, 0])
})

test('SET FEATURES takes PIO modes and refuses DMA', () => {
  const board = new Board()
  const set = (feature: number, count: number) => {
    board.out(0x1f1, feature)
    board.command(0xef, 0, count)
    return board.in(0x1f7)
  }
  expect([set(3, 0x0c), set(3, 0x00), set(0x82, 0), set(3, 0x22), set(3, 0x0f), set(0x99, 0)]).toEqual([
    0x50, 0x50, 0x50, 0x51, 0x51, 0x51,
  ])
})

test('software reset: busy while it is set, then the signature of a disk', () => {
  const board = new Board()
  board.command(0x20, 0, 4)
  board.out(0x3f6, 0x04)
  expect(board.in(0x3f6)).toBe(0x80)
  expect(board.irq.level).toBe(false)
  board.out(0x3f6, 0x00)
  expect([0x1f1, 0x1f2, 0x1f3, 0x1f4, 0x1f5, 0x1f7].map(port => board.in(port))).toEqual([1, 1, 1, 0, 0, 0x50])
})

test('device 1 is absent: registers are shared, status is 0, commands go nowhere', () => {
  const board = new Board()
  board.out(0x1f6, 0xb0)
  board.out(0x1f2, 0x55)
  expect(board.in(0x1f2)).toBe(0x55)
  expect([board.in(0x1f7), board.in(0x3f6)]).toEqual([0, 0])
  board.out(0x1f7, 0xec)
  expect(board.interrupts).toBe(0)
  board.out(0x1f6, 0xa0)
  expect(board.in(0x1f7)).toBe(0x50)
})

test('nIEN holds the interrupt back until it is cleared', () => {
  const board = new Board()
  board.out(0x3f6, 0x02)
  board.command(0xe7)
  expect(board.irq.level).toBe(false)
  board.out(0x3f6, 0x00)
  expect(board.irq.level).toBe(true)
})

test('saving and restoring at any moment changes nothing', () => {
  const first = [0x1f1, 0x1f2, 0x1f3, 0x1f4, 0x1f5, 0x1f6, 0x1f7, 0x3f6]
  checkSaveRestore(() => new Board(new Unchanging(CONTENTS)), [...first, 0x1f0, 0x1f7], {
    sizes: [1, 1, 2, 4],
    values: [0x20, 0x30, 0xc4, 0xc5, 0xc6, 0xec, 0xef, 0x91, 0x03, 0x02, 0x04, 0, 0xe0],
    events: [
      board => board.note(`${board.bus.readBlock(0x1f0, 2, 200, new Uint8Array(400))}`),
      board => board.note(`${board.bus.writeBlock(0x1f0, 2, 200, new Uint8Array(400).fill(5))}`),
      board => board.command(0x20, 5, 3),
      board => board.command(0x30, 5, 3),
    ],
  })
})
