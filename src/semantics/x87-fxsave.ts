// FXSAVE and FXRSTOR (SDM vol. 2, the 512-byte image of table 3-47, legacy format). XMM registers are saved and
// restored when CR4.OSFXSR is set; bytes 464 to 511 and the reserved fields of the header are not written.

import { CR4, FPU_CONTROL, FPU_CS, FPU_DP, FPU_DS, FPU_IP, FPU_OPCODE, FPU_VALID, MXCSR, XMM } from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { I32, VOID } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import type { ProcedureSource } from './procedures.js'
import { setControl, setStatusWord, statusWord } from './x87-control.js'
import { available, cell, exponent, physical, setCell, setRegister, significand, slot } from './x87-state.js'

const CR4_OSFXSR = 0x200
/** Bits of MXCSR that exist; the others raise #GP(0) when loaded. */
export const MXCSR_MASK = 0xffff

function imageAddress(b: Context, write: boolean): Value {
  available(b)
  const address = b.linear(b.offset(), 512, write)
  b.if(b.and(address, b.const(15)), () => b.raise(13, b.const(0)))
  return address
}

export const x87Fxsave: Record<string, Semantics> = {
  fxsave: b => {
    b.call('fxsave', [imageAddress(b, true)], VOID, true)
  },
  fxrstor: b => {
    b.call('fxrstor', [imageAddress(b, false)], VOID, true)
    b.forget('sticky')
  },
}

const withXmm = (b: Builder) => b.and(cell(b, CR4), b.const(CR4_OSFXSR))

export const fxsaveProcedures: Record<string, ProcedureSource> = {
  fxsave: {
    params: [I32],
    result: VOID,
    faults: true,
    build: b => {
      const address = b.parameter(0, I32)
      const put = (offset: number, width: number, v: Value) => b.guestStore(b.add(address, b.const(offset)), width, v)
      put(0, 2, cell(b, FPU_CONTROL, 2))
      put(2, 2, statusWord(b))
      put(4, 2, b.and(cell(b, FPU_VALID), b.const(0xff)))
      put(6, 2, cell(b, FPU_OPCODE))
      put(8, 4, cell(b, FPU_IP))
      put(12, 4, b.and(cell(b, FPU_CS), b.const(0xffff)))
      put(16, 4, cell(b, FPU_DP))
      put(20, 4, b.and(cell(b, FPU_DS), b.const(0xffff)))
      put(24, 4, cell(b, MXCSR))
      put(28, 4, b.const(MXCSR_MASK))
      for (let i = 0; i < 8; i++) {
        const register = slot(b, physical(b, b.const(i)))
        put(32 + 16 * i, 8, significand(b, register))
        put(40 + 16 * i, 8, b.toI64u(exponent(b, register)))
      }
      b.if(withXmm(b), () => {
        for (let i = 0; i < 8; i++) put(160 + 16 * i, 16, cell(b, XMM + 16 * i, 16))
      })
      b.return()
    },
  },
  fxrstor: {
    params: [I32],
    result: VOID,
    faults: true,
    build: b => {
      const address = b.parameter(0, I32)
      const get = (offset: number, width: number) => b.guestLoad(b.add(address, b.const(offset)), width)
      const header = [0, 2, 4, 6].map(offset => get(offset, 2)) as [Value, Value, Value, Value]
      const pointers = [8, 12, 16, 20].map(offset => get(offset, 4)) as [Value, Value, Value, Value]
      const mxcsr = get(24, 4)
      const registers = [0, 1, 2, 3, 4, 5, 6, 7].map(i => [get(32 + 16 * i, 8), get(40 + 16 * i, 2)] as const)
      const xmm = withXmm(b)
      b.if(xmm, () => {
        b.if(b.and(mxcsr, b.const(~MXCSR_MASK)), () => {
          b.raise(13, b.const(0))
        })
        // The registers come last and together: all loads before the first change.
        const values = [0, 1, 2, 3, 4, 5, 6, 7].map(i => get(160 + 16 * i, 16))
        values.forEach((v, i) => {
          setCell(b, XMM + 16 * i, v, 16)
        })
        setCell(b, MXCSR, mxcsr)
      })
      setControl(b, header[0])
      setStatusWord(b, header[1])
      setCell(b, FPU_VALID, b.and(header[2], b.const(0xff)))
      setCell(b, FPU_OPCODE, b.and(header[3], b.const(0x7ff)))
      ;[FPU_IP, FPU_CS, FPU_DP, FPU_DS].forEach((target, i) => {
        setCell(b, target, i & 1 ? b.and(pointers[i]!, b.const(0xffff)) : pointers[i]!)
      })
      registers.forEach(([sig, signExponent], i) => {
        setRegister(b, slot(b, physical(b, b.const(i))), sig, signExponent)
      })
      b.return()
    },
  },
}
