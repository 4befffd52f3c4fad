// The library. Everything a program that embeds previrt may use is exported here.

import { GuestMachine, type GuestMachineConfig } from './machine/guest-machine.js'
import { type CpuConfig, SingleCpu } from './machine/single-cpu.js'

export type { CpuState, MsrState, PartialState, SegmentState, TableState, X87State } from './cpu/state.js'
export type { EngineName } from './engine/engines.js'
export type { ChosenClasses, InterceptAnswer, InterceptEvent } from './engine/interception.js'
export { type LinuxLoad, type LinuxOptions, loadLinux } from './loader/linux.js'
export { loadMultiboot } from './loader/multiboot.js'
export type { GuestMachine, GuestMachineConfig, MachineConsole } from './machine/guest-machine.js'
export type { PageRights } from './machine/linear-pages.js'
export type { RunResult } from './machine/machine.js'
export type { CpuConfig, SingleCpu, StepOptions, StepResult } from './machine/single-cpu.js'

/**
 * A CPU without a PC around it. It starts in flat 32-bit protected mode at CPL 0 with SSE enabled, EIP 0 and nothing
 * mapped; `state` makes it anything else, real and virtual-8086 mode too.
 * @throws Error for an unknown model or engine, naming those there are; RangeError for `memory` outside 4 KiB to 1 GiB
 */
export function createCpu(config: CpuConfig = {}): SingleCpu {
  return new SingleCpu(config)
}

/**
 * A whole PC, powered on: real mode at the reset vector, until `enter` or `state` says otherwise. Virtual time is the
 * count of retired instructions, so equal guests run equally on every host and every engine.
 * @throws Error for an unknown model or engine, naming those there are; RangeError for `memory` that cannot be had
 */
export function createMachine(config: GuestMachineConfig = {}): GuestMachine {
  return new GuestMachine(config)
}
