// A direct branch remembers the record that it goes to in another page. Here that page is mapped to other memory again and
// again, and its code is changed: the branch must go to what is there now. The sum that the code makes is known beforehand.
import * as L from '../../src/cpu/layout.js'
import { engineNames } from '../../src/engine/engines.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { CODE, END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 300
const FAR = 0x200000 // mapped to itself and to the page behind it by turns
const END = 0x203000
const PAGE_TABLE_ENTRY = 0x5000 + 4 * (FAR >> 12)
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const to = (from: number, target: number) => le32(target - from - 5)

const remap = [0x81, 0x35, ...le32(PAGE_TABLE_ENTRY), ...le32(0x1000), 0x0f, 0x01, 0x3d, ...le32(FAR)] // xor [entry], 0x1000; invlpg [FAR]
const change = [0xfe, 0x05, ...le32(FAR + 1)] // inc byte [FAR + 1]
const body = [
  ...[0xe8, ...to(CODE + 5, FAR)], // call FAR
  ...[0xf6, 0xc1, 0x03, 0x75, remap.length, ...remap], // test cl, 3; jnz over it
  ...[0xf6, 0xc1, 0x0f, 0x75, change.length, ...change], // test cl, 15; jnz over it
]
const code = [
  ...[0xb9, ...le32(ROUNDS), ...body, 0x49], // mov ecx, ROUNDS; body; dec ecx
  ...[0x0f, 0x85, ...le32(-(body.length + 7)), 0xcd, END_SERVICE], // jnz to the body; int END_SERVICE
]

test.each(engineNames)('%s', engine => {
  const thresholds = { hot: 100, batch: 1, urgent: 4 }
  const machine = flatMachine(Uint8Array.from(code), { engine, thresholds, paging: true })
  // add eax, 1 or 1000; jmp END, where there is a ret
  const addends = [1, 1000]
  addends.forEach((n, i) => {
    machine.memory.write(FAR + 0x1000 * i, Uint8Array.from([0x05, ...le32(n), 0xe9, ...to(FAR + 5, END)]))
  })
  machine.memory.write(END, Uint8Array.of(0xc3))
  expect(machine.run(100_000).kind).toBe('halted')
  let sum = 0
  let mapped = 0
  for (let n = ROUNDS; n > 0; n--) {
    sum += addends[mapped]!
    if (n % 4 === 0) mapped ^= 1
    if (n % 16 === 0) addends[mapped] = (addends[mapped]! & ~255) | ((addends[mapped]! + 1) & 255)
  }
  expect(machine.cpu.i32[L.gprCell(L.EAX) >> 2]).toBe(sum)
})
