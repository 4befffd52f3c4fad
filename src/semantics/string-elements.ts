// What one element of each string instruction does (SDM vol. 2: MOVS STOS LODS SCAS CMPS INS OUTS), for a single
// instruction and for an iteration of REP alike. ESI and EDI move after everything that can fault.

import { EAX, EDI, EDX, ESI, FLAGS } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import type { Context } from './context.js'

/** DF: 1 when strings are gone through downwards. */
export const downwards = (b: Context): Value => b.and(b.shru(b.state(FLAGS), b.const(10)), b.const(1))

/** +size or -size by DF. */
export const elementStep = (b: Context, size: number): Value =>
  b.sub(b.const(size), b.mul(downwards(b), b.const(2 * size)))

/** Where the elements are. */
export interface Strings {
  /** Bytes of an element. */
  readonly size: number
  /** Checked linear address of the source element. */
  source(): Value
  /** Checked linear address of the destination element, for reading or writing. */
  destination(write: boolean): Value
  /** Moves index register n by one element, up or down by DF. */
  advance(n: number): void
}

/** Operands of a comparison whose flags the caller sets. */
export interface Compared {
  readonly x: Value
  readonly y: Value
}

/** Takes a step of one instruction; what comparing ones compared is returned. */
export const elements: Readonly<Record<string, (b: Context, at: Strings) => Compared | undefined>> = {
  movs: (b, at) => {
    const v = b.guestLoad(at.source(), at.size)
    b.guestStore(at.destination(true), at.size, v)
    at.advance(ESI)
    at.advance(EDI)
    return undefined
  },
  stos: (b, at) => {
    b.guestStore(at.destination(true), at.size, b.reg(EAX, at.size))
    at.advance(EDI)
    return undefined
  },
  lods: (b, at) => {
    const v = b.guestLoad(at.source(), at.size)
    b.setReg(EAX, at.size, v)
    at.advance(ESI)
    return undefined
  },
  scas: (b, at) => {
    const y = b.guestLoad(at.destination(false), at.size)
    at.advance(EDI)
    return { x: b.reg(EAX, at.size), y }
  },
  // Where both operands fault, processors report the one at ES:EDI.
  cmps: (b, at) => {
    const y = b.guestLoad(at.destination(false), at.size)
    const x = b.guestLoad(at.source(), at.size)
    at.advance(ESI)
    at.advance(EDI)
    return { x, y }
  },
  // The destination is probed before the port is read: reading may change the device.
  ins: (b, at) => {
    const linear = at.destination(true)
    b.guestLoad(linear, at.size, true)
    b.guestStore(linear, at.size, b.helper('in', [b.reg(EDX, 2), b.const(at.size)], true))
    at.advance(EDI)
    return undefined
  },
  outs: (b, at) => {
    const v = b.guestLoad(at.source(), at.size)
    b.helper('out', [b.reg(EDX, 2), b.const(at.size), v], true)
    at.advance(ESI)
    return undefined
  },
}
