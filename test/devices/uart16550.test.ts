// The 16550 against the data sheet of the PC16550D, and in the steps of Linux, which looks for the chip and opens it.
import { Uart16550 } from '../../src/devices/uart16550.js'
import { CharacterLine } from '../../src/machine/line.js'
import { checkSaveRestore, Rig } from './rig.js'

const [DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff]
const FCR = IIR

class Board extends Rig {
  readonly irq = this.line('irq4')
  readonly characters = new CharacterLine('com1')
  readonly uart = this.add(new Uart16550('com1', this.clock, this.irq, this.characters))
  constructor() {
    super()
    this.map(0x3f8, 8, this.uart)
    this.characters.output = byte => this.note(`sent ${byte}`)
  }

  /** 115,200 baud, 8N1, FIFO with trigger 14, DTR, RTS and OUT2. */
  open(): this {
    this.out(LCR, 0x83)
    this.out(DATA, 1)
    this.out(IER, 0)
    this.out(LCR, 0x03)
    this.out(FCR, 0xc7)
    this.out(MCR, 0x0b)
    return this
  }
}

test('bytes leave in order and the transmitter is empty at once', () => {
  const board = new Board().open()
  for (const byte of [1, 2, 3]) board.out(DATA, byte)
  expect(board.log).toEqual(['0 sent 1', '0 sent 2', '0 sent 3'])
  expect(board.in(LSR)).toBe(0x60)
})

test('the detection of a 16550A by Linux', () => {
  const board = new Board()
  board.out(IER, 0)
  expect(board.in(IER)).toBe(0)
  board.out(IER, 0xff)
  expect(board.in(IER)).toBe(0x0f) // no sleep or DMA bits of later chips
  board.out(IER, 0)
  board.out(MCR, 0x1a)
  expect(board.in(MSR) & 0xf0).toBe(0x90) // loop back: DCD and CTS
  board.out(MCR, 0)
  board.out(FCR, 0x01)
  expect(board.in(IIR) >> 6).toBe(3)
  board.out(FCR, 0x21) // 64-byte FIFO of a 16750
  expect(board.in(IIR) & 0x20).toBe(0)
  board.out(FCR, 0x00)
  expect(board.in(IIR) >> 6).toBe(0)
  board.out(SCR, 0x5a)
  expect(board.in(SCR)).toBe(0x5a)
})

test('enabling the transmitter interrupt raises it every time; reading IIR clears it', () => {
  const board = new Board().open()
  for (let round = 0; round < 2; round++) {
    board.out(IER, 0x02)
    expect(board.irq.level).toBe(true)
    expect(board.in(IIR)).toBe(0xc2)
    expect(board.irq.level).toBe(false)
    expect(board.in(IIR)).toBe(0xc1)
    board.out(IER, 0)
  }
  board.out(IER, 0x02)
  board.in(IIR)
  board.out(DATA, 0x41)
  expect(board.in(IIR)).toBe(0xc2)
})

test('the FIFO interrupts at its trigger level; the rest comes by the timeout of four characters', () => {
  const board = new Board().open()
  board.out(IER, 0x01)
  board.characters.input('x'.repeat(13))
  expect(board.irq.level).toBe(false)
  board.characters.input('y')
  expect(board.in(IIR)).toBe(0xc4)
  board.in(DATA)
  expect(board.irq.level).toBe(false)
  // Ten bits of 1/115200 s, four times.
  board.advance(347_220)
  expect(board.irq.level).toBe(false)
  board.advance(5)
  expect(board.irq.level).toBe(true)
  expect(board.in(IIR)).toBe(0xcc)
  board.in(DATA)
  expect(board.irq.level).toBe(false)
})

test('bytes beyond the FIFO wait on the line and nothing is lost', () => {
  const board = new Board().open()
  board.characters.input(Uint8Array.from({ length: 100 }, (_, index) => index))
  expect(board.characters.available).toBe(84)
  const got: number[] = []
  while (board.in(LSR) & 1) got.push(board.in(DATA))
  expect(got).toEqual(Array.from({ length: 100 }, (_, index) => index))
})

test('without FIFO one byte is held at a time', () => {
  const board = new Board()
  board.out(MCR, 0x08)
  board.out(IER, 0x01)
  board.characters.input('ab')
  expect(board.in(IIR)).toBe(0x04)
  expect(board.in(DATA)).toBe(0x61)
  expect(board.in(DATA)).toBe(0x62)
  expect(board.in(IIR)).toBe(0x01)
})

