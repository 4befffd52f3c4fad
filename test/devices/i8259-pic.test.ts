// The pair of 8259A against its data sheet (231468-003): priorities, cascade, spurious requests, polling, level inputs.
import { I8259Pair } from '../../src/devices/i8259-pic.js'
import { checkSaveRestore, Rig } from './rig.js'

class Board extends Rig {
  readonly intr = this.line('intr')
  readonly pic = this.add(new I8259Pair(this.intr))
  constructor() {
    super()
    this.map(0x20, 2, this.pic.master)
    this.map(0xa0, 2, this.pic.slave)
    this.map(0x4d0, 2, this.pic.edgeLevel)
  }

  /** The initialisation of every PC operating system, with vectors at 0x20 and 0x28 and everything unmasked. */
  initialise(icw4 = 0x01): this {
    for (const [base, vector, cascade] of [
      [0x20, 0x20, 4],
      [0xa0, 0x28, 2],
    ] as const) {
      this.out(base, 0x11)
      this.out(base + 1, vector)
      this.out(base + 1, cascade)
      this.out(base + 1, icw4)
      this.out(base + 1, 0)
    }
    return this
  }

  raise(...inputs: number[]): void {
    for (const input of inputs) this.pic.irq[input]!.set(true)
  }
}

test('an edge requests, is acknowledged once, and blocks lower inputs until its end of interrupt', () => {
  const board = new Board().initialise()
  board.raise(4)
  expect(board.intr.level).toBe(true)
  expect(board.pic.acknowledge()).toBe(0x24)
  expect(board.intr.level).toBe(false)
  board.raise(5)
  expect(board.intr.level).toBe(false)
  board.raise(3)
  expect(board.intr.level).toBe(true)
  expect(board.pic.acknowledge()).toBe(0x23)
  board.out(0x20, 0x20)
  expect(board.intr.level).toBe(false)
  board.out(0x20, 0x20)
  expect(board.pic.acknowledge()).toBe(0x25)
})

test('IRR and ISR are read through OCW3, the mask through the data port', () => {
  const board = new Board().initialise()
  board.out(0x21, 0x40)
  board.raise(1, 6)
  expect(board.in(0x20)).toBe(0x42)
  board.pic.acknowledge()
  board.out(0x20, 0x0b)
  expect(board.in(0x20)).toBe(0x02)
  board.out(0x20, 0x0a)
  expect(board.in(0x20)).toBe(0x40)
  expect(board.in(0x21)).toBe(0x40)
})

test('the slave comes through input 2, and every further request of it does too', () => {
  const board = new Board().initialise()
  board.raise(8, 14)
  expect(board.pic.acknowledge()).toBe(0x28)
  board.out(0xa0, 0x20)
  board.out(0x20, 0x20)
  expect(board.intr.level).toBe(true)
  expect(board.pic.acknowledge()).toBe(0x2e)
})

test('a request that goes away before the acknowledge is input 7, without service', () => {
  const board = new Board().initialise()
  board.raise(3)
  board.pic.irq[3]!.set(false)
  expect(board.intr.level).toBe(false)
  expect(board.pic.acknowledge()).toBe(0x27)
  board.out(0x20, 0x0b)
  expect(board.in(0x20)).toBe(0)
})

test('polling the slave takes its request from the master', () => {
  const board = new Board().initialise()
  board.raise(12)
  expect(board.intr.level).toBe(true)
  board.out(0xa0, 0x0c)
  expect(board.in(0xa0)).toBe(0x84)
  expect(board.intr.level).toBe(false)
})

test('without a request behind the cascade the slave answers with its input 7', () => {
  const board = new Board().initialise()
  board.raise(12)
  board.out(0x4d0, 0xf8)
  board.pic.irq[2]!.restore(false) // the slave gives up without telling the master
  board.out(0xa1, 0xff)
  expect(board.pic.acknowledge()).toBe(0x2f)
  board.out(0xa0, 0x0b)
  expect(board.in(0xa0)).toBe(0)
  board.out(0x20, 0x0b)
  expect(board.in(0x20)).toBe(0x04)
})

test('a level-triggered input asks again after the end of interrupt', () => {
  const board = new Board().initialise()
  board.out(0x4d1, 0xff)
  expect(board.in(0x4d1)).toBe(0xde)
  board.raise(11)
  expect(board.pic.acknowledge()).toBe(0x2b)
  board.out(0xa0, 0x20)
  board.out(0x20, 0x20)
  expect(board.intr.level).toBe(true)
  expect(board.pic.acknowledge()).toBe(0x2b)
  board.pic.irq[11]!.set(false)
  board.out(0xa0, 0x20)
  board.out(0x20, 0x20)
  expect(board.intr.level).toBe(false)
})

