// Code whose pages change under it: the same linear page leads to other code after each change of translations, and back
// to code that was decoded before.
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 2000
// A second directory and its table, beside those of the machine; PLACE leads to ONE by the first and to OTHER by the second.
const DIRECTORY = 0x200000
const TABLE = 0x201000
const PLACE = 0x300000
const ONE = PLACE
const OTHER = 0x301000
const PLACE_ENTRY = 0x5000 + (PLACE >>> 10)
const hex = (text: string) => text.split(' ').map(byte => Number.parseInt(byte, 16))
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const setCr3 = (directory: number) => [0xb8, ...le32(directory), ...hex('0f 22 d8')]
const setEntry = (entry: number) => [
  0xc7,
  0x05,
  ...le32(PLACE_ENTRY),
  ...le32(entry),
  ...hex('0f 01 3d'),
  ...le32(PLACE),
]
const callPlace = [0xba, ...le32(PLACE), ...hex('ff d2')]

async function inLockstep(body: readonly number[]) {
  const end = [0xff, 0x4d, 0, 0x0f, 0x85, ...le32(-(body.length + 9)), 0xcd, END_SERVICE] // dec dword [ebp]; jnz; int
  const start = [0xc7, 0x45, 0, ...le32(ROUNDS)] // mov dword [ebp], ROUNDS
  const lockstep = new Lockstep({
    seed: 1,
    make: (engine, thresholds) => {
      const machine = flatMachine(Uint8Array.from([...start, ...body, ...end]), { engine, thresholds, paging: true })
      const write = (at: number, bytes: number[]) => machine.memory.write(at, Uint8Array.from(bytes))
      write(DIRECTORY, le32(TABLE | 7))
      for (let page = 0; page < 1024; page++) write(TABLE + 4 * page, le32((page << 12) | 7))
      write(TABLE + (PLACE >>> 10), le32(OTHER | 7))
      write(ONE, hex('47 c3')) // inc edi; ret
      write(OTHER, hex('83 c7 03 c3')) // add edi, 3; ret
      return machine
    },
  })
  const result = lockstep.run(1_000_000)
  if (result.kind === 'difference') throw new Error(await lockstepReport(result))
  for (const machine of lockstep.machines) expect(machine.cpu.register(7)).toBe(4 * ROUNDS)
}

test('by CR3', () => inLockstep([...setCr3(DIRECTORY), ...callPlace, ...setCr3(0x4000), ...callPlace]))
test('by INVLPG', () => inLockstep([...setEntry(OTHER | 7), ...callPlace, ...setEntry(ONE | 7), ...callPlace]))
test('by CR3, and written in between', () =>
  inLockstep([
    ...setCr3(DIRECTORY),
    ...callPlace,
    ...setCr3(0x4000),
    ...callPlace,
    0xc6,
    0x05,
    ...le32(OTHER + 4),
    0x90, // mov byte [OTHER + 4], 0x90
  ]))
