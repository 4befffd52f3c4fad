// Device memory in lockstep: what a load from a chip gives depends on the exact count, and what a store to one does is
// looked at right behind it, under every engine.
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import { flatMachine } from '../drivers/flat-machine.js'
import { END_SERVICE } from '../drivers/random-program.js'

const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]
const APIC = 0xfee00000
/** mov dword [APIC + register], value */
const store = (register: number, value: number) => [0xc7, 0x05, ...le32(APIC + register), ...le32(value)]
/** add edx, [APIC + register] */
const addFrom = (register: number) => [0x03, 0x15, ...le32(APIC + register)]
/** `body` ECX times */
const loop = (count: number, body: number[]) => [
  0xb9,
  ...le32(count),
  ...body,
  0x49,
  0x0f,
  0x85,
  ...le32(-(body.length + 7)),
]

const SVR = 0xf0
const ICR = 0x300
const TIMER = 0x320
const INITIAL = 0x380
const CURRENT = 0x390
const SELF_IPI = 0x44020 // fixed, vector of the timer handler, to self

const run = async (code: number[], seed: number) => {
  const bytes = Uint8Array.from([...code, 0xcd, END_SERVICE])
  const lockstep = new Lockstep({
    seed,
    make: (engine, thresholds) => flatMachine(bytes, { engine, thresholds, apicHandler: true }),
  })
  const result = lockstep.run(400_000)
  if (result.kind === 'difference') throw new Error(await lockstepReport(result))
  expect(result.kind).toBe('halted')
  return lockstep.machines
}

test.each([1, 2, 3])('the APIC timer reads as the count says (seed %i)', async seed => {
  const code = [
    ...store(SVR, 0x1ff),
    ...store(TIMER, 0x10000),
    ...store(INITIAL, 0x7fffffff),
    ...loop(5000, [...addFrom(CURRENT), 0x40, 0x01, 0xc2]),
  ]
  await run(code, seed)
})

test.each([1, 2, 3])('an interrupt that a store makes pending is taken right behind it (seed %i)', async seed => {
  // edx = 0; sti; loop: ICR to self; add edx, [count of interrupts]
  const code = [
    0x31,
    0xd2,
    ...store(SVR, 0x1ff),
    0xfb,
    ...loop(3000, [...store(ICR, SELF_IPI), 0x03, 0x15, ...le32(0x7000)]),
  ]
  const machines = await run(code, seed)
  for (const { cpu } of machines) {
    expect(cpu.interruptCounts[0x20]).toBe(3000)
    expect(cpu.register(2)).toBe((3000 * 3001) / 2)
  }
})
