// The local APIC against the SDM (volume 3, chapter 10): priorities, destinations, timer.
import { LocalApic } from '../../src/devices/local-apic.js'
import { Bus } from '../../src/machine/bus.js'
import { checkSaveRestore, Rig } from './rig.js'

const [ID, VERSION, TPR, PPR, EOI, SVR, ESR, ICR, ICR2] = [0x20, 0x30, 0x80, 0xa0, 0xb0, 0xf0, 0x280, 0x300, 0x310]
const [LVT_TIMER, LINT0, LINT1, LVT_ERROR, INITIAL, CURRENT, DIVIDE] = [0x320, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3e0]
const SELF = 0x40000

class Board extends Rig {
  readonly intr = this.line('intr')
  readonly pic = this.line('pic')
  readonly apic = this.add(
    new LocalApic(this.clock, {
      lint0: this.pic,
      acknowledgeExternal: () => 0x20,
      intr: this.intr,
      nmi: () => this.note('nmi'),
    }),
  )
  readonly memory = new Bus('memory', 0x100000000)
  constructor() {
    super()
    this.memory.map({ name: 'apic', base: 0xfee00000, length: 0x1000 }, this.apic)
    this.map(0x1000, 0x1000, this.apic) // for the random walk
  }

  get(register: number): number {
    return this.memory.read(0xfee00000 + register, 4)
  }

  set(register: number, value: number): void {
    this.memory.write(0xfee00000 + register, 4, value)
  }

  enable(): this {
    this.set(SVR, 0x1ff)
    return this
  }

  send(...vectors: number[]): void {
    for (const vector of vectors) this.set(ICR, SELF | vector)
  }
}

test('after reset: identity, version, everything masked but the way from the 8259', () => {
  const board = new Board()
  expect([ID, VERSION, SVR, LVT_TIMER, LINT0, LINT1].map(register => board.get(register))).toEqual([
    0, 0x50014, 0xff, 0x10000, 0x700, 0x10000,
  ])
  expect(board.apic.base).toBe(0xfee00900)
  board.pic.set(true)
  expect(board.intr.level).toBe(true)
  expect(board.apic.acknowledge()).toBe(0x20)
})

test('the highest class is taken first and blocks its own class until EOI', () => {
  const board = new Board().enable()
  board.send(0x31, 0x52, 0x55)
  expect(board.get(0x200 + 0x20)).toBe((1 << 0x12) | (1 << 0x15))
  expect(board.apic.acknowledge()).toBe(0x55)
  expect(board.get(PPR)).toBe(0x50)
  expect(board.get(0x100 + 0x20)).toBe(1 << 0x15)
  expect(board.intr.level).toBe(false)
  board.send(0x61)
  expect(board.apic.acknowledge()).toBe(0x61)
  board.set(EOI, 0)
  expect(board.intr.level).toBe(false)
  board.set(EOI, 0)
  expect(board.apic.acknowledge()).toBe(0x52)
  board.set(EOI, 0)
  expect(board.apic.acknowledge()).toBe(0x31)
})

test('the task priority holds back its class and those below', () => {
  const board = new Board().enable()
  board.set(TPR, 0x5f)
  board.send(0x5f)
  expect(board.intr.level).toBe(false)
  expect(board.get(PPR)).toBe(0x5f)
  board.set(TPR, 0x4f)
  expect(board.intr.level).toBe(true)
})

test('destinations: own id, broadcast, logical, shorthands; NMI', () => {
  const board = new Board().enable()
  const request = (high: number, low: number) => {
    board.set(ICR2, high << 24)
    board.set(ICR, low | 0x80)
    const accepted = board.intr.level
    if (accepted) {
      board.apic.acknowledge()
      board.set(EOI, 0)
    }
    return accepted
  }
  board.set(0xd0, 0x02000000)
  expect(request(0, 0)).toBe(true)
  expect(request(1, 0)).toBe(false)
  expect(request(0xff, 0)).toBe(true)
  expect(request(3, 0x800)).toBe(true)
  expect(request(4, 0x800)).toBe(false)
  expect(request(9, 2 << 18)).toBe(true)
  expect(request(0, 3 << 18)).toBe(false)
  board.set(ICR, SELF | 0x400)
  expect(board.log.at(-1)).toBe('0 nmi')
})

