// REP MOVS, STOS, SCAS and CMPS in hot code, which does all iterations at once where nothing is unusual. Random loops of
// them, with strings that overlap, cross pages, go down, are empty or long, on the cold and the hot engine in lockstep.
import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 40
const AREA = 0x50000
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const address = fc.oneof(
  fc.nat({ max: 64 }).map(n => AREA + 0x100 + n),
  fc.integer({ min: -70, max: 10 }).map(n => AREA + 0x1000 + n),
)
const count = fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 21, max: 1100 }))
/** MOVS and STOS, and SCAS and CMPS with both conditions. */
const instructions = [0xa4, 0xa5, 0xaa, 0xab]
  .map(opcode => [0xf3, opcode])
  .concat([0xae, 0xaf, 0xa6, 0xa7].flatMap(opcode => [0xf2, 0xf3].map(prefix => [prefix, opcode])))
  .flatMap(bytes => (bytes[1]! & 1 ? [bytes, [0x66, ...bytes]] : [bytes]))
/**
 * mov eax, value; mov esi, source; mov edi, destination; mov ecx, count; std or cld; the instruction; cld; pushf;
 * pop eax; and eax, the arithmetic flags; add [AREA + 12], eax
 */
const repeated = fc
  .record({
    value: fc.oneof(fc.constant(0), fc.constant(0x5a5a5a5a), fc.integer()),
    source: address,
    destination: address,
    count,
    down: fc.integer({ min: 0, max: 9 }).map(n => n === 0),
    instruction: fc.constantFrom(...instructions),
  })
  .map(r => [
    0xb8,
    ...le32(r.value),
    0xbe,
    ...le32(r.source),
    0xbf,
    ...le32(r.destination),
    0xb9,
    ...le32(r.count),
    r.down ? 0xfd : 0xfc,
    ...r.instruction,
    0xfc,
    ...[0x9c, 0x58, 0x25, ...le32(0x8d5), 0x01, 0x05, ...le32(AREA + 12)],
  ])
/** mov ebx, ROUNDS; body; add [AREA], ecx, esi, edi; dec ebx; jnz body */
const loop = (body: readonly number[]) => {
  const sums = [0x01, 0x0d, ...le32(AREA), 0x01, 0x35, ...le32(AREA + 4), 0x01, 0x3d, ...le32(AREA + 8)]
  const all = [...body, ...sums]
  return Uint8Array.from([
    0xbb,
    ...le32(ROUNDS),
    ...all,
    0x4b,
    0x0f,
    0x85,
    ...le32(-(all.length + 7)),
    0xcd,
    END_SERVICE,
  ])
}

test('repeated strings are the same in hot code', async () => {
  let translated = 0
  await fc.assert(
    fc.asyncProperty(fc.array(repeated, { minLength: 1, maxLength: 6 }), fc.nat(), async (body, seed) => {
      const code = loop(body.flat())
      const lockstep = new Lockstep({
        seed,
        engines: ['interpreter', 'blocks'],
        make: engine => flatMachine(code, { engine, thresholds: { hot: 1, batch: 1, urgent: 3 } }),
      })
      const result = lockstep.run(1_000_000)
      if (result.kind === 'difference') throw new Error(await lockstepReport(result))
      expect(result.kind).toBe('halted')
      translated += lockstep.machines[1]!.execution.engine.statistics!.blocks
    }),
    { numRuns: 40 },
  )
  expect(translated).toBeGreaterThan(0)
})