test('what waits while a driver looks for the chip and opens it reaches it whole', () => {
  const board = new Board()
  board.characters.input('ls -l\nexit\n')
  // Linux, drivers/tty/serial/8250: the detection, with every interrupt enabled for a moment.
  board.out(IER, 0x0f)
  board.out(IER, 0)
  board.out(MCR, 0x1a)
  board.out(MCR, 0)
  for (const fifo of [1, 7, 0]) board.out(FCR, fifo)
  board.in(DATA)
  // And its opening: the FIFO is cleared, what it holds is read away, then come interrupts and modem lines.
  for (const fifo of [1, 7, 0]) board.out(FCR, fifo)
  for (const port of [LSR, DATA, IIR, MSR]) board.in(port)
  board.out(MCR, 0x08)
  board.out(IER, 0x05)
  board.out(FCR, 0xc7)
  board.out(MCR, 0x0b)
  let got = ''
  while (board.in(LSR) & 1) got += String.fromCharCode(board.in(DATA))
  expect(got).toBe('ls -l\nexit\n')
})

test.each([
  ['RTS', MCR, 0x02],
  ['the interrupt of received data', IER, 0x01],
])('a guest that has set the modem lines gets bytes from %s on', (_, port, value) => {
  const board = new Board()
  board.out(MCR, 0x08)
  board.characters.input('a')
  expect(board.in(LSR) & 1).toBe(0)
  board.out(port, value)
  expect(board.in(LSR) & 1).toBe(1)
  expect(board.in(DATA)).toBe(0x61)
})

test('a guest that polls and has never set the modem lines gets bytes at once', () => {
  const board = new Board()
  board.characters.input('a')
  expect(board.in(LSR) & 1).toBe(1)
  expect(board.in(DATA)).toBe(0x61)
})

test('what loop back has left in the FIFO is gone with it', () => {
  const board = new Board().open()
  board.out(MCR, 0x10)
  board.out(DATA, 0x55)
  board.out(FCR, 0xc7)
  board.out(MCR, 0x0b)
  expect(board.in(LSR) & 1).toBe(0)
})

test('loop back: data, modem lines, deltas, overrun; no interrupt leaves the board', () => {
  const board = new Board().open()
  board.out(IER, 0x0f)
  board.in(IIR)
  board.out(MCR, 0x1f)
  expect(board.in(MSR)).toBe(0xf0 ^ 0) // all lines on: RI began, which is no delta
  board.out(MCR, 0x10)
  expect(board.in(MSR)).toBe(0x0f)
  expect(board.in(MSR)).toBe(0x00)
  for (let byte = 0; byte < 17; byte++) board.out(DATA, byte)
  expect(board.in(IIR)).toBe(0xc6)
  expect(board.irq.level).toBe(false)
  expect(board.in(LSR)).toBe(0x63)
  expect(board.in(LSR)).toBe(0x61)
  for (let byte = 0; byte < 16; byte++) expect(board.in(DATA)).toBe(byte)
  expect(board.in(LSR)).toBe(0x60)
  expect(board.log.filter(entry => entry.includes('sent'))).toEqual([])
})

test('priorities: line status, received data, transmitter, modem', () => {
  const board = new Board().open()
  board.out(FCR, 0x07)
  board.out(MCR, 0x10)
  for (let byte = 0; byte < 17; byte++) board.out(DATA, byte)
  board.out(IER, 0x0f)
  const seen: number[] = []
  seen.push(board.in(IIR))
  board.in(LSR)
  seen.push(board.in(IIR))
  board.out(FCR, 0x07 & ~4)
  seen.push(board.in(IIR))
  seen.push(board.in(IIR))
  board.in(MSR)
  seen.push(board.in(IIR))
  expect(seen).toEqual([0xc6, 0xc4, 0xc2, 0xc0, 0xc1])
})

test('OUT2 gates the interrupt', () => {
  const board = new Board().open()
  board.out(MCR, 0x03)
  board.out(IER, 0x02)
  expect(board.irq.level).toBe(false)
  board.out(MCR, 0x0b)
  expect(board.irq.level).toBe(true)
})

test('saving and restoring at any moment changes nothing', () => {
  checkSaveRestore(() => new Board().open(), [DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR], {
    longest: 300_000,
    values: [0x03, 0x83, 0x0f, 0xc7, 0x41, 0x0b, 0x1b],
    events: [board => board.uart.read(0), board => board.out(IER, 0x0f)],
  })
})
