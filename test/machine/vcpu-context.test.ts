// A program whose registers are taken out and put back every few instructions, with another program running in between,
// comes to the same end as one that is left alone.

import fc from 'fast-check'
import { engineNames } from '../../src/engine/engines.js'
import type { Machine } from '../../src/machine/machine.js'
import { loadContext, saveContext } from '../../src/machine/vcpu-context.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { assemble, type Piece, program, STACK } from '../drivers/random-program.js'

const RUNS = 6
const ROUNDS = 2
const BUDGET = 200_000
const LONGEST = 60
/** More instructions than a part has, so that each program is divided, whatever comes behind: inc eax. */
const LEAD: Piece = { kind: 'code', bytes: new Array(LONGEST + 1).fill(0x40) }
const OTHER = 0x200000
const PAGE_TABLES = 0x4000
const thresholds = { hot: 3, batch: 1, urgent: 4 }
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

/** Has everything otherwise: registers, FPU, breakpoints, flags; and counts ECX down. */
function runAnother({ cpu, run }: { cpu: Machine['cpu']; run: (budget: number) => unknown }, budget: number) {
  const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => 0x5a + i)
  cpu.state = {
    ...{ eax: 1, ebx: 2, ecx: 1000, edx: 3, esi: 4, edi: 5, ebp: 6, esp: STACK - 64, eip: OTHER, eflags: 0xcd7 },
    x87: { cw: 0x27f, sw: 0x3800, tag: 0xff, st: new Array(8).fill(bytes(10)), ip: 7, dp: 8, opcode: 9 },
    xmm: new Array(8).fill(bytes(16)),
    mxcsr: 0x1fa0,
    dr: [OTHER + 0x100, 0, 0, 0, 0xffff0ff0, 0x402, 0xffff0ff0, 0x402],
    cr2: 0x1234,
    msr: { sysenterEsp: 99, tscOffset: 77n },
  }
  run(budget)
}

/** All memory but the page tables: the other program leaves accessed bits there. */
function memoryOf({ memory }: Machine): Uint8Array {
  const bytes = memory.read(0, memory.size)
  bytes.fill(0, PAGE_TABLES, PAGE_TABLES + 0x2000)
  return bytes
}

test.each(engineNames)(
  'engine %s',
  engine => {
    let parts = 0
    fc.assert(
      fc.property(
        program,
        fc.integer({ min: 1, max: LONGEST }),
        fc.boolean(),
        fc.boolean(),
        (body, slice, paging, user) => {
          const code = assemble([LEAD, ...body], ROUNDS)
          const make = () => {
            const machine = flatMachine(code, { engine, thresholds, paging, user: paging && user })
            // dec ecx; jnz back to it; jmp $
            machine.memory.write(OTHER, Uint8Array.of(0x49, 0x75, 0xfd, 0xeb, 0xfe))
            return machine
          }
          const whole = make()
          const wholeEnd = whole.run(BUDGET).kind
          const divided = make()
          let end = divided.run(slice).kind
          for (; end === 'budget' && parts < BUDGET; end = divided.run(slice).kind, parts++) {
            const context = saveContext(divided.cpu)
            runAnother({ cpu: divided.cpu, run: budget => divided.run(budget) }, (parts % 7) + 1)
            loadContext(divided.cpu, context)
          }
          expect(end).toBe(wholeEnd)
          expect(divided.cpu.state).toEqual(whole.cpu.state)
          expect(Buffer.compare(memoryOf(divided), memoryOf(whole))).toBe(0)
        },
      ),
      { numRuns: RUNS, seed },
    )
    expect(parts).toBeGreaterThanOrEqual(RUNS)
  },
  60_000,
)

test('data breakpoints go with the program', () => {
  const { cpu } = flatMachine(Uint8Array.of(0xf4), { engine: 'interpreter' })
  const plain = saveContext(cpu)
  cpu.state = { dr: [0x180000, 0, 0, 0, 0xffff0ff0, 0xd0401, 0xffff0ff0, 0xd0401] }
  const watched = saveContext(cpu)
  expect(cpu.watching).toBe(true)
  loadContext(cpu, plain)
  expect(cpu.watching).toBe(false)
  loadContext(cpu, watched)
  expect(cpu.watching).toBe(true)
})
