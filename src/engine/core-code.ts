// The bytes of the core. Here they are made when they are asked for; the build replaces the compiled form of this file
// by one that carries them (build-core.ts), so that a started program does not spend time on it.

import type { Procedure } from '../ir/tape.js'
import { Tape } from '../ir/tape.js'
import { procedures } from '../semantics/procedures.js'
import { buildCore, type CoreLayout } from './core.js'
import { RecordContext } from './record-context.js'

/** All procedures of the semantics as tapes. */
function procedureTapes(): Map<string, Procedure> {
  const made = new Map<string, Procedure>()
  const context = new RecordContext()
  for (const [name, { params, result, faults, build }] of Object.entries(procedures)) {
    context.tape = new Tape()
    context.flags.last = undefined
    build(context)
    made.set(name, { name, params, result, faults, tape: context.tape })
  }
  return made
}

/** The core module's bytes and layout. */
export function coreCode(): { bytes: Uint8Array; layout: CoreLayout } {
  return buildCore(procedureTapes())
}
