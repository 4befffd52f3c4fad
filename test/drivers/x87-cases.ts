// Random x87 states and operands, with many of the kinds of number at which implementations differ.

import type { FpuCase } from './host-fpu.js'

/** A small generator with a seed, so that a failure can be repeated (xorshift32). */
export class Random {
  constructor(private s: number) {
    this.s = s | 0 || 1
  }
  next(): number {
    this.s ^= this.s << 13
    this.s ^= this.s >>> 17
    this.s ^= this.s << 5
    return this.s >>> 0
  }
  below(n: number): number {
    return this.next() % n
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }
  bits64(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next())
  }
}

const TOP = 1n << 63n
const significands = [
  0n,
  1n,
  2n,
  TOP,
  TOP | 1n,
  TOP | (1n << 62n),
  (1n << 64n) - 1n,
  TOP - 1n,
  1n << 62n,
  0x7ffn << 53n,
]

/** A significand: special, random, or with few bits so that results are exact or halfway. */
function significand(r: Random): bigint {
  switch (r.below(5)) {
    case 0:
      return r.pick(significands)
    case 1:
      return TOP | (r.bits64() & ((1n << 64n) - (1n << BigInt(20 + r.below(44)))))
    case 2:
      return TOP | (1n << BigInt(r.below(64))) | BigInt(r.below(4)) | (BigInt(r.below(8)) << BigInt(r.below(60)))
    case 3:
      return (TOP | r.bits64()) >> BigInt(r.below(3) ? 0 : r.below(64))
    default:
      return TOP | r.bits64()
  }
}
function exponent(r: Random, near: number): number {
  switch (r.below(8)) {
    case 0:
      return r.pick([0, 0, 1, 2, 0x7ffe, 0x7fff, 0x7fff, 0x7ffd])
    case 1:
      return r.below(0x8000)
    case 2:
      return 0x3fff + r.below(80) - 8
    case 3:
      return (
        r.pick([0x3fff - 127, 0x3fff + 127, 0x3fff - 1023, 0x3fff + 1023, 0x3fff + 16, 0x3fff + 32]) + r.below(7) - 3
      )
    default:
      return Math.max(0, Math.min(0x7fff, near + r.below(140) - 70))
  }
}

/** Ten bytes of an 80-bit number. */
function number80(r: Random, near: number): Uint8Array {
  const out = new Uint8Array(10)
  const view = new DataView(out.buffer)
  const e = exponent(r, near)
  let sig = significand(r)
  // Mostly numbers that exist: an integer bit, none for denormals.
  if (e && sig < TOP && r.below(4)) sig |= TOP
  if (!e && r.below(3)) sig &= TOP - 1n
  view.setBigUint64(0, sig, true)
  view.setUint16(8, e | (r.below(2) << 15), true)
  return out
}

/** Memory that makes an interesting single, double, 80-bit, integer or decimal number. */
function operand(r: Random, near: number): Uint8Array {
  const out = new Uint8Array(16)
  const view = new DataView(out.buffer)
  for (let i = 0; i < 4; i++) view.setUint32(4 * i, r.next(), true)
  switch (r.below(6)) {
    case 0:
      out.set(number80(r, near))
      break
    case 1: {
      const e = r.below(3) ? 1023 + r.below(120) - 60 : r.pick([0, 1, 0x7fe, 0x7ff])
      const fraction = r.below(3) ? r.bits64() >> 12n : r.pick([0n, 1n, 1n << 51n, (1n << 52n) - 1n, (1n << 51n) - 1n])
      view.setBigUint64(0, (BigInt(r.below(2)) << 63n) | (BigInt(e) << 52n) | fraction, true)
      break
    }
    case 2: {
      const e = r.below(3) ? 127 + r.below(120) - 60 : r.pick([0, 1, 0xfe, 0xff])
      const fraction = r.below(3) ? r.next() >>> 9 : r.pick([0, 1, 1 << 22, (1 << 23) - 1, (1 << 22) - 1])
      view.setUint32(0, ((r.below(2) << 31) | (e << 23) | fraction) >>> 0, true)
      break
    }
    case 3:
      view.setBigInt64(0, BigInt.asIntN(64, r.bits64()) >> BigInt(r.below(64)), true)
      break
    case 4:
      for (let i = 0; i < 9; i++) out[i] = r.below(10) | (r.below(10) << 4)
      out[9] = r.below(2) << 7
      break
    default:
      view.setBigUint64(0, r.pick([0n, 0x8000n, 0x80000000n, TOP, 1n]), true)
  }
  return out
}

export interface CaseOptions {
  /** Chance in 16 that a register is empty. */
  readonly empty?: number
  /** Unmasked exceptions occur. */
  readonly unmasked?: boolean
}

export function randomCase(r: Random, instruction: number, { empty = 1, unmasked = false }: CaseOptions = {}): FpuCase {
  const image = new Uint8Array(108)
  const view = new DataView(image.buffer)
  const masks = unmasked && r.below(2) ? r.below(64) : 0x3f
  const control = 0x40 | masks | (r.pick([0, 2, 3, 3]) << 8) | (r.below(4) << 10)
  // Pending exceptions only where they are masked.
  const flags = r.below(2) ? r.below(128) & (masks | 0x40) : 0
  const top = r.below(8)
  view.setUint32(0, 0xffff0000 | control, true)
  view.setUint32(4, 0xffff0000 | flags | (r.next() & 0x4700) | (top << 11), true)
  let tags = 0
  for (let i = 0; i < 8; i++) if (r.below(16) < empty) tags |= 3 << (2 * i)
  // The register that a push goes to is mostly empty.
  if (r.below(4)) tags |= 3 << (2 * ((top + 7) & 7))
  view.setUint32(8, 0xffff0000 | tags, true)
  view.setUint32(24, 0xffff0000, true)
  const near = r.below(2) ? 0x3fff : r.below(0x8000)
  for (let i = 0; i < 8; i++) image.set(number80(r, near), 28 + 10 * i)
  const eflags = 0x202 | (r.next() & 0x8d5)
  return { instruction, eax: r.next(), eflags, memory: operand(r, near), image }
}
