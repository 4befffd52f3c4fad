// CPUID behind Xen's prefix (0F 0B 78 65 6E): what the hypervisor shows a guest, and its own leaves from 0x40000000 on
// (xen/include/public/arch-x86/cpuid.h). Without the prefix the instruction goes to the processor.

import { isFault, type Vcpu } from '../../hypervisor.js'
import { CS, EAX, EBX, ECX, EDX } from './registers.js'

const PREFIX = [0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2]
const PREFIX_BYTES = 5
const OWN_LEAVES = 0x40000000
const OWN_LEAVES_LAST = 0x40000005
const OWN_LEAVES_END = 0x40000200
/** The time-stamp counter's, and what makes nanoseconds of it: (count << 1) * 2^31 >> 32. */
const KILOHERTZ = 1_000_000
const NANOSECOND_MULTIPLIER = 0x80000000
const NANOSECOND_SHIFT = 1
const PAGE_BITS = 12
// Features in EDX of leaf 1 that a guest does not have: VME, PSE, APIC, MTRR, PGE, PSE-36.
const HIDDEN = (1 << 1) | (1 << 3) | (1 << 9) | (1 << 12) | (1 << 13) | (1 << 17)
const HYPERVISOR_PRESENT = 0x80000000

/** True when the instruction at EIP, which has met #UD, was such a CPUID; EIP is behind it then. */
export function forcedCpuid(vcpu: Vcpu, version: number, frames: number): boolean {
  const { base } = vcpu.segment(CS)
  const matches = PREFIX.every((byte, i) => {
    const found = vcpu.load((base + vcpu.eip + i) >>> 0, 1, vcpu.cpl === 3)
    return !isFault(found) && found === byte
  })
  if (!matches) return false
  const leaf = vcpu.register(EAX)
  if (leaf >= OWN_LEAVES && leaf < OWN_LEAVES_END) {
    const values = ownLeaf(leaf - OWN_LEAVES, vcpu.register(ECX), version, frames)
    ;[EAX, EBX, ECX, EDX].forEach((register, i) => {
      vcpu.setRegister(register, values[i]!)
    })
    vcpu.eip += PREFIX.length
    return true
  }
  vcpu.eip += PREFIX_BYTES
  vcpu.execute()
  if (leaf === 1) {
    vcpu.setRegister(EDX, (vcpu.register(EDX) & ~HIDDEN) >>> 0)
    vcpu.setRegister(ECX, (vcpu.register(ECX) | HYPERVISOR_PRESENT) >>> 0)
  }
  return true
}

const NOTHING = [0, 0, 0, 0]

/** EAX, EBX, ECX, EDX of one of the hypervisor's own leaves. */
function ownLeaf(leaf: number, part: number, version: number, frames: number): readonly number[] {
  switch (leaf) {
    case 0:
      return [OWN_LEAVES_LAST, 0x566e6558, 0x65584d4d, 0x4d4d566e]
    case 1:
      return [version, 0, 0, 0]
    case 2:
      // One page of hypercalls, the register that places it, and that mmu_update preserves accessed and dirty bits.
      return [1, OWN_LEAVES, 1, 0]
    case 3:
      // Time: the counter is not emulated.
      if (part === 0) return [0, 0, KILOHERTZ, 0]
      if (part === 1) return [0, 0, NANOSECOND_MULTIPLIER, NANOSECOND_SHIFT]
      return part === 2 ? [KILOHERTZ, 0, 0, 0] : NOTHING
    case 5:
      // Bits of a machine address.
      return part === 0 ? [0, PAGE_BITS + 32 - Math.clz32(frames - 1), 0, 0] : NOTHING
    default:
      return NOTHING
  }
}
