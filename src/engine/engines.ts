// Engines by name: the one place that knows all of them.

import type { Cpu } from '../cpu/cpu.js'
import type { CpuModel } from '../cpu/models.js'
import * as M from '../cpu/models.js'
import { Decoder } from '../isa/decode.js'
import * as F from '../isa/features.js'
import { procedures } from '../semantics/procedures.js'
import { Blocks } from './blocks.js'
import { CodeCache } from './code-cache.js'
import type { CoreLayout } from './core.js'
import { coreCode } from './core-code.js'
import { type Core, instantiateCore } from './core-instance.js'
import type { Engine } from './execution.js'
import { Interpreter } from './interpreter.js'

export type EngineName = 'reference' | 'interpreter' | 'blocks'
export const engineNames: readonly EngineName[] = ['reference', 'interpreter', 'blocks']

/** Decoder features of a CPU model. */
export function decoderFeatures(model: CpuModel): number {
  let bits = 0
  for (const [cpuid, feature] of [
    [M.FPU, F.FPU],
    [M.TSC, F.TSC],
    [M.MSR, F.MSR],
    [M.CX8, F.CX8],
    [M.SEP, F.SEP],
    [M.CMOV, F.CMOV],
    [M.CLFSH, F.CLFSH],
    [M.MMX, F.MMX],
    [M.FXSR, F.FXSR],
    [M.SSE, F.SSE],
    [M.SSE2, F.SSE2],
  ] as const)
    if (model.features & cpuid) bits |= feature
  return bits
}

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

/** Makes an engine over a CPU. The reference engine needs no core of its own. */
export function makeEngine(name: EngineName, cpu: Cpu, memory: WebAssembly.Memory, model: CpuModel): Engine {
  const { module, layout } = compiledCore()
  const core: Core = instantiateCore(module, layout, memory, cpu)
  const cache = new CodeCache(cpu, new Decoder(), decoderFeatures(model))
  if (name === 'interpreter') return new Interpreter(cpu, core, cache)
  return new Blocks(cpu, core, cache, memory, signatures)
}
