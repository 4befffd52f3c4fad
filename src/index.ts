// The library (CONTRACT 5). Everything a program that embeds previrt may use is exported here.

import { cpuModel } from './cpu/models.js'
import type { BlockStorage } from './devices/block-storage.js'
import type { EngineName } from './engine/engines.js'
import { loadLinux } from './loader/linux.js'
import { loadMultiboot } from './loader/multiboot.js'
import { enter } from './machine/entry.js'
import { Machine } from './machine/machine.js'
import { PersonalComputer } from './machine/personal-computer.js'
import { type CpuConfig, SingleCpu } from './machine/single-cpu.js'

export type { CpuState, MsrState, PartialState, SegmentState, TableState, X87State } from './cpu/state.js'
export type { BlockStorage } from './devices/block-storage.js'
export { MemoryStorage } from './devices/block-storage.js'
export type { EngineName } from './engine/engines.js'
export type { PageRights } from './machine/linear-pages.js'
export type { RunResult } from './machine/machine.js'
export type { MachineEvents, PersonalComputer } from './machine/personal-computer.js'
export type { CpuConfig, SingleCpu, StepOptions, StepResult } from './machine/single-cpu.js'

/**
 * A CPU without a PC around it. It starts in flat 32-bit protected mode at CPL 0 with SSE enabled, EIP 0 and nothing
 * mapped; `state` makes it anything else, real and virtual-8086 mode too.
 * @throws Error for an unknown model or engine, naming those there are; RangeError for `memory` outside 4 KiB to 1 GiB
 */
export function createCpu(config: CpuConfig = {}): SingleCpu {
  return new SingleCpu(config)
}

/** What a PC is made of and what it starts with. */
export interface MachineOptions {
  /** Guest memory in bytes, 1 MiB to 1 GiB in steps of 4 KiB. Default 128 MiB. */
  readonly memory?: number
  /** A model of cpu/models.ts. Default pentium3. */
  readonly model?: string
  /** Which engine executes; all give the same results. Default blocks. */
  readonly engine?: EngineName
  /** What stands behind the IDE disk; without it there is none. */
  readonly disk?: BlockStorage
  /** A vmlinux or bzImage, to be entered by the 32-bit boot protocol. */
  readonly linux?: { readonly kernel: Uint8Array; readonly initrd?: Uint8Array; readonly commandLine?: string }
  /** A multiboot kernel and its modules. */
  readonly multiboot?: {
    readonly kernel: Uint8Array
    readonly modules?: readonly Uint8Array[]
    readonly commandLine?: string
  }
}

const DEFAULT_MEMORY_BYTES = 128 << 20

/**
 * A whole PC. Without `linux` and `multiboot` it stands at the reset vector; `write` and `state` can put a guest there.
 *
 * ```ts
 * const machine = createMachine({ linux: { kernel, initrd, commandLine: 'console=ttyS0 panic=-1' } })
 * machine.on('console', bytes => process.stdout.write(bytes))
 * const { kind } = machine.run()
 * ```
 * @throws Error for an unknown model or engine; LoadError for files that are no kernel or too large; RangeError for `memory`
 */
export function createMachine(options: MachineOptions = {}): PersonalComputer {
  const { memory = DEFAULT_MEMORY_BYTES, model = 'pentium3', engine = 'blocks', disk, linux, multiboot } = options
  const machine = new Machine({ memory, model: cpuModel(model), engine, disk, testDevice: multiboot !== undefined })
  if (linux) {
    const { kernel, initrd, commandLine = '' } = linux
    const files = {
      kernel: { file: 'kernel', bytes: kernel },
      ...(initrd && { initrd: { file: 'initrd', bytes: initrd } }),
    }
    enter(machine.cpu, loadLinux(machine.memory, { ...files, commandLine }).entry)
  } else if (multiboot) {
    const { kernel, modules = [], commandLine = '' } = multiboot
    const files = modules.map((bytes, i) => ({ file: `module ${i}`, bytes }))
    const loaded = { kernel: { file: 'kernel', bytes: kernel }, modules: files, commandLine }
    enter(machine.cpu, loadMultiboot(machine.memory, loaded))
  }
  return new PersonalComputer(machine)
}
