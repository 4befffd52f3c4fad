// Segment registers as operands (SDM vol. 2: MOV with Sreg, PUSH and POP of them, LDS LES LSS LFS LGS).
// Loading is a helper's work; SS always ends the stretch of code because of the interrupt shadow.

import { CS, DS, ES, FS, GS, SEG_SELECTOR, SEGMENT, SHADOW_KIND, SS } from '../cpu/layout.js'
import { STOP_NEXT } from '../cpu/stops.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import { MEM } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import { UD, watchingMode } from './privilege.js'
import { forgetSegment } from './segments.js'

/** Selector of segment register n, a value. */
export function selectorOf(b: Context, n: Value): Value {
  return b.readCell(b.add(b.shl(n, b.const(5)), b.const(SEGMENT + SEG_SELECTOR)), 2)
}
/** MOV r/m, Sreg: a register gets it zero-extended, memory always 16 bits. */
export function storeSelector(b: Context, n: Value) {
  b.write(0, selectorOf(b, n))
}
/** Loads segment register n, then runs `after`, and leaves translated code where the new segment matters to it. */
export function loadSegment(b: Context, n: Value, selector: Value, after?: () => void) {
  watchingMode(b, () => {
    const done = b.call('load_segment_quick', [n, selector], I32)
    b.if(b.eqz(done), () => b.rare(() => b.helper('load_segment', [n, selector], true)))
    forgetSegment(b, n)
    after?.()
  })
  b.if(b.eq(n, b.const(SS)), () => b.stop(STOP_NEXT))
}
/** MOV Sreg, r/m: CS cannot be loaded. */
export function loadSegmentFrom(b: Context, n: Value, selector: Value) {
  b.if(b.eq(n, b.const(CS)), () => b.raise(UD))
  loadSegment(b, n, selector)
}

/** A far pointer in memory: its offset of `size` bytes and the selector behind it, two accesses. */
export function readFarPointer(b: Context, operand: number, size: number): { offset: Value; selector: Value } {
  if (b.form.operands[operand]!.kind !== MEM) throw new Error(`${b.form.mnemonic}: a far pointer must be in memory`)
  const at = b.offset()
  const offset = b.guestLoad(b.linear(at, size, false), size)
  return { offset, selector: b.guestLoad(b.linear(b.partOffset(at, size), 2, false), 2) }
}

const loadPointer =
  (n: number): Semantics =>
  (b, form) => {
    const { offset, selector } = readFarPointer(b, 1, form.operandSize)
    loadSegment(b, b.const(n), selector, () => {
      // Unlike MOV SS and POP SS, LSS holds no interrupts back.
      if (n === SS) b.setState(SHADOW_KIND, b.const(0))
      b.write(0, offset)
    })
  }

export const segmentRegisters: Record<string, Semantics> = {
  les: loadPointer(ES),
  lss: loadPointer(SS),
  lds: loadPointer(DS),
  lfs: loadPointer(FS),
  lgs: loadPointer(GS),
}
