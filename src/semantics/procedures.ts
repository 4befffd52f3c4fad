// All procedures written in IR, by name. A body reads its arguments with b.parameter(i, type) and ends with b.return;
// it has no form and no fields. Engines build each of them once.

import type { Type } from '../ir/types.js'
import type { Context } from './context.js'
import { deliverProcedures } from './deliver-quick.js'
import { flagProcedures } from './flag-kinds.js'
import { segmentProcedures } from './segments.js'
import { simdProcedures } from './sse.js'
import { stringProcedures } from './string-procedures.js'
import { quickStrings } from './string-quick.js'
import { translateProcedures } from './translate-quick.js'
import { float80Procedures } from './x87.js'

export interface ProcedureSource {
  readonly params: readonly Type[]
  /** VOID for none. */
  readonly result: Type
  /** It may end the instruction with an exception. */
  readonly faults: boolean
  build(b: Context): void
}

export const procedures: Readonly<Record<string, ProcedureSource>> = {
  ...deliverProcedures,
  ...flagProcedures,
  ...segmentProcedures,
  ...stringProcedures,
  ...quickStrings,
  ...float80Procedures,
  ...simdProcedures,
  ...translateProcedures,
}
