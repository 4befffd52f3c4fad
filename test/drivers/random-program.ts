// Random programs for whole machines: straight code, forward branches, loops, calls and stores into code, as bytes. Every
// program ends with INT END_SERVICE; registers EBP (data) and ESP stay what they are, everything else may hold anything.

import fc from 'fast-check'

export const CODE = 0x100000
export const DATA = 0x110000
export const STACK = 0x121000
/** Software interrupts of flat-machine.ts: the end of the program, and a change of a page table entry. */
export const END_SERVICE = 0x30
export const PAGE_SERVICE = 0x31

/** A piece of a program. Loop counters and other cells of its own lie at the start of DATA. */
export type Piece =
  | { readonly kind: 'code'; readonly bytes: readonly number[] }
  | { readonly kind: 'if'; readonly condition: number; readonly body: readonly Piece[] }
  | { readonly kind: 'loop'; readonly count: number; readonly body: readonly Piece[] }
  | { readonly kind: 'call'; readonly body: readonly Piece[] }
  /** An instruction `op EAX, imm32` whose immediate's low byte is incremented each time it is reached. */
  | { readonly kind: 'patched'; readonly opcode: number; readonly near: boolean }
  /** Goes on so many bytes before the end of a page. */
  | { readonly kind: 'boundary'; readonly before: number }
  /** Makes page n of DATA not present, or read-only, by the service of flat-machine.ts. */
  | { readonly kind: 'page'; readonly page: number; readonly readOnly: boolean }

const le32 = (n: number) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255]

/** General registers that a program may change: all but ESP and EBP. */
const register = fc.constantFrom(0, 1, 2, 3, 6, 7)
const byteRegister = fc.integer({ min: 0, max: 7 })
const byte = fc.integer({ min: 0, max: 255 })
const imm32 = fc.oneof(fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000, 0x80, 0xff00), fc.integer()).map(le32)
const alu = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7)
const condition = fc.integer({ min: 0, max: 15 })
const code = (...parts: fc.Arbitrary<number | readonly number[]>[]) => fc.tuple(...parts).map(p => p.flat())
const just = (...bytes: number[]) => fc.constant<readonly number[]>(bytes)
const rr = fc.tuple(register, register).map(([r, m]) => 0xc0 | (r << 3) | m)
const bb = fc.tuple(byteRegister, byteRegister).map(([r, m]) => 0xc0 | (r << 3) | m)
/** ModRM with an operand in DATA, past the cells: [EBP + disp32], and [EBP + ESI * 2 + disp32] with ESI cut to 12 bits before. */
const memory = (r: number): fc.Arbitrary<readonly number[]> =>
  fc.oneof(
    fc.integer({ min: 0x100, max: 0x1ff8 }).map(at => [0x85 | (r << 3), ...le32(at)]),
    fc.integer({ min: 0x100, max: 0x1010 }).map(at => [0x84 | (r << 3), 0x75, ...le32(at)]),
  )
const cutIndex = [0x81, 0xe6, 0xff, 0x0f, 0, 0] // and esi, 0xfff
const withMemory = (prefix: fc.Arbitrary<readonly number[]>, r: fc.Arbitrary<number>, suffix = just()) =>
  fc.tuple(prefix, r.chain(memory), suffix).map(p => [...cutIndex, ...p.flat()])
const group = (digits: readonly number[]) => fc.constantFrom(...digits)
const modrm = (digit: fc.Arbitrary<number>, rm: fc.Arbitrary<number>) =>
  fc.tuple(digit, rm).map(([d, m]) => 0xc0 | (d << 3) | m)
const TRAP_FLAG = [0x9c, 0x80, 0x4c, 0x24, 0x01, 0x01, 0x9d] // pushf; or byte [esp + 1], 1; popf
const ALIGNMENT_FLAG = [0x9c, 0x80, 0x74, 0x24, 0x02, 0x04, 0x9d] // pushf; xor byte [esp + 2], 4; popf
const SHIFTS = [0, 1, 2, 3, 4, 5, 7]

