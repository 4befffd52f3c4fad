// F2XM1, FYL2X, FYL2XP1 and FPATAN (SDM vol. 2): the stack and the tables of special operands; float80-exponential.ts
// and float80-arctangent.ts compute. Outside the documented ranges F2XM1 leaves its operand
// and FYL2XP1 gives y * log2(x + 1), or x itself where x is below -1.

import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, VOID } from '../ir/types.js'
import type { Semantics } from './context.js'
import { LEFT, STEEP } from './float80-arctangent.js'
import {
  answer,
  denormalOperand,
  exponentOf,
  invalid,
  isDenormal,
  isInfinite,
  isZero,
  normalized,
  type Operand,
  signOf,
  sortOutNaNs,
} from './float80-operand.js'
import { report } from './float80-round.js'
import type { ProcedureSource } from './procedures.js'
import {
  control,
  exponent,
  isValid,
  PE,
  physical,
  pop,
  remember,
  setRegister,
  significand,
  slot,
  waiting,
  ZE,
} from './x87-state.js'

const TOP_BIT = 1n << 63n
const BIAS = 0x3fff
const INFINITE = 0x7fff

export const x87Transcendental: Record<string, Semantics> = {
  f2xm1: b => {
    waiting(b)
    remember(b)
    b.call('x87_power', [])
  },
}
for (const [mnemonic, procedure] of [
  ['fyl2x', 'x87_logarithm'],
  ['fyl2xp1', 'x87_logarithm_plus'],
  ['fpatan', 'x87_arctangent'],
] as const)
  x87Transcendental[mnemonic] = b => {
    waiting(b)
    remember(b)
    pop(b, b.call(procedure, []))
  }

/** A procedure on x = ST(0) and y = ST(1) whose result goes to ST(1). */
function ofTwo(compute: (b: Builder, dst: Value, x: Operand, y: Operand) => void): ProcedureSource {
  return {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      const [first, second] = [physical(b, b.const(0)), physical(b, b.const(1))]
      b.if(b.eqz(b.and(isValid(b, first), isValid(b, second))), () =>
        b.return(b.call('x87_stack_fault', [second, b.const(0)])),
      )
      const [from, dst] = [slot(b, first), slot(b, second)]
      const x = { sig: significand(b, from), se: exponent(b, from) }
      const y = { sig: significand(b, dst), se: exponent(b, dst) }
      sortOutNaNs(b, dst, x, y)
      compute(b, dst, x, y)
      b.return(b.const(1))
    },
  }
}

const infinite = (b: Builder, dst: Value, sign: Value) =>
  answer(b, dst, b.const64(TOP_BIT), b.or(sign, b.const(INFINITE)))
const zero = (b: Builder, dst: Value, sign: Value) => answer(b, dst, b.const64(0n), sign)

/** Multiples of pi / 4 with a sign, rounded. */
function quarters(b: Builder, dst: Value, sign: Value, n: Value) {
  // 3 pi / 4 has its first bit where pi / 2 ... pi has.
  const three = b.eq(n, b.const(3))
  const sig = b.select(three, b.const64(0x96cbe3f9990e91a7n), b.const64(0xc90fdaa22168c234n))
  const lo = b.select(three, b.const64(0x9394c9e8a0a5159cn), b.const64(0xc4c6628b80dc1cd1n))
  const e = b.select(three, b.const(BIAS + 1), b.sub(b.const(BIAS + 1), b.op('i32.clz', b.shl(n, b.const(29)))))
  b.return(b.call('float80_round_extended', [dst, sign, e, sig, lo]))
}

