// The feature words of Linux 6.1 on i386 (x86_capability, struct cpuinfo_x86) as the kernel will compute them on a
// processor of ours: CPUID leaves word by word, plus the synthetic bits that its identification of an Intel processor
// sets. A configuration without CPU mitigations is assumed, so that no mitigation and no bug bit is set. Left out: other
// vendors, XSAVE, and features that the command line switches off (clearcpuid=, nofxsr).

/** Registers that CPUID returns; 32 bits each. */
export interface CpuidResult {
  readonly eax: number
  readonly ebx: number
  readonly ecx: number
  readonly edx: number
}

/** CPUID of a processor model. Leaves above the highest one are not asked for. */
export type Cpuid = (leaf: number, subleaf: number) => CpuidResult

const FEATURE_WORDS = 22
const SYNTHETIC_WORD = 3
const SYNTHETIC_PENTIUM_3 = 1 << 6
const SYNTHETIC_PENTIUM_4 = 1 << 7
const SYNTHETIC_LFENCE_RDTSC = 1 << 18
const SYNTHETIC_ALWAYS = 1 << 21
const SYNTHETIC_CPUID = 1 << 25
const EDX_SEP = 1 << 11
const EDX_FXSR = 1 << 24
const EDX_SSE = 1 << 25
const EDX_SSE2 = 1 << 26
/** Family, model and stepping from which SEP is believed (Pentium II, model 3, stepping 3). */
const FIRST_TRUE_SEP = 0x633

/** Which word of x86_capability comes from which CPUID leaf and register. */
const SOURCES: readonly (readonly [word: number, leaf: number, subleaf: number, register: keyof CpuidResult])[] = [
  [0, 0x1, 0, 'edx'],
  [1, 0x80000001, 0, 'edx'],
  [4, 0x1, 0, 'ecx'],
  [6, 0x80000001, 0, 'ecx'],
  [9, 0x7, 0, 'ebx'],
  [10, 0xd, 1, 'eax'],
  [13, 0x80000008, 0, 'ebx'],
  [14, 0x6, 0, 'eax'],
  [16, 0x7, 0, 'ecx'],
  [17, 0x80000007, 0, 'ebx'],
  [18, 0x7, 0, 'edx'],
]

/** The 22 feature words, bit b of word w being the kernel's feature w*32+b. */
export function linuxFeatures(cpuid: Cpuid): Uint32Array {
  const words = new Uint32Array(FEATURE_WORDS)
  const highest = { basic: cpuid(0, 0).eax >>> 0, extended: cpuid(0x80000000, 0).eax >>> 0 }
  const extended = highest.extended >>> 16 === 0x8000 ? highest.extended : 0
  for (const [word, leaf, subleaf, register] of SOURCES) {
    if (leaf <= (leaf >= 0x80000000 ? extended : highest.basic)) words[word] = cpuid(leaf, subleaf)[register]
  }
  const signature = cpuid(1, 0).eax
  const family = (signature >>> 8) & 15
  const familyModelStepping = (family << 8) | (((signature >>> 4) & 15) << 4) | (signature & 15)
  let basic = words[0]!
  if (familyModelStepping < FIRST_TRUE_SEP) basic &= ~EDX_SEP
  if ((basic & EDX_FXSR) === 0) basic &= ~(EDX_SSE | EDX_SSE2)
  words[0] = basic
  let synthetic = SYNTHETIC_ALWAYS | SYNTHETIC_CPUID
  if (family === 6) synthetic |= SYNTHETIC_PENTIUM_3
  if (family === 15) synthetic |= SYNTHETIC_PENTIUM_4
  if ((basic & EDX_SSE2) !== 0) synthetic |= SYNTHETIC_LFENCE_RDTSC
  words[SYNTHETIC_WORD] = synthetic
  return words
}