/** One instruction, sometimes with one that makes its operand fit. */
const instruction: fc.Arbitrary<readonly number[]> = fc.oneof(
  code(
    alu.map(n => (n << 3) | 1),
    rr,
  ), // op r32, r32
  code(
    alu.map(n => n << 3),
    bb,
  ),
  code(
    just(0x66),
    alu.map(n => (n << 3) | 1),
    rr,
  ),
  code(just(0x83), modrm(alu, register), byte),
  code(just(0x81), modrm(alu, register), imm32),
  code(just(0x80), modrm(alu, byteRegister), byte),
  code(just(0x66, 0x83), modrm(alu, register), byte),
  code(
    register.map(r => 0xb8 + r),
    imm32,
  ),
  code(
    byteRegister.map(r => 0xb0 + r),
    byte,
  ),
  code(just(0x89), rr),
  code(just(0x88), bb),
  code(just(0x66, 0x89), rr),
  code(just(0x0f), group([0xb6, 0xb7, 0xbe, 0xbf]), rr),
  code(
    just(0x8d),
    fc
      .tuple(register, register, register, group([0, 1, 2, 3]))
      .map(([r, b, i, s]) => [0x44 | (r << 3), (s << 6) | (i << 3) | b]),
    byte,
  ),
  code(group([0xc1, 0xc0]), modrm(group(SHIFTS), register), byte),
  code(group([0xd1, 0xd3, 0xd2, 0xd0]), modrm(group(SHIFTS), register)),
  code(just(0x66, 0xc1), modrm(group(SHIFTS), register), byte),
  code(just(0x0f), group([0xa4, 0xac]), rr, byte),
  code(just(0x0f), group([0xa5, 0xad]), rr),
  code(just(0x0f, 0xaf), rr),
  code(just(0x6b), rr, byte),
  code(just(0xf7), modrm(group([2, 3, 4, 5]), register)), // not neg mul imul
  code(just(0xf6), modrm(group([2, 3, 4, 5]), byteRegister)),
  code(
    just(0x0f),
    condition.map(c => 0x90 + c),
    byteRegister.map(r => 0xc0 + r),
  ),
  code(
    just(0x0f),
    condition.map(c => 0x40 + c),
    rr,
  ),
  code(
    just(0x0f),
    register.map(r => 0xc8 + r),
  ),
  code(just(0x87), rr),
  code(just(0x0f), group([0xb0, 0xb1, 0xc0, 0xc1]), rr), // cmpxchg xadd
  code(just(0x0f), group([0xa3, 0xab, 0xb3, 0xbb, 0xbc, 0xbd]), rr),
  code(just(0x0f, 0xba), modrm(group([4, 5, 6, 7]), register), byte),
  code(register.map(r => 0x40 + r)),
  code(register.map(r => 0x48 + r)),
  code(group([0x85, 0x84]), rr),
  code(group([0x98, 0x99, 0x9f, 0x9e, 0xf5, 0xf8, 0xf9, 0x90, 0x27, 0x2f, 0x37, 0x3f])),
  code(just(0x31, 0xd2, 0x83, 0xc9, 0x01, 0xf7, 0xf1)), // xor edx, edx; or ecx, 1; div ecx
  code(
    register.map(r => 0x50 + r),
    register.map(r => 0x58 + r),
  ),
  code(
    just(0x6a),
    byte,
    register.map(r => 0x58 + r),
  ),
  code(
    just(0x9c),
    register.map(r => 0x58 + r),
  ),
  code(
    register.map(r => 0x50 + r),
    just(0x81, 0x24, 0x24, 0xd5, 0x08, 0, 0, 0x9d),
  ), // arithmetic flags by POPF
  withMemory(
    group([
      0x8b, 0x89, 0x8a, 0x88, 0x87, 0x86, 0x03, 0x01, 0x29, 0x2b, 0x21, 0x09, 0x31, 0x39, 0x3b, 0x11, 0x19, 0x85,
    ]).map(op => [op]),
    register,
  ),
  withMemory(
    group([0x8b, 0x89, 0x03, 0x01, 0x39, 0x29]).map(op => [0x66, op]),
    register,
  ),
  withMemory(
    group([0xb6, 0xb7, 0xbe, 0xbf, 0xaf, 0xb1, 0xc1, 0x44, 0x4c, 0xa3]).map(op => [0x0f, op]),
    register,
  ),
  withMemory(
    just(0x83),
    alu,
    byte.map(n => [n]),
  ),
  withMemory(
    just(0x80),
    alu,
    byte.map(n => [n]),
  ),
  withMemory(
    just(0xc7),
    just(0).map(() => 0),
    imm32,
  ),
  withMemory(just(0xff), group([0, 1])),
  withMemory(just(0xf7), group([2, 3, 4])),
  withMemory(
    group([0xd1, 0xd3]).map(op => [op]),
    group(SHIFTS),
  ),
  withMemory(
    condition.map(c => [0x0f, 0x90 + c]),
    just(0).map(() => 0),
  ),
  withMemory(just(0xdd), group([0, 2, 3])), // fld fst fstp m64
  withMemory(just(0xd8), group([0, 1, 4, 6])),
  withMemory(just(0xdb), group([0, 3])), // fild fistp m32
  code(just(0xd9), group([0xe8, 0xee, 0xe0, 0xe1, 0xc9, 0xfa])),
  code(just(0xde), group([0xc1, 0xc9, 0xe9])),
  code(just(0xdf, 0xe0)),
  withMemory(just(0x0f, 0x6f), group([0, 1, 2])),
  withMemory(just(0xf3, 0x0f, 0x6f), group([0, 1, 2])),
  withMemory(just(0xf3, 0x0f, 0x7f), group([0, 1, 2])),
  code(just(0x66, 0x0f), group([0xef, 0xfe, 0xfa, 0x6f, 0xdb, 0xd4]), group([0xc1, 0xc2, 0xd0, 0xca])),
  // String instructions: a short REP from one place of DATA to another.
  fc
    .tuple(
      group([0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad]),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0x200, max: 0x1800 }),
    )
    .map(([op, count, at]) => [0xb9, ...le32(count), 0x8d, 0xb5, ...le32(0x300), 0x8d, 0xbd, ...le32(at), 0xf3, op]),
  fc
    .tuple(group([0xa6, 0xae, 0xa7, 0xaf]), group([0xf2, 0xf3]), fc.integer({ min: 0, max: 20 }))
    .map(([op, rep, count]) => [0xb9, ...le32(count), 0x8d, 0xb5, ...le32(0x300), 0x8d, 0xbd, ...le32(0x400), rep, op]),
)

