// What careful instructions of translated regions call where an access of guest memory is not plain. The result is the
// value, if there is one, and whether the access faulted. They take a vector that nobody looks at: without it V8
// would compile a wrapper in each module, as for every import that JavaScript could provide (benchmarks/micro/imports.ts).

import { FAULT } from '../cpu/layout.js'
import { I32, type Type, V128 } from '../ir/types.js'
import * as W from '../wasm/opcodes.js'
import { typeOfWidth } from './access.js'
import { FunctionCode } from './function-code.js'

/** A function of the core as regions import it. */
export interface Signature {
  readonly params: readonly Type[]
  readonly results: readonly Type[]
}

/** (address, vector) -> value, fault */
export const hotLoad = (width: number): Signature => ({
  params: [I32, V128],
  results: [typeOfWidth(width), I32],
})
/** (address, value, vector) -> fault */
export const hotStore = (width: number): Signature => ({
  params: [I32, typeOfWidth(width), V128],
  results: [I32],
})

/** Calls the slow function with all parameters but the vector; its result stays on the stack under the fault. */
export function emitHotAccess({ params }: Signature, slow: number): FunctionCode {
  const f = new FunctionCode(params)
  for (let n = 0; n < params.length - 1; n++) f.get(n)
  f.call(slow)
  f.cell(FAULT)
  f.op(W.END)
  return f
}
