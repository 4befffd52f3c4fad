// A whole machine with a small flat guest in it: 32-bit code at CODE, EBP at DATA, no interrupts.

import { cpuModel } from '../../src/cpu/models.js'
import type { Thresholds } from '../../src/engine/blocks.js'
import type { EngineName } from '../../src/engine/engines.js'
import { Machine } from '../../src/machine/machine.js'
import { CODE, DATA, STACK } from './random-program.js'

const FLAT_CODE = { selector: 0x08, base: 0, limit: 0xffffffff, rights: 0xc09b }
const FLAT_DATA = { selector: 0x10, base: 0, limit: 0xffffffff, rights: 0xc093 }

/** A machine of 2 MB at the first byte of the code, SSE enabled, registers other than EBP and ESP 0. */
export function flatMachine(code: Uint8Array, engine: EngineName, thresholds?: Thresholds): Machine {
  const machine = new Machine({
    memory: 0x200000,
    model: cpuModel('pentium4'),
    engine,
    ...(thresholds && { thresholds }),
  })
  machine.memory.write(CODE, code)
  const data = { ds: FLAT_DATA, es: FLAT_DATA, ss: FLAT_DATA, fs: FLAT_DATA, gs: FLAT_DATA }
  machine.cpu.state = { cr0: 0x33, cr4: 0x600, eip: CODE, ebp: DATA, esp: STACK, cs: FLAT_CODE, ...data }
  return machine
}
