// The transcendental instructions against an independent computation with BigInt: 200 binary places, plain series,
// argument reduction by the 66-bit pi of SDM vol. 1 8.3.8 for the trigonometric ones.

import type { FpuCase } from '../drivers/host-fpu.js'
import { Random } from '../drivers/x87-cases.js'
import { transcendentalInstructions } from '../drivers/x87-instructions.js'
import { X87Machine } from '../drivers/x87-machine.js'

const BITS = 200n
const ONE = 1n << BITS
const times = (x: bigint, y: bigint) => (x * y) >> BITS
const over = (x: bigint, y: bigint) => (x << BITS) / y

/** Sum of terms from a first one, each made from the one before, until nothing is left. */
function sum(first: bigint, next: (term: bigint, n: bigint) => bigint): bigint {
  let total = 0n
  let term = first
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    total += term
    term = next(term, n)
  }
  return total
}
function atan(x: bigint): bigint {
  // Halve the angle until the series is quick: atan x = 2 atan(x / (1 + sqrt(1 + x^2))).
  let v = x
  for (let i = 0; i < 4; i++) v = over(v, ONE + root(ONE + times(v, v)))
  const square = times(v, v)
  let total = 0n
  let power = v
  for (let n = 1n; power !== 0n && power !== -1n; n += 2n) {
    total += ((n & 2n ? -1n : 1n) * power) / n
    power = times(power, square)
  }
  return total << 4n
}
function root(x: bigint): bigint {
  let v = ONE
  for (let i = 0; i < 12; i++) v = (v + over(x, v)) >> 1n
  return v
}
const PI = atan(ONE) << 2n
const PI66 = (PI >> (BITS - 64n)) << (BITS - 64n) // 2 places before the point, 64 behind it
const exp = (x: bigint) => sum(ONE, (t, n) => times(t, x) / n)
/** ln x for x > 0 by Newton's method on exp. */
function ln(x: bigint): bigint {
  let scale = 0n
  let m = x
  while (m >= 2n * ONE) {
    m >>= 1n
    scale++
  }
  while (m < ONE) {
    m <<= 1n
    scale--
  }
  const s = over(m - ONE, m + ONE)
  const square = times(s, s)
  let total = 0n
  let power = s
  for (let n = 1n; power !== 0n && power !== -1n; n += 2n) {
    total += (2n * power) / n
    power = times(power, square)
  }
  return total + scale * LN2
}
const LN2: bigint = (() => {
  // ln 2 = 2 atanh(1/3)
  const s = ONE / 3n
  let total = 0n
  let power = s
  for (let n = 1n; power !== 0n; n += 2n) {
    total += (2n * power) / n
    power = times(power, times(s, s))
  }
  return total
})()
const sin = (x: bigint) => sum(x, (t, n) => -times(times(t, x), x) / (2n * n * (2n * n + 1n)))
const cos = (x: bigint) => sum(ONE, (t, n) => -times(times(t, x), x) / (2n * n * (2n * n - 1n)))
const reduce = (x: bigint) => {
  const quarter = PI66 >> 1n
  const shifted = 2n * x + quarter
  const m = 2n * quarter
  const n = (shifted - (((shifted % m) + m) % m)) / m // to the nearest
  return { r: x - n * quarter, quadrant: Number(((n % 4n) + 4n) % 4n) }
}
function turned(x: bigint, more: number): bigint {
  const { r, quadrant } = reduce(x)
  const q = (quadrant + more) % 4
  const v = q & 1 ? cos(r) : sin(r)
  return q & 2 ? -v : v
}

