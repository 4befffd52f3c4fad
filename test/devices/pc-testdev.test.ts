// QEMU's pc-testdev: latch, interrupt lines, test memory.
import { PcTestdev } from '../../src/devices/pc-testdev.js'
import { Bus } from '../../src/machine/bus.js'
import { checkSaveRestore, Rig } from './rig.js'

class Board extends Rig {
  readonly testdev = this.add(new PcTestdev([this.line('irq0'), this.line('irq1')]))
  readonly memory = new Bus('memory', 0x100000000)
  constructor() {
    super()
    this.map(0xe0, 4, this.testdev.latch)
    this.map(0x2000, 24, this.testdev.lines)
    this.memory.map({ name: 'testdev', base: 0xff000000, length: this.testdev.memoryBytes }, this.testdev.memory)
  }
}

test('the latch keeps bytes, words and double words', () => {
  const board = new Board()
  board.out(0xe0, 0x12345678, 4)
  board.out(0xe1, 0xaabb, 2)
  board.out(0xe3, 0xcc)
  expect(board.in(0xe0, 4)).toBe(0xccaabb78)
  expect([board.in(0xe1), board.in(0xe2, 2)]).toEqual([0xbb, 0xccaa])
})

test('lines follow what is written to them', () => {
  const board = new Board()
  board.out(0x2001, 1)
  board.out(0x2001, 0)
  board.out(0x2017, 1)
  expect(board.log).toEqual(['0 irq1 1', '0 irq1 0'])
})

test('test memory', () => {
  const board = new Board()
  board.memory.write(0xff00fffc, 4, 0xdeadbeef)
  expect(board.memory.read(0xff00fffe, 2)).toBe(0xdead)
})

test('saving and restoring at any moment changes nothing', () => {
  checkSaveRestore(() => new Board(), [0xe0, 0xe1, 0xe2, 0xe3], { sizes: [1, 2, 4] })
})
