// The x87 FPU: mnemonic -> meaning, and the procedures the meanings call. See x87-state.ts for the state.

import type { Semantics } from './context.js'
import { addProcedures } from './float80-add.js'
import { arctangentProcedures } from './float80-arctangent.js'
import { divideProcedures } from './float80-divide.js'
import { exponentialProcedures } from './float80-exponential.js'
import { fixedProcedures } from './float80-fixed.js'
import { integerProcedures } from './float80-integer.js'
import { multiplyProcedures } from './float80-multiply.js'
import { narrowProcedures } from './float80-narrow.js'
import { operandProcedures } from './float80-operand.js'
import { remainderProcedures } from './float80-remainder.js'
import { roundProcedures } from './float80-round.js'
import { trigonometryProcedures } from './float80-trigonometry.js'
import { widenProcedures } from './float80-widen.js'
import type { ProcedureSource } from './procedures.js'
import { arithProcedures, x87Arith } from './x87-arith.js'
import { compareProcedures, x87Compare } from './x87-compare.js'
import { controlProcedures, x87Control } from './x87-control.js'
import { environmentProcedures, x87Environment } from './x87-environment.js'
import { fxsaveProcedures, x87Fxsave } from './x87-fxsave.js'
import { loadProcedures, x87Load } from './x87-load.js'
import { stateProcedures } from './x87-state.js'
import { stepProcedures, x87Step } from './x87-step.js'
import { storeProcedures, x87Store } from './x87-store.js'
import { transcendentalProcedures, x87Transcendental } from './x87-transcendental.js'
import { trigonometryStackProcedures, x87Trigonometry } from './x87-trigonometry.js'

/** Meanings of the x87, FXSAVE, FXRSTOR and EMMS instructions by mnemonic. */
export const x87: Readonly<Record<string, Semantics>> = {
  ...x87Control,
  ...x87Environment,
  ...x87Fxsave,
  ...x87Load,
  ...x87Store,
  ...x87Arith,
  ...x87Compare,
  ...x87Step,
  ...x87Transcendental,
  ...x87Trigonometry,
}

/** Procedures of the x87 and of 80-bit arithmetic by name. */
export const float80Procedures: Readonly<Record<string, ProcedureSource>> = {
  ...stateProcedures,
  ...controlProcedures,
  ...environmentProcedures,
  ...fxsaveProcedures,
  ...operandProcedures,
  ...roundProcedures,
  ...widenProcedures,
  ...narrowProcedures,
  ...addProcedures,
  ...multiplyProcedures,
  ...divideProcedures,
  ...integerProcedures,
  ...remainderProcedures,
  ...loadProcedures,
  ...storeProcedures,
  ...arithProcedures,
  ...compareProcedures,
  ...stepProcedures,
  ...fixedProcedures,
  ...exponentialProcedures,
  ...arctangentProcedures,
  ...trigonometryProcedures,
  ...transcendentalProcedures,
  ...trigonometryStackProcedures,
}
