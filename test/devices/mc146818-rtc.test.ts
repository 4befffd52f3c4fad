// Clock and CMOS RAM against the data sheet of the MC146818A: time formats, updates, interrupts.
import { cmosRam } from '../../src/devices/cmos-ram.js'
import { Mc146818 } from '../../src/devices/mc146818-rtc.js'
import { checkSaveRestore, Rig } from './rig.js'

const SECOND = 1_000_000_000
const EPOCH = Date.UTC(2005, 9, 23, 12, 34, 56) / 1000 // a Sunday

class Board extends Rig {
  readonly irq8 = this.line('irq8')
  readonly rtc: Mc146818
  constructor(epochSeconds = EPOCH) {
    super()
    this.rtc = this.add(new Mc146818(this.clock, this.irq8, { epochSeconds, ram: cmosRam({ memoryBytes: 128 << 20 }) }))
    this.map(0x70, 2, this.rtc)
  }

  get(index: number): number {
    this.out(0x70, index)
    return this.in(0x71)
  }

  set(index: number, value: number): void {
    this.out(0x70, index)
    this.out(0x71, value)
  }

  time(): number[] {
    return [0x32, 9, 8, 7, 4, 2, 0, 6].map(index => this.get(index))
  }
}

test('the time is the epoch plus virtual time, in BCD', () => {
  const board = new Board()
  expect(board.time()).toEqual([0x20, 0x05, 0x10, 0x23, 0x12, 0x34, 0x56, 1])
  board.advance(3.999 * SECOND)
  expect(board.get(0)).toBe(0x59)
  board.advance(0.001 * SECOND)
  expect([board.get(2), board.get(0)]).toEqual([0x35, 0x00])
})

test('a new century, in binary and in twelve hours', () => {
  const board = new Board(Date.UTC(2099, 11, 31, 23, 59, 59) / 1000)
  board.set(0x0b, 0x04)
  board.set(4, 0x8b) // 11 PM
  for (const [index, value] of [
    [9, 99],
    [8, 12],
    [7, 31],
    [2, 59],
    [0, 59],
  ] as const) {
    board.set(index, value)
  }
  board.advance(SECOND)
  expect(board.time()).toEqual([0x21, 0, 1, 1, 12, 0, 0, 6])
})

test('UIP is set for 244 microseconds before the update', () => {
  const board = new Board()
  board.advance(SECOND - 244_001)
  expect(board.get(0x0a)).toBe(0x26)
  board.advance(1)
  expect(board.get(0x0a)).toBe(0xa6)
  board.advance(244_000)
  expect(board.get(0x0a)).toBe(0x26)
})

test('SET stops the clock, and a new time counts from there', () => {
  const board = new Board()
  board.set(0x0b, 0x82)
  board.advance(5 * SECOND)
  expect(board.get(0)).toBe(0x56)
  board.set(0, 0x10)
  board.set(0x0b, 0x02)
  board.advance(2 * SECOND)
  expect(board.get(0)).toBe(0x12)
})

test('after a divider reset the first update comes half a second later', () => {
  const board = new Board()
  board.advance(0.3 * SECOND)
  board.set(0x0a, 0x76)
  board.advance(10 * SECOND)
  board.set(0x0a, 0x26)
  board.advance(0.5 * SECOND - 1)
  expect(board.get(0)).toBe(0x56)
  board.advance(1)
  expect(board.get(0)).toBe(0x57)
})

test('periodic interrupts at 1024 Hz, each cleared by reading register C', () => {
  const board = new Board()
  board.set(0x0b, 0x42)
  let interrupts = 0
  board.irq8.onChange(level => {
    if (!level) return
    interrupts++
    board.clock.schedule(board.now + 1000, () => expect(board.get(0x0c)).toBe(interrupts % 1024 === 0 ? 0xd0 : 0xc0))
  })
  board.advance(2 * SECOND + 10_000)
  expect(interrupts).toBe(2048)
  expect(board.get(0x0c) & 0x80).toBe(0)
})

test('flags appear in register C without their interrupts', () => {
  const board = new Board()
  board.advance(1.5 * SECOND)
  expect(board.get(0x0c)).toBe(0x50)
  expect(board.get(0x0c)).toBe(0)
  expect(board.log).toEqual([])
})

test('update-ended interrupt', () => {
  const board = new Board()
  board.set(0x0b, 0x12)
  board.advance(3 * SECOND)
  expect(board.log).toEqual([`${SECOND} irq8 1`])
  expect(board.get(0x0c) & 0x90).toBe(0x90)
  board.advance(SECOND)
  expect(board.log).toEqual([`${SECOND} irq8 1`, `${3 * SECOND} irq8 0`, `${4 * SECOND} irq8 1`])
})

test("the alarm goes off at its time, and with don't-care bytes each minute", () => {
  const board = new Board()
  board.set(1, 0x10)
  board.set(3, 0x36)
  board.set(5, 0x12)
  board.set(0x0b, 0x22)
  board.advance(3600 * SECOND)
  expect(board.log).toEqual([`${74 * SECOND} irq8 1`])
  board.set(3, 0xff)
  board.set(5, 0xc0)
  board.get(0x0c)
  board.advance(60 * SECOND)
  expect(board.log.length).toBe(3)
})

test('bit 7 of the index masks NMI; RAM is kept; registers C and D are read-only', () => {
  const board = new Board()
  board.out(0x70, 0x8f)
  expect(board.rtc.nmiMasked).toBe(true)
  board.set(0x40, 0xa5)
  expect(board.rtc.nmiMasked).toBe(false)
  board.set(0x0d, 0)
  board.rtc.reset()
  expect([board.get(0x40), board.get(0x0d)]).toEqual([0xa5, 0x80])
})

test('CMOS RAM tells a BIOS of 128 MB', () => {
  const board = new Board()
  expect([board.get(0x15), board.get(0x16)]).toEqual([0x80, 0x02])
  expect([board.get(0x17), board.get(0x18)]).toEqual([0xff, 0xff])
  expect(board.get(0x34) | (board.get(0x35) << 8)).toBe((112 << 20) >> 16)
  let sum = 0
  for (let index = 0x10; index < 0x2e; index++) sum += board.get(index)
  expect((board.get(0x2e) << 8) | board.get(0x2f)).toBe(sum)
})

test('saving and restoring at any moment changes nothing', () => {
  checkSaveRestore(() => new Board(), [0x70, 0x71], {
    longest: 700_000_000,
    values: [0x0a, 0x0b, 0x0c, 0x42, 0x72, 0x12, 0x26, 0x76, 0x82, 0, 1],
  })
})
