// The chips of the VMM (C) and those of the machine (TypeScript): one script suite with expectations from the data sheets
// for both, and a differential fuzz over ports, time and acknowledges. The disk is in ide.test.ts.
import { BOTH, expectEqual, PICS, write } from './device-scripts.js'
import { random } from './random.js'

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000)

describe.each(BOTH)('%s', (_, run) => {
  const values = (script: readonly string[]) => run(script).map(line => Number.parseInt(line.split(' ')[0]!, 16))

  test('8254 mode 2 interrupts once a period, the 8259 delivers it and waits for EOI', () => {
    // 1193182 / 11932 = 100.0 Hz: the first edge comes a period after the load. The control word raises the output: one more.
    const load = [...['43 34', '40 9c', '40 2e'].map(write), 'a', 'w 20 1 20']
    const lines = run([...PICS, ...load, 't 9990000', 't 10010000', 'a', 't 21000000', 'w 20 1 20', 'a'])
    const [early, late, vector, served, again, next] = lines.slice(-6)
    expect([early, late]).toEqual(['0 0 ', '0 1 '])
    expect(vector).toBe('20 0 ')
    expect([served, again, next]).toEqual(['0 0 ', '0 1 ', '20 0 '])
  })

  test('8259: a slave input arrives through the cascade; a specific EOI clears it', () => {
    const periodic = ['70 b', '71 42'].map(write)
    const lines = values([...PICS, ...periodic, 't 2000000', 'a', 'w a0 1 b', 'r a0 1', 'w a0 1 60', 'r a0 1'])
    expect([lines.at(-5), lines.at(-3), lines.at(-1)]).toEqual([0x28, 1, 0])
  })

  test('MC146818: seconds carry into the date, BCD', () => {
    const set = ['70 b', '71 82', '70 0', '71 59', '70 2', '71 59', '70 4', '71 23', '70 7', '71 31', '70 8', '71 12']
    const year = ['70 9', '71 99', '70 32', '71 19', '70 b', '71 2'].map(write)
    const read = [0, 2, 4, 7, 8, 9, 0x32].flatMap(index => [`w 70 1 ${index.toString(16)}`, 'r 71 1'])
    const lines = values([...set.map(write), ...year, 't 1500000000', ...read])
    expect(lines.slice(-14).filter((_value, i) => i % 2 === 1)).toEqual([0, 0, 0, 1, 1, 0, 0x20])
  })

  test('16550: loop-back, FIFO order, and the identification register', () => {
    const setup = ['3fc 10', '3fa 7', '3f8 41', '3f8 42'].map(write)
    expect(values([...setup, 'r 3fd 1', 'r 3f8 1', 'r 3f8 1', 'r 3fd 1', 'r 3fa 1']).slice(-5)).toEqual([
      0x61, 0x41, 0x42, 0x60, 0xc1,
    ])
  })
})

const PORTS: readonly (readonly [weight: number, ports: readonly number[]])[] = [
  [6, [0x20, 0x21, 0xa0, 0xa1]],
  [1, [0x4d0, 0x4d1]],
  [6, [0x40, 0x41, 0x42, 0x43]],
  [1, [0x61]],
  [5, [0x70, 0x71]],
  [6, [0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff]],
  [1, [0x2f8, 0x2fa, 0x2fc]],
  [1, [0xe9]],
]
const CHOICES = PORTS.flatMap(([weight, ports]) => Array.from({ length: weight }, () => ports))
const RTC_REGISTERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 11, 12, 12, 13, 0x32, 0x50]

function fuzzScript(seed: number, commands: number): string[] {
  const next = random(seed)
  const pick = <T>(from: readonly T[]): T => from[next() % from.length]!
  const script = [...PICS]
  let time = 0
  while (script.length < commands) {
    const kind = next() % 16
    if (kind < 3) {
      // The last moments of a second are the clock's update.
      const update = 1_000_000_000 - (time % 1_000_000_000) - (next() % 260_000)
      time += pick([next() % 2_000, next() % 500_000, next() % 20_000_000, next() % 1_500_000_000, Math.max(0, update)])
      script.push(`t ${time}`)
    } else if (kind === 3) script.push('a')
    else if (kind === 4) {
      for (let bytes = next() % 18; bytes > 0; bytes--) script.push(`i ${(next() & 0xff).toString(16)}`)
    } else {
      const port = pick(pick(CHOICES))
      const value = port === 0x70 ? pick(RTC_REGISTERS) : next() & 0xff
      // Counts of a few ticks make events without end; the high byte of a count is seldom small.
      const written = port >= 0x40 && port < 0x43 && value < 16 ? 0x80 : value
      script.push(kind < 9 ? `r ${port.toString(16)} 1` : `w ${port.toString(16)} 1 ${written.toString(16)}`)
    }
  }
  return script
}

test(`both do the same with whatever is written (seeds ${SEED} to ${SEED + 4})`, () => {
  for (let seed = SEED; seed < SEED + 5; seed++) {
    const script = fuzzScript(seed, 1000)
    expectEqual(seed, script)
  }
}, 120_000)
