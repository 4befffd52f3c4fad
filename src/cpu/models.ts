// Named CPU models: what CPUID answers and, by the same bits, what decodes and which control bits exist (SDM vol. 2
// CPUID, tables 3-8 to 3-12; vol. 3, 22 for the older processors). The one table of them.

// Feature bits: CPUID leaf 1, EDX.
export const FPU = 1 << 0
export const DE = 1 << 2
export const PSE = 1 << 3
export const TSC = 1 << 4
export const MSR = 1 << 5
export const PAE = 1 << 6
export const CX8 = 1 << 8
export const APIC = 1 << 9
export const SEP = 1 << 11
export const PGE = 1 << 13
export const CMOV = 1 << 15
export const PAT = 1 << 16
export const PSE36 = 1 << 17
export const CLFSH = 1 << 19
export const MMX = 1 << 23
export const FXSR = 1 << 24
export const SSE = 1 << 25
export const SSE2 = 1 << 26

export interface CpuModel {
  readonly name: string
  /** Instruction-set generation: 3 for the 80386, 4, 5, 6; 15 for the Pentium 4. */
  readonly generation: number
  /** EAX of CPUID leaf 1, and EDX after reset: family, model, stepping. */
  readonly signature: number
  /** EDX of CPUID leaf 1. */
  readonly features: number
  /** Cache and TLB descriptors of CPUID leaf 2: EAX EBX ECX EDX. */
  readonly leaf2: readonly [number, number, number, number]
  /** CPUID exists (EFLAGS.ID can be changed). */
  readonly hasCpuid: boolean
  /** Brand string, at most 47 bytes; empty: no extended leaves. */
  readonly brand: string
  /** CR0 bits that can be changed. */
  readonly cr0: number
  /** CR4 bits that exist; 0: no CR4. */
  readonly cr4: number
  /** EFLAGS bits that exist outside the six arithmetic flags. */
  readonly eflags: number
}

const CR4_OF: readonly (readonly [number, number])[] = [
  [TSC, 0x4],
  [DE, 0x8],
  [PSE, 0x10],
  [PAE, 0x20],
  [PGE, 0x80],
  [FXSR, 0x200],
  [SSE, 0x400],
]

function model(
  name: string,
  generation: number,
  signature: number,
  features: number,
  leaf2: CpuModel['leaf2'],
  brand = '',
): CpuModel {
  let cr4 = generation >= 6 ? 0x100 : 0
  for (const [feature, bit] of CR4_OF) if ((features & feature) !== 0) cr4 |= bit
  const hasCpuid = generation >= 5
  return {
    name,
    generation,
    signature,
    features,
    leaf2,
    hasCpuid,
    brand,
    cr0: generation === 3 ? 0x8000000f | 0 : 0xe005003f | 0,
    cr4: generation >= 5 ? cr4 : 0,
    eflags: generation === 3 ? 0x3ffd7 : generation === 4 ? 0x7ffd7 : 0x3fffd7,
  }
}

const P6 = FPU | TSC | MSR | CX8 | CMOV | MMX | FXSR | SSE
const NONE = [0, 0, 0, 0] as const
const P6_CACHES = [0x03020101, 0, 0, 0x0c040843] as const

/** All models by name. */
export const models: Readonly<Record<string, CpuModel>> = {
  '386': model('386', 3, 0x0308, FPU, NONE),
  '486': model('486', 4, 0x0404, FPU, NONE),
  'previrt-guest': model('previrt-guest', 6, 0x0695, P6 | SSE2, P6_CACHES, 'previrt virtual CPU'),
  pentium3: model('pentium3', 6, 0x0683, P6 | SEP | PSE | PGE, P6_CACHES),
  pentium4: model(
    'pentium4',
    15,
    0x0f29,
    P6 | SSE2 | SEP | PSE | PGE | PAE | PSE36 | APIC | PAT | CLFSH,
    [0x665b5001, 0, 0, 0x007b7040],
    'previrt Pentium 4 class CPU',
  ),
}

/** The model of this name. Throws an error that lists the names there are. */
export function cpuModel(name: string): CpuModel {
  const found = Object.hasOwn(models, name) ? models[name] : undefined
  if (found) return found
  throw new Error(`unknown CPU model '${name}': use one of ${Object.keys(models).join(', ')}`)
}
