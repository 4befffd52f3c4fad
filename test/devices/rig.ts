// A board without a CPU: a clock that the test moves, a bus, the chips under test and their lines.

import fc from 'fast-check'
import { type AccessSize, Bus, type BusDevice, type Device } from '../../src/machine/bus.js'
import { Clock } from '../../src/machine/clock.js'
import { Line } from '../../src/machine/line.js'

export class Rig {
  now = 0
  readonly clock = new Clock(() => this.now)
  readonly bus = new Bus('ports', 0x10000)
  readonly devices: Device[] = []
  /** Changes of lines and bytes sent by chips, with their times. */
  readonly log: string[] = []

  line(name: string, level = false): Line {
    const line = new Line(name, level)
    line.onChange(now => this.log.push(`${this.now} ${name} ${now ? 1 : 0}`))
    return line
  }

  note(text: string): void {
    this.log.push(`${this.now} ${text}`)
  }

  add<T extends Device>(device: T): T {
    this.devices.push(device)
    return device
  }

  map(base: number, length: number, device: BusDevice): void {
    this.bus.map({ name: `at ${base.toString(16)}`, base, length }, device)
  }

  in(port: number, size: AccessSize = 1): number {
    return this.bus.read(port, size)
  }

  out(port: number, value: number, size: AccessSize = 1): void {
    this.bus.write(port, size, value)
  }

  /** Lets virtual time pass, stopping at every event. */
  advance(nanoseconds: number): void {
    const end = this.now + nanoseconds
    while (this.clock.nextDeadline() <= end) {
      this.now = Math.max(this.now, this.clock.nextDeadline())
      this.clock.runDue()
    }
    this.now = end
  }
}

type Step =
  | { kind: 'in'; port: number; size: AccessSize }
  | { kind: 'out'; port: number; size: AccessSize; value: number }
  | { kind: 'wait'; nanoseconds: number }
  | { kind: 'event'; event: number }

/** What a random walk may do besides port accesses. */
type Events<R extends Rig> = ((rig: R) => void)[]

/** Saving a board at a random moment of a random walk and restoring it into a new one must not change what follows. */
export function checkSaveRestore<R extends Rig>(
  build: () => R,
  ports: number[],
  { events = [], sizes = [1], longest = 5_000_000, values }: WalkOptions<R> = {},
): void {
  const port = fc.constantFrom(...ports)
  const size = fc.constantFrom(...sizes)
  const value =
    values === undefined ? fc.integer({ min: 0, max: 0xff }) : fc.oneof(fc.constantFrom(...values), fc.nat(0xff))
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant('in' as const), port, size }),
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('out' as const), port, size, value }) },
    fc.record({ kind: fc.constant('wait' as const), nanoseconds: fc.nat(longest) }),
    fc.record({ kind: fc.constant('event' as const), event: fc.nat(Math.max(events.length - 1, 0)) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(step, { minLength: 1, maxLength: 60 }), (before, after) => {
      const one = build()
      walk(one, before, events)
      const saved = one.devices.map(device => device.save())
      const two = build()
      two.now = one.now
      // The order of restoring must not matter: the last chip goes first.
      for (const [index, device] of [...two.devices.entries()].reverse()) device.restore(saved[index]!)
      two.log.length = 0
      one.log.length = 0
      const expected = walk(one, after, events)
      const found = walk(two, after, events)
      expect(found).toEqual(expected)
      expect(two.log).toEqual(one.log)
      expect(finalState(two)).toBe(finalState(one))
    }),
    { numRuns: 150 },
  )
}

/** What the chips save, without the numbers that only order events of the same time. */
function finalState(rig: Rig): string {
  return JSON.stringify(
    rig.devices.map(device => device.save()),
    (key, value) => {
      if (key === 'order') return undefined
      return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
    },
  )
}

interface WalkOptions<R extends Rig> {
  readonly events?: Events<R>
  readonly sizes?: AccessSize[]
  readonly longest?: number
  /** Values written often, besides random bytes. */
  readonly values?: number[]
}

function walk<R extends Rig>(rig: R, steps: Step[], events: Events<R>): number[] {
  const seen: number[] = []
  for (const step of steps) {
    if (step.kind === 'in') seen.push(rig.in(step.port, step.size))
    else if (step.kind === 'out') rig.out(step.port, step.value, step.size)
    else if (step.kind === 'wait') rig.advance(step.nanoseconds)
    else events[step.event]?.(rig)
  }
  return seen
}
