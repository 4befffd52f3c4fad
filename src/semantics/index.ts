// Every instruction, once: mnemonic -> meaning. See context.ts for how a meaning is written.

import { arith } from './arith.js'
import type { Semantics } from './context.js'

export const semantics: Readonly<Record<string, Semantics>> = { ...arith }
