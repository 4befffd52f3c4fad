// The 440FX host bridge by configuration mechanism 1, in the steps of Linux and SeaBIOS (82441FX data sheet, PCI 2.1).
import { I440fxPciHost, type ShadowRegion } from '../../src/devices/i440fx-pci-host.js'
import { PowerControl } from '../../src/devices/power-control.js'
import { checkSaveRestore, Rig } from './rig.js'

class Board extends Rig {
  shadow: ShadowRegion[] = []
  readonly power = this.add(new PowerControl({ reset: source => this.note(source), powerOff: () => {} }))
  readonly host: I440fxPciHost
  constructor(ide = true) {
    super()
    const onShadow = (regions: ShadowRegion[]) => {
      this.shadow = regions
    }
    this.host = this.add(new I440fxPciHost(this.power, { onShadow, ide }))
    this.map(0xcf8, 4, this.host.address)
    this.map(0xcfc, 4, this.host.data)
  }

  select(device: number, index: number, register: number): void {
    this.out(0xcf8, (0x80000000 | (device << 11) | (index << 8) | register) >>> 0, 4)
  }

  get(device: number, index: number, register: number): number {
    this.select(device, index, register)
    return this.in(0xcfc, 4)
  }
}

test('the detection of configuration mechanism 1 by Linux', () => {
  const board = new Board()
  board.out(0xcfb, 0x01)
  board.out(0xcf8, 0x80000000, 4)
  expect(board.in(0xcf8, 4)).toBe(0x80000000)
})

test('functions, and all ones where there is none', () => {
  const board = new Board()
  expect(board.get(0, 0, 0)).toBe(0x12378086)
  expect(board.get(0, 0, 8) >>> 16).toBe(0x0600)
  expect(board.get(0, 0, 0x2c)).toBe(0x11001af4)
  expect(board.get(1, 0, 0)).toBe(0x70008086)
  expect(board.get(1, 0, 0x0c) >>> 16).toBe(0x80)
  expect(board.get(1, 1, 0)).toBe(0x70108086)
  expect(board.get(2, 0, 0)).toBe(0xffffffff)
  expect(new Board(false).get(1, 1, 0)).toBe(0xffffffff)
  board.out(0xcf8, 0, 4)
  expect(board.in(0xcfc, 2)).toBe(0xffff)
})

test('bytes and words of the window; identities cannot be written; BARs read 0', () => {
  const board = new Board()
  board.select(0, 0, 0)
  expect([board.in(0xcfc), board.in(0xcfe, 2)]).toEqual([0x86, 0x1237])
  board.out(0xcfc, 0x5555, 2)
  expect(board.in(0xcfc, 2)).toBe(0x8086)
  board.select(0, 0, 0x10)
  board.out(0xcfc, 0xffffffff, 4)
  expect(board.in(0xcfc, 4)).toBe(0)
  board.select(1, 0, 0x3c)
  board.out(0xcfc, 11)
  expect(board.in(0xcfc)).toBe(11)
})

test('PAM registers move the shadow regions: the write of SeaBIOS that opens 0xF0000', () => {
  const board = new Board()
  board.select(0, 0, 0x58)
  board.out(0xcfd, 0x30)
  expect(board.shadow).toHaveLength(13)
  expect(board.shadow[0]).toEqual({ base: 0xf0000, length: 0x10000, readRam: true, writeRam: true })
  board.select(0, 0, 0x5c)
  board.out(0xcfc, 0x21) // 0x5C: D0000 read RAM, D4000 write RAM
  expect(board.shadow.filter(({ readRam, writeRam }) => readRam || writeRam)).toEqual([
    { base: 0xf0000, length: 0x10000, readRam: true, writeRam: true },
    { base: 0xd0000, length: 0x4000, readRam: true, writeRam: false },
    { base: 0xd4000, length: 0x4000, readRam: false, writeRam: true },
  ])
  board.host.reset()
  expect(board.shadow.some(({ readRam }) => readRam)).toBe(false)
})

test('port 0xCF9 is the reset control register', () => {
  const board = new Board()
  board.out(0xcf9, 0x02)
  board.out(0xcf9, 0x06)
  expect(board.in(0xcf9)).toBe(0x06)
  expect(board.log).toEqual(['0 port 0xcf9'])
})

test('saving and restoring at any moment changes nothing', () => {
  checkSaveRestore(() => new Board(), [0xcf8, 0xcf9, 0xcfc, 0xcfd, 0xcfe], {
    sizes: [1, 2, 4],
    values: [0x80000058, 0x8000005c, 0x80000800, 0x80000860, 0x33, 0x30, 0x06],
  })
})
