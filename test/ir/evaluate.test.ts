// The reference evaluator: every scalar operator against WebAssembly itself, and control, memory and calls by hand.

import fc from 'fast-check'
import { Builder } from '../../src/ir/builder.js'
import { type Datum, type Environment, Evaluator, prepare } from '../../src/ir/evaluate.js'
import { F32, F64, I32, I64, operators, type Type, V128, VOID } from '../../src/ir/types.js'
import { Trap, wasmOperator } from '../drivers/wasm-operator.js'

const none: Environment = {
  guestLoad: () => 0,
  guestStore: () => undefined,
  helper: () => 0,
  procedure: name => {
    throw new Error(`no procedure ${name}`)
  },
  raise: () => undefined,
  fault: () => false,
}
const ends = [0, 1, -1, 2, 31, 32, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff, -0x80000000]
const i32 = fc.oneof(fc.constantFrom(...ends), fc.integer())
const i64 = fc.oneof(
  fc.constantFrom(...ends.map(BigInt), 1n << 53n, (1n << 62n) + 1n, -(1n << 63n), (1n << 63n) - 1n),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
)
const floats = [
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  0,
  -0,
  Infinity,
  -Infinity,
  NaN,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  2 ** 63,
  2 ** 64,
]
const f32 = fc.oneof(fc.constantFrom(...floats), fc.float())
const f64 = fc.oneof(fc.constantFrom(...floats), fc.double())
const arbitrary: Record<Type, fc.Arbitrary<Datum>> = {
  [I32]: i32,
  [I64]: i64,
  [F32]: f32,
  [F64]: f64,
  [V128]: fc.uint8Array({ minLength: 16, maxLength: 16 }),
}

function build(make: (b: Builder) => void) {
  const b = new Builder()
  make(b)
  return b.tape
}
/** What a tape stores at address 0 as an i32. */
function run(make: (b: Builder) => void, environment = none, memory = new ArrayBuffer(256)) {
  const ending = new Evaluator(memory, environment).run(prepare(build(make)))
  return { ending, value: new DataView(memory).getInt32(0, true) }
}

const scalar = operators.filter(
  o => /^([if](32|64)|v128)\./.test(o.name) && (o.result !== V128 || o.name.endsWith('select')),
)

test.each(scalar.map(o => [o.name, o] as const))('%s does what WebAssembly does', (_name, operator) => {
  const oracle = wasmOperator(operator)
  const b = new Builder()
  const parameters = operator.params.map((t, i) => b.parameter(i, t))
  b.return(b.op(operator.name, parameters[0]!, parameters[1], parameters[2]))
  const callee = { name: 'f', params: operator.params, result: operator.result, faults: false, tape: b.tape }
  let arguments_: Datum[] = []
  const caller = new Builder()
  const width = { [I32]: 4, [I64]: 8, [V128]: 16 }[operator.result]
  const bits = operator.result === F32 ? 'i32.reinterpret_f32' : 'i64.reinterpret_f64'
  const passed = operator.params.map((t, i) => {
    if (t === I32) return caller.loadAt(caller.const(0), 16 * i, 4)
    if (t === I64) return caller.loadAt(caller.const(0), 16 * i, 8)
    if (t === V128) return caller.loadAt(caller.const(0), 16 * i, 16)
    if (t === F32) return caller.op('f32.reinterpret_i32', caller.loadAt(caller.const(0), 16 * i, 4))
    return caller.op('f64.reinterpret_i64', caller.loadAt(caller.const(0), 16 * i, 8))
  })
  const result = caller.call('f', passed, operator.result)
  caller.storeAt(
    caller.const(0),
    64,
    width ?? (operator.result === F32 ? 4 : 8),
    width ? result : caller.op(bits, result),
  )
  const memory = new ArrayBuffer(128)
  const view = new DataView(memory)
  const evaluator = new Evaluator(memory, { ...none, procedure: () => callee })
  const program = prepare(caller.tape)
  const mine = (): Datum => {
    operator.params.forEach((t, i) => {
      const v = arguments_[i]!
      if (t === I32) view.setInt32(16 * i, v as number, true)
      else if (t === I64) view.setBigInt64(16 * i, v as bigint, true)
      else if (t === F32) view.setFloat32(16 * i, v as number, true)
      else if (t === F64) view.setFloat64(16 * i, v as number, true)
      else new Uint8Array(memory).set(v as Uint8Array, 16 * i)
    })
    evaluator.run(program)
    switch (operator.result) {
      case I32:
        return view.getInt32(64, true)
      case I64:
        return view.getBigInt64(64, true)
      case F32:
        return view.getFloat32(64, true)
      case F64:
        return view.getFloat64(64, true)
      default:
        return new Uint8Array(memory).slice(64, 80)
    }
  }
  const outcome = (f: () => Datum): Datum | 'trap' => {
    try {
      return f()
    } catch (e) {
      if (e instanceof RangeError || e instanceof Trap) return 'trap'
      throw e
    }
  }
  const isNan = (v: Datum | 'trap' | undefined) => typeof v === 'number' && Number.isNaN(v)
  fc.assert(
    fc.property(fc.tuple(...operator.params.map(t => arbitrary[t]!)), args => {
      arguments_ = args
      if (/reinterpret_f/.test(operator.name) && isNan(args[0])) return
      expect(outcome(mine)).toEqual(outcome(() => oracle(...args)))
    }),
    { numRuns: 200 },
  )
})

