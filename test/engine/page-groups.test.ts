// Accesses at constant distances share one test in hot code. Random loops of loads, stores and pushes whose base lies
// near the end of a page, at any alignment, on the cold and the hot engine in lockstep; and what is put in one group.
import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { pageGroups } from '../../src/engine/page-groups.js'
import { CONST, FIRST_OPERATOR, GUEST_LOAD, GUEST_STORE, PARAMETER, Tape } from '../../src/ir/tape.js'
import { I32, operatorNumber, VOID } from '../../src/ir/types.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 50
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const register = fc.constantFrom(0, 1, 2, 3, 7)
const byteRegister = fc.nat({ max: 7 })
const distance = fc.nat({ max: 127 })
const at = (r: fc.Arbitrary<number>, ...opcode: number[]) =>
  fc.tuple(r, distance).map(([n, d]) => [...opcode, 0x45 | (n << 3), d])
const instruction = fc.oneof(
  at(register, 0x89), // mov [ebp + d], r
  at(register, 0x8b), // mov r, [ebp + d]
  at(register, 0x01), // add [ebp + d], r
  at(byteRegister, 0x88), // mov byte [ebp + d], r
  at(byteRegister, 0x02), // add r, byte [ebp + d]
  at(register, 0x66, 0x29), // sub word [ebp + d], r
  at(register, 0x0f, 0xbf), // movsx r, word [ebp + d]
  at(fc.constant(0), 0xff), // inc dword [ebp + d]
  register.map(r => [0x50 | r, 0x58 | ((r + 1) & 3)]), // push r; pop another
)
/** mov ebp, base; mov esi, ROUNDS; body; dec esi; jnz body */
const loop = (base: number, body: readonly number[]) => {
  const end = [0x4e, 0x0f, 0x85, ...le32(-(body.length + 7)), 0xcd, END_SERVICE]
  return Uint8Array.from([0xbd, ...le32(base), 0xbe, ...le32(ROUNDS), ...body, ...end])
}

test('accesses beside the end of a page are the same in hot code', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(instruction, { minLength: 3, maxLength: 25 }),
      fc.integer({ min: 0x50f70, max: 0x51004 }),
      fc.nat(),
      async (body, base, seed) => {
        const code = loop(base, body.flat())
        const lockstep = new Lockstep({
          seed,
          engines: ['interpreter', 'blocks'],
          make: (engine, thresholds) => flatMachine(code, { engine, thresholds }),
        })
        const result = lockstep.run(100_000)
        if (result.kind === 'difference') throw new Error(await lockstepReport(result))
        expect(result.kind).toBe('halted')
      },
    ),
    { numRuns: 30 },
  )
})

describe('groups', () => {
  const ADD = FIRST_OPERATOR + operatorNumber('i32.add')
  const tapeOf = (accesses: readonly [distance: number, width: number, store: boolean][]) => {
    const tape = new Tape()
    const root = tape.push(PARAMETER, I32)
    for (const [distance, width, store] of accesses) {
      const address = tape.push(ADD, I32, root, tape.push(CONST, I32, -1, -1, -1, distance))
      if (store) tape.push(GUEST_STORE, VOID, address, width, root)
      else tape.push(GUEST_LOAD, I32, address, width)
    }
    return tape
  }
  const shapes = (tape: Tape) =>
    [...new Set([...pageGroups(tape, () => false).values()].map(g => g.group))].map(g => [
      g.low,
      g.high,
      g.align,
      g.write,
    ])

  test('hold what is near and alike aligned', () => {
    expect(
      shapes(
        tapeOf([
          [8, 4, false],
          [-4, 4, true],
          [3, 1, false],
          [6, 4, false],
        ]),
      ),
    ).toEqual([[-4, 11, 4, true]])
  })
  test('begin where all accesses are aligned', () => {
    expect(
      shapes(
        tapeOf([
          [5, 1, false],
          [10, 4, false],
        ]),
      ),
    ).toEqual([[2, 13, 4, false]])
  })
  test('do not hold what is far away, or alone', () => {
    expect(
      shapes(
        tapeOf([
          [0, 4, false],
          [400, 4, false],
          [2, 8, false],
        ]),
      ),
    ).toEqual([])
  })
})
