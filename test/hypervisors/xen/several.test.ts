// Several domains on one machine: each does what it does alone, to the instruction, whatever runs beside it; what they
// share is accounted for; channels between them carry events.

import { audit } from '../../../hypervisors/xen/memory/audit.js'
import { engineNames } from '../../../src/engine/engines.js'
import type { RunResult } from '../../../src/machine/machine.js'
import { buildKernel, type DomainImage, type RunningDomains, startDomains } from './domain.js'

const BUDGET = 60_000_000
const SMALL = 8 << 20
const kernelNames = [
  'events',
  'facts-memory',
  'facts-processor',
  'spaces',
  'hostile',
  'crash',
  'peers',
  'gates',
  'greedy',
  'sleeper',
] as const
const kernels = new Map(kernelNames.map(name => [name, buildKernel(name)]))
const image = (name: (typeof kernelNames)[number], more: Partial<DomainImage> = {}): DomainImage => ({
  kernel: kernels.get(name)!,
  memoryBytes: SMALL,
  ...more,
})

/** Facts that name a place in the machine: they differ from domain to domain. */
const placed = /^(first_|store_|console_|shared_|.*_mfn|.*frame)/
const facts = (text: string) => text.split('\n').filter(line => !placed.test(line))

/** What a domain can tell of its run. */
function outcome({ hosting, hypervisor, consoles, logs }: RunningDomains, n: number) {
  const { counts, entries, hypercalls, result } = hosting.account(n)
  const { nanoseconds, haltedNanoseconds } = hypervisor.guests[n]!
  const { retired, instructionsBy, work } = counts
  const seen = { console: consoles[n]!(), log: facts(logs[n]!()), result: result as RunResult }
  return { ...seen, retired, instructionsBy, work, entries, hypercalls, nanoseconds, haltedNanoseconds }
}
function run(domains: RunningDomains, slice = BUDGET): RunningDomains {
  while (domains.machine.retired < BUDGET && domains.machine.run(slice).kind === 'budget');
  return domains
}
const alone = (what: DomainImage, profile = '4.17') => outcome(run(startDomains([what], { profile })), 0)

test.each(['4.17', '3.0'])('profile %s: each as if it were alone', profile => {
  const images = [
    image('events'),
    image('facts-processor'),
    image('spaces'),
    image('events', { memoryBytes: 2 * SMALL }),
  ]
  const domains = startDomains(images, { profile })
  run(domains)
  images.forEach((each, n) => {
    expect({ n, ...outcome(domains, n) }).toEqual({ n, ...alone(each, profile) })
  })
  const { frames, memory, roots } = domains.hypervisor
  expect(audit(memory, frames, roots)).toEqual([])
})

test('the order of the guests, the engine and the slicing of the run change nothing', () => {
  const solo = alone(image('events'))
  for (const [n, engine] of engineNames.entries()) {
    const images = [image('spaces'), image('events'), image('facts-processor')]
    const place = n % 2
    images.splice(1, 1)
    images.splice(place, 0, image('events'))
    expect({ engine, ...outcome(run(startDomains(images, { engine }), 77_777), place) }).toEqual({ engine, ...solo })
  }
})

describe('turns of any length change nothing', () => {
  // The facts about grants name domain 1.
  const names = ['facts-memory', 'events', 'spaces', 'facts-processor'] as const
  const solo = names.map(name => alone(image(name)))
  test.each([61, 997, 20_011, 700_001])('%i ns', slice => {
    const domains = startDomains(names.map(name => image(name)))
    domains.hypervisor.scheduler.slice = slice
    run(domains)
    names.forEach((_, n) => {
      expect({ n, ...outcome(domains, n) }).toEqual({ n, ...solo[n] })
    })
    const { frames, memory, roots } = domains.hypervisor
    expect(audit(memory, frames, roots)).toEqual([])
  })
})