const { pieces } = fc.letrec<{ piece: Piece; pieces: Piece[] }>(tie => ({
  pieces: fc.array(tie('piece'), { minLength: 1, maxLength: 7 }),
  piece: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    { weight: 12, arbitrary: instruction.map(bytes => ({ kind: 'code' as const, bytes })) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('if' as const), condition, body: tie('pieces') }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('loop' as const),
        count: fc.integer({ min: 1, max: 9 }),
        body: tie('pieces'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('call' as const), body: tie('pieces') }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('patched' as const),
        opcode: fc.constantFrom(0x05, 0x2d, 0x35, 0xb8),
        near: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('boundary' as const), before: fc.integer({ min: 1, max: 8 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('page' as const),
        page: fc.integer({ min: 0, max: 2 }),
        readOnly: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom([0xfa], [0xfb], [0xfa, 0x90, 0xfb], TRAP_FLAG, ALIGNMENT_FLAG)
        .map(bytes => ({ kind: 'code' as const, bytes })),
    },
  ),
}))

/** Random pieces. */
export const program: fc.Arbitrary<Piece[]> = pieces

/** The bytes of a program that runs the pieces `rounds` times and ends. */
export function assemble(body: readonly Piece[], rounds: number): Uint8Array {
  const out: number[] = []
  let cells = 0
  const functions: { from: number; body: readonly Piece[] }[] = []
  const patch32 = (at: number, target: number) => out.splice(at, 4, ...le32(target - (at + 4)))
  const loop = (count: number, emitBody: () => void) => {
    const cell = 4 * cells++
    out.push(0xc7, 0x85, ...le32(cell), ...le32(count)) // mov dword [ebp + cell], count
    const top = out.length
    emitBody()
    out.push(0xff, 0x8d, ...le32(cell), 0x0f, 0x85, 0, 0, 0, 0) // dec dword [ebp + cell]; jnz top
    patch32(out.length - 4, top)
  }
  const emit = (list: readonly Piece[]) => {
    for (const piece of list) {
      if (piece.kind === 'code') out.push(...piece.bytes)
      else if (piece.kind === 'loop') loop(piece.count, () => emit(piece.body))
      else if (piece.kind === 'if') {
        out.push(0x0f, 0x80 + piece.condition, 0, 0, 0, 0)
        const at = out.length - 4
        emit(piece.body)
        patch32(at, out.length)
      } else if (piece.kind === 'call') {
        out.push(0xe8, 0, 0, 0, 0)
        functions.push({ from: out.length - 4, body: piece.body })
      } else if (piece.kind === 'boundary') {
        const gap = (0x2000 - piece.before - (out.length + 5)) & 0xfff
        out.push(0xe9, ...le32(gap), ...new Array<number>(gap).fill(0xcc)) // jmp over INT3
      } else if (piece.kind === 'page') {
        const entry = DATA + 0x1000 * piece.page + (piece.readOnly ? 5 : 0)
        out.push(0x50, 0xb8, ...le32(entry), 0xcd, PAGE_SERVICE, 0x58) // push eax; mov eax, entry; int; pop eax
      } else {
        // inc byte [immediate]; then, right behind or some bytes later, the instruction
        const gap = piece.near ? 0 : 70
        out.push(0xfe, 0x05, ...le32(CODE + out.length + 6 + (gap > 0 ? 2 : 0) + gap + 1))
        if (gap > 0) out.push(0xeb, gap, ...new Array<number>(gap).fill(0x90))
        out.push(piece.opcode, ...le32(0x11223344))
      }
    }
  }
  loop(rounds, () => emit(body))
  out.push(0xcd, END_SERVICE)
  for (let f = functions.shift(); f; f = functions.shift()) {
    patch32(f.from, out.length)
    emit(f.body)
    out.push(0xc3)
  }
  return Uint8Array.from(out)
}
