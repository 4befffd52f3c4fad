// What a CPU model's CPUID bits mean to the decoder (SDM vol. 2, CPUID leaf 1): instructions outside them are #UD.

import { MODE_CODE32, MODE_FLAT, MODE_PROTECTED, MODE_V86 } from '../cpu/mode.js'
import type { CpuModel } from '../cpu/models.js'
import * as M from '../cpu/models.js'
import type { DecodeMode } from '../isa/decode.js'
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

/** How code is decoded under a value of MODE, by a CPU with these decoder features. */
export function decodeModeOf(mode: number, features: number): DecodeMode {
  const system = (mode & MODE_PROTECTED) !== 0 && (mode & MODE_V86) === 0
  return {
    code32: (mode & MODE_CODE32) !== 0,
    flat: (mode & MODE_FLAT) !== 0,
    features: features | (system ? F.PROTECTED : 0),
  }
}
