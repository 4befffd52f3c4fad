// The library (CONTRACT 5). Everything a program that embeds previrt may use is exported here.

import { type CpuConfig, SingleCpu } from './machine/single-cpu.js'

export type { CpuState, MsrState, PartialState, SegmentState, TableState, X87State } from './cpu/state.js'
export type { EngineName } from './engine/engines.js'
export type { PageRights } from './machine/linear-pages.js'
export type { CpuConfig, SingleCpu, StepOptions, StepResult } from './machine/single-cpu.js'

/**
 * A CPU without a PC around it. It starts in flat 32-bit protected mode at CPL 0 with SSE enabled, EIP 0 and nothing
 * mapped; `state` makes it anything else, real and virtual-8086 mode too.
 * @throws Error for an unknown model or engine, naming those there are; RangeError for `memory` outside 4 KiB to 1 GiB
 */
export function createCpu(config: CpuConfig = {}): SingleCpu {
  return new SingleCpu(config)
}
