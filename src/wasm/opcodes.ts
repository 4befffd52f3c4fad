// WebAssembly instruction numbers by name (core specification 2.0, section 5.4; SIMD numbers after the 0xFD prefix).

export const UNREACHABLE = 0x00
export const BLOCK = 0x02
export const LOOP = 0x03
export const IF = 0x04
export const ELSE = 0x05
export const END = 0x0b
export const BR = 0x0c
export const BR_IF = 0x0d
export const BR_TABLE = 0x0e
export const RETURN = 0x0f
export const CALL = 0x10
export const CALL_INDIRECT = 0x11
export const RETURN_CALL = 0x12
export const RETURN_CALL_INDIRECT = 0x13
export const DROP = 0x1a
export const SELECT = 0x1b
export const SELECT_TYPED = 0x1c
export const LOCAL_GET = 0x20
export const LOCAL_SET = 0x21
export const LOCAL_TEE = 0x22
export const I32_LOAD = 0x28
export const I64_LOAD = 0x29
export const I32_LOAD8_S = 0x2c
export const I32_LOAD8_U = 0x2d
export const I32_LOAD16_S = 0x2e
export const I32_LOAD16_U = 0x2f
export const I32_STORE = 0x36
export const I64_STORE = 0x37
export const I32_STORE8 = 0x3a
export const I32_STORE16 = 0x3b
export const I32_CONST = 0x41
export const I64_CONST = 0x42
export const F32_CONST = 0x43
export const F64_CONST = 0x44
export const I32_EQZ = 0x45
export const I32_EQ = 0x46
export const I32_NE = 0x47
export const I32_LT_S = 0x48
export const I32_LT_U = 0x49
export const I32_GT_S = 0x4a
export const I32_LE_S = 0x4c
export const I32_ADD = 0x6a
export const I32_SUB = 0x6b
export const I32_AND = 0x71
export const I32_OR = 0x72
export const I32_XOR = 0x73
export const I32_SHL = 0x74
export const I32_SHR_S = 0x75
export const I32_SHR_U = 0x76
export const PREFIX_FC = 0xfc
export const MEMORY_COPY = 10
export const MEMORY_FILL = 11
export const PREFIX_SIMD = 0xfd
export const V128_LOAD = 0
export const V128_STORE = 11
export const V128_CONST = 12

export const TYPE_I32 = 0x7f
export const TYPE_I64 = 0x7e
export const TYPE_F32 = 0x7d
export const TYPE_F64 = 0x7c
export const TYPE_V128 = 0x7b
export const TYPE_VOID = 0x40

/** Consecutive numbers: "first name name - name" ('-' leaves a number out). */
function run(into: Map<string, number>, first: number, prefix: string, names: string) {
  let n = first
  for (const name of names.split(' ')) {
    if (name !== '-') into.set(prefix + name, n)
    n++
  }
}

const plain = new Map<string, number>()
run(plain, 0x45, 'i32.', 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u')
run(plain, 0x50, 'i64.', 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u')
run(plain, 0x5b, 'f32.', 'eq ne lt gt le ge')
run(plain, 0x61, 'f64.', 'eq ne lt gt le ge')
const integer = 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'
run(plain, 0x67, 'i32.', integer)
run(plain, 0x79, 'i64.', integer)
const real = 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'
run(plain, 0x8b, 'f32.', real)
run(plain, 0x99, 'f64.', real)
plain.set('i32.wrap_i64', 0xa7)
run(plain, 0xac, 'i64.', 'extend_i32_s extend_i32_u')
run(plain, 0xb2, 'f32.', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64')
run(plain, 0xb7, 'f64.', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32')
run(plain, 0xbc, '', 'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64')
run(plain, 0xc0, '', 'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s')

const saturating = new Map<string, number>()
run(saturating, 0, 'i32.', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u')
run(saturating, 4, 'i64.', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u')

const simd = new Map<string, number>()
run(simd, 13, 'i8x16.', 'shuffle swizzle')
run(simd, 15, '', 'i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat')
run(simd, 21, 'i8x16.', 'extract_lane_s extract_lane_u replace_lane')
run(simd, 24, 'i16x8.', 'extract_lane_s extract_lane_u replace_lane')
for (const [first, shape] of [
  [27, 'i32x4'],
  [29, 'i64x2'],
  [31, 'f32x4'],
  [33, 'f64x2'],
] as const)
  run(simd, first, `${shape}.`, 'extract_lane replace_lane')
const compare = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'
run(simd, 35, 'i8x16.', compare)
run(simd, 45, 'i16x8.', compare)
run(simd, 55, 'i32x4.', compare)
run(simd, 65, 'f32x4.', 'eq ne lt gt le ge')
run(simd, 71, 'f64x2.', 'eq ne lt gt le ge')
run(simd, 77, 'v128.', 'not and andnot or xor bitselect any_true')
run(simd, 94, '', 'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4')
const sums = 'add add_sat_s add_sat_u sub sub_sat_s sub_sat_u - - min_s min_u max_s max_u - avgr_u'
run(simd, 96, 'i8x16.', 'abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u')
run(simd, 103, 'f32x4.', 'ceil floor trunc nearest')
run(simd, 107, 'i8x16.', `shl shr_s shr_u ${sums}`)
const widen = (from: string) => `extend_low_${from}_s extend_high_${from}_s extend_low_${from}_u extend_high_${from}_u`
const product = (from: string) => widen(from).replaceAll('extend', 'extmul')
run(simd, 124, '', 'i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u')
run(simd, 126, '', 'i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u')
run(simd, 128, 'i16x8.', `abs neg - all_true bitmask narrow_i32x4_s narrow_i32x4_u ${widen('i8x16')}`)
run(simd, 139, 'i16x8.', `shl shr_s shr_u ${sums.replace('- - min', '- mul min')} ${product('i8x16')}`)
run(simd, 148, 'f64x2.', 'nearest')
run(simd, 160, 'i32x4.', `abs neg - all_true bitmask - - ${widen('i16x8')} shl shr_s shr_u add - - sub - - - mul`)
run(simd, 182, 'i32x4.', `min_s min_u max_s max_u dot_i16x8_s - ${product('i16x8')}`)
run(simd, 192, 'i64x2.', `abs neg - all_true bitmask - - ${widen('i32x4')} shl shr_s shr_u add - - sub - - - mul`)
run(simd, 214, 'i64x2.', `eq ne lt_s gt_s le_s ge_s ${product('i32x4')}`)
const vector = 'abs neg - sqrt add sub mul div min max pmin pmax'
run(simd, 224, 'f32x4.', vector)
run(simd, 236, 'f64x2.', vector)
run(simd, 248, '', 'i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u')
run(
  simd,
  252,
  '',
  'i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u',
)

/** The bytes of a pure instruction, without its lane immediate. Throws for an unknown name. */
export function encodingOf(name: string): readonly number[] {
  if (name.endsWith('.select')) return name.startsWith('v128') ? [SELECT_TYPED, 1, TYPE_V128] : [SELECT]
  const one = plain.get(name)
  if (one !== undefined) return [one]
  const sat = saturating.get(name)
  if (sat !== undefined) return [PREFIX_FC, sat]
  const n = simd.get(name)
  if (n === undefined) throw new Error(`no WebAssembly instruction ${name}`)
  return n < 0x80 ? [PREFIX_SIMD, n] : [PREFIX_SIMD, (n & 0x7f) | 0x80, n >> 7]
}
