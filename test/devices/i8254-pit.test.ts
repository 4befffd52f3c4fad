// The 8254 against its data sheet (231164-005) and against a model that counts every tick.
import fc from 'fast-check'
import { Counter } from '../../src/devices/i8254-counter.js'
import { I8254, PIT_OSCILLATOR } from '../../src/devices/i8254-pit.js'
import { Port61 } from '../../src/devices/port61.js'
import { TickingCounter } from './i8254-model.js'
import { checkSaveRestore, Rig } from './rig.js'

class Board extends Rig {
  readonly irq0 = this.line('irq0')
  readonly pit = this.add(new I8254(this.clock, this.irq0))
  readonly port61 = this.add(new Port61(this.clock, this.pit))
  constructor() {
    super()
    this.map(0x40, 4, this.pit)
    this.map(0x61, 1, this.port61)
    this.log.length = 0
  }

  /** Runs to the beginning of a tick counted from power-on. */
  toTick(tick: number): void {
    this.advance(PIT_OSCILLATOR.timeOf(tick) - this.now)
  }

  count(counter: number): number {
    this.out(0x43, counter << 6)
    return this.in(0x40 + counter) | (this.in(0x40 + counter) << 8)
  }
}

test('mode 2 with Linux divisor 11932 gives 100 interrupts a second without drift', () => {
  const board = new Board()
  board.out(0x43, 0x34)
  board.out(0x40, 11932 & 0xff)
  board.out(0x40, 11932 >> 8)
  board.advance(1000 * 1_000_000_000)
  const rising = board.log.filter(entry => entry.endsWith('irq0 1'))
  // The count is loaded one tick after it is written; the first period begins there. The line is high from the start.
  expect(rising.length - 1).toBe(Math.floor((1000 * 1_193_182 - 1) / 11932))
  const edge = (index: number) => Number(rising[index]!.split(' ')[0])
  const exact = (BigInt(1 + 11932 * 90_000) * 1_000_000_000n + 1_193_181n) / 1_193_182n
  expect(edge(90_000)).toBe(Number(exact))
})

test('mode 0 interrupts once, one tick after the count has run out', () => {
  const board = new Board()
  board.toTick(100)
  board.out(0x43, 0x10) // low byte only
  board.out(0x40, 5)
  board.advance(1_000_000)
  expect(board.log).toEqual([`${PIT_OSCILLATOR.timeOf(106)} irq0 1`])
})

test('a latched count stays until it is read, both bytes', () => {
  const board = new Board()
  board.out(0x43, 0xb4) // counter 2, mode 2, low then high
  board.out(0x61, 1)
  board.out(0x42, 0x00)
  board.out(0x42, 0x10)
  board.toTick(1001)
  board.out(0x43, 0x80)
  board.toTick(2001)
  expect(board.in(0x42) | (board.in(0x42) << 8)).toBe(0x1000 - 1000)
  expect(board.in(0x42) | (board.in(0x42) << 8)).toBe(0x1000 - 2000)
})

test('read-back latches status and count of several counters; the status comes first', () => {
  const board = new Board()
  board.out(0x43, 0x36)
  board.out(0x40, 0x34)
  board.out(0x40, 0x12)
  board.out(0x43, 0xc2) // status and count of counter 0
  expect(board.in(0x40)).toBe(0x80 | 0x40 | 0x36) // OUT high, null count: not loaded yet
  board.toTick(11)
  board.in(0x40)
  board.in(0x40)
  board.out(0x43, 0xe2) // status only
  expect(board.in(0x40)).toBe(0x80 | 0x36)
  board.out(0x43, 0xd2) // count only
  board.out(0x43, 0xd2) // ignored
  expect(board.in(0x40) | (board.in(0x40) << 8)).toBe(0x1234 - 20)
})

test('BCD counts in decimal', () => {
  const board = new Board()
  board.out(0x43, 0x31)
  board.out(0x40, 0x00)
  board.out(0x40, 0x10)
  board.toTick(2)
  expect(board.count(0)).toBe(0x0999)
})

test('the calibration of Linux: counter 2 in mode 0, output seen in bit 5 of port 0x61', () => {
  const board = new Board()
  board.out(0x61, 1)
  board.out(0x43, 0xb0)
  board.out(0x42, 59659 & 0xff)
  board.out(0x42, 59659 >> 8)
  board.toTick(59659)
  expect(board.in(0x61) & 0x20).toBe(0)
  board.toTick(59660)
  expect(board.in(0x61) & 0x20).toBe(0x20)
})

test('bit 4 of port 0x61 changes every 15 microseconds, the control bits are kept', () => {
  const board = new Board()
  board.out(0x61, 0xfe)
  expect(board.in(0x61) & 0x0f).toBe(0x0e)
  let changes = 0
  let last = board.in(0x61) & 0x10
  for (let microsecond = 0; microsecond < 3017; microsecond++) {
    board.advance(1000)
    const bit = board.in(0x61) & 0x10
    if (bit !== last) changes++
    last = bit
  }
  expect(changes).toBe(200)
  expect(board.port61.speaker).toBe(false)
  board.out(0x61, 3)
  expect(board.port61.speaker).toBe(true)
})

type Action = { kind: 'load' | 'gate' | 'control' | 'none'; ticks: number; value: number }

test('the closed form agrees with a model that counts every tick, in all modes', () => {
  const action = fc.record<Action>({
    kind: fc.constantFrom('load', 'gate', 'none', 'none', 'load', 'gate', 'control'),
    ticks: fc.integer({ min: 1, max: 40 }),
    value: fc.nat(0xffff),
  })
  fc.assert(
    fc.property(fc.nat(5), fc.boolean(), fc.array(action, { maxLength: 25 }), (firstMode, bcd, actions) => {
      const chip = new Counter()
      const model = new TickingCounter()
      let tick = 0
      let mode = firstMode
      let loaded = false
      chip.configure(mode, bcd, tick)
      model.control(mode, bcd)
      for (const { kind, ticks, value } of [{ kind: 'load', ticks: 3, value: 9 }, ...actions]) {
        if (kind === 'load') {
          const digit = 3 + (value % 7)
          chip.load(digit, tick)
          model.write(digit)
          loaded = true
        } else if (kind === 'gate') {
          chip.setGate((value & 1) === 1, tick)
          model.setGate((value & 1) === 1)
        } else if (kind === 'control' && value % 3 === 0) {
          mode = value % 6
          chip.configure(mode, bcd, tick)
          model.control(mode, bcd)
          loaded = false
        }
        for (let step = 0; step < ticks; step++) {
          const change = chip.nextChange(tick)
          const before = chip.output(tick)
          tick++
          model.tick()
          const agree = (what: string, found: unknown, expected: unknown) => {
            if (found !== expected) throw new Error(`mode ${mode}, tick ${tick}: ${what} ${found}, not ${expected}`)
          }
          agree('output', chip.output(tick), model.output)
          if (chip.output(tick) !== before) agree('announced change', change, tick)
          if (loaded && !chip.isNull(tick)) agree('count', chip.read(tick), model.register)
        }
      }
    }),
    { numRuns: 1000 },
  )
})

test('saving and restoring at any moment changes nothing', () => {
  checkSaveRestore(() => new Board(), [0x40, 0x41, 0x42, 0x43, 0x61], {
    longest: 200_000,
    values: [0x34, 0x30, 0x36, 0xb0, 0xb6, 0x80, 0xe2, 0xc2, 0x12, 0x98, 1, 20],
  })
})
