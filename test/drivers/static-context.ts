// A Context whose fields are constants, for tests of semantics: decoded bytes in, tape out. Procedures are built here too.

import type { Procedure, Tape, Value } from '../../src/ir/tape.js'
import { type DecodeMode, Decoder } from '../../src/isa/decode.js'
import { forms } from '../../src/isa/forms.js'
import { Context, type Field } from '../../src/semantics/context.js'
import { semanticsOf } from '../../src/semantics/index.js'
import { procedures } from '../../src/semantics/procedures.js'

class StaticContext extends Context {
  fields: Partial<Record<Field, number>> = {}
  field(name: Field): Value {
    const n = this.fields[name]
    if (n === undefined) throw new Error(`no field ${name} here`)
    return this.const(n)
  }
}

/** One decoded instruction as IR. */
export interface Translated {
  readonly tape: Tape
  readonly mnemonic: string
  readonly next: number
  readonly target: number
}

/** Decodes the instruction at `eip` whose bytes are given, and writes its tape. */
export function translate(bytes: Uint8Array, eip: number, mode: DecodeMode): Translated {
  const decoder = new Decoder()
  const form = forms[decoder.decode(bytes, 0, bytes.length, mode)]
  if (!form) throw new Error(`not decoded: ${bytes.join(' ')}`)
  const meaning = semanticsOf(form.mnemonic)
  const b = new StaticContext()
  const next = eip + decoder.length
  const target = next + decoder.rel
  const { dst, src, imm, imm2, base, index, scale, disp, segment, addressMask } = decoder
  b.form = form
  const cut = form.operandSize === 2 ? target & 0xffff : target
  b.fields = { dst, src, imm, imm2, base, index, scale, disp, segment, addressMask, eip, next, target: cut }
  meaning(b, form)
  return { tape: b.tape, mnemonic: form.mnemonic, next, target: cut }
}

/** The procedure of that name, built. */
export function procedure(name: string): Procedure {
  const source = procedures[name]
  if (!source) throw new Error(`no procedure ${name}`)
  const b = new StaticContext()
  source.build(b)
  const { params, result, faults } = source
  return { name, params, result, faults, tape: b.tape }
}
