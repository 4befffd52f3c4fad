// Keyboard controller, keyboard, A20, resets and power-off ports, by the technical references of AT and PS/2.
import { I8042 } from '../../src/devices/i8042-keyboard.js'
import { Port92 } from '../../src/devices/port92.js'
import { PowerControl } from '../../src/devices/power-control.js'
import { checkSaveRestore, Rig } from './rig.js'

class Board extends Rig {
  readonly irq1 = this.line('irq1')
  readonly a20 = this.line('a20', true)
  readonly power = this.add(
    new PowerControl({ reset: source => this.note(`reset by ${source}`), powerOff: () => this.note('off') }),
  )
  readonly controller = this.add(new I8042(this.irq1, this.a20, this.power))
  readonly port92 = this.add(new Port92(this.a20, this.power))
  constructor() {
    super()
    this.map(0x60, 1, this.controller.data)
    this.map(0x64, 1, this.controller.command)
    this.map(0x92, 1, this.port92)
    this.map(0x604, 2, this.power.acpi)
    this.map(0xcf9, 1, this.power.resetControl)
  }

  command(...bytes: number[]): void {
    this.out(0x64, bytes[0]!)
    for (const byte of bytes.slice(1)) this.out(0x60, byte)
  }

  /** Everything in the output buffer. */
  drain(): number[] {
    const bytes: number[] = []
    while (this.in(0x64) & 1) bytes.push(this.in(0x60))
    return bytes
  }
}

test('self test, port test, command byte', () => {
  const board = new Board()
  board.command(0xaa)
  expect(board.drain()).toEqual([0x55])
  expect(board.in(0x64)).toBe(0x1c)
  board.command(0xab)
  expect(board.drain()).toEqual([0])
  board.command(0x60, 0x24)
  board.command(0x20)
  expect(board.drain()).toEqual([0x24])
})

test('the keyboard answers reset, identify and echo; with translation as set 1', () => {
  const board = new Board()
  board.out(0x60, 0xff)
  expect(board.drain()).toEqual([0xfa, 0xaa])
  board.out(0x60, 0xf2)
  expect(board.drain()).toEqual([0xfa, 0xab, 0x41])
  board.command(0x60, 0x01)
  board.out(0x60, 0xf2)
  expect(board.drain()).toEqual([0xfa, 0xab, 0x83])
  board.out(0x60, 0xee)
  expect(board.drain()).toEqual([0xee])
  board.out(0x60, 0xed)
  board.out(0x60, 0x02)
  expect(board.drain()).toEqual([0xfa, 0xfa])
})

test('keys raise IRQ 1 one byte at a time and are translated', () => {
  const board = new Board()
  board.controller.keyboard.type(Uint8Array.of(0x1c, 0xf0, 0x1c, 0x5a)) // a pressed and released, enter
  expect(board.log).toEqual(['0 irq1 1'])
  expect(board.in(0x60)).toBe(0x1e)
  expect(board.log).toEqual(['0 irq1 1', '0 irq1 0', '0 irq1 1'])
  expect(board.drain()).toEqual([0x9e, 0x1c])
  expect(board.irq1.level).toBe(false)
})

test('a disabled keyboard waits', () => {
  const board = new Board()
  board.command(0xad)
  board.controller.keyboard.type(Uint8Array.of(0x1c))
  expect(board.drain()).toEqual([])
  board.command(0xae)
  expect(board.drain()).toEqual([0x1e])
})

test('no auxiliary device: the loop back answers on the keyboard side, the port test fails', () => {
  const board = new Board()
  board.command(0xd3, 0x5a)
  expect(board.in(0x64) & 0x21).toBe(0x01)
  expect(board.drain()).toEqual([0x5a])
  board.command(0xa9)
  expect(board.drain()).toEqual([0x01])
})

test('A20 by output port, by short commands and by port 0x92; the last writer wins', () => {
  const board = new Board()
  board.command(0xd0)
  expect(board.drain()[0]! & 3).toBe(3)
  board.command(0xd1, 0xdd)
  expect(board.a20.level).toBe(false)
  expect(board.in(0x92)).toBe(0)
  board.out(0x92, 2)
  expect(board.a20.level).toBe(true)
  board.command(0xdd)
  expect(board.a20.level).toBe(false)
  board.command(0xdf)
  expect(board.in(0x92)).toBe(2)
})

test('resets: pulse of bit 0, output port, port 0x92, reset control register', () => {
  const board = new Board()
  board.command(0xfe)
  board.command(0xff)
  board.command(0xd1, 0x02)
  board.out(0x92, 3)
  board.out(0x92, 3)
  board.out(0xcf9, 0x02)
  board.out(0xcf9, 0x06)
  expect(board.log.filter(entry => entry.includes('reset'))).toEqual([
    '0 reset by keyboard controller',
    '0 reset by keyboard controller',
    '0 reset by port 0x92',
    '0 reset by port 0xcf9',
  ])
})

test('writing 0x2000 to port 0x604 powers off, as a word or as its high byte', () => {
  const board = new Board()
  expect(board.in(0x604, 2)).toBe(1)
  board.out(0x604, 0x2000, 2)
  board.out(0x605, 0x20)
  board.out(0x604, 0x3400, 2) // another sleep type
  expect(board.log).toEqual(['0 off', '0 off'])
})

test('saving and restoring at any moment changes nothing', () => {
  checkSaveRestore(() => new Board(), [0x60, 0x64, 0x92, 0xcf9, 0x604], {
    sizes: [1, 1, 2],
    values: [0x60, 0x20, 0xd1, 0xd0, 0xaa, 0xf2, 0xff, 0xad, 0xae, 0xf0, 0x61],
    events: [
      board => board.controller.keyboard.type(Uint8Array.of(0x1c)),
      board => board.controller.keyboard.type(Uint8Array.of(0xf0, 0x1c)),
    ],
  })
})
