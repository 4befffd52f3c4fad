// Engines by name: the one place that knows all of them.

import type { Cpu } from '../cpu/cpu.js'
import type { CpuModel } from '../cpu/models.js'
import { Decoder } from '../isa/decode.js'
import { procedures } from '../semantics/procedures.js'
import { Blocks, type Thresholds } from './blocks.js'
import { CodeCache } from './code-cache.js'
import type { CoreLayout } from './core.js'
import { coreCode } from './core-code.js'
import { type Core, instantiateCore } from './core-instance.js'
import { decoderFeatures } from './decoder-features.js'
import type { Engine } from './execution.js'
import { Interpreter } from './interpreter.js'
import { Reference } from './reference.js'

export type EngineName = 'reference' | 'interpreter' | 'blocks'
export const engineNames: readonly EngineName[] = ['reference', 'interpreter', 'blocks']

const signatures = new Map(Object.entries(procedures))
let compiled: { module: WebAssembly.Module; layout: CoreLayout } | undefined

/** The core, compiled once for the process. */
export function compiledCore(): { module: WebAssembly.Module; layout: CoreLayout } {
  if (!compiled) {
    const { bytes, layout } = coreCode()
    compiled = { module: new WebAssembly.Module(bytes), layout }
  }
  return compiled
}

/** Makes an engine over a CPU. `thresholds` matter to `blocks` only. */
export function makeEngine(
  name: EngineName,
  cpu: Cpu,
  memory: WebAssembly.Memory,
  model: CpuModel,
  thresholds?: Thresholds,
): Engine {
  const features = decoderFeatures(model)
  if (name === 'reference') return new Reference(cpu, features)
  const { module, layout } = compiledCore()
  const core: Core = instantiateCore(module, layout, memory, cpu)
  const cache = new CodeCache(cpu, new Decoder(), features)
  if (name === 'interpreter') return new Interpreter(cpu, core, cache)
  return new Blocks(cpu, core, cache, memory, signatures, thresholds)
}
