// Shuffles, unpacking, and words in and out of registers (SDM vol. 2: PSHUFD, PSHUFW, SHUFPS, UNPCKLPS, PUNPCKLBW,
// PINSRW, PEXTRW and their relatives). A selector known to the builder becomes one vector shuffle.

import { SCRATCH } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { I32, I64, V128 } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import { mmx, setMmx } from './mmx-state.js'
import type { ProcedureSource } from './procedures.js'
import { half, isMmx, packed, readAligned, readQuad } from './sse-operand.js'
import { sse } from './sse-state.js'

/** Byte lanes of a shuffle of lanes of `size` bytes. */
const bytesOf = (size: number, lanes: readonly number[]) =>
  lanes.flatMap(lane => Array.from({ length: size }, (_, i) => lane * size + i))

/** Lanes of x and y in turn, from the low or the high half. */
const interleaved = (size: number, high: 0 | 1) => {
  const count = 16 / size
  const first = (high * count) / 2
  return bytesOf(
    size,
    Array.from({ length: count }, (_, i) => first + (i >> 1) + (i & 1) * count),
  )
}
function unpack(size: number, high: 0 | 1): Semantics {
  const low = interleaved(size, 0)
  const lanes = interleaved(size, high)
  // The high half of an MMX register is the high half of the lower interleaving.
  return packed((b, x, y, form) => b.shuffle(x, y, isMmx(form) ? low : lanes), high)
}

/** Two doublewords of x below two of y, as the selector says. */
function doublewords(b: Context, x: Value, y: Value, selector: Value): Value {
  const n = b.known(selector)
  if (n === undefined) return b.call('sse_shuffle', [x, y, selector], V128)
  return b.shuffle(x, y, bytesOf(4, [n & 3, (n >> 2) & 3, 4 + ((n >> 4) & 3), 4 + ((n >> 6) & 3)]))
}
/** Four words chosen from a quadword. */
const words = (b: Context, x: Value, selector: Value): Value => b.call('sse_shuffle_words', [x, selector], I64)

/** PSHUFLW, PSHUFHW: the words of one half. */
const shuffleHalf = (n: 0 | 1) =>
  sse(b => {
    const x = readAligned(b, 1)
    const selector = b.field('imm')
    const k = b.known(selector)
    if (k === undefined) return b.write(0, b.op('i64x2.replace_lane', x, words(b, half(b, x, n), selector), -1, n))
    const lanes = [0, 1, 2, 3, 4, 5, 6, 7]
    for (let i = 0; i < 4; i++) lanes[4 * n + i] = 4 * n + ((k >> (2 * i)) & 3)
    b.write(0, b.shuffle(x, x, bytesOf(2, lanes)))
  })

/** The lane of a word, by the selector and the number of words in the register: its distance in bytes. */
const wordAt = (b: Context): Value => b.shl(b.and(b.field('imm'), b.const(isMmx(b.form) ? 3 : 7)), b.const(1))

const insert = (b: Context) => {
  const v = b.read(1)
  b.writeCell(b.add(b.field('dst'), wordAt(b)), 2, v)
}
const insertMmx = mmx(b => {
  insert(b)
  b.writeCell(b.add(b.field('dst'), b.const(8)), 2, b.const(0xffff))
})
const extract = (b: Context) => b.write(0, b.readCell(b.add(b.field('src'), wordAt(b)), 2))

export const sseShuffle: Record<string, Semantics> = {
  pshufd: sse(b => {
    const x = readAligned(b, 1)
    b.write(0, doublewords(b, x, x, b.field('imm')))
  }),
  shufps: sse(b => {
    const y = readAligned(b, 1)
    b.write(0, doublewords(b, b.read(0), y, b.field('imm')))
  }),
  shufpd: sse(b => {
    const y = readAligned(b, 1)
    const x = b.read(0)
    const selector = b.field('imm')
    const k = b.known(selector)
    if (k !== undefined) return b.write(0, b.shuffle(x, y, bytesOf(8, [k & 1, 2 + ((k >> 1) & 1)])))
    const chosen = (v: Value, bit: number) => b.select(b.and(selector, b.const(bit)), half(b, v, 1), half(b, v, 0))
    b.write(0, b.op('i64x2.replace_lane', b.op('i64x2.splat', chosen(x, 1)), chosen(y, 2), -1, 1))
  }),
  pshufw: mmx(b => setMmx(b, words(b, readQuad(b, 1), b.field('imm')))),
  pshuflw: shuffleHalf(0),
  pshufhw: shuffleHalf(1),
  pinsrw: (b, form) => (isMmx(form) ? insertMmx : sse(insert))(b, form),
  pextrw: (b, form) => (isMmx(form) ? mmx(extract) : sse(extract))(b, form),
  unpcklps: unpack(4, 0),
  unpckhps: unpack(4, 1),
  unpcklpd: unpack(8, 0),
  unpckhpd: unpack(8, 1),
  punpcklbw: unpack(1, 0),
  punpckhbw: unpack(1, 1),
  punpcklwd: unpack(2, 0),
  punpckhwd: unpack(2, 1),
  punpckldq: unpack(4, 0),
  punpckhdq: unpack(4, 1),
  punpcklqdq: unpack(8, 0),
  punpckhqdq: unpack(8, 1),
}

export const sseShuffleProcedures: Record<string, ProcedureSource> = {
  /** (x, y, selector): as SHUFPS. */
  sse_shuffle: {
    params: [V128, V128, I32],
    result: V128,
    faults: false,
    build: b => {
      const selector = b.parameter(2, I32)
      b.setState(SCRATCH, b.parameter(0, V128), 16)
      b.setState(SCRATCH + 16, b.parameter(1, V128), 16)
      const lane = (i: number) => {
        const chosen = b.and(b.shru(selector, b.const(2 * i)), b.const(3))
        return b.loadAt(b.shl(chosen, b.const(2)), SCRATCH + (i < 2 ? 0 : 16), 4)
      }
      let v = b.op('i32x4.splat', lane(0))
      for (let i = 1; i < 4; i++) v = b.op('i32x4.replace_lane', v, lane(i), -1, i)
      b.return(v)
    },
  },
  /** (x, selector): four words of the quadword x. */
  sse_shuffle_words: {
    params: [I64, I32],
    result: I64,
    faults: false,
    build: b => {
      const x = b.parameter(0, I64)
      const selector = b.toI64u(b.parameter(1, I32))
      let v = b.const64(0n)
      for (let i = 0; i < 4; i++) {
        const at = b.shl(b.and(b.shru(selector, b.const64(BigInt(2 * i))), b.const64(3n)), b.const64(4n))
        const word = b.and(b.shru(x, at), b.const64(0xffffn))
        v = b.or(v, b.shl(word, b.const64(BigInt(16 * i))))
      }
      b.return(v)
    },
  },
}
