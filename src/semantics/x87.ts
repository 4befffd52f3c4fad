// The x87 FPU: mnemonic -> meaning, and the procedures the meanings call. See x87-state.ts for the state.

import type { Semantics } from './context.js'
import { controlProcedures, x87Control } from './x87-control.js'
import { environmentProcedures, x87Environment } from './x87-environment.js'
import { fxsaveProcedures, x87Fxsave } from './x87-fxsave.js'
import { type ProcedureSource, stateProcedures } from './x87-state.js'

export const x87: Readonly<Record<string, Semantics>> = {
  ...x87Control,
  ...x87Environment,
  ...x87Fxsave,
}

export const float80Procedures: Readonly<Record<string, ProcedureSource>> = {
  ...stateProcedures,
  ...controlProcedures,
  ...environmentProcedures,
  ...fxsaveProcedures,
}