test('an edge-triggered input that stays high asks once', () => {
  const board = new Board().initialise()
  board.raise(5)
  board.pic.acknowledge()
  board.out(0x20, 0x65) // specific EOI of 5
  expect(board.intr.level).toBe(false)
})

test('automatic end of interrupt leaves nothing in service; with rotation the served input becomes the lowest', () => {
  const board = new Board().initialise(0x03)
  board.raise(0, 1)
  expect([board.pic.acknowledge(), board.pic.acknowledge()]).toEqual([0x20, 0x21])
  board.out(0x20, 0x0b)
  expect(board.in(0x20)).toBe(0)
  board.out(0x20, 0x80)
  board.raise(3)
  expect(board.pic.acknowledge()).toBe(0x23)
  board.pic.irq[3]!.set(false)
  board.raise(3, 4)
  expect(board.pic.acknowledge()).toBe(0x24)
})

test('rotation: the example of the data sheet, inputs 4 and 6 with 4 in service', () => {
  const board = new Board().initialise()
  board.raise(4, 6)
  expect(board.pic.acknowledge()).toBe(0x24)
  board.out(0x20, 0xa0) // rotate on non-specific EOI
  expect(board.pic.acknowledge()).toBe(0x26)
  board.pic.irq[4]!.set(false)
  board.raise(4, 5)
  board.out(0x20, 0x20)
  expect(board.pic.acknowledge()).toBe(0x25)
})

test('set priority: input 5 lowest makes input 6 the highest', () => {
  const board = new Board().initialise()
  board.out(0x20, 0xc5)
  board.raise(0, 5, 6)
  expect(board.pic.acknowledge()).toBe(0x26)
  board.out(0x20, 0x20)
  expect(board.pic.acknowledge()).toBe(0x20)
})

test('special mask mode lets lower inputs through while a masked one is in service', () => {
  const board = new Board().initialise()
  board.raise(3)
  board.pic.acknowledge()
  board.out(0x21, 0x08)
  board.out(0x20, 0x68)
  board.raise(6)
  expect(board.pic.acknowledge()).toBe(0x26)
  board.out(0x20, 0x20) // does not clear the masked service bit 3
  board.out(0x20, 0x0b)
  expect(board.in(0x20)).toBe(0x08)
  board.out(0x20, 0x48)
  board.raise(7)
  expect(board.intr.level).toBe(false)
})

test('special fully nested mode: a higher input of the slave interrupts a lower one', () => {
  const plain = new Board().initialise()
  plain.raise(12)
  plain.pic.acknowledge()
  plain.raise(9)
  expect(plain.intr.level).toBe(false)
  const nested = new Board().initialise(0x11)
  nested.raise(12)
  nested.pic.acknowledge()
  nested.raise(9)
  expect(nested.pic.acknowledge()).toBe(0x29)
})

test('poll mode acknowledges by a read', () => {
  const board = new Board().initialise()
  board.out(0x20, 0x0c)
  expect(board.in(0x20)).toBe(0)
  board.raise(6)
  board.out(0x20, 0x0c)
  expect(board.in(0x20)).toBe(0x86)
  board.out(0x20, 0x0b)
  expect(board.in(0x20)).toBe(0x40)
})

test('ICW1 forgets edges, mask and service; a line that is still high needs a new edge', () => {
  const board = new Board().initialise()
  board.raise(3)
  board.out(0x21, 0xff)
  board.initialise()
  expect(board.intr.level).toBe(false)
  board.pic.irq[3]!.set(false)
  board.raise(3)
  expect(board.pic.acknowledge()).toBe(0x23)
})

test('a masked request waits for its mask bit', () => {
  const board = new Board().initialise()
  board.out(0x21, 0xff)
  board.raise(4)
  expect(board.intr.level).toBe(false)
  board.out(0x21, 0xef)
  expect(board.intr.level).toBe(true)
})

test('saving and restoring at any moment changes nothing', () => {
  checkSaveRestore(() => new Board().initialise(), [0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1], {
    values: [0x11, 0x20, 0x0c, 0x68, 0x0b, 0x00, 0xa0],
    events: [
      ...Array.from({ length: 16 }, (_, input) => (board: Board) => {
        if (input !== 2) board.pic.irq[input]!.set(!board.pic.irq[input]!.level)
      }),
      board => board.note(`vector ${board.pic.acknowledge()}`),
    ],
  })
})
