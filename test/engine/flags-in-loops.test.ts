// Flags that change how execution goes on, set in loops that are hot: the trap flag traps behind the next instruction,
// and an interrupt that waits is taken as soon as POPF or STI lets it.
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
