// Unaligned accesses in hot code, which makes them without a call as long as they stay on a page and alignment is not
// checked: random loops over two pages at CPL 3, in some of which AC is set on the way and #AC ends the run, on the cold and
// the hot engine in lockstep.
import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 30_000
const AM = 0x40000
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
/** Accesses of [ebp + ebx + displacement] by opcode: 4 bytes read, written and both, 2, 8 and 16 bytes both ways. */
const opcodes = [
  [0x03, 0x94], // add edx, m
  [0x89, 0x94], // mov m, edx
  [0x01, 0x8c], // add m, ecx
  [0x66, 0x03, 0x94], // add dx, m
  [0x66, 0x89, 0x8c], // mov m, cx
  [0xf3, 0x0f, 0x7e, 0x84], // movq xmm0, m
  [0x66, 0x0f, 0xd6, 0x84], // movq m, xmm0
  [0x0f, 0x10, 0x84], // movups xmm0, m
  [0x0f, 0x11, 0x84], // movups m, xmm0
]
const access = fc
  .tuple(fc.constantFrom(...opcodes), fc.integer({ min: 0, max: 40 }))
  .map(([opcode, displacement]) => [...opcode, 0x1d, ...le32(displacement)])

/** mov ecx, ROUNDS; imul ebx, ecx, 13; and ebx, 0x1fff; body; at round `checked` set AC; dec ecx; jnz imul */
function program(body: readonly number[], checked: number): Uint8Array {
  const index = [0x6b, 0xd9, 13, 0x81, 0xe3, ...le32(0x1fff)]
  const check = [0x9c, 0x81, 0x0c, 0x24, ...le32(AM), 0x9d] // pushf; or [esp], AM; popf
  const all = [...index, ...body, 0x81, 0xf9, ...le32(checked), 0x75, check.length, ...check, 0x49]
  return Uint8Array.from([0xb9, ...le32(ROUNDS), ...all, 0x0f, 0x85, ...le32(-(all.length + 6)), 0xcd, END_SERVICE])
}

test('unaligned accesses are the same in hot code, alignment checked or not', async () => {
  let [translated, whole, ended] = [0, 0, 0]
  const bodies = fc.array(access, { minLength: 2, maxLength: 8 }).map(pieces => pieces.flat())
  const rounds = fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: ROUNDS }))
  await fc.assert(
    fc.asyncProperty(bodies, rounds, fc.nat(), async (body, checked, seed) => {
      const code = program(body, checked)
      const lockstep = new Lockstep({
        seed,
        engines: ['interpreter', 'blocks'],
        make: (engine, thresholds) => {
          const machine = flatMachine(code, { engine, thresholds, paging: true, user: true })
          const { state } = machine.cpu
          machine.cpu.state = { ...state, cr0: state.cr0 | AM }
          return machine
        },
      })
      const result = lockstep.run(1_000_000)
      if (result.kind === 'difference') throw new Error(await lockstepReport(result))
      expect(result.kind).toBe('halted')
      const { cpu, execution } = lockstep.machines[1]!
      translated += execution.engine.statistics!.blocks
      if (cpu.state.ecx === 0) whole++
      else ended++
    }),
    { numRuns: 15, endOnFailure: true },
  )
  expect(translated).toBeGreaterThan(0)
  expect(whole).toBeGreaterThan(0)
  expect(ended).toBeGreaterThan(0)
})
