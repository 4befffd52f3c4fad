// The x87 environment and state in memory (SDM vol. 2: FLDENV, FNSTENV, FRSTOR, FNSAVE; layouts in vol. 1 8.1.10,
// figures 8-9 to 8-12): 14 or 28 bytes, with another 80 for the registers, in real-address and protected formats.

import { CR0, FLAGS, FPU_CS, FPU_DP, FPU_DS, FPU_IP, FPU_OPCODE, FPU_VALID } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, VOID } from '../ir/types.js'
import type { Form } from '../isa/form.js'
import type { Context, Semantics } from './context.js'
import type { ProcedureSource } from './procedures.js'
import { setControl, setStatusWord, statusWord } from './x87-control.js'
import {
  available,
  cell,
  control,
  exponent,
  physical,
  setCell,
  setRegister,
  significand,
  slot,
  valid,
  waiting,
} from './x87-state.js'

const FLAG_VM = 0x20000
const isProtected = (b: Builder) =>
  b.and(b.and(cell(b, CR0), b.const(1)), b.eqz(b.and(cell(b, FLAGS), b.const(FLAG_VM))))

const at = (b: Builder, address: Value, bytes: number) => b.add(address, b.const(bytes))
const high = (b: Builder, v: Value) => b.shru(v, b.const(16))

/** Offset, selector and opcode of one pointer as the two fields the image has for it. */
function pointerFields(b: Builder, offset: Value, selector: Value, opcode: Value, wide: boolean): [Value, Value] {
  const inProtectedMode = isProtected(b)
  const linear = b.add(offset, b.shl(b.and(selector, b.const(0xffff)), b.const(4)))
  if (wide) {
    const upper = b.and(b.shru(linear, b.const(4)), b.const(0xffff000))
    return [
      b.select(inProtectedMode, offset, b.and(linear, b.const(0xffff))),
      b.select(
        inProtectedMode,
        b.or(b.and(selector, b.const(0xffff)), b.shl(opcode, b.const(16))),
        b.or(upper, opcode),
      ),
    ]
  }
  const upper = b.and(b.shru(linear, b.const(4)), b.const(0xf000))
  return [b.select(inProtectedMode, offset, linear), b.select(inProtectedMode, selector, b.or(upper, opcode))]
}

/** Processors ask for the control word's field and for the last byte first; so nothing is stored when a page is missing. */
function askForEnds(b: Builder, address: Value, bytes: number, wide: boolean, write: boolean) {
  b.guestLoad(address, wide ? 4 : 2, write)
  b.guestLoad(at(b, address, bytes - 1), 1, write)
}

function storeEnvironment(b: Builder, address: Value, wide: boolean) {
  const opcode = b.and(cell(b, FPU_OPCODE), b.const(0x7ff))
  const code = pointerFields(b, cell(b, FPU_IP), cell(b, FPU_CS), opcode, wide)
  const data = pointerFields(b, cell(b, FPU_DP), cell(b, FPU_DS), b.const(0), wide)
  const words = [control(b), statusWord(b), b.call('x87_tag_word', []), code[0], code[1], data[0], data[1]]
  // Upper halves of the fields that have only 16 bits are stored as ones.
  const filler = b.const(0xffff0000)
  const width = wide ? 4 : 2
  words.forEach((word, i) => {
    const padded = wide && (i < 3 || i === 6)
    const v = i === 6 && wide ? b.select(isProtected(b), b.or(word, filler), word) : padded ? b.or(word, filler) : word
    b.guestStore(at(b, address, i * width), width, v)
  })
}

/** Reads everything before it changes anything, so that a fault leaves the state alone. */
function loadEnvironment(b: Builder, address: Value, wide: boolean) {
  const width = wide ? 4 : 2
  const words = [0, 1, 2, 3, 4, 5, 6].map(i => b.guestLoad(at(b, address, i * width), width))
  return () => {
    const [controlWord, word, tags, ip, code, dp, data] = words as [Value, Value, Value, Value, Value, Value, Value]
    setControl(b, controlWord)
    setStatusWord(b, word)
    setCell(b, FPU_VALID, b.call('x87_abridge', [tags]))
    const inProtectedMode = isProtected(b)
    const upper = (field: Value) =>
      wide ? b.shl(b.and(field, b.const(0xffff000)), b.const(4)) : b.shl(b.and(field, b.const(0xf000)), b.const(4))
    const low = (v: Value) => b.and(v, b.const(0xffff))
    const opcodeProtected = wide ? b.and(high(b, code), b.const(0x7ff)) : b.const(0)
    setCell(b, FPU_IP, b.select(inProtectedMode, ip, b.or(low(ip), upper(code))))
    setCell(b, FPU_CS, b.select(inProtectedMode, low(code), b.const(0)))
    setCell(b, FPU_OPCODE, b.select(inProtectedMode, opcodeProtected, b.and(code, b.const(0x7ff))))
    setCell(b, FPU_DP, b.select(inProtectedMode, dp, b.or(low(dp), upper(data))))
    setCell(b, FPU_DS, b.select(inProtectedMode, low(data), b.const(0)))
  }
}

