// Virtual time: order of events, cancelling, restoring, and oscillators against exact fractions.
import fc from 'fast-check'
import { Clock, Oscillator, Timer } from '../../src/machine/clock.js'

describe('clock', () => {
  let now = 0
  let clock: Clock
  beforeEach(() => {
    now = 0
    clock = new Clock(() => now)
  })

  test('fires due events in order of time, ties in order of scheduling', () => {
    const fired: string[] = []
    clock.schedule(20, () => fired.push('late'))
    clock.schedule(10, () => fired.push('first'))
    clock.schedule(10, () => fired.push('second'))
    expect(clock.nextDeadline()).toBe(10)
    now = 9
    clock.runDue()
    expect(fired).toEqual([])
    now = 15
    clock.runDue()
    expect(fired).toEqual(['first', 'second'])
    now = 20
    clock.runDue()
    expect(fired).toEqual(['first', 'second', 'late'])
    expect(clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  test('an event may schedule another that is due at once', () => {
    const fired: number[] = []
    clock.schedule(5, () => {
      fired.push(1)
      clock.schedule(5, () => fired.push(2))
    })
    now = 5
    clock.runDue()
    expect(fired).toEqual([1, 2])
  })

  test('cancel takes an event back and tells of a later deadline', () => {
    const changes: number[] = []
    clock.onDeadlineChange = () => changes.push(clock.nextDeadline())
    const first = clock.schedule(10, () => {
      throw new Error('cancelled')
    })
    clock.schedule(30, () => {})
    clock.schedule(5, () => {})
    clock.cancel(first)
    now = 10
    clock.runDue()
    expect(changes).toEqual([10, 5])
    clock.cancel(first)
  })

  test('a restored timer keeps its place among events of the same time', () => {
    const fired: string[] = []
    const build = () => {
      const own = new Clock(() => now)
      return { clock: own, a: new Timer(own, () => fired.push('a')), b: new Timer(own, () => fired.push('b')) }
    }
    const one = build()
    one.b.arm(7)
    one.a.arm(7)
    const saved = { a: one.a.save(), b: one.b.save() }
    const two = build()
    two.a.restore(saved.a)
    two.b.restore(saved.b)
    now = 7
    two.clock.runDue()
    expect(fired).toEqual(['b', 'a'])
    expect(two.a.save()).toBeNull()
  })

  test('refuses a time that is no number', () => {
    expect(() => clock.schedule(Number.NaN, () => {})).toThrow('cannot schedule')
  })
})

test('an oscillator agrees with exact fractions at any time', () => {
  fc.assert(
    fc.property(fc.nat(Number.MAX_SAFE_INTEGER), nanoseconds => {
      const pit = new Oscillator(596_591, 500_000_000)
      const exact = Number((BigInt(nanoseconds) * 1_193_182n) / 1_000_000_000n)
      expect(pit.ticksAt(nanoseconds)).toBe(exact)
      const start = pit.timeOf(exact)
      expect(start).toBeLessThanOrEqual(nanoseconds)
      expect(pit.ticksAt(start)).toBe(exact)
      if (start > 0) expect(pit.ticksAt(start - 1)).toBe(exact - 1)
    }),
  )
})
