// What a processor must have for an instruction to exist: bits of DecodeMode.features (SDM vol. 2, CPUID leaf 1).
// INTEL486 and CPUID follow from the generation. PROTECTED is set in protected mode outside virtual-8086 mode, where
// alone LLDT, LAR, ARPL and their like exist.

export const FPU = 1 << 0
export const TSC = 1 << 1
export const MSR = 1 << 2
export const CX8 = 1 << 3
export const SEP = 1 << 4
export const CMOV = 1 << 5
export const CLFSH = 1 << 6
export const MMX = 1 << 7
export const FXSR = 1 << 8
export const SSE = 1 << 9
export const SSE2 = 1 << 10
export const PROTECTED = 1 << 11
/** What the 80486 added: BSWAP, XADD, CMPXCHG, INVD, WBINVD, INVLPG. */
export const INTEL486 = 1 << 12
export const CPUID = 1 << 13

/** Everything the decoder knows but PROTECTED. */
export const ALL_FEATURES = FPU | TSC | MSR | CX8 | SEP | CMOV | CLFSH | MMX | FXSR | SSE | SSE2 | INTEL486 | CPUID

/** Bits by the names that the opcode tables use in their section headers. */
export const featureBits: Readonly<Record<string, number>> = {
  FPU,
  TSC,
  MSR,
  CX8,
  SEP,
  CMOV,
  CLFSH,
  MMX,
  FXSR,
  SSE,
  SSE2,
  PROTECTED,
  INTEL486,
  CPUID,
}
