// Hot code keeps registers in locals and computes late: straight code that does little but move, add and store them is
// where a value is most easily lost. Random loops of such code on the cold and the hot engine in lockstep.
import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 200
const COUNTER = 0x1000
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const register = fc.constantFrom(0, 1, 2, 3, 6, 7)
const memory = fc.nat({ max: 30 }).map(n => n * 4)
const registers = (...opcode: number[]) =>
  fc.tuple(register, register).map(([r, m]) => [...opcode, 0xc0 | (r << 3) | m])
const atEbp = (...opcode: number[]) => fc.tuple(register, memory).map(([r, d]) => [...opcode, 0x45 | (r << 3), d])
const instruction = fc.oneof(
  registers(0x89), // mov
  registers(0x01), // add
  registers(0x39), // cmp
  registers(0x87), // xchg
  atEbp(0x89), // mov [ebp + d], r
  atEbp(0x8b), // mov r, [ebp + d]
  atEbp(0x03), // add r, [ebp + d]
  atEbp(0x01), // add [ebp + d], r
  fc.tuple(register, register, register).map(([r, b, i]) => [0x8d, 0x44 | (r << 3), 0x40 | (i << 3) | b, 4]), // lea r, [b + i * 2 + 4]
  register.map(r => [0x83, 0xd0 | r, 7]), // adc r, 7
  register.map(r => [0x40 | r]), // inc
)
/** add dword [ebp + COUNTER], 1; cmp dword [ebp + COUNTER], ROUNDS; jne body */
const loop = (body: readonly number[]) => {
  const end = [0x83, 0x85, ...le32(COUNTER), 1, 0x81, 0xbd, ...le32(COUNTER), ...le32(ROUNDS)]
  return [...body, ...end, 0x0f, 0x85, ...le32(-(body.length + end.length + 6)), 0xcd, END_SERVICE]
}

/** EAX has another value at the store, and its first one again behind it. */
const THERE_AND_BACK = [
  [0x89, 0xc7], // mov edi, eax
  [0x03, 0x45, 0x00], // add eax, [ebp]
  [0x89, 0x45, 0x00], // mov [ebp], eax
  [0x87, 0xc0], // xchg eax, eax
  [0x83, 0xd0, 0x07], // adc eax, 7
  [0x01, 0xc0], // add eax, eax
  [0x87, 0xc7], // xchg edi, eax
]

test('no register loses its value in hot code', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(instruction, { minLength: 5, maxLength: 40 }), fc.nat(), async (body, seed) => {
      const code = Uint8Array.from(loop(body.flat()))
      const lockstep = new Lockstep({
        seed,
        engines: ['interpreter', 'blocks'],
        make: (engine, thresholds) => flatMachine(code, { engine, thresholds }),
      })
      const result = lockstep.run(100_000)
      if (result.kind === 'difference') throw new Error(await lockstepReport(result))
      expect(result.kind).toBe('halted')
    }),
    { numRuns: 60, examples: [[THERE_AND_BACK, 0]] },
  )
})
