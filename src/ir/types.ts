// The types and operators of the IR. An operator carries WebAssembly's own name, so that lowering is a table
// and the evaluator (evaluate.ts) is the definition. Everything else (control, memory) is in tape.ts.

/** A value type of the IR, as a small integer so that tapes stay in typed arrays. */
export type Type = number
export const VOID: Type = 0
export const I32: Type = 1
export const I64: Type = 2
export const F32: Type = 3
export const F64: Type = 4
export const V128: Type = 5

/** One pure operator: same operands, same result, no effect. `lane` operators take a constant lane as immediate. */
export interface Operator {
  readonly name: string
  readonly params: readonly Type[]
  readonly result: Type
  readonly lane: boolean
}

/** All pure operators; the index into this list is the operator's number on a tape. */
export const operators: Operator[] = []
const numbers = new Map<string, number>()

function declare(result: Type, params: Type[], names: string, lane = false) {
  for (const name of names.split(' ')) {
    numbers.set(name, operators.length)
    operators.push({ name, params, result, lane })
  }
}

/** Number of the operator with this WebAssembly name. Throws for a name the IR does not have. */
export function operatorNumber(name: string): number {
  const n = numbers.get(name)
  if (n === undefined) throw new Error(`the IR has no operator ${name}`)
  return n
}

for (const [prefix, t] of [
  ['i32', I32],
  ['i64', I64],
] as const) {
  const all = (names: string) => names.replace(/[^ ]+/g, n => `${prefix}.${n}`)
  declare(t, [t, t], all('add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'))
  declare(I32, [t, t], all('eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'))
  declare(I32, [t], all('eqz'))
  declare(t, [t], all('clz ctz popcnt extend8_s extend16_s'))
}
declare(I64, [I64], 'i64.extend32_s')
declare(I64, [I32], 'i64.extend_i32_s i64.extend_i32_u')
declare(I32, [I64], 'i32.wrap_i64')
for (const [prefix, t] of [
  ['f32', F32],
  ['f64', F64],
] as const) {
  const all = (names: string) => names.replace(/[^ ]+/g, n => `${prefix}.${n}`)
  declare(t, [t, t], all('add sub mul div min max copysign'))
  declare(t, [t], all('abs neg ceil floor trunc nearest sqrt'))
  declare(I32, [t, t], all('eq ne lt gt le ge'))
  declare(t, [I32], all('convert_i32_s convert_i32_u'))
  declare(t, [I64], all('convert_i64_s convert_i64_u'))
}
declare(F32, [F64], 'f32.demote_f64')
declare(F64, [F32], 'f64.promote_f32')
declare(I32, [F32], 'i32.reinterpret_f32 i32.trunc_sat_f32_s i32.trunc_sat_f32_u')
declare(I32, [F64], 'i32.trunc_sat_f64_s i32.trunc_sat_f64_u')
declare(I64, [F64], 'i64.reinterpret_f64 i64.trunc_sat_f64_s i64.trunc_sat_f64_u')
declare(F32, [I32], 'f32.reinterpret_i32')
declare(F64, [I64], 'f64.reinterpret_i64')
for (const [prefix, t] of [
  ['i32', I32],
  ['i64', I64],
  ['f32', F32],
  ['f64', F64],
  ['v128', V128],
] as const)
  declare(t, [t, t, I32], `${prefix}.select`)

declare(V128, [V128, V128], 'v128.and v128.andnot v128.or v128.xor')
declare(V128, [V128], 'v128.not')
declare(V128, [I32], 'i8x16.splat i16x8.splat i32x4.splat')
declare(V128, [I64], 'i64x2.splat')
declare(V128, [F32], 'f32x4.splat')
declare(V128, [F64], 'f64x2.splat')
declare(I32, [V128], 'i8x16.extract_lane_u i16x8.extract_lane_u i32x4.extract_lane', true)
declare(I64, [V128], 'i64x2.extract_lane', true)
declare(F32, [V128], 'f32x4.extract_lane', true)
declare(F64, [V128], 'f64x2.extract_lane', true)
declare(V128, [V128, I32], 'i8x16.replace_lane i16x8.replace_lane i32x4.replace_lane', true)
declare(V128, [V128, I64], 'i64x2.replace_lane', true)
declare(V128, [V128, F32], 'f32x4.replace_lane', true)
declare(V128, [V128, F64], 'f64x2.replace_lane', true)
declare(V128, [V128, V128], 'i8x16.swizzle')
/** Its third operand, the sixteen lane numbers, is a constant and becomes the immediate of the instruction. */
export const SHUFFLE = operators.length
declare(V128, [V128, V128, V128], 'i8x16.shuffle')
for (const shape of ['i8x16', 'i16x8', 'i32x4', 'i64x2']) {
  const all = (names: string) => names.replace(/[^ ]+/g, n => `${shape}.${n}`)
  declare(V128, [V128, V128], all('add sub eq ne'))
  declare(V128, [V128, I32], all('shl shr_s shr_u'))
  declare(V128, [V128], all('neg'))
  declare(I32, [V128], all('bitmask all_true'))
  if (shape !== 'i64x2') declare(V128, [V128, V128], all('gt_s gt_u lt_s lt_u min_s min_u max_s max_u'))
}
declare(V128, [V128, V128], 'i8x16.add_sat_s i8x16.add_sat_u i8x16.sub_sat_s i8x16.sub_sat_u i8x16.avgr_u')
declare(V128, [V128, V128], 'i16x8.add_sat_s i16x8.add_sat_u i16x8.sub_sat_s i16x8.sub_sat_u i16x8.avgr_u i16x8.mul')
declare(V128, [V128, V128], 'i32x4.mul i64x2.mul i32x4.dot_i16x8_s')
declare(V128, [V128, V128], 'i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u')
declare(V128, [V128, V128], 'i32x4.extmul_low_i16x8_s i32x4.extmul_high_i16x8_s')
declare(V128, [V128, V128], 'i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u i64x2.extmul_low_i32x4_u')
declare(V128, [V128], 'i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_u')
for (const shape of ['f32x4', 'f64x2']) {
  const all = (names: string) => names.replace(/[^ ]+/g, n => `${shape}.${n}`)
  declare(V128, [V128, V128], all('add sub mul div eq ne lt le pmin pmax'))
  declare(V128, [V128], all('sqrt abs neg'))
}
declare(V128, [V128], 'f64x2.promote_low_f32x4 f32x4.demote_f64x2_zero')
declare(V128, [V128], 'f32x4.convert_i32x4_s f64x2.convert_low_i32x4_s')
declare(V128, [V128], 'i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f64x2_s_zero f32x4.nearest f64x2.nearest')
