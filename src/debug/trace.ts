// What a guest does, line by line: each instruction before it is executed, each exception and interrupt that is delivered,
// each access to a port. A line begins with the retired count. Tracing changes nothing that the guest computes.

import { CS, SEG_BASE, SEG_SELECTOR, segmentCell } from '../cpu/layout.js'
import type { Disassembly } from '../isa/iced.js'
import type { SymbolTable } from '../loader/symbols.js'
import type { Machine } from '../machine/machine.js'
import { readLinear } from './linear-memory.js'

export type TraceKind = 'instructions' | 'exceptions' | 'ports'
export const traceKinds: readonly TraceKind[] = ['instructions', 'exceptions', 'ports']

const MAXIMUM_LENGTH = 15
const MODE_CODE32 = 0x4000 // D in the rights of CS
const CODE_WIDTH = 24
const SOURCES = ['software', 'exception', 'interrupt']

/** What a trace needs besides the machine. */
export interface TraceHelp {
  symbols(): SymbolTable
  disassemble(bytes: Uint8Array, address: number, bits: number): Disassembly
  /** Takes a line without its end. */
  write(line: string): void
}

export class Trace {
  readonly instructions: boolean

  constructor(
    private readonly machine: Machine,
    kinds: readonly TraceKind[],
    private readonly help: TraceHelp,
  ) {
    this.instructions = kinds.includes('instructions')
    if (kinds.includes('exceptions'))
      machine.cpu.onDelivery = (vector, source, error, returnEip) => {
        const code = error === undefined ? '' : ` error ${hex(error, 4)}`
        this.line(`${SOURCES[source]} ${vector}${code} at ${hex(returnEip, 8)}, CPL ${machine.cpu.cpl} now`)
      }
    if (kinds.includes('ports'))
      machine.onPort = (direction, port, size, value) =>
        this.line(`${direction} ${hex(port, 4)} ${hex(value, 2 * size)}`)
  }

  private line(text: string) {
    this.help.write(`${String(this.machine.retired).padStart(11)} ${text}`)
  }

  /** Writes the instruction that the machine stands before. */
  instruction() {
    const { cpu } = this.machine
    const cell = (field: number) => cpu.u32[segmentCell(CS, field) >> 2]!
    const linear = (cpu.eip + cell(SEG_BASE)) >>> 0
    const bytes = readLinear(this.machine, linear, MAXIMUM_LENGTH) ?? new Uint8Array()
    const bits = (cpu.state.cs.rights & MODE_CODE32) !== 0 ? 32 : 16
    const { text, length } = bytes.length > 0 ? this.help.disassemble(bytes, cpu.eip, bits) : { text: '?', length: 0 }
    const code = Array.from(bytes.subarray(0, length), byte => hex(byte, 2)).join(' ')
    const symbols = this.help.symbols()
    const place = cpu.cpl !== 3 && symbols.at(linear) ? ` ; ${symbols.describe(linear)}` : ''
    this.line(`${hex(cell(SEG_SELECTOR), 4)}:${hex(cpu.eip, 8)} ${code.padEnd(CODE_WIDTH)} ${text}${place}`)
  }
}

const hex = (n: number, digits: number) => (n >>> 0).toString(16).padStart(digits, '0')
