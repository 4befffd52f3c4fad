// A CPU that has nothing but x87 semantics, run by the reference evaluator: for tests of one instruction at a time.

import * as layout from '../../src/cpu/layout.js'
import { type Datum, type Environment, Evaluator, type Program, prepare } from '../../src/ir/evaluate.js'
import type { Procedure, Value } from '../../src/ir/tape.js'
import type { Form, Operand } from '../../src/isa/form.js'
import { Context, type Field } from '../../src/semantics/context.js'
import { procedures } from '../../src/semantics/procedures.js'
import { x87 } from '../../src/semantics/x87.js'
import type { FpuCase } from './host-fpu.js'

/** An instruction as the decoder would present it. */
export interface Instruction {
  readonly mnemonic: string
  readonly operands: readonly Operand[]
  /** Fields dst and src of the operands. */
  readonly fields: readonly number[]
  /** 4 when absent. */
  readonly operandSize?: number
}

/** Where memory operands are. */
export const OPERAND_LINEAR = 0x40
const memoryBytes = 0x400

class Bound extends Context {
  constructor(
    form: Form,
    private readonly fields: readonly number[],
  ) {
    super()
    this.form = form
  }
  field(name: Field): Value {
    if (name === 'dst') return this.const(this.fields[0] ?? 0)
    if (name === 'src') return this.const(this.fields[1] ?? 0)
    if (name === 'disp') return this.const(OPERAND_LINEAR)
    if (name === 'base' || name === 'index') return this.const(layout.ZERO)
    if (name === 'segment') return this.const(layout.DS)
    return this.const(0)
  }
}

/** A procedure with its tape. */
function procedure(name: string): Procedure {
  const source = procedures[name]
  if (!source) throw new Error(`no procedure ${name}`)
  const b = new Bound({ flat: true } as Form, [])
  source.build(b)
  return { name, params: source.params, result: source.result, faults: source.faults, tape: b.tape }
}

export class X87Machine implements Environment {
  readonly state = new DataView(new ArrayBuffer(0x1000))
  readonly memory = new DataView(new ArrayBuffer(memoryBytes))
  /** What the helper fpu_error answers. */
  errorLineWasUp = false
  /** Vector + 1 of the exception that ended the last instruction, or 0. */
  raised = 0
  private readonly evaluator = new Evaluator(this.state.buffer, this)
  private readonly save: Program
  private readonly restore: Program

  constructor() {
    const image = { kind: 2, size: 108 }
    this.save = this.prepare({ mnemonic: 'fnsave', operands: [image], fields: [] })
    this.restore = this.prepare({ mnemonic: 'frstor', operands: [image], fields: [] })
    this.state.setUint32(layout.CR0, 0x21, true)
    this.state.setUint16(layout.FPU_CONTROL, 0x37f, true)
  }

  prepare({ mnemonic, operands, fields, operandSize = 4 }: Instruction): Program {
    const form: Form = {
      id: 0,
      mnemonic,
      operands,
      size: 4,
      operandSize,
      addressSize: 4,
      rep: '',
      flat: true,
    }
    const meaning = x87[mnemonic]
    if (!meaning) throw new Error(`no meaning of ${mnemonic}`)
    const context = new Bound(form, fields)
    meaning(context, form)
    return prepare(context.tape)
  }

  /** What the host oracle does, here. */
  run(program: Program, { instruction, eax, eflags, memory, image }: FpuCase): FpuCase {
    const bytes = new Uint8Array(this.memory.buffer)
    bytes.set(image, OPERAND_LINEAR)
    this.evaluate(this.restore)
    bytes.set(memory, OPERAND_LINEAR)
    this.state.setInt32(layout.gprCell(0), eax, true)
    this.setFlags(eflags)
    this.evaluate(program)
    const after = bytes.slice(OPERAND_LINEAR, OPERAND_LINEAR + 16)
    this.evaluate(this.save)
    return {
      instruction,
      eax: this.state.getUint32(layout.gprCell(0), true),
      eflags: this.flags(),
      memory: after,
      image: bytes.slice(OPERAND_LINEAR, OPERAND_LINEAR + 108),
    }
  }

  evaluate(program: Program) {
    this.raised = 0
    return this.evaluator.run(program)
  }

  private setFlags(word: number) {
    const b = new Bound({ flat: true } as Form, [])
    b.flags.setWord(b.const(word))
    this.evaluator.run(prepare(b.tape))
  }
  private flags(): number {
    const b = new Bound({ flat: true } as Form, [])
    b.setState(layout.SCRATCH + 32, b.flags.word())
    this.evaluator.run(prepare(b.tape))
    return this.state.getUint32(layout.SCRATCH + 32, true)
  }

  // Environment of the evaluator.
  guestLoad(linear: number, width: number): Datum {
    const m = this.memory
    if (width === 1) return m.getUint8(linear)
    if (width === 2) return m.getUint16(linear, true)
    if (width === 4) return m.getInt32(linear, true)
    if (width === 8) return m.getBigInt64(linear, true)
    return new Uint8Array(m.buffer.slice(linear, linear + 16))
  }
  guestStore(linear: number, width: number, v: Datum) {
    const m = this.memory
    if (width === 1) m.setUint8(linear, v as number)
    else if (width === 2) m.setUint16(linear, v as number, true)
    else if (width === 4) m.setInt32(linear, v as number, true)
    else if (width === 8) m.setBigInt64(linear, v as bigint, true)
    else new Uint8Array(m.buffer).set(v as Uint8Array, linear)
  }
  helper(): number {
    return Number(this.errorLineWasUp)
  }
  procedure = procedure
  raise(vector: number) {
    this.raised = vector + 1
  }
  fault(): boolean {
    return this.raised !== 0
  }
}
