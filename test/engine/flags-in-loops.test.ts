// Flags and segments that change how execution goes on, set in loops that are hot: the trap flag traps behind the next
// instruction, an interrupt that waits is taken as soon as POPF or STI lets it, and FS has the base it was loaded with.
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 3000
const TRAP_COUNT = 0x7008
const hex = (text: string) => text.split(' ').map(byte => Number.parseInt(byte, 16))
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
/** mov ecx, ROUNDS; body; dec ecx; jnz */
const loop = (body: readonly number[]) => [
  0xb9,
  ...le32(ROUNDS),
  ...body,
  ...hex('49 0f 85'),
  ...le32(-(body.length + 7)),
  0xcd,
  END_SERVICE,
]

async function inLockstep(body: readonly number[], seed: number, timerTicks?: number) {
  const code = Uint8Array.from(loop(body))
  const options = timerTicks === undefined ? {} : { timerTicks }
  const lockstep = new Lockstep({
    seed,
    make: (engine, thresholds) => flatMachine(code, { engine, thresholds, ...options }),
  })
  const result = lockstep.run(1_000_000)
  if (result.kind === 'difference') throw new Error(await lockstepReport(result))
  expect(result.kind).toBe('halted')
  return lockstep.machines
}

test.each([1, 2, 3, 4])('TF set by POPF traps once each round (seed %i)', async seed => {
  // pushf; or byte [esp + 1], 1; popf; inc edx; inc edi
  for (const machine of await inLockstep(hex('9c 80 4c 24 01 01 9d 42 47'), seed)) {
    expect(machine.cpu.view.getUint32(machine.memory.hostPage(7, false) + (TRAP_COUNT & 0xfff), true)).toBe(ROUNDS)
    expect(machine.cpu.register(7)).toBe(ROUNDS)
  }
})

test.each([
  ['CLI, STI', 'fa 42 42 42 fb 90 47'],
  ['POPF with IF', '9c fa 42 42 42 9d 47'],
  ['POPF that changes AC too', '9c fa 80 74 24 02 04 42 9d 47'],
])('interrupts are taken at the same counts: %s', async (_, body) => {
  for (const seed of [1, 2, 3])
    for (const machine of await inLockstep(hex(body), seed, 2)) {
      expect(machine.cpu.register(7)).toBe(ROUNDS)
      expect(machine.cpu.interruptCounts[0x20]).toBeGreaterThan(5)
    }
})

test.each([
  ['what is there already', '1e 06 0f a0 8c d8 8e c0 0f a1 07 1f 47'], // push ds, es, fs; mov eax, ds; mov es, eax; pop
  // mov [ebp], ecx; xor byte [0x2022], 4; mov eax, 0x23; mov fs, eax; add edi, fs:[ebp]; xor edx, edx; mov fs, edx; inc edi
  ['a base that moves', '89 4d 00 80 35 22 20 00 00 04 b8 23 00 00 00 8e e0 64 03 7d 00 31 d2 8e e2 47'],
  // and byte [0x2025], 0xfe; mov eax, 0x23; mov gs, eax; inc edi
  ['a descriptor that is marked accessed', '80 25 25 20 00 00 fe b8 23 00 00 00 8e e8 47'],
  ['control registers', '0f 20 d0 0f 20 da 0f 20 c0 01 c7'], // mov eax, cr2; mov edx, cr3; mov eax, cr0; add edi, eax
  ['translations that are dropped', '0f 01 7d 00 47 0f 20 d8 0f 22 d8 01 4d 00'], // invlpg [ebp]; mov eax, cr3; mov cr3, eax
])('system instructions in regions: %s', async (_, body) => {
  for (const machine of await inLockstep(hex(body), 1, 3)) {
    expect(machine.cpu.register(7)).not.toBe(0)
    expect(machine.cpu.interruptCounts[0x20]).toBeGreaterThan(5)
  }
})
