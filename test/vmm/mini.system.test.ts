// The whole VMM on a real guest: mini, rewritten, without a hypervisor (vmm/bare) and in a domain of our Xen. Every workload
// and the check of every sensitive instruction give what they give natively, no sensitive instruction is left to the
// processor, and that whatever the interrupts' timing is.
import type { Machine } from '../../src/machine/machine.js'
import { virtualCpuAddress } from '../../src/rewriter/virtual-cpu.js'
import { bareMachine, buildVmm } from './bare-machine.js'
import { markers, miniGuest, runNatively, type TestGuest } from './guests.js'
import { random } from './random.js'
import { xenDomain } from './xen-domain.js'

const BUDGET = 4_000_000_000
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const RUNS = 24
const TIMED = 'workload=syscall,fork,exec,pipe,fault,signal,switch,tls,sensitive'

let [bare, xen] = ['', '']
let [whole, timed]: [TestGuest, TestGuest] = [undefined!, undefined!]
beforeAll(async () => {
  bare = buildVmm('bare', 'vmm-bare.elf')
  xen = buildVmm('xen', 'vmm-xen.elf')
  whole = await miniGuest()
  timed = await miniGuest(TIMED)
}, 120_000)

function play(machine: Machine, slice: () => number) {
  for (;;) {
    const { kind } = machine.run(slice())
    if (kind !== 'budget' || machine.retired > BUDGET) return kind
  }
}

function consoleOf(machine: Machine): () => string[] {
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  return () => markers(text)
}

test('mini runs everything rewritten, with native checksums and no sensitive instruction left', () => {
  const expected = runNatively(whole)
  expect(expected.lines.at(-1)).toBe('previrt: done')
  const { machine, missed } = bareMachine(bare, whole)
  const lines = consoleOf(machine)
  const kind = play(machine, () => 50_000_000)
  expect({ lines: lines(), kind }).toEqual({ lines: expected.lines, kind: 'power-off' })
  expect(Object.fromEntries(missed)).toEqual({})
}, 600_000)

/** What a Xen that is built for debugging leaves in free memory. */
const SCRUBBED = 0xc2

test.each([
  ['4.17', { privileged: false }],
  ['3.0', { privileged: false }],
  ['4.17, its memory not cleared', { memoryHolds: SCRUBBED }],
  ['4.17 as the control domain, its memory not cleared', { memoryHolds: SCRUBBED, privileged: true }],
])(
  'and in a domain of Xen %s',
  (name, options) => {
    const expected = runNatively(whole)
    const domain = xenDomain(xen, whole, { profile: name.split(/[, ]/)[0]!, ...options })
    const { kind } = domain.run(BUDGET)
    expect({ lines: markers(domain.console()), kind }).toEqual({ lines: expected.lines, kind: 'power-off' })
  },
  600_000,
)

test(`results do not depend on when interrupts come (seeds ${SEED} to ${SEED + RUNS - 1})`, () => {
  const expected = runNatively(timed)
  let restarts = 0
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const next = random(seed)
    const { machine, missed, word } = bareMachine(bare, timed)
    const lines = consoleOf(machine)
    const line = machine.platform.pic.irq[4]!
    // Time jumps by up to 4 ms, so that the guest's ticks come anywhere; and the console's line makes events of no meaning.
    const kind = play(machine, () => {
      if (next() % 4 === 0) machine.haltedNanoseconds += next() % 4_000_000
      line.set(next() % 3 === 0)
      return 1 + (next() % (next() % 8 === 0 ? 20_000 : 400))
    })
    expect({ seed, lines: lines(), kind }).toEqual({ seed, lines: expected.lines, kind: 'power-off' })
    expect(Object.fromEntries(missed)).toEqual({})
    restarts += word(virtualCpuAddress('restarts'))
  }
  process.stderr.write(`${restarts} events in sections that started again\n`)
  expect(restarts).toBeGreaterThan(RUNS)
}, 1_200_000)

test(`nor in a domain (seeds ${SEED} to ${SEED + RUNS - 1})`, () => {
  const expected = runNatively(timed)
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const next = random(seed)
    const domain = xenDomain(xen, timed)
    const kind = play(domain.machine, () => {
      if (next() % 4 === 0) domain.machine.haltedNanoseconds += next() % 4_000_000
      return 1 + (next() % (next() % 8 === 0 ? 20_000 : 400))
    })
    if (kind !== 'power-off') process.stderr.write(`${domain.console().slice(-300)}${domain.log().slice(-300)}\n`)
    expect({ seed, lines: markers(domain.console()), kind }).toEqual({ seed, lines: expected.lines, kind: 'power-off' })
  }
}, 1_200_000)
