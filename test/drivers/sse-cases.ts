// Random states and operands for MMX, SSE and SSE2, with many of the kinds of number at which implementations differ.

import { MXCSR_IN_IMAGE, type SseCase } from './host-sse.js'
import type { Random } from './x87-cases.js'

const MASKS = 0x1f80

/** Bits of a single (expBits 8) or double (11): special, random, or close in exponent so that sums round. */
function float(r: Random, fractionBits: number, exponentBits: number): bigint {
  const most = (1n << BigInt(exponentBits)) - 1n
  const bias = Number(most >> 1n)
  const fractions = BigInt(fractionBits)
  const e = (() => {
    switch (r.below(8)) {
      case 0:
        return BigInt(r.pick([0, 0, 1, 2, Number(most), Number(most), Number(most) - 1]))
      case 1:
        return r.bits64() & most
      case 2:
        return BigInt(bias + r.pick([1, -1]) * (bias - r.below(fractionBits + 4)))
      case 3:
        return BigInt(bias + 29 + r.below(6))
      default:
        return BigInt(bias + r.below(70) - 35)
    }
  })()
  const random = r.bits64() & ((1n << fractions) - 1n)
  const fraction = (() => {
    switch (r.below(5)) {
      case 0:
        return r.pick([0n, 0n, 1n, 1n << (fractions - 1n), (1n << fractions) - 1n, 3n << (fractions - 2n)])
      case 1:
        return (random >> BigInt(fractionBits - 4)) << (fractions - 4n)
      case 2:
        return (1n << BigInt(r.below(fractionBits))) | BigInt(r.below(3))
      default:
        return random
    }
  })()
  const exponent = e < 0n ? 0n : e > most ? most : e
  return (BigInt(r.below(2)) << (fractions + BigInt(exponentBits))) | (exponent << fractions) | fraction
}

/** Sixteen bytes: integers, singles or doubles. */
export function vector(r: Random): Uint8Array {
  const out = new Uint8Array(16)
  const view = new DataView(out.buffer)
  const kind = r.below(8)
  if (kind < 3) for (let i = 0; i < 4; i++) view.setUint32(4 * i, Number(float(r, 23, 8)), true)
  else if (kind < 6) for (let i = 0; i < 2; i++) view.setBigUint64(8 * i, float(r, 52, 11), true)
  else if (kind < 7)
    for (let i = 0; i < 8; i++) view.setUint16(2 * i, r.pick([0, 1, 0x7fff, 0x8000, 0xffff, r.next()]), true)
  else {
    for (let i = 0; i < 4; i++) view.setUint32(4 * i, r.next() >>> r.below(32), true)
    if (r.below(3) === 0) view.setBigUint64(0, BigInt(r.below(70)), true)
  }
  return out
}

export interface SseOptions {
  /** All floating-point exceptions stay masked. */
  readonly masked?: boolean
  /** Rounding to nearest, no flush to zero, no denormals as zeroes. */
  readonly plain?: boolean
  /** With both: PE is set already. Here nothing is ever computed twice. */
  readonly sticky?: boolean
}

export function randomSseCase(r: Random, instruction: number, { masked, plain, sticky }: SseOptions): SseCase {
  const image = new Uint8Array(512)
  const view = new DataView(image.buffer)
  view.setUint16(0, 0x37f, true)
  const top = r.below(3) ? 0 : r.below(8)
  view.setUint16(2, top << 11, true)
  view.setUint8(4, r.next())
  const masks = masked || r.below(2) ? MASKS : r.next() & MASKS
  const modes = plain || r.below(3) === 0 ? 0 : r.next() & 0xe040
  view.setUint32(MXCSR_IN_IMAGE, masks | modes | (sticky ? 0x20 : 0) | (r.below(2) ? 0 : r.next() & 0x3f), true)
  const source = vector(r)
  for (let i = 0; i < 8; i++) {
    image.set(vector(r).subarray(0, 8), 32 + 16 * i)
    view.setUint16(40 + 16 * i, r.next(), true)
    image.set(vector(r), 160 + 16 * i)
  }
  // Now and then both operands, or parts of them, are the same or differ in sign only.
  if (r.below(4) === 0) image.set(image.subarray(160, 160 + 4 * r.below(5)), 176)
  if (r.below(8) === 0) image[191]! ^= 0x80
  const memory = r.below(6) ? source : image.slice(160, 176)
  const integer = r.pick([r.next(), r.next() >>> r.below(32), r.pick([0, 1, 0x80000000, 0x7fffffff, 0xffffffff])])
  return {
    instruction,
    eax: r.next(),
    ecx: integer,
    eflags: (r.next() & 0x8d5) | 2,
    mxcsr: view.getUint32(MXCSR_IN_IMAGE, true),
    signal: 0,
    memory,
    image,
  }
}
