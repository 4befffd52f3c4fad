// What a block of hot code knows of the XMM registers: the last value written to or read from each part of them, so that
// a chain of instructions does not wait for memory. Every write still goes to its cell; only reads are saved.

import { XMM } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'

const XMM_END = XMM + 128

/** Whether the address of a cell is one of an XMM register. */
export const isVector = (cell: number) => cell >= XMM && cell < XMM_END

interface Part {
  readonly cell: number
  readonly width: number
  readonly value: Value
}

export class HotVectors {
  private parts: Part[] = []

  constructor(private readonly b: Builder) {}

  clear() {
    this.parts.length = 0
  }
  /** A write of `width` bytes at the cell; the value is kept unless it was made in one arm of an `if`. */
  written(cell: number, width: number, value: Value, inArm: boolean) {
    this.parts = this.parts.filter(p => p.cell + p.width <= cell || p.cell >= cell + width)
    if (!inArm && width >= 4) this.parts.push({ cell, width, value })
  }
  /** A read that went to memory. */
  read(cell: number, width: number, value: Value, inArm: boolean) {
    if (!inArm && width >= 4) this.parts.push({ cell, width, value })
  }
  /** The value of a part, when it is known. */
  find(cell: number, width: number): Value | undefined {
    const within = this.parts.findLast(p => p.cell <= cell && cell + width <= p.cell + p.width)
    if (!within || (width !== within.width && (within.width !== 16 || width < 4))) return undefined
    if (width === within.width) return within.value
    const lane = (cell - within.cell) / width
    if (!Number.isInteger(lane)) return undefined
    return this.b.op(width === 8 ? 'i64x2.extract_lane' : 'i32x4.extract_lane', within.value, -1, -1, lane)
  }
}
