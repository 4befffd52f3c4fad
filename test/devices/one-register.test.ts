// Devices of one register: debug console, debug exit, POST codes.
import { DebugConsole } from '../../src/devices/debug-console.js'
import { IsaDebugExit } from '../../src/devices/isa-debug-exit.js'
import { PostCode } from '../../src/devices/post-code.js'
import { Rig } from './rig.js'

test('the debug console shows bytes and answers with its own number', () => {
  const board = new Rig()
  board.map(0xe9, 1, new DebugConsole(byte => board.note(String.fromCharCode(byte))))
  for (const byte of new TextEncoder().encode('ok')) board.out(0xe9, byte)
  expect(board.log).toEqual(['0 o', '0 k'])
  expect(board.in(0xe9)).toBe(0xe9)
})

test('debug exit reports the value at the width it was written', () => {
  const board = new Rig()
  board.map(0xf4, 4, new IsaDebugExit(value => board.note(`exit ${value}`)))
  board.out(0xf4, 0x21)
  board.out(0xf4, 0x12345678, 4)
  expect(board.log).toEqual(['0 exit 33', '0 exit 305419896'])
})

test('POST codes of both ports stand in one log, in order; the latest 65,536 are kept', () => {
  const board = new Rig()
  const post = board.add(new PostCode())
  board.map(0x80, 1, post)
  board.map(0x190, 1, post)
  board.out(0x80, 1)
  board.out(0x190, 2)
  board.out(0x80, 3)
  expect([...post.codes]).toEqual([1, 2, 3])
  expect(board.in(0x80)).toBe(3)
  for (let code = 0; code < 65_536; code++) board.out(0x190, code & 0xff)
  board.out(0x80, 0xaa)
  expect(post.codes.length).toBe(65_536)
  expect([...post.codes.subarray(-2)]).toEqual([0xff, 0xaa])
  const other = new PostCode()
  other.restore(post.save())
  expect(other.codes).toEqual(post.codes)
})