describe('control', () => {
  test('a loop sums and leaves by its own break', () => {
    const { value } = run(b => {
      const i = b.variable(b.const(10))
      const sum = b.variable(b.loadAt(b.const(0), 0, 4))
      b.loop(() => {
        b.breakIf(b.eqz(b.get(i)))
        b.if(b.and(b.get(i), b.const(1)), () => b.set(sum, b.add(b.get(sum), b.get(i))))
        b.set(i, b.sub(b.get(i), b.const(1)))
      })
      b.storeAt(b.const(0), 0, 4, b.get(sum))
    })
    expect(value).toBe(25)
  })
  test('a break leaves only the innermost loop', () => {
    const { value } = run(b => {
      const n = b.variable(b.loadAt(b.const(0), 0, 4))
      const outer = b.variable(b.const(0))
      b.loop(() => {
        b.breakIf(b.eq(b.get(outer), b.const(3)))
        b.loop(() => {
          b.set(n, b.add(b.get(n), b.const(5)))
          b.breakIf(b.ne(b.get(n), b.const(0)))
        })
        b.set(outer, b.add(b.get(outer), b.const(1)))
      })
      b.storeAt(b.const(0), 0, 4, b.get(n))
    })
    expect(value).toBe(15)
  })
  test.each([
    [1, 7],
    [0, 9],
  ])('choose with %i gives %i', (condition, expected) => {
    const memory = new ArrayBuffer(256)
    new DataView(memory).setInt32(4, condition, true)
    const make = (b: Builder) => {
      const v = b.choose(
        b.loadAt(b.const(0), 4, 4),
        () => b.const(7),
        () => b.const(9),
      )
      b.storeAt(b.const(0), 0, 4, v)
    }
    expect(run(make, none, memory).value).toBe(expected)
  })
  test('control that does not match is refused', () => {
    expect(() => prepare(build(b => b.breakIf(b.const(1))))).toThrow('BREAK outside a loop')
    const open = new Builder()
    open.tape.push(7, VOID, open.const(1))
    expect(() => prepare(open.tape)).toThrow('not closed')
  })
})

describe('endings', () => {
  test('jump, target, stop and the plain end', () => {
    expect(run(b => b.jump(b.const(5))).ending).toEqual({ kind: 'jump', offset: 5 })
    expect(run(b => b.jumpToTarget()).ending.kind).toBe('target')
    expect(run(b => b.stop(3)).ending).toEqual({ kind: 'stop', reason: 3 })
    expect(run(() => undefined).ending.kind).toBe('next')
  })
  test('an exception in a procedure ends the caller before its next effect', () => {
    const raised: [number, number | undefined][] = []
    const callee = build(b => b.raise(13, b.const(0)))
    const environment: Environment = {
      ...none,
      procedure: () => ({ name: 'p', params: [], result: VOID, faults: true, tape: callee }),
      raise: (vector, error) => raised.push([vector, error]),
      fault: () => raised.length > 0,
    }
    const { ending, value } = run(b => {
      b.call('p', [], VOID, true)
      b.storeAt(b.const(0), 0, 4, b.const(1))
    }, environment)
    expect(ending.kind).toBe('fault')
    expect(raised).toEqual([[13, 0]])
    expect(value).toBe(0)
  })
  test('a fault of a guest store and of a helper ends the instruction', () => {
    for (const make of [
      (b: Builder) => b.guestStore(b.const(8), 4, b.const(1)),
      (b: Builder) => b.helper('h', [], true),
      (b: Builder) => b.guestLoad(b.const(8), 4),
    ]) {
      const { ending } = run(make, { ...none, fault: () => true })
      expect(ending.kind).toBe('fault')
    }
  })
})

test('memory: widths, signs, copy and fill', () => {
  const memory = new ArrayBuffer(256)
  const bytes = new Uint8Array(memory)
  bytes.set([0x80, 0xff, 0x34, 0x12], 16)
  run(
    b => {
      const zero = b.const(0)
      b.storeAt(zero, 32, 4, b.loadAt(zero, 16, 1, true))
      b.storeAt(zero, 36, 4, b.loadAt(zero, 16, 2, true))
      b.storeAt(zero, 40, 4, b.loadAt(zero, 16, 2))
      b.storeAt(zero, 44, 1, b.const(0x1ff))
      b.copy(b.const(48), b.const(16), b.const(3))
      b.fill(b.const(52), b.const(0x1aa), b.const(2))
    },
    none,
    memory,
  )
  expect([...new Int32Array(memory, 32, 3)]).toEqual([-128, -128, 0xff80])
  expect([...bytes.slice(44, 56)]).toEqual([0xff, 0, 0, 0, 0x80, 0xff, 0x34, 0, 0xaa, 0xaa, 0, 0])
})
