// Code that is written again and again: small functions close to each other, some over the end of a page, with data in
// between; in each round some are written anew or patched, data beside them is counted up, and some are called. All engines
// in lockstep, the reference among them, which keeps no decoded code.
import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { Interpreter } from '../../src/engine/interpreter.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 120
const AREA = 0x200fc7
/** Bytes from one function to the next: 6 (add imm32), 1 (ret), data in the last 4. */
const STRIDE = 11
const FUNCTIONS = 16
const DATA = 7
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const at = (n: number) => AREA + n * STRIDE

/** The fifth lies over the end of a page. */
const CROSSING = 5
const place = fc.oneof(fc.nat({ max: FUNCTIONS - 1 }), fc.constant(CROSSING))
const step = fc.oneof(
  // mov dword [f], 81 C7 xx xx; mov byte [f + 6], C3: add edi, ...; ret
  fc
    .tuple(place, fc.nat({ max: 0xffff }))
    .map(([n, value]) => [
      ...[0xc7, 0x05, ...le32(at(n)), 0x81, 0xc7, value & 255, value >> 8],
      ...[0xc6, 0x05, ...le32(at(n) + 6), 0xc3],
    ]),
  // The six bytes as other instructions: mov edi, ...; inc edi, two of add edi, ..., and one of them and ret.
  fc
    .tuple(
      place,
      fc.constantFrom([0xbf, 1, 2, 3, 4, 0x47], [0x83, 0xc7, 5, 0x83, 0xc7, 6], [0x83, 0xc7, 7, 0xc3, 0x90, 0x90]),
    )
    .map(([n, bytes]) => [
      ...[0xc7, 0x05, ...le32(at(n)), ...bytes.slice(0, 4)],
      ...[0x66, 0xc7, 0x05, ...le32(at(n) + 4), ...bytes.slice(4)],
    ]),
  place.map(n => [0x00, 0x05, ...le32(at(n) + 2)]), // add [f + 2], al: the immediate
  place.map(n => [0x80, 0x35, ...le32(at(n) + 1), 0x28]), // xor byte [f + 1], 28: add becomes sub and back
  place.map(n => [0xff, 0x05, ...le32(at(n) + DATA)]), // inc dword [f + DATA]
  place.map(n => [0xba, ...le32(at(n)), 0xff, 0xd2]), // mov edx, f; call edx
  place.map(n => [0xb9, 0x14, 0, 0, 0, 0xba, ...le32(at(n)), 0xff, 0xd2, 0x49, 0x75, 0xfb]), // the same 20 times
)
/** mov dword [ebp], ROUNDS; body: ...; add eax, edi; dec dword [ebp]; jnz body; int END_SERVICE */
const loop = (body: readonly number[]) => {
  const end = [0x01, 0xf8, 0xff, 0x4d, 0]
  return [0xc7, 0x45, 0, ...le32(ROUNDS), ...body, ...end, 0x0f, 0x85, ...le32(-(body.length + 11)), 0xcd, END_SERVICE]
}

/** A region whose head lies over the end of a page is written to: its first half is. */
const HEAD_OVER_PAGE_END = [
  [0x80, 0x35, ...le32(at(CROSSING) + 1), 0x28],
  [0xb9, 0x14, 0, 0, 0, 0xba, ...le32(at(1)), 0xff, 0xd2, 0x49, 0x75, 0xfb],
  [0xb9, 0x14, 0, 0, 0, 0xba, ...le32(at(CROSSING)), 0xff, 0xd2, 0x49, 0x75, 0xfb],
  [0xc7, 0x05, ...le32(at(0)), 0x81, 0xc7, 0, 0, 0xc6, 0x05, ...le32(at(0) + 6), 0xc3],
  [0x00, 0x05, ...le32(at(0) + 2)],
]

test('what is executed is what was written last', async () => {
  let invalidated = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), fc.nat(), async (steps, seed) => {
      const code = Uint8Array.from(loop(steps.flat()))
      const lockstep = new Lockstep({
        seed,
        make: (engine, thresholds) => {
          const machine = flatMachine(code, { engine, thresholds, paging: true })
          for (let n = 0; n < FUNCTIONS; n++)
            machine.memory.write(at(n), Uint8Array.from([0x81, 0xc7, ...le32(n), 0xc3, 0, 0, 0, 0]))
          return machine
        },
      })
      const result = lockstep.run(200_000)
      if (result.kind === 'difference') throw new Error(await lockstepReport(result))
      expect(result.kind).toBe('halted')
      const { engine } = lockstep.machines.at(-1)!.execution
      if (engine instanceof Interpreter) invalidated += engine.cache.invalidated
    }),
    { numRuns: 20, interruptAfterTimeLimit: 60_000, examples: [[HEAD_OVER_PAGE_END, 675714156]] },
  )
  expect(invalidated).toBeGreaterThan(500)
})