function storeRegisters(b: Builder, address: Value) {
  for (let i = 0; i < 8; i++) {
    const register = slot(b, physical(b, b.const(i)))
    b.guestStore(at(b, address, 10 * i), 8, significand(b, register))
    b.guestStore(at(b, address, 10 * i + 8), 2, exponent(b, register))
  }
}

function loadRegisters(b: Builder, address: Value) {
  const values = [0, 1, 2, 3, 4, 5, 6, 7].map(
    i => [b.guestLoad(at(b, address, 10 * i), 8), b.guestLoad(at(b, address, 10 * i + 8), 2)] as const,
  )
  return () =>
    values.forEach(([sig, signExponent], i) => {
      setRegister(b, slot(b, physical(b, b.const(i))), sig, signExponent)
    })
}

const wideFormat = (form: Form) => form.operandSize === 4
const address = (b: Context, form: Form, environment: number, write: boolean) =>
  b.linear(b.offset(), environment + (form.operands[0]!.size > 28 ? 80 : 0), write)

/** Name of the procedure for the operand size, called with the linear address. */
function inMemory(name: string, write: boolean, before: (b: Context) => void): Semantics {
  return (b, form) => {
    before(b)
    const wide = wideFormat(form)
    b.call(`${name}_${wide ? 32 : 16}`, [address(b, form, wide ? 28 : 14, write)], VOID, true)
  }
}

export const x87Environment: Record<string, Semantics> = {
  fnstenv: inMemory('x87_store_environment', true, available),
  fldenv: inMemory('x87_load_environment', false, waiting),
  fnsave: inMemory('x87_save', true, available),
  frstor: inMemory('x87_restore', false, waiting),
}

function both(
  name: string,
  body: (b: Builder, address: Value, wide: boolean) => void,
): Record<string, ProcedureSource> {
  const procedure = (wide: boolean): ProcedureSource => ({
    params: [I32],
    result: VOID,
    faults: true,
    build: b => {
      body(b, b.parameter(0, I32), wide)
      b.return()
    },
  })
  return { [`${name}_16`]: procedure(false), [`${name}_32`]: procedure(true) }
}

export const environmentProcedures: Record<string, ProcedureSource> = {
  ...both('x87_store_environment', (b, address, wide) => {
    askForEnds(b, address, wide ? 28 : 14, wide, true)
    storeEnvironment(b, address, wide)
    const masked = b.or(control(b), b.const(0x3f))
    setControl(b, masked)
  }),
  ...both('x87_load_environment', (b, address, wide) => {
    askForEnds(b, address, wide ? 28 : 14, wide, false)
    loadEnvironment(b, address, wide)()
  }),
  ...both('x87_save', (b, address, wide) => {
    askForEnds(b, address, wide ? 108 : 94, wide, true)
    storeEnvironment(b, address, wide)
    storeRegisters(b, at(b, address, wide ? 28 : 14))
    b.call('x87_initialize', [], VOID)
  }),
  ...both('x87_restore', (b, address, wide) => {
    askForEnds(b, address, wide ? 108 : 94, wide, false)
    const environment = loadEnvironment(b, address, wide)
    const registers = loadRegisters(b, at(b, address, wide ? 28 : 14))
    environment()
    registers()
  }),
  /** The full tag word: for each physical register 0 valid, 1 zero, 2 special, 3 empty. */
  x87_tag_word: {
    params: [],
    result: I32,
    faults: false,
    build: b => {
      let word = b.const(0)
      for (let i = 0; i < 8; i++) {
        const register = b.const(16 * i)
        const sig = significand(b, register)
        const e = b.and(exponent(b, register), b.const(0x7fff))
        const normal = b.and(b.ltu(b.sub(e, b.const(1)), b.const(0x7ffe)), b.lts(sig, b.const64(0n)))
        const zero = b.eqz(b.op('i64.or', sig, b.toI64u(e)))
        const kind = b.select(normal, b.const(0), b.select(zero, b.const(1), b.const(2)))
        const filled = b.and(valid(b), b.const(1 << i))
        word = b.or(word, b.shl(b.select(filled, kind, b.const(3)), b.const(2 * i)))
      }
      b.return(word)
    },
  },
  /** Bits of FPU_VALID from a full tag word. */
  x87_abridge: {
    params: [I32],
    result: I32,
    faults: false,
    build: b => {
      const tags = b.parameter(0, I32)
      let out = b.const(0)
      for (let i = 0; i < 8; i++) {
        const tag = b.and(b.shru(tags, b.const(2 * i)), b.const(3))
        out = b.or(out, b.shl(b.ne(tag, b.const(3)), b.const(i)))
      }
      b.return(out)
    },
  },
}
