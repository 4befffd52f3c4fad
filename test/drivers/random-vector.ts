// Random single instructions with random states for host-steps.ts: iced says which bytes are instructions of the features
// wanted, operands are mostly aimed at memory that exists, at limits and at page boundaries.

import { Code, CpuidFeature, Decoder, FlowControl, type Instruction, Mnemonic, Register } from 'iced-x86'
import { at, CODE, DATA, FLAT_CODE, FLAT_DATA, LDT, RECORD, WINDOW, WINDOW_BYTES } from './host-steps.js'
import { Random } from './x87-cases.js'

/** `narrow`: 16-bit code with segments and a stack of at most 64 KiB. */
export type Kind = 'integer' | 'memory' | 'x87' | 'vector' | 'narrow'

export interface Vector {
  readonly bytes: Uint8Array
  readonly text: string
  readonly mnemonic: string
  /** RflagsBits that the manual leaves undefined. */
  readonly undefinedFlags: number
}

const features =
  /^(INTEL(8086|186|286|386|486)(_ONLY)?|CMOV|CPUID|CX8|FPU|FPU[23]87|FXSR|MMX|SSE2?|MULTIBYTENOP|CLFSH|PAUSE)$/
/** What a stepped process cannot show, what shows the host's own tables, and MASKMOVDQU, whose halves wrap by themselves. */
const excluded = /^(Int|Int1|Int3|Into|Pushfd?|Popfd?|S[lgi]dt|Smsw|Str|Cpuid|Rsm|Ud[01]|Femms|Maskmovdqu)$/
const strings = /^(Movs|Cmps|Stos|Lods|Scas)/
const notable = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]
const edges = [0x27ff, 0x1fff, 0xffff, DATA + 0x2000, DATA + 0x4000, 0x2000, 0x3ffff, 0x30000800, CODE + 0x800, 0]
/** Of 64 KiB whose end and beginning are the window. */
const AROUND = 0x57
/** 16-bit code. */
const NARROW = [0x07, 0x5f]
const HLT = 0xf4
const memoryOpcodes = [
  0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x8e, 0x8c, 0xc4, 0xc5, 0xea, 0xca, 0xcb, 0xc2, 0xc3,
  0xe8, 0xff, 0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x60, 0x62, 0x63, 0xc9, 0xd7, 0x8f, 0x50, 0x58, 0x68, 0x6a,
]
const vectorOpcodes = [0x10, 0x28, 0x50, 0x58, 0x60, 0x68, 0x70, 0xc2, 0xc4, 0xd0, 0xd8, 0xe0, 0xe8, 0xf0, 0xf8, 0xae]

export class Vectors {
  readonly records: Uint8Array
  readonly list: Vector[] = []
  private readonly r: Random

  constructor(count: number, kind: Kind, seed: number) {
    this.r = new Random(seed)
    this.records = new Uint8Array(RECORD * count)
    for (let i = 0; i < count; i++) this.list.push(this.make(kind, this.record(i)))
  }
  record(i: number): DataView {
    return new DataView(this.records.buffer, RECORD * i, RECORD)
  }

  private chance(n: number, of: number): boolean {
    return this.r.below(of) < n
  }
  private value(): number {
    const { r } = this
    switch (r.below(9)) {
      case 0:
        return r.pick(notable)
      case 1:
        return r.below(64)
      case 2:
      case 3:
        return WINDOW + 32 + r.below(WINDOW_BYTES - 64)
      case 4:
        return WINDOW - DATA + 32 + r.below(WINDOW_BYTES - 64)
      case 5:
        return (r.pick(edges) + r.below(40) - 20) >>> 0
      default:
        return r.next()
    }
  }

