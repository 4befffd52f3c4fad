// QEMU's fw_cfg as firmware reads it, byte by byte (QEMU, docs/specs/fw_cfg).
import { FwCfg } from '../../src/devices/fw-cfg.js'
import { checkSaveRestore, Rig } from './rig.js'

class Board extends Rig {
  readonly fwCfg = this.add(new FwCfg({ memoryBytes: 3 * 1024 ** 3 }))
  constructor() {
    super()
    this.fwCfg.addFile('etc/one', Uint8Array.of(1, 2, 3))
    this.fwCfg.addFile('etc/two', Uint8Array.of(9))
    this.map(0x510, 2, this.fwCfg)
  }

  item(selector: number, length: number): number[] {
    this.out(0x510, selector, 2)
    return Array.from({ length }, () => this.in(0x511))
  }
}

test('signature, interfaces, memory and processors', () => {
  const board = new Board()
  expect(String.fromCharCode(...board.item(0, 4))).toBe('QEMU')
  expect(board.item(1, 5)).toEqual([1, 0, 0, 0, 0])
  expect(board.item(3, 8)).toEqual([0, 0, 0, 0xc0, 0, 0, 0, 0])
  expect(board.item(5, 2)).toEqual([1, 0])
  expect(board.item(0x77, 2)).toEqual([0, 0])
})

test('the directory lists files, big endian, and selects them', () => {
  const board = new Board()
  const bytes = board.item(0x19, 4 + 2 * 64)
  expect(bytes.slice(0, 4)).toEqual([0, 0, 0, 2])
  expect(bytes.slice(68, 76)).toEqual([0, 0, 0, 1, 0, 0x21, 0, 0])
  expect(String.fromCharCode(...bytes.slice(76, 83))).toBe('etc/two')
  expect(board.item(0x20, 4)).toEqual([1, 2, 3, 0])
})

test('string input takes many bytes at once', () => {
  const board = new Board()
  board.out(0x510, 0x20, 2)
  const sink = new Uint8Array(4)
  expect(board.bus.readBlock(0x511, 1, 4, sink)).toBe(4)
  expect(sink).toEqual(Uint8Array.of(1, 2, 3, 0))
})

test('a name that does not fit is refused', () => {
  expect(() => new Board().fwCfg.addFile('x'.repeat(56), Uint8Array.of(1))).toThrow('too long')
})

test('saving and restoring at any moment changes nothing', () => {
  checkSaveRestore(() => new Board(), [0x510, 0x511], { sizes: [1, 2], values: [0, 3, 0x19, 0x20] })
})
