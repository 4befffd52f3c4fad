// What a CPU model's CPUID bits mean to the decoder (SDM vol. 2, CPUID leaf 1): instructions outside them are #UD.

import type { CpuModel } from '../cpu/models.js'
import * as M from '../cpu/models.js'
import * as F from '../isa/features.js'

/** Decoder features of a CPU model. */
export function decoderFeatures(model: CpuModel): number {
  let bits = (model.generation >= 4 ? F.INTEL486 : 0) | (model.hasCpuid ? F.CPUID : 0)
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
