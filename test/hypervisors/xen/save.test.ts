// A domain moved to another machine in the midst of things: saved, restored, and at its end as if nothing had happened.

import { buildKernel, type DomainOptions, type RunningDomain, startDomain, startDomains } from './domain.js'

const BUDGET = 60_000_000
const kernels = new Map(['events', 'facts-memory', 'facts-processor', 'spaces'].map(name => [name, buildKernel(name)]))

type Whole = Pick<RunningDomain, 'machine' | 'hosting' | 'hypervisor'>

/** The same domain on a new machine. */
function moved(from: RunningDomain, kernel: Uint8Array, options: DomainOptions): RunningDomain {
  return takeOver(from, startDomain(kernel, options))
}
/** Brings a machine that has just been started to the state of another one. */
function takeOver<T extends Whole>(from: Whole, to: T): T {
  const saved = structuredClone(from.hypervisor.save())
  const { machine } = to
  to.hosting.host.memory.write(0, from.hosting.host.memory.ram.slice())
  machine.haltedNanoseconds = from.machine.haltedNanoseconds
  machine.execution.retired = from.machine.retired
  machine.execution.idle = from.machine.execution.idle
  machine.cpu.state = from.machine.cpu.state
  to.hypervisor.restore(saved)
  return to
}

const end = (domain: RunningDomain) => ({
  retired: domain.machine.retired,
  now: domain.machine.now,
  state: domain.machine.cpu.state,
})

test.each([
  ['events', {}],
  ['events', { profile: '3.0' }],
  ['facts-memory', {}],
  ['facts-memory', { privileged: true }],
  ['facts-processor', { profile: '3.0' }],
  ['spaces', {}],
] as const)('%s %j', (name, options) => {
  const kernel = kernels.get(name)!
  const whole = startDomain(kernel, options)
  expect(whole.run(BUDGET).kind).toBe('power-off')
  const total = whole.machine.retired
  for (const part of [0.1, 0.35, 0.6, 0.85]) {
    const first = startDomain(kernel, options)
    expect(first.run(Math.floor(total * part)).kind).toBe('budget')
    const second = moved(first, kernel, options)
    expect(second.run(BUDGET).kind).toBe('power-off')
    expect(end(second)).toEqual(end(whole))
    expect(first.log() + second.log()).toBe(whole.log())
    expect(first.console() + second.console()).toBe(whole.console())
  }
})

test('saving changes nothing, and is the same after restoring', () => {
  const domain = startDomain(kernels.get('spaces')!)
  domain.run(100_000)
  const saved = domain.hypervisor.save()
  domain.hypervisor.restore(structuredClone(saved))
  expect(domain.hypervisor.save()).toEqual(saved)
  expect(domain.run(BUDGET).kind).toBe('power-off')
})

test.each(['4.17', '3.0'])('several domains, profile %s, whoever runs at the time', profile => {
  const images = ['events', 'spaces', 'facts-processor'].map(name => ({
    kernel: kernels.get(name)!,
    memoryBytes: 8 << 20,
  }))
  const start = () => startDomains(images, { profile })
  const whole = start()
  expect(whole.machine.run(BUDGET).kind).toBe('power-off')
  const total = whole.machine.retired
  for (const part of [0.1, 0.4, 0.9]) {
    const first = start()
    expect(first.machine.run(Math.floor(total * part)).kind).toBe('budget')
    const second = takeOver(first, start())
    expect(second.machine.run(BUDGET).kind).toBe('power-off')
    expect([second.machine.retired, second.machine.now]).toEqual([total, whole.machine.now])
    images.forEach((_, n) => {
      expect(first.logs[n]!() + second.logs[n]!()).toBe(whole.logs[n]!())
      expect(second.hypervisor.guests[n]!.nanoseconds).toBe(whole.hypervisor.guests[n]!.nanoseconds)
    })
  }
})