test('one-shot timer with divider', () => {
  const board = new Board().enable()
  board.set(LVT_TIMER, 0x40)
  board.set(DIVIDE, 0x0a) // by 128
  board.set(INITIAL, 1000)
  board.advance(64_000)
  expect(board.get(CURRENT)).toBe(500)
  board.advance(63_999)
  expect(board.intr.level).toBe(false)
  board.advance(1)
  expect(board.apic.acknowledge()).toBe(0x40)
  board.set(EOI, 0)
  board.advance(1_000_000)
  expect([board.intr.level, board.get(CURRENT), board.get(INITIAL)]).toEqual([false, 0, 1000])
})

test.each([
  [0x00, 2],
  [0x01, 4],
  [0x02, 8],
  [0x03, 16],
  [0x08, 32],
  [0x09, 64],
  [0x0a, 128],
  [0x0b, 1],
])('divide configuration %i divides by %i', (configuration, divider) => {
  const board = new Board()
  board.set(DIVIDE, configuration)
  board.set(INITIAL, 0xffffffff)
  board.advance(1280)
  expect(board.get(CURRENT)).toBe(0xffffffff - 1280 / divider)
})

test('periodic timer; a change of mode waits for the end of the count', () => {
  const board = new Board().enable()
  board.set(DIVIDE, 0x0b)
  board.set(LVT_TIMER, 0x20040)
  board.set(INITIAL, 1000)
  const times: number[] = []
  board.intr.onChange(level => {
    if (!level) return
    times.push(board.now)
    board.apic.acknowledge()
    board.set(EOI, 0)
  })
  board.advance(3500)
  expect(times).toEqual([1000, 2000, 3000])
  board.set(LVT_TIMER, 0x40)
  expect(board.get(CURRENT)).toBe(500)
  board.advance(3000)
  expect(times).toEqual([1000, 2000, 3000, 4000])
  board.set(LVT_TIMER, 0x20040)
  board.advance(3000)
  expect([times.length, board.get(CURRENT)]).toEqual([4, 0])
})

test('software disable masks all local vectors and accepts nothing more', () => {
  const board = new Board().enable()
  board.set(LVT_TIMER, 0x40)
  board.set(SVR, 0xff)
  expect(board.get(LVT_TIMER)).toBe(0x10040)
  board.set(LVT_TIMER, 0x40)
  expect(board.get(LVT_TIMER)).toBe(0x10040)
  board.send(0x50)
  expect(board.intr.level).toBe(false)
})

test('LINT pins: fixed and NMI on a rising edge, masked not at all', () => {
  const board = new Board().enable()
  board.set(LINT0, 0x45)
  board.set(LINT1, 0x400)
  board.pic.set(true)
  expect(board.apic.acknowledge()).toBe(0x45)
  expect(board.intr.level).toBe(false)
  board.apic.lint1.set(true)
  expect(board.log.at(-1)).toBe('0 nmi')
  board.set(LINT0, 0x10700)
  board.pic.set(false)
  board.pic.set(true)
  expect(board.intr.level).toBe(false)
})

test('an illegal vector sets the error status, shown after a write, and raises the error interrupt', () => {
  const board = new Board().enable()
  board.set(LVT_ERROR, 0x99)
  board.send(0x05)
  expect(board.get(ESR)).toBe(0)
  board.set(ESR, 0)
  expect(board.get(ESR)).toBe(0x60)
  expect(board.apic.acknowledge()).toBe(0x99)
})

test('turned off by the MSR it connects INTR to the 8259 again and forgets its state', () => {
  const board = new Board().enable()
  board.send(0x50)
  board.set(LINT0, 0x10000)
  board.pic.set(true)
  board.apic.base = 0xfee00000
  expect(board.apic.acknowledge()).toBe(0x20)
  board.apic.base = 0xfed00800
  expect(board.apic.base).toBe(0xfed00900)
  expect(board.get(SVR)).toBe(0xff)
})

test('saving and restoring at any moment changes nothing', () => {
  const registers = [ID, TPR, EOI, 0xd0, 0xe0, SVR, ESR, ICR, ICR2, LVT_TIMER, LINT0, LINT1, LVT_ERROR, INITIAL, DIVIDE]
  const more = [PPR, CURRENT, 0x110, 0x210, 0x220]
  checkSaveRestore(
    () => new Board().enable(),
    [...registers, ...more].map(register => 0x1000 + register),
    {
      sizes: [4],
      longest: 2000,
      values: [0x1ff, 0x20040, 0x40, SELF | 0x50, SELF | 0x33, 0x400, 0x700, 1000, 0x0b, SELF | 3],
      events: [board => board.note(`vector ${board.apic.acknowledge()}`), board => board.send(0x61)],
    },
  )
})
