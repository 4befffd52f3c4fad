// MMX, SSE and SSE2 instructions by builder and reference evaluator, on states of FXSAVE's format. Operand fields are
// constants as in hot code, or loads as in cold code: the meanings differ where they ask for a known immediate.

import * as L from '../../src/cpu/layout.js'
import { prepare } from '../../src/ir/evaluate.js'
import type { Value } from '../../src/ir/tape.js'
import { Decoder } from '../../src/isa/decode.js'
import { forms } from '../../src/isa/forms.js'
import { Context, type Field } from '../../src/semantics/context.js'
import { semantics } from '../../src/semantics/index.js'
import { MXCSR_IN_IMAGE, type SseCase } from './host-sse.js'
import { type Prepared, SemanticsMachine } from './semantics-machine.js'

/** Where the cases' memory is: [esi+32] with ESI here. */
const MEMORY = 0x20000000
const fieldNames = ['dst', 'src', 'imm', 'imm2', 'base', 'index', 'scale', 'disp', 'segment', 'addressMask'] as const
/** Fields of cold code, behind the CPU's state. */
const FIELDS = 0x700

class BoundContext extends Context {
  constructor(
    private readonly values: ReadonlyMap<Field, number>,
    private readonly cold: boolean,
  ) {
    super()
  }
  field(name: Field): Value {
    const n = this.values.get(name) ?? 0
    const at = (fieldNames as readonly string[]).indexOf(name)
    return this.cold && at >= 0 ? this.loadAt(this.const(0), FIELDS + 4 * at, 4) : this.const(n)
  }
}

export interface Ready {
  readonly prepared: Prepared
  readonly values: ReadonlyMap<Field, number>
}

export class SseMachine extends SemanticsMachine {
  constructor() {
    super()
    this.map(MEMORY >>> 12, 1)
    this.cells[L.CR4 >> 2] = 0x600
  }

  ready(code: Uint8Array, cold: boolean): Ready {
    const bytes = new Uint8Array(16)
    bytes.set(code)
    const decoder = new Decoder()
    const form = forms[decoder.decode(bytes, 0, bytes.length, this.mode)]
    const meaning = form && semantics[form.mnemonic]
    if (!meaning) throw new Error(`no semantics for ${form?.mnemonic} (${[...code].join(' ')})`)
    const values = new Map(fieldNames.map(name => [name, decoder[name]] as [Field, number]))
    const b = new BoundContext(values, cold)
    b.form = form
    meaning(b, form)
    return { prepared: { program: prepare(b.tape), eip: 0, next: decoder.length, target: 0 }, values }
  }

  /** What the host oracle does, here. */
  case({ prepared, values }: Ready, c: SseCase): SseCase {
    const { view, bytes } = this
    for (const [i, name] of fieldNames.entries()) view.setInt32(FIELDS + 4 * i, values.get(name)!, true)
    this.registers = [c.eax, c.ecx, 0, 0, 0, 0, MEMORY, MEMORY + 32]
    this.flags = c.eflags
    this.write(MEMORY + 32, c.memory)
    const image = new DataView(c.image.buffer, c.image.byteOffset, 512)
    const top = (image.getUint16(2, true) >> 11) & 7
    view.setInt32(L.FPU_TOP, top, true)
    view.setInt32(L.FPU_VALID, image.getUint8(4), true)
    view.setInt32(L.MXCSR, image.getInt32(MXCSR_IN_IMAGE, true), true)
    for (let i = 0; i < 8; i++) {
      bytes.set(c.image.subarray(32 + 16 * i, 42 + 16 * i), L.mmCell((top + i) & 7))
      bytes.set(c.image.subarray(160 + 16 * i, 176 + 16 * i), L.xmmCell(i))
    }
    const { fault } = this.execute(prepared)
    const after = c.image.slice()
    const out = new DataView(after.buffer)
    const topAfter = view.getInt32(L.FPU_TOP, true)
    out.setUint16(2, (image.getUint16(2, true) & ~0x3800) | (topAfter << 11), true)
    out.setUint8(4, view.getInt32(L.FPU_VALID, true))
    for (let i = 0; i < 8; i++) {
      after.set(bytes.subarray(L.mmCell((topAfter + i) & 7), L.mmCell((topAfter + i) & 7) + 10), 32 + 16 * i)
      after.set(bytes.subarray(L.xmmCell(i), L.xmmCell(i) + 16), 160 + 16 * i)
    }
    return {
      ...c,
      eax: this.registers[0]!,
      eflags: this.flags,
      mxcsr: view.getInt32(L.MXCSR, true) >>> 0,
      signal: fault ? (fault.vector === 19 ? 8 : 1000 + fault.vector) : 0,
      memory: this.read(MEMORY + 32, 16),
      image: after,
    }
  }
}
