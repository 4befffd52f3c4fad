// Guests in a domain of Xen at other moments of their interrupts: time jumps at random, so that ticks come anywhere; the
// workloads' checksums stay the native ones. Linux at 20 and mini at 200 timings, in both profiles.
import { DEFAULT_COMMAND_LINE } from '../../images/index.js'
import { buildVmm } from './bare-machine.js'
import { linuxGuest, markers, miniGuest, runNatively, type TestGuest } from './guests.js'
import { random } from './random.js'
import { xenDomain } from './xen-domain.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)
const RUNS = Number(process.env.RUNS ?? 20)
const BUDGET = 6_000_000_000
const WORKLOADS = 'workload=syscall,fork,exec,pipe,fault,signal,switch,tls'

/** Compares runs with one native run; slices have at most `slice` instructions. */
function compare(guest: TestGuest, runs: number, slice: number) {
  const vmm = buildVmm('xen', 'vmm-xen.elf')
  const expected = runNatively(guest)
  expect(expected.lines.at(-1)).toBe('previrt: done')
  for (let seed = SEED; seed < SEED + runs; seed++) {
    const next = random(seed)
    const { machine, ...domain } = xenDomain(vmm, guest, { profile: seed % 2 === 0 ? '4.17' : '3.0' })
    let kind = 'budget'
    while (kind === 'budget' && machine.retired < BUDGET) {
      if (next() % 4 === 0) machine.haltedNanoseconds += next() % 4_000_000
      kind = machine.run(1 + (next() % (next() % 8 === 0 ? slice : slice / 50))).kind
    }
    expect({ seed, lines: markers(domain.console()), kind }).toEqual({
      seed,
      lines: expected.lines,
      kind: expected.kind,
    })
  }
}

test(`Linux (seeds ${SEED} to ${SEED + RUNS - 1})`, async () => {
  compare(await linuxGuest(`${DEFAULT_COMMAND_LINE} ${WORKLOADS} scale=3`), RUNS, 400_000)
}, 3_600_000)

test(`mini (seeds ${SEED} to ${SEED + 10 * RUNS - 1})`, async () => {
  compare(await miniGuest(`${WORKLOADS},sensitive`), 10 * RUNS, 20_000)
}, 3_600_000)
