// x87 control (SDM vol. 2: FNINIT, FNCLEX, FNSTSW, FNSTCW, FLDCW, WAIT, FNOP, FINCSTP, FDECSTP, FFREE, EMMS). FNOP also
// stands for FNENI, FNDISI and FNSETPM of the 8087 and 80287, which do nothing since the 80387.

import {
  FPU_CONTROL,
  FPU_CS,
  FPU_DP,
  FPU_DS,
  FPU_IP,
  FPU_OPCODE,
  FPU_STATUS,
  FPU_TOP,
  FPU_VALID,
} from '../cpu/layout.js'
import type { Builder } from '../ir/builder.js'
import type { Value } from '../ir/tape.js'
import { VOID } from '../ir/types.js'
import type { Context, Semantics } from './context.js'
import { mmxAvailable } from './mmx-state.js'
import type { ProcedureSource } from './procedures.js'
import {
  available,
  C1,
  CONTROL_INITIAL,
  CONTROL_WRITABLE,
  control,
  physical,
  pop,
  remember,
  setCell,
  setStatus,
  status,
  summarize,
  top,
  valid,
  waitInstruction,
  waiting,
} from './x87-state.js'

/** The status word as software sees it, with TOP. */
export const statusWord = (b: Builder): Value => b.or(status(b), b.shl(top(b), b.const(11)))

/** Loads the control word; pending exceptions that it unmasks are summarized at once. */
export function setControl(b: Builder, v: Value) {
  const word = b.or(b.and(v, b.const(CONTROL_WRITABLE)), b.const(0x40))
  setCell(b, FPU_CONTROL, word, 2)
  setStatus(b, summarize(b, status(b), word))
}

/** Sets status word and TOP from a loaded image; the control word must be in place. */
export function setStatusWord(b: Builder, v: Value) {
  setStatus(b, summarize(b, b.and(v, b.const(0xc7ff)), control(b)))
  setCell(b, FPU_TOP, b.and(b.shru(v, b.const(11)), b.const(7)))
}

const clearC1 = (b: Context) => setStatus(b, b.and(status(b), b.const(~C1)))

/** FFREE and FFREEP: the register becomes empty, its value stays. */
function free(alsoPop: boolean): Semantics {
  return b => {
    waiting(b)
    remember(b)
    const register = physical(b, b.field('dst'))
    setCell(b, FPU_VALID, b.and(valid(b), b.not(b.shl(b.const(1), register))))
    if (alsoPop) pop(b, b.const(1))
    clearC1(b)
  }
}

function turn(delta: number): Semantics {
  return b => {
    waiting(b)
    remember(b)
    setCell(b, FPU_TOP, b.and(b.add(top(b), b.const(delta)), b.const(7)))
    clearC1(b)
  }
}

export const x87Control: Record<string, Semantics> = {
  fninit: b => {
    available(b)
    b.call('x87_initialize', [], VOID)
  },
  fnclex: b => {
    available(b)
    setStatus(b, b.and(status(b), b.const(0x7f00)))
  },
  fnstsw: b => {
    available(b)
    b.write(0, statusWord(b))
  },
  fnstcw: b => {
    available(b)
    b.write(0, control(b))
  },
  fldcw: b => {
    waiting(b)
    setControl(b, b.read(0))
  },
  fwait: waitInstruction,
  fnop: b => {
    waiting(b)
    remember(b)
  },
  fneni: available,
  fndisi: available,
  fnsetpm: available,
  fincstp: turn(1),
  fdecstp: turn(-1),
  ffree: free(false),
  ffreep: free(true),
  emms: b => {
    mmxAvailable(b)
    setCell(b, FPU_VALID, b.const(0))
    setCell(b, FPU_TOP, b.const(0))
  },
}

export const controlProcedures: Record<string, ProcedureSource> = {
  /** FNINIT: control word 37FH, everything else zero, all registers empty (their values stay). */
  x87_initialize: {
    params: [],
    result: VOID,
    faults: false,
    build: b => {
      setCell(b, FPU_CONTROL, b.const(CONTROL_INITIAL), 2)
      setCell(b, FPU_STATUS, b.const(0), 2)
      for (const address of [FPU_TOP, FPU_VALID, FPU_OPCODE, FPU_IP, FPU_CS, FPU_DP, FPU_DS])
        setCell(b, address, b.const(0))
      b.return()
    },
  },
}