  private bytes(kind: Kind): Uint8Array {
    const { r } = this
    const out: number[] = []
    for (let k = 0; k < 2; k++) {
      if (this.chance(1, 5)) out.push(0x66)
      if (this.chance(1, 8)) out.push(0x67)
      if (this.chance(1, 12)) out.push(r.pick([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]))
      if (this.chance(1, 10)) out.push(r.pick([0xf2, 0xf3]))
      if (this.chance(1, 40)) out.push(0xf0)
    }
    if (kind === 'x87') out.push(0xd8 + r.below(8))
    else if (kind === 'memory' || (kind === 'narrow' && this.chance(1, 3))) out.push(r.pick(memoryOpcodes))
    else if (kind === 'vector') {
      if (this.chance(1, 2)) out.push(r.pick([0x66, 0xf2, 0xf3]))
      out.push(0x0f, r.pick(vectorOpcodes) + r.below(8))
    } else if (this.chance(1, 4)) out.push(0x0f, r.below(256))
    else out.push(r.below(256))
    while (out.length < 16) out.push(this.chance(1, 4) ? r.pick([0, 0xff, 0x80, 1, 8]) : r.below(256))
    return Uint8Array.from(out)
  }
  private instruction(kind: Kind, bits: number, ip: number): { bytes: Uint8Array; decoded: Instruction } {
    for (;;) {
      const bytes = this.bytes(kind)
      const decoder = new Decoder(bits, bytes.subarray(0, 15), 0)
      decoder.ip = BigInt(ip)
      const decoded = decoder.decode()
      decoder.free()
      const known = decoded.code !== Code.INVALID && decoded.flowControl !== FlowControl.Exception
      const names = [...decoded.cpuidFeatures()].map(f => CpuidFeature[f]!)
      const wanted = kind !== 'vector' || names.some(name => /SSE|MMX/.test(name))
      if (known && wanted && names.every(name => features.test(name)) && !excluded.test(Mnemonic[decoded.mnemonic]!))
        return { bytes, decoded }
      decoded.free()
    }
  }

  private make(kind: Kind, view: DataView): Vector {
    const { r } = this
    const segments = [FLAT_CODE, FLAT_DATA, FLAT_DATA, FLAT_DATA, 0, 0]
    if (this.chance(1, 3)) {
      segments[0] = r.pick([FLAT_CODE, FLAT_CODE, 0x07, 0x37, 0x47])
      segments[1] = r.pick([FLAT_DATA, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x47, 0x4f, 0])
      segments[2] = r.pick([FLAT_DATA, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x4f, 0])
      segments[3] = r.pick([FLAT_DATA, 0x0f, 0x17, 0x1f, 0x27, 0x4f])
      segments[4] = r.pick([0, FLAT_DATA, 0x0f, 0x17, 0x2f])
      segments[5] = r.pick([0, FLAT_DATA, 0x0f, 0x17, 0x1f])
    }
    if (kind === 'narrow') {
      segments[0] = r.pick(NARROW)
      for (const n of [1, 2, 3]) if (this.chance(5, 6)) segments[n] = r.pick([0x0f, AROUND])
    }
    const base = (selector: number) => (selector & 4 ? LDT[selector >> 3]![0] : 0)
    const start = (selector: number) => (selector === AROUND ? WINDOW - 0x10000 + WINDOW_BYTES / 2 : base(selector))
    const place = r.below(10)
    const codeAt =
      CODE + (place === 0 ? 0x1fec + r.below(4) : place === 1 ? 0xff0 + r.below(16) : 0x100 + r.below(0x800))
    const ip = codeAt - base(segments[0]!)
    const { bytes, decoded } = this.instruction(kind, NARROW.includes(segments[0]!) ? 16 : 32, ip)
    for (let n = 0; n < 8; n++) view.setUint32(at.registers + 4 * n, this.value(), true)
    const stack = segments[3]!
    if (this.chance(2, 3)) {
      const inWindow = 64 + r.below(WINDOW_BYTES - 128)
      const down = stack === 0x1f || stack === 0x27
      view.setUint32(at.registers + 16, down ? 0x2100 + r.below(0x800) : WINDOW - start(stack) + inWindow, true)
    }
    this.aim(decoded, segments, start, view)
    view.setUint32(at.eip, ip, true)
    view.setUint32(at.eflags, 0x202 | (r.next() & 0x8d5) | (this.chance(1, 3) ? 0x400 : 0), true)
    segments.forEach((selector, n) => {
      view.setUint16(at.segments + 2 * n, selector, true)
    })
    view.setUint32(at.fsBase, base(segments[4]!), true)
    view.setUint32(at.gsBase, base(segments[5]!), true)
    view.setUint32(at.codeAt, codeAt, true)
    for (let i = 0; i < 16; i++) view.setUint8(at.code + i, i < decoded.length ? bytes[i]! : HLT)
    this.numbers(view)
    const { length, mnemonic, rflagsUndefined } = decoded
    const text = decoded.toString()
    decoded.free()
    return { bytes: bytes.subarray(0, length), text, mnemonic: Mnemonic[mnemonic]!, undefinedFlags: rflagsUndefined }
  }

