// Kernels of a few instructions on a whole machine: assembled, entered flat in ring 0 at 0x100000 with a stack, an IDT of
// 256 interrupt gates whose handlers the kernel sets with `gate`, and macros for the console and the end of the run.

import { cpuModel } from '../../src/cpu/models.js'
import { type EngineName, engineNames } from '../../src/engine/engines.js'
import { type EntryState, flatEntry, flatGdt } from '../../src/loader/entry.js'
import { machineDigest } from '../../src/machine/digest.js'
import { enter } from '../../src/machine/entry.js'
import { Machine, type MachineConfig, type RunResult } from '../../src/machine/machine.js'
import { assembleFlat } from '../drivers/flat-code.js'

const CODE = 0x100000
const GDT = 0x1000
const IDT = 0x2000
const STACK = 0x90000
const BUDGET = 2_000_000

const prelude = `
.macro gate vector, handler
  movl $\\handler, %eax
  movw %ax, ${IDT} + 8 * \\vector
  movw $8, ${IDT} + 8 * \\vector + 2
  movw $0x8e00, ${IDT} + 8 * \\vector + 4
  shrl $16, %eax
  movw %ax, ${IDT} + 8 * \\vector + 6
.endm
.macro out port, value
  movw $\\port, %dx
  movb $\\value, %al
  outb %al, %dx
.endm
.macro say character
  out 0xe9, \\character
.endm
.macro finish value
  movl $\\value, %eax
  outl %eax, $0xf4
.endm
/* 8259 pair: vectors 0x20 and 0x28, all requests masked but those given. */
.macro pics master, slave
  out 0x20, 0x11
  out 0xa0, 0x11
  out 0x21, 0x20
  out 0xa1, 0x28
  out 0x21, 4
  out 0xa1, 2
  out 0x21, 1
  out 0xa1, 1
  out 0x21, \\master
  out 0xa1, \\slave
.endm
_start:
`

export interface KernelRun {
  readonly machine: Machine
  readonly result: RunResult
  readonly console: string
}

type Options = Partial<Omit<MachineConfig, 'engine' | 'model'>> & {
  cpu?: string
  prepare?: (machine: Machine) => void
  /** Puts the machine at the kernel's first instruction, perhaps under a hypervisor. */
  start?: (machine: Machine, entry: EntryState) => void
}

/** Runs an assembled kernel on one engine. */
export function runCode(
  code: Uint8Array,
  engine: EngineName,
  { cpu, prepare, start = ({ cpu }, entry) => enter(cpu, entry), ...config }: Options = {},
): KernelRun {
  const thresholds = { hot: 3, batch: 1, urgent: 4 }
  const model = cpuModel(cpu ?? 'pentium4')
  const machine = new Machine({ memory: 4 << 20, model, engine, thresholds, ...config })
  machine.memory.write(GDT, flatGdt(8, 16))
  machine.memory.write(CODE, code)
  let console = ''
  machine.onConsole = byte => {
    console += String.fromCharCode(byte)
  }
  const gdt = { base: GDT, limit: 23 }
  const entry = flatEntry({ eip: CODE, registers: { esp: STACK }, codeSelector: 8, dataSelector: 16, gdt })
  start(machine, { ...entry, idtr: { base: IDT, limit: 0x7ff } })
  prepare?.(machine)
  return { machine, result: machine.run(BUDGET), console }
}

/** The bytes of a kernel, with the macros at its disposal. */
export function assembleKernel(source: string): Uint8Array {
  return assembleFlat(prelude + source, CODE)
}

/** Runs a kernel on every engine and holds all of them to the same end, count and digest. Returns one of the runs. */
export function runKernel(source: string, options: Options = {}): KernelRun {
  const code = assembleKernel(source)
  const runs = engineNames.map(engine => runCode(code, engine, options))
  const outcome = ({ machine, result, console }: KernelRun) => ({
    result,
    console,
    retired: machine.retired,
    by: machine.instructionsBy,
    halted: machine.haltedNanoseconds,
    digest: machineDigest(machine),
  })
  const [reference, ...others] = runs.map(outcome)
  for (const other of others) expect(other).toEqual(reference)
  return runs[0]!
}
