// An access that is not plain leaves translated code before its instruction. Where that happens again and again the
// instruction becomes careful: its region is translated once more, and the access is made by a call from then on.
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { REFUSAL_SAMPLE } from '../../src/engine/record.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const hex = (text: string) => text.split(' ').map(byte => Number.parseInt(byte, 16))
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
/** mov ebp, base; mov esi, rounds; body; dec esi; jnz body */
const loop = (rounds: number, base: number, body: readonly number[]) =>
  Uint8Array.from([
    0xbd,
    ...le32(base),
    0xbe,
    ...le32(rounds),
    ...body,
    ...hex('4e 0f 85'),
    ...le32(-(body.length + 7)),
    0xcd,
    END_SERVICE,
  ])
const THRESHOLDS = { hot: 8, batch: 1, urgent: 16 }
const MANY = REFUSAL_SAMPLE * 100
const FEW = REFUSAL_SAMPLE * 10
/** mov eax, [ebp]; add [ebp + 4], eax; xor [ebp + 1], al; push [ebp + 8]; pop edi */
const BODY = hex('8b 45 00 01 45 04 30 45 01 ff 75 08 5f')

/** Regions given up by the translating engine, of two in lockstep. */
async function givenUp(rounds: number, base: number): Promise<number> {
  const code = loop(rounds, base, BODY)
  const lockstep = new Lockstep({
    seed: base,
    engines: ['interpreter', 'blocks'],
    make: engine => flatMachine(code, { engine, thresholds: THRESHOLDS }),
  })
  const result = lockstep.run(10 * MANY)
  if (result.kind === 'difference') throw new Error(await lockstepReport(result))
  expect(result.kind).toBe('halted')
  const { statistics } = lockstep.machines[1]!.execution.engine
  expect(statistics!.blocks).toBeGreaterThan(0)
  return statistics!.invalidations
}

test.each([
  ['an unaligned word', 0x50102],
  ['a word across two pages', 0x50ffe],
  ['words before and behind the end of a page', 0x50ffc],
])('%s makes instructions careful, once', async (_, base) => {
  const regions = await givenUp(MANY, base)
  expect(regions).toBeGreaterThan(0)
  expect(regions).toBeLessThan(4)
})
test('what is refused a few times, or never, is left as it is', async () => {
  expect(await givenUp(FEW, 0x50102)).toBe(0)
  expect(await givenUp(MANY, 0x50100)).toBe(0)
})