  /** Points the registers of the memory operand, or of a string instruction, into the window. */
  private aim(decoded: Instruction, segments: number[], base: (selector: number) => number, view: DataView) {
    const { r } = this
    const set = (n: number, v: number) => view.setUint32(at.registers + 4 * n, v >>> 0, true)
    const number = (register: number) =>
      ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI'].indexOf((Register[register] ?? '').replace(/^E/, ''))
    const target = (selector: number) =>
      (selector === 0x1f || selector === 0x27 ? DATA + 0x2000 : WINDOW) + r.below(WINDOW_BYTES) - base(selector)
    if (strings.test(Mnemonic[decoded.mnemonic]!) && this.chance(2, 3)) {
      set(6, target(segments[1]!))
      set(7, target(segments[2]!))
      if (this.chance(2, 3)) set(1, r.below(5))
    }
    const b = number(decoded.memoryBase)
    const x = number(decoded.memoryIndex)
    if (this.chance(1, 4)) return
    if (x >= 0) set(x, r.below(8))
    const segment = [Register.CS, Register.DS, Register.ES, Register.SS, Register.FS, Register.GS]
    const selector = segments[segment.indexOf(decoded.memorySegment)] ?? FLAT_DATA
    if (b >= 0) set(b, target(selector) - Number(BigInt.asIntN(32, decoded.memoryDisplacement)))
  }

  /** x87 and SSE state, and memory of numbers of all kinds. */
  private numbers(view: DataView) {
    const { r } = this
    const { fx } = at
    const masks = this.chance(1, 3) ? r.below(64) : 0x3f
    const flags = this.chance(1, 2) ? r.below(128) & (this.chance(1, 8) ? 127 : masks | 0x40) : 0
    view.setUint16(fx, 0x40 | masks | (r.pick([0, 2, 3, 3, 1]) << 8) | (r.below(4) << 10), true)
    const pending = flags & ~masks & 0x3f ? 0x8080 : 0
    view.setUint16(fx + 2, flags | pending | (r.next() & 0x4700) | (r.below(8) << 11), true)
    view.setUint8(fx + 4, this.chance(1, 2) ? 0xff : r.below(256))
    const rounding = (r.below(4) << 13) | (this.chance(1, 4) ? 0x8000 : 0) | (this.chance(1, 4) ? 0x40 : 0)
    view.setUint32(fx + 24, this.chance(1, 4) ? r.below(0x10000) : 0x1f80 | rounding | r.below(64), true)
    view.setUint32(fx + 28, 0xffff, true)
    for (let n = 0; n < 8; n++) this.extended(view, fx + 32 + 16 * n)
    for (let n = 0; n < 16; n++) this.double(view, fx + 160 + 8 * n)
    for (let i = 0; i < WINDOW_BYTES; i += 16)
      if (this.chance(1, 3)) this.extended(view, at.memory + i)
      else for (const half of [0, 8]) this.double(view, at.memory + i + half)
  }
  private extended(view: DataView, to: number) {
    const { r } = this
    const e = r.pick([0, 0, 1, 2, 0x3fff, 0x3ffe, 0x4000, 0x3fff + r.below(70), 0x7ffe, 0x7fff, r.below(0x8000)])
    const top = 1n << 63n
    const special = [0n, 1n, top, top | 1n, top | (1n << 62n), (1n << 64n) - 1n]
    let significand = this.chance(1, 2) ? r.pick(special) : r.bits64()
    if (e !== 0 && this.chance(5, 6)) significand |= top
    view.setBigUint64(to, significand, true)
    view.setUint16(to + 8, e | (r.below(2) << 15), true)
  }
  private double(view: DataView, to: number) {
    const { r } = this
    const specials = [0, -0, 1, -1, 0.5, 1.5, 3, Infinity, -Infinity, NaN, 5e-324, 1.7e308, 2147483647.5, 1e-300]
    const kind = r.below(5)
    if (kind === 0) view.setFloat64(to, r.pick(specials), true)
    else if (kind === 1) for (const i of [0, 4]) view.setFloat32(to + i, r.pick(specials), true)
    else view.setBigUint64(to, r.bits64(), true)
  }
}