test('time that others use is nobody else’s: together they take what they run, and wait at the same time', () => {
  const domains = run(startDomains([image('events'), image('events'), image('events')]))
  const { machine, hosting, hypervisor } = domains
  const [first] = hypervisor.guests
  expect(hypervisor.guests.map(({ nanoseconds }) => nanoseconds)).toEqual(new Array(3).fill(first!.nanoseconds))
  expect(machine.retired).toBe([0, 1, 2].reduce((sum, n) => sum + hosting.account(n).counts.retired, 0))
  expect(machine.now).toBeLessThan(3 * first!.nanoseconds)
  expect(machine.now).toBeGreaterThanOrEqual(first!.nanoseconds)
  const entries = [...hosting.entries.values()].reduce((sum, count) => sum + count, 0)
  expect(entries).toBe(hosting.counted)
})

describe('beside a hostile domain', () => {
  const solo = [alone(image('events')), alone(image('spaces'))]
  test.each([1, 2, 3, 4])('seed %i', seed => {
    const images = [image('events'), image('hostile', { commandLine: String(seed) }), image('spaces')]
    const domains = startDomains(images)
    // The hostile one runs for ever, as a rule.
    run(domains)
    expect([0, 2].map(n => outcome(domains, n))).toEqual(solo)
    const { frames, memory, roots } = domains.hypervisor
    expect(audit(memory, frames, roots)).toEqual([])
  })
})

test('one that wants more memory than it may have leaves the others theirs', () => {
  const images = [image('greedy'), image('events'), image('greedy')]
  const domains = run(startDomains(images))
  for (const n of [0, 2])
    expect(domains.logs[n]!().trim().split('\n').slice(-3)).toEqual([
      'taken_while_mapped 0',
      'taken_when_free 64',
      'grant_frames 0',
    ])
  expect(outcome(domains, 1)).toEqual(alone(image('events')))
  const { frames, memory, roots } = domains.hypervisor
  expect(audit(memory, frames, roots)).toEqual([])
})

test('one that sleeps for ever is where it is alone; the others end first', () => {
  const solo = startDomains([image('sleeper')])
  expect(solo.machine.run(BUDGET)).toEqual({ kind: 'halted' })
  const domains = startDomains([image('sleeper'), image('events')])
  expect(domains.machine.run(BUDGET)).toEqual({ kind: 'halted' })
  expect(outcome(domains, 0)).toEqual({ ...outcome(solo, 0), result: undefined })
  expect(outcome(domains, 1)).toEqual(alone(image('events')))
})

test('one that crashes ends alone', () => {
  const domains = run(startDomains([image('crash'), image('events')]))
  expect(domains.hosting.account(0).result).toMatchObject({ kind: 'crash' })
  expect(outcome(domains, 1)).toEqual(alone(image('events')))
})

test.each(['4.17', '3.0'])('profile %s: a gate for system calls is one domain’s alone', profile => {
  const images = ['1', '0', '1', '0'].map(commandLine => image('gates', { commandLine }))
  const domains = run(startDomains(images, { profile }))
  const lines = domains.logs.map(log => log().match(/(calls|refusals) \d+/g))
  const [with80, without] = [
    ['calls 200', 'refusals 0'],
    ['calls 0', 'refusals 200'],
  ]
  expect(lines).toEqual([with80, without, with80, without])
  images.forEach((each, n) => {
    expect({ n, ...outcome(domains, n) }).toEqual({ n, ...alone(each, profile) })
  })
})

test('event channels lead from one domain to the other', () => {
  const domains = run(startDomains([image('peers', { commandLine: '1 2' }), image('peers', { commandLine: '2 1' })]))
  const common = ['bind_to_nobody -3', 'bind_no_port -22']
  const rest = ['state 2', 'remote 1', 'rounds 10']
  const lines = domains.logs.map(log =>
    log()
      .split('\n')
      .filter(line => /^(bind_|allocate|state|remote|rounds)/.test(line)),
  )
  expect(lines).toEqual([
    [...common, 'allocate 0', ...rest],
    [...common, ...rest],
  ])
  expect([0, 1].map(n => domains.hosting.account(n).result)).toEqual([{ kind: 'power-off' }, { kind: 'power-off' }])
})
