// The reference evaluator's vector operators, each against WebAssembly itself. NaN lanes that arithmetic makes compare
// equal whatever their bits are.

import fc from 'fast-check'
import { type Datum, prepare } from '../../src/ir/evaluate.js'
import { vectorOperators } from '../../src/ir/evaluate-v128.js'
import { Tape } from '../../src/ir/tape.js'
import { F32, F64, I32, I64, type Operator, operators, SHUFFLE, type Type, V128 } from '../../src/ir/types.js'
import { encodingOf } from '../../src/wasm/opcodes.js'
import { wasmOperator } from '../drivers/wasm-operator.js'

const f32Bits = [0, 0x80000000, 1, 0x7fffff, 0x800000, 0x3f800000, 0x3f000000, 0x40200000, 0x4f000000, 0xcf000000]
f32Bits.push(0x4effffff, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0x7fc00000, 0xffc12345, 0xbf000000)
const f64Values = [
  0,
  -0,
  0.5,
  -0.5,
  1.5,
  2.5,
  2 ** 31,
  -(2 ** 31),
  2 ** 31 - 1,
  1e300,
  5e-324,
  Infinity,
  -Infinity,
  NaN,
]
const ofBytes = fc.uint8Array({ minLength: 16, maxLength: 16 })
const ofFloats = fc
  .array(fc.oneof(fc.constantFrom(...f32Bits), fc.integer()), { minLength: 4, maxLength: 4 })
  .map(words => new Uint8Array(Int32Array.from(words).buffer))
const ofDoubles = fc
  .array(fc.oneof(fc.constantFrom(...f64Values), fc.double()), { minLength: 2, maxLength: 2 })
  .map(values => new Uint8Array(Float64Array.from(values).buffer))
const arbitrary: Record<Type, fc.Arbitrary<Datum>> = {
  [I32]: fc.integer(),
  [I64]: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  [F32]: fc.float(),
  [F64]: fc.double(),
  [V128]: fc.oneof(ofBytes, ofFloats, ofDoubles, fc.constantFrom(new Uint8Array(16), new Uint8Array(16).fill(255))),
}
const lanes = fc.uint8Array({ minLength: 16, maxLength: 16, max: 31 })

/** A vector with its NaN lanes replaced by one NaN, where they are not defined. */
function normal(operator: Operator, v: Datum): Datum {
  if (!(v instanceof Uint8Array) || !/\.(add|sub|mul|div|sqrt|nearest|promote.*|demote.*)$/.test(operator.name))
    return v
  const out = v.slice()
  if (operator.name.startsWith('f32x4'))
    new Float32Array(out.buffer).forEach((x, i, all) => {
      if (Number.isNaN(x)) all[i] = Number.NaN
    })
  if (operator.name.startsWith('f64x2'))
    new Float64Array(out.buffer).forEach((x, i, all) => {
      if (Number.isNaN(x)) all[i] = Number.NaN
    })
  return out
}

const vectors = operators.filter(o => o.result === V128 || o.params.includes(V128))

test.each(vectors.map(o => [o.name, o] as const))('%s does what WebAssembly does', (name, operator) => {
  const mine = vectorOperators[name] as (...args: unknown[]) => Datum
  const count = operator.lane ? 16 / (Number.parseInt(name.slice(1), 10) / 8) : 1
  const shuffle = operators[SHUFFLE] === operator
  for (let lane = 0; lane < count; lane++) {
    const plain = shuffle ? undefined : wasmOperator(operator, [...encodingOf(name)], lane)
    const types = shuffle ? operator.params.slice(0, 2) : operator.params
    const args = fc.tuple(...types.map(t => arbitrary[t]!), lanes)
    fc.assert(
      fc.property(args, all => {
        const given = all.slice(0, types.length) as Datum[]
        if (shuffle) given.push(all.at(-1) as Uint8Array)
        const oracle =
          plain ??
          wasmOperator({ ...operator, params: [V128, V128] }, [...encodingOf(name), ...(all.at(-1) as Uint8Array)])
        const [x, y, z] = given
        expect(normal(operator, mine(x, y, z, lane))).toEqual(normal(operator, oracle(...given.slice(0, types.length))))
      }),
      { numRuns: shuffle ? 40 : Math.ceil(200 / count) },
    )
  }
})

test('a tape with an operator that has no definition is refused', () => {
  const tape = new Tape()
  tape.push(60000, V128)
  expect(() => prepare(tape)).toThrow('has no definition')
})
