// Dynamic binding: operands are fields of the record that the core is at (record.ts). Parameter 0 of the tape is its address.

import { ZERO } from '../cpu/layout.js'
import type { Value } from '../ir/tape.js'
import { I32 } from '../ir/types.js'
import type { Form } from '../isa/form.js'
import { Context, type Field } from '../semantics/context.js'
import * as R from './record.js'

export class RecordContext extends Context {
  private record: Value = 0
  private noIndex = false

  /** Starts the tape of a form; `noIndex` for the variant whose memory operand has no index register. */
  begin(form: Form, noIndex: boolean) {
    this.tape.clear()
    this.flags.last = undefined
    this.form = form
    this.noIndex = noIndex
    this.record = this.parameter(0, I32)
  }

  field(name: Field): Value {
    const load = (offset: number, width: number) => this.loadAt(this.record, offset, width)
    switch (name) {
      case 'dst':
        return load(R.DST, 2)
      case 'src':
        return load(R.SRC, 2)
      case 'imm':
        return load(R.IMM, 4)
      case 'imm2':
      case 'disp':
      case 'target':
        return load(R.DISP, 4)
      case 'base':
        return load(R.BASE, 2)
      case 'index':
        return this.noIndex ? this.const(ZERO) : load(R.INDEX, 2)
      case 'scale':
        return this.and(load(R.ADDRESSING, 1), this.const(3))
      case 'segment':
        return this.and(this.shru(load(R.ADDRESSING, 1), this.const(2)), this.const(7))
      case 'addressMask':
        return this.shru(this.const(-1), this.and(this.shru(load(R.ADDRESSING, 1), this.const(1)), this.const(16)))
      case 'eip':
        return load(R.AT, 4)
      case 'next':
        return this.add(load(R.AT, 4), load(R.LENGTH, 1))
    }
  }
}
