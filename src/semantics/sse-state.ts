// The state that all SSE instructions share: whether they may run at all, the control and status register MXCSR, and
// aligned memory (SDM vol. 1, 10.2.3 and 11.6; vol. 3, 2.5 and 13.1). LDMXCSR, STMXCSR.

import { CR4, MODE, MXCSR } from '../cpu/layout.js'
import { MODE_NO_FPU, MODE_NO_SSE } from '../cpu/mode.js'
import { VOID } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import type { ProcedureSource } from './procedures.js'
import { MXCSR_MASK } from './x87-fxsave.js'

const CR4_OSXMMEXCPT = 0x400

/** #UD without CR4.OSFXSR or with CR0.EM, #NM with CR0.TS: before every SSE instruction on XMM registers. */
export function sseAvailable(b: Context) {
  b.remembered('sse', () => {
    const blocked = b.and(b.state(MODE), b.const(MODE_NO_FPU | MODE_NO_SSE))
    b.if(blocked, () => b.call('sse_blocked', [], VOID, true))
    return blocked
  })
}

/** Wraps a meaning with the check that SSE may be used. */
export const sse =
  (meaning: Semantics): Semantics =>
  (b, form) => {
    sseAvailable(b)
    meaning(b, form)
  }

export const sseState: Record<string, Semantics> = {
  ldmxcsr: sse(b => {
    const v = b.read(0)
    b.if(b.and(v, b.const(~MXCSR_MASK)), () => b.raise(13, b.const(0)))
    b.setState(MXCSR, v)
    b.forget('sticky')
  }),
  stmxcsr: sse(b => b.write(0, b.state(MXCSR))),
}

export const sseStateProcedures: Record<string, ProcedureSource> = {
  /** Raises what keeps SSE from running: #UD before #NM. */
  sse_blocked: {
    params: [],
    result: VOID,
    faults: true,
    build: b => {
      b.if(b.and(b.state(MODE), b.const(MODE_NO_SSE)), () => b.raise(6))
      b.raise(7)
    },
  },
  /** Raises the exception of an SSE floating-point operation: #XM, or #UD when the system does not expect it. */
  sse_exception: {
    params: [],
    result: VOID,
    faults: true,
    build: b => {
      b.if(b.and(b.state(CR4), b.const(CR4_OSXMMEXCPT)), () => b.raise(19))
      b.raise(6)
    },
  },
}
