// Makes the core module run over a machine's linear memory. V8 compiles it lazily and with its default tiers: compiling
// it all, or only the run loop, with the optimizing compiler at once costs as much CPU time of a boot as it saves.

import type { Cpu } from '../cpu/cpu.js'
import { helpers } from '../cpu/helpers.js'
import * as L from '../cpu/layout.js'
import type { CoreLayout } from './core.js'

/** The exports of the core that engines call. */
export interface Core {
  /** Runs from a record on; returns EXIT_* (record.ts). */
  run(record: number): number
  /** Executes the instruction of one record by its handler number; returns DONE_*. */
  step(record: number, handler: number): number
  readonly table: WebAssembly.Table
  readonly layout: CoreLayout
  /** Called where LEAVING is an exit of a region that goes on in the one at EIP, and might be linked to it. */
  onLink: () => void
  /** Called by a region before it stores to bytes at a host address beside decoded code: false leaves it to the run loop. */
  onChange: (hostAddress: number, bytes: number) => boolean
  /** All exports, for modules that import slow paths and procedures. */
  readonly exports: WebAssembly.Exports
}

/** Instantiates compiled core code for a CPU. Throws when a helper that the core imports does not exist. */
export function instantiateCore(
  module: WebAssembly.Module,
  layout: CoreLayout,
  memory: WebAssembly.Memory,
  cpu: Cpu,
): Core {
  const { i32 } = cpu
  const imports: Record<string, WebAssembly.ImportValue> = {
    memory,
    load_miss: (linear: number, width: number, willWrite: number) => cpu.loadSlow(linear >>> 0, width, willWrite),
    store_miss: (linear: number, width: number, value: number) => cpu.storeSlow(linear >>> 0, width, value),
    link: () => core.onLink(),
    change_code: (host: number, bytes: number) => Number(core.onChange(host, bytes)),
    store_miss_hot: (linear: number, width: number, value: number) => storeFromHotCode(cpu, linear >>> 0, width, value),
  }
  const table = helpers as Readonly<Record<string, (cpu: Cpu, ...args: number[]) => number>>
  for (const name of Object.keys(layout.helpers)) {
    const helper = table[name]
    if (!helper) throw new Error(`no helper ${name}`)
    imports[`helper_${name}`] = bind(helper, cpu, layout.helpers[name]!)
  }
  i32[L.FAULT >> 2] = 0
  const { exports } = new WebAssembly.Instance(module, { m: imports })
  cpu.deliverQuick = exports.procedure_deliver_quick as Cpu['deliverQuick']
  const core: Core = {
    onLink: () => {},
    onChange: () => false,
    run: exports.run as Core['run'],
    step: exports.step as Core['step'],
    table: exports.table as WebAssembly.Table,
    layout,
    exports,
  }
  return core
}

function bind(helper: (cpu: Cpu, ...args: number[]) => number, cpu: Cpu, count: number): WebAssembly.ImportValue {
  switch (count) {
    case 0:
      return () => helper(cpu)
    case 1:
      return (a: number) => helper(cpu, a)
    case 2:
      return (a: number, b: number) => helper(cpu, a, b)
    case 3:
      return (a: number, b: number, c: number) => helper(cpu, a, b, c)
    default:
      return (...args: number[]) => helper(cpu, ...args)
  }
}

/** A store that hot code could not do itself. Where it would change code it is left to the cold engine. */
function storeFromHotCode(cpu: Cpu, linear: number, width: number, value: number) {
  const { i32 } = cpu
  const wide = width > 4 ? cpu.u8.slice(L.SCRATCH, L.SCRATCH + width) : undefined
  cpu.loadSlow(linear, width, 1)
  if (cpu.faulted) return
  for (const at of [linear, (linear + width - 1) >>> 0]) {
    const entry = i32[(i32[L.TLB_WRITE >> 2]! >> 2) + (at >>> 12)]!
    const host = (at + entry + L.TLB_VALID - L.TLB_CODE) >>> 0
    if ((entry & 0xfff) === (L.TLB_VALID | L.TLB_CODE) && cpu.u8[L.CODE_MAP + (host >>> 6)] !== 0) {
      i32[L.FAULT >> 2] = L.CHANGES_CODE
      return
    }
  }
  if (wide) cpu.u8.set(wide, L.SCRATCH)
  cpu.storeSlow(linear, width, value)
}
