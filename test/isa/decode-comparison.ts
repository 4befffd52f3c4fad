// Decodes instructions with our decoder and with iced-x86 and says where they disagree. Instructions stand 16 bytes
// apart in one buffer, so that one iced decoder serves them all.

import { Decoder as IcedDecoder, Instruction } from 'iced-x86'
import { type DecodeMode, Decoder } from '../../src/isa/decode.js'
import { ALL_FEATURES, PROTECTED } from '../../src/isa/features.js'
import { formName, forms } from '../../src/isa/forms.js'
import { decoderOptions } from '../../src/isa/iced.js'
import { compareFields, describe, describeForm, neededFeatures } from './iced-oracle.js'

const STRIDE = 16
const CAPACITY = 4096
const ip = 0x12345678

export class Comparison {
  compared = 0
  /** iced Codes seen that we decode as well. */
  readonly codes = new Set<number>()
  readonly differences: string[] = []
  private readonly buffer = new Uint8Array(STRIDE * CAPACITY + 64)
  private used = 0
  private readonly ours = new Decoder()
  private readonly theirs = new Instruction()
  private readonly features = new Map<number, number>()
  private readonly sameForm = new Set<number>()

  constructor(
    private readonly bits: 16 | 32,
    private readonly flat: boolean,
  ) {}

  /** Adds an instruction; at most 16 bytes, what is missing is filled with 0x11 and up. */
  add(bytes: ArrayLike<number>) {
    const at = this.used * STRIDE
    for (let i = 0; i < STRIDE; i++) this.buffer[at + i] = i < bytes.length ? bytes[i]! : 0x11 * ((i & 7) + 1)
    if (++this.used === CAPACITY) this.flush()
  }

  /** Compares what was added so far. */
  flush() {
    const iced = new IcedDecoder(this.bits, this.buffer, decoderOptions)
    const mode: DecodeMode = { code32: this.bits === 32, flat: this.flat, features: ALL_FEATURES | PROTECTED }
    for (let i = 0; i < this.used; i++) {
      iced.position = i * STRIDE
      iced.ip = BigInt(this.bits === 32 ? ip : ip & 0xffff)
      iced.decodeOut(this.theirs)
      const form = forms[this.ours.decode(this.buffer, i * STRIDE, STRIDE, mode)]!
      const difference = this.compare(form.id)
      if (difference !== '' && this.differences.length < 20000)
        this.differences.push(this.report(i, form.id, difference))
      this.compared++
    }
    iced.free()
    this.used = 0
  }

  private compare(id: number): string {
    const { theirs } = this
    const form = forms[id]!
    const code = theirs.code
    if (theirs.isInvalid || this.needed(code) < 0)
      return form.mnemonic === 'ud' || form.mnemonic === 'gp' ? '' : 'unknown to iced'
    this.codes.add(code)
    const rep = (theirs.hasRepPrefix ? 1 : 0) + (theirs.hasRepnePrefix ? 2 : 0)
    const operands = theirs.opCount > 0 ? theirs.opKind(0) * 32 + (theirs.opCount > 1 ? theirs.opKind(1) : 0) : 0
    const key = ((code * 1024 + operands) * 4 + rep) * 4096 + id
    if (!this.sameForm.has(key)) {
      const wanted = describe(theirs)
      const got = describeForm(form)
      if (wanted !== got) return `form "${got}", iced "${wanted}"`
      this.sameForm.add(key)
    }
    return compareFields(form, this.ours, theirs, this.bits === 32 ? ip : ip & 0xffff)
  }

  private needed(code: number): number {
    const known = this.features.get(code)
    if (known !== undefined) return known
    const bits = neededFeatures(this.theirs)
    this.features.set(code, bits)
    return bits
  }

  private report(i: number, id: number, difference: string): string {
    const bytes = Buffer.from(this.buffer.subarray(i * STRIDE, i * STRIDE + STRIDE)).toString('hex')
    return `${this.bits} ${bytes} ${this.theirs.toString()} / ${formName(forms[id]!)}: ${difference}`
  }
}