export const transcendentalProcedures: Record<string, ProcedureSource> = {
  x87_power: {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      const register = physical(b, b.const(0))
      b.if(b.eqz(isValid(b, register)), () => b.return(b.call('x87_stack_fault', [register, b.const(0)])))
      const dst = slot(b, register)
      const x = { sig: significand(b, dst), se: exponent(b, dst) }
      sortOutNaNs(b, dst, x, x)
      const sign = signOf(b, x.se)
      b.if(isZero(b, x), () => answer(b, dst, x.sig, x.se))
      b.if(b.geu(exponentOf(b, x.se), b.const(BIAS)), () => {
        // 2^-infinity - 1 and 2^-1 - 1; all else that is not below 1 stays what it is, as 1 and infinity do.
        const ofOne = b.eq(x.sig, b.const64(TOP_BIT))
        b.if(b.and(ofOne, b.eq(x.se, b.const(0xffff))), () => answer(b, dst, x.sig, b.const(0x8000 | BIAS)))
        b.if(isInfinite(b, x), () => answer(b, dst, x.sig, x.se))
        b.if(b.and(ofOne, b.eq(x.se, b.const(0x8000 | BIAS))), () =>
          setRegister(b, dst, x.sig, b.const(0x8000 | (BIAS - 1))),
        )
        report(b, b.const(PE), b.const(0))
        b.return(b.const(1))
      })
      denormalOperand(b, isDenormal(b, x))
      const { e, sig } = normalized(b, x)
      b.call('float80_power', [dst, sign, e, sig], VOID)
      b.return(b.const(1))
    },
  },
  x87_logarithm: ofTwo((b, dst, x, y) => {
    const [xZero, yZero] = [isZero(b, x), isZero(b, y)]
    const [xInfinite, yInfinite] = [isInfinite(b, x), isInfinite(b, y)]
    const [xSign, ySign] = [signOf(b, x.se), signOf(b, y.se)]
    const one = b.and(b.eq(x.se, b.const(BIAS)), b.eq(x.sig, b.const64(TOP_BIT)))
    const wrong = b.or(b.and(b.ne(xSign, b.const(0)), b.eqz(xZero)), b.and(b.or(xZero, xInfinite), yZero))
    b.if(b.or(wrong, b.and(one, yInfinite)), () => invalid(b, dst))
    b.if(xZero, () => {
      const opposite = b.xor(ySign, b.const(0x8000))
      b.if(yInfinite, () => infinite(b, dst, opposite))
      report(b, b.const(ZE), b.const(0))
      b.if(b.eqz(b.and(control(b), b.const(ZE))), () => b.return(b.const(0)))
      answer(b, dst, b.const64(TOP_BIT), b.or(opposite, b.const(INFINITE)))
    })
    denormalOperand(b, b.or(isDenormal(b, x), isDenormal(b, y)))
    const below = b.shl(b.ltu(x.se, b.const(BIAS)), b.const(15))
    b.if(b.or(xInfinite, yInfinite), () => infinite(b, dst, b.xor(ySign, below)))
    b.if(b.or(one, yZero), () => zero(b, dst, b.xor(ySign, b.select(one, b.const(0), below))))
    const [nx, ny] = [normalized(b, x), normalized(b, y)]
    b.call('float80_logarithm', [dst, ySign, nx.e, nx.sig, ny.e, ny.sig], VOID)
  }),
  x87_logarithm_plus: ofTwo((b, dst, x, y) => {
    const [xZero, yZero] = [isZero(b, x), isZero(b, y)]
    const [xInfinite, yInfinite] = [isInfinite(b, x), isInfinite(b, y)]
    const [xSign, ySign] = [signOf(b, x.se), signOf(b, y.se)]
    const sign = b.xor(xSign, ySign)
    const impossible = b.or(b.and(xInfinite, b.or(yZero, b.ne(xSign, b.const(0)))), b.and(xZero, yInfinite))
    b.if(impossible, () => invalid(b, dst))
    denormalOperand(b, b.or(isDenormal(b, x), isDenormal(b, y)))
    b.if(b.or(xInfinite, yInfinite), () => infinite(b, dst, sign))
    b.if(b.or(xZero, yZero), () => zero(b, dst, sign))
    const [nx, ny] = [normalized(b, x), normalized(b, y)]
    b.if(b.geu(exponentOf(b, x.se), b.const(BIAS)), () => {
      report(b, b.const(PE), b.const(0))
      b.if(xSign, () => {
        setRegister(b, dst, x.sig, x.se)
        b.return(b.const(1))
      })
      // Above 1: the sum in 64 bits is near enough.
      const places = b.sub(nx.e, b.const(BIAS))
      const one = b.select(b.ltu(places, b.const(64)), b.shru(b.const64(TOP_BIT), b.toI64u(places)), b.const64(0n))
      const sum = b.add(nx.sig, one)
      const carry = b.ltu(sum, nx.sig)
      const sig = b.or(b.shru(sum, b.toI64u(carry)), b.const64(TOP_BIT))
      b.call('float80_logarithm', [dst, ySign, b.add(nx.e, carry), sig, ny.e, ny.sig], VOID)
      b.return(b.const(1))
    })
    b.if(b.and(xSign, b.shl(b.eq(nx.e, b.const(BIAS - 1)), b.const(15))), () => {
      // -1 to -1/2, where the sum is exact.
      const sum = b.neg(nx.sig)
      const lead = b.op('i64.clz', sum)
      const e = b.sub(b.const(BIAS - 1), b.low(lead))
      b.call('float80_logarithm', [dst, ySign, e, b.shl(sum, lead), ny.e, ny.sig], VOID)
      b.return(b.const(1))
    })
    b.call('float80_logarithm_plus', [dst, xSign, ySign, nx.e, nx.sig, ny.e, ny.sig], VOID)
  }),
  x87_arctangent: ofTwo((b, dst, x, y) => {
    const [xZero, yZero] = [isZero(b, x), isZero(b, y)]
    const [xInfinite, yInfinite] = [isInfinite(b, x), isInfinite(b, y)]
    const [xSign, sign] = [signOf(b, x.se), signOf(b, y.se)]
    denormalOperand(b, b.or(isDenormal(b, x), isDenormal(b, y)))
    // On the axes and at infinity: multiples of a quarter of pi.
    b.if(b.and(xInfinite, yInfinite), () => quarters(b, dst, sign, b.select(xSign, b.const(3), b.const(1))))
    b.if(b.or(yZero, xInfinite), () => {
      b.if(b.eqz(xSign), () => zero(b, dst, sign))
      quarters(b, dst, sign, b.const(4))
    })
    b.if(b.or(xZero, yInfinite), () => quarters(b, dst, sign, b.const(2)))
    const [nx, ny] = [normalized(b, x), normalized(b, y)]
    const steep = b.or(b.gts(ny.e, nx.e), b.and(b.eq(ny.e, nx.e), b.gtu(ny.sig, nx.sig)))
    const left = b.select(xSign, b.const(LEFT), b.const(0))
    const quadrant = b.or(left, b.select(steep, b.const(STEEP), b.const(0)))
    const pick = (first: Value, second: Value) => b.select(steep, first, second)
    const small = [pick(nx.e, ny.e), pick(nx.sig, ny.sig)]
    const large = [pick(ny.e, nx.e), pick(ny.sig, nx.sig)]
    b.call('float80_arctangent', [dst, sign, quadrant, ...small, ...large], VOID)
  }),
}
