// Static binding for the reference engine: operands are constants of the decoded instruction; what differs from place to
// place (its offset, the next one's, the branch target, the displacement) are parameters, so that equal instructions
// share a tape wherever they stand.

import type { Procedure, Value } from '../ir/tape.js'
import { Tape } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import type { Decoder } from '../isa/decode.js'
import { FAR, IMM, MEM } from '../isa/form.js'
import { forms } from '../isa/forms.js'
import { Context, type Field } from '../semantics/context.js'
import { semanticsOf } from '../semantics/index.js'
import { procedures } from '../semantics/procedures.js'

// Parameters of an instruction's tape.
export const EIP = 0
export const NEXT = 1
export const TARGET = 2
export const DISPLACEMENT = 3
export const PARAMETERS = 4

const parameterOf: Partial<Record<Field, number>> = { eip: EIP, next: NEXT, target: TARGET, disp: DISPLACEMENT }

// Which fields a form has; a decoder leaves the others as they were.
const MEMORY = 1
const IMMEDIATE = 2
const SECOND_IMMEDIATE = 4
const fieldsOf = Uint8Array.from(forms, ({ operands }) => {
  const immediates = operands.filter(o => o.kind === IMM).length
  const far = operands.some(o => o.kind === FAR)
  const memory = operands.some(o => o.kind === MEM)
  return (
    (memory ? MEMORY : 0) | (far || immediates > 0 ? IMMEDIATE : 0) | (far || immediates > 1 ? SECOND_IMMEDIATE : 0)
  )
})
const needs: Partial<Record<Field, number>> = {
  imm: IMMEDIATE,
  imm2: SECOND_IMMEDIATE,
  base: MEMORY,
  index: MEMORY,
  scale: MEMORY,
  disp: MEMORY,
}

export class StaticContext extends Context {
  private decoder: Decoder | undefined

  /** The tape of the instruction that the decoder holds; valid until the next one is asked for. */
  instruction(decoder: Decoder): Tape {
    this.begin(this.tape, decoder)
    this.form = forms[decoder.form]!
    const meaning = semanticsOf(this.form.mnemonic)
    meaning(this, this.form)
    return this.tape
  }

  /** A procedure of the semantics. Throws when there is none of that name. */
  procedure(name: string): Procedure {
    const source = procedures[name]
    if (!source) throw new Error(`no procedure ${name}`)
    const own = this.tape
    this.begin(new Tape(), undefined)
    source.build(this)
    const { params, result, faults } = source
    const made = { name, params, result, faults, tape: this.tape }
    this.tape = own
    return made
  }

  private begin(tape: Tape, decoder: Decoder | undefined) {
    this.tape = tape
    tape.clear()
    this.flags.last = undefined
    this.decoder = decoder
  }

  override field(name: Field): Value {
    const { decoder } = this
    const need = needs[name]
    if (!decoder || (need !== undefined && (fieldsOf[decoder.form]! & need) === 0))
      throw new Error(`${decoder ? this.form.mnemonic : 'a procedure'} has no field ${name}`)
    const parameter = parameterOf[name]
    if (parameter !== undefined) return this.parameter(parameter, I32)
    return this.const(decoder[name as 'dst' | 'src' | 'imm' | 'imm2' | 'base' | 'index' | 'scale' | 'segment'])
  }
}

/** What tells the tape of one decoded instruction from another's. */
export function tapeKey(d: Decoder): string {
  const fields = fieldsOf[d.form]!
  let key = `${d.form} ${d.dst} ${d.src} ${d.segment} ${d.addressMask}`
  if (fields & MEMORY) key += ` ${d.base} ${d.index} ${d.scale}`
  if (fields & IMMEDIATE) key += ` ${d.imm}`
  return fields & SECOND_IMMEDIATE ? `${key} ${d.imm2}` : key
}