interface Parts {
  readonly sig: bigint
  /** Sign and biased exponent. */
  readonly se: number
}
/** Value as fixed-point; `extra` places are kept in addition. */
function fixed({ sig, se }: Parts): bigint {
  const shift = BITS - 63n + BigInt((se & 0x7fff) - 0x3fff)
  const magnitude = shift >= 0n ? sig << shift : sig >> -shift
  return se & 0x8000 ? -magnitude : magnitude
}
/** Distance of a result from the true value, in units of the result's last place. */
function error(result: Parts, truth: bigint): number {
  const place = BITS - 63n + BigInt((result.se & 0x7fff) - 0x3fff)
  const difference = fixed(result) - truth
  return Math.abs(Number(difference >> (place - 20n)) / 2 ** 20)
}

const truths: Record<string, (x: bigint, y: bigint) => bigint> = {
  f2xm1: x => exp(times(x, LN2)) - ONE,
  fyl2x: (x, y) => times(y, over(ln(x), LN2)),
  fyl2xp1: (x, y) => times(y, over(ln(ONE + x), LN2)),
  fpatan: (x, y) => {
    const angle = (v: bigint, w: bigint) => (v <= w ? atan(over(v, w)) : PI / 2n - atan(over(w, v)))
    const a = angle(y < 0n ? -y : y, x < 0n ? -x : x)
    const b = x < 0n ? PI - a : a
    return y < 0n ? -b : b
  },
  fsin: x => turned(x, 0),
  fcos: x => turned(x, 1),
  fptan: x => over(turned(x, 0), turned(x, 1)),
}

const machine = new X87Machine()

/** Executes with ST(0) = x, ST(1) = y and gives the new register `at`. */
function execute(mnemonic: string, x: Parts, y: Parts, at: number): Parts {
  const program = machine.prepare(transcendentalInstructions.find(i => i.mnemonic === mnemonic)!)
  const image = new Uint8Array(108)
  const view = new DataView(image.buffer)
  view.setUint32(0, 0x37f, true)
  view.setUint32(8, 0xfff0, true) // R0 and R1 are filled
  for (const [i, v] of [x, y].entries()) {
    view.setBigUint64(28 + 10 * i, v.sig, true)
    view.setUint16(36 + 10 * i, v.se, true)
  }
  const before: FpuCase = { instruction: 0, eax: 0, eflags: 2, memory: new Uint8Array(16), image }
  const after = new DataView(machine.run(program, before).image.buffer)
  return { sig: after.getBigUint64(28 + 10 * at, true), se: after.getUint16(36 + 10 * at, true) }
}

const SEED = 66
const signed = (r: Random, e: number) => e | (r.below(2) << 15)
const between = (r: Random, low: number, high: number): Parts => ({
  sig: (1n << 63n) | r.bits64(),
  se: signed(r, 0x3fff + low + r.below(high - low + 1)),
})
const cases: [string, (r: Random) => Parts, (r: Random) => Parts, number][] = [
  ['f2xm1', r => between(r, -40, -1), r => between(r, 0, 0), 0],
  ['fyl2x', r => ({ ...between(r, -3, 3), se: 0x3fff + r.below(7) - 3 }), r => between(r, -3, 3), 0],
  ['fyl2xp1', r => between(r, -40, -3), r => between(r, 0, 20), 0],
  ['fpatan', r => between(r, -6, 6), r => between(r, -6, 6), 0],
  ['fsin', r => between(r, -40, 60), r => between(r, 0, 0), 0],
  ['fcos', r => between(r, -40, 60), r => between(r, 0, 0), 0],
  ['fptan', r => between(r, -40, 60), r => between(r, 0, 0), 1],
]

test.each(cases)('%s is within 0.501 units of the last place', (mnemonic, makeX, makeY, at) => {
  const r = new Random(SEED)
  for (let n = 0; n < 60; n++) {
    const [x, y] = [makeX(r), makeY(r)]
    const result = execute(mnemonic, x, y, at)
    const off = error(result, truths[mnemonic]!(fixed(x), fixed(y)))
    expect({ x, y, result, off: off <= 0.501 ? 'near' : off }).toEqual({ x, y, result, off: 'near' })
  }
})
