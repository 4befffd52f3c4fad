// Accesses through FS and GS in hot code, which tests a segment without limits once for a block: random loops that load
// the two from descriptors open, limited, read-only and expand-down, and access inside and now and then outside of them,
// on the cold and the hot engine in lockstep.
import fc from 'fast-check'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { DATA, END_SERVICE } from '../drivers/random-program.js'

const ROUNDS = 4000
const GDT = 0x2000
const FIRST = 0x40
const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
/** Base, limit field and rights (G is 0x8000) of the descriptors from FIRST on. */
const segments = [
  [DATA + 0x100, 0xfffff, 0xc093],
  [DATA + 0x1000, 0x3f, 0x4093],
  [DATA - 0x40, 0xfffff, 0xc091],
  [DATA + 0x200, 0x0f, 0x4097],
] as const
const descriptor = ([base, limit, rights]: (typeof segments)[number]) => [
  ...le32((limit & 0xffff) | (base << 16)),
  ...le32(
    ((base >> 16) & 0xff) | ((rights & 0xff) << 8) | (limit & 0xf0000) | ((rights & 0xf000) << 8) | (base & 0xff000000),
  ),
]

const either = fc.constantFrom(0, 1)
/** mov eax, selector; mov fs or gs, ax */
const load = fc
  .tuple(
    either,
    fc.oneof({ weight: 30, arbitrary: fc.constantFrom(0, 0, 1, 3) }, { weight: 1, arbitrary: fc.constant(2) }),
  )
  .map(([gs, n]) => [0xb8, ...le32(FIRST + 8 * n), 0x8e, gs ? 0xe8 : 0xe0])
const offset = fc.oneof(
  { weight: 90, arbitrary: fc.integer({ min: 0x10, max: 0x3c }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0x3d, 0x40, 0x800, -4, -3) },
)
/** add ebx, [offset]; add [offset], ebx; mov [offset], bx; all in FS or GS */
const access = fc
  .tuple(either, fc.constantFrom([0x03, 0x1d], [0x03, 0x1d], [0x01, 0x1d], [0x66, 0x89, 0x1d]), offset)
  .map(([gs, opcode, at]) => [gs ? 0x65 : 0x64, ...opcode, ...le32(at)])
/** add ebx, 1; jp over a NOP: a new block */
const other = fc.constant([0x83, 0xc3, 0x01, 0x7a, 0x01, 0x90])
const body = fc.array(
  fc.oneof({ weight: 4, arbitrary: load }, { weight: 8, arbitrary: access }, { weight: 1, arbitrary: other }),
  { minLength: 2, maxLength: 14 },
)

/** lgdt [GDT - 8]; mov eax, [GDT], which the quick way of loading needs; mov both segment registers; mov ecx, ROUNDS; body; dec ecx; jnz body */
function program(bytes: readonly number[]): Uint8Array {
  const both = [0xb8, ...le32(FIRST), 0x8e, 0xe0, 0x8e, 0xe8]
  const again = [0x49, 0x0f, 0x85, ...le32(-(bytes.length + 7))]
  return Uint8Array.from([
    ...[0x0f, 0x01, 0x15, ...le32(GDT - 8)],
    ...[0xa1, ...le32(GDT)],
    ...both,
    0xb9,
    ...le32(ROUNDS),
    ...bytes,
    ...again,
    0xcd,
    END_SERVICE,
  ])
}

test('segments with a base are the same in hot code', async () => {
  let [translated, whole] = [0, 0]
  await fc.assert(
    fc.asyncProperty(body, fc.nat(), async (pieces, seed) => {
      const code = program(pieces.flat())
      const lockstep = new Lockstep({
        seed,
        engines: ['interpreter', 'blocks'],
        make: engine => {
          const machine = flatMachine(code, { engine, paging: true, thresholds: { hot: 1, batch: 1, urgent: 3 } })
          const table = segments.flatMap(descriptor)
          machine.memory.write(GDT + FIRST, Uint8Array.from(table))
          machine.memory.write(GDT - 8, Uint8Array.from([FIRST + table.length - 1, 0, ...le32(GDT)]))
          return machine
        },
      })
      const result = lockstep.run(1_000_000)
      if (result.kind === 'difference') throw new Error(await lockstepReport(result))
      expect(result.kind).toBe('halted')
      const { engine } = lockstep.machines[1]!.execution
      translated += engine.statistics!.blocks
      if (lockstep.machines[1]!.cpu.state.ecx === 0) whole++
    }),
    { numRuns: 15, endOnFailure: true },
  )
  expect(translated).toBeGreaterThan(0)
  expect(whole).toBeGreaterThan(3)
})
