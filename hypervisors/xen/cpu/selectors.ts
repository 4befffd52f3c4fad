// Segment registers loaded on the guest's behalf: descriptors from its tables, with the checks of a return to it (SDM
// vol. 2, IRET). The accessed bit is set in the guest's own table, as the processor does.

import type { Vcpu } from '../../hypervisor.js'
import type { Domain } from '../domain.js'
import { RESERVED_DESCRIPTORS } from '../layout.js'
import { CS, GP, NP, SF, SS } from './registers.js'

const ACCESSED = 0x100
const PRESENT = 0x8000
const CODE_OR_DATA = 0x1000
const CODE = 0x800
const WRITABLE = 0x200
const CONFORMING = 0x400
const GRANULAR = 0x800000
const RESERVED_PAGE = 14

interface Descriptor {
  readonly low: number
  readonly high: number
}

/** The descriptor of a selector; undefined where there is none. */
export function descriptorOf(domain: Domain, selector: number): Descriptor | undefined {
  const index = selector >>> 3
  const { memory } = domain
  if ((selector & 4) !== 0) {
    if (index >= domain.ldt.entries) return undefined
    const address = domain.guest.translate((domain.ldt.base + 8 * index) >>> 0, false)
    return address < 0 ? undefined : read(address)
  }
  if (index >>> 9 === RESERVED_PAGE) {
    const found = RESERVED_DESCRIPTORS.find(([reserved]) => reserved === (selector & 0xfff8))
    return found && { low: found[1], high: found[2] }
  }
  const frame = domain.gdtFrames[index >>> 9]
  return frame === undefined ? undefined : read(frame * 4096 + (index & 511) * 8)

  function read(address: number): Descriptor {
    const at = address >>> 2
    const high = memory.u32[at + 1]!
    const usable = (high & (PRESENT | CODE_OR_DATA)) === (PRESENT | CODE_OR_DATA)
    if (usable && (high & ACCESSED) === 0) memory.u32[at + 1] = high | ACCESSED
    return { low: memory.u32[at]!, high: usable ? high | ACCESSED : high }
  }
}

function set(vcpu: Vcpu, register: number, selector: number, { low, high }: Descriptor) {
  const limit = (low & 0xffff) | (high & 0xf0000)
  vcpu.setSegment(register, {
    selector,
    base: ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0,
    limit: ((high & GRANULAR) !== 0 ? limit * 4096 + 0xfff : limit) >>> 0,
    rights: (high >>> 8) & 0xf0ff,
  })
}

/** Why a selector cannot be loaded: the exception, and the selector as its error code. */
export interface SelectorFault {
  readonly vector: number
  readonly error: number
}

/**
 * Loads CS, and CPL with it, and SS. Where a descriptor does not allow that at the level of the code selector's RPL, it
 * answers what IRET meets, and nothing has changed.
 */
export function loadCodeAndStack(vcpu: Vcpu, domain: Domain, code: number, stack: number): SelectorFault | undefined {
  const level = code & 3
  const refuse = (selector: number, vector = GP) => ({ vector, error: selector & 0xfffc })
  const codeDescriptor = descriptorOf(domain, code)
  if (!codeDescriptor || (codeDescriptor.high & (CODE_OR_DATA | CODE)) !== (CODE_OR_DATA | CODE)) return refuse(code)
  const codeLevel = (codeDescriptor.high >>> 13) & 3
  if ((codeDescriptor.high & CONFORMING) !== 0 ? codeLevel > level : codeLevel !== level) return refuse(code)
  if ((codeDescriptor.high & PRESENT) === 0) return refuse(code, NP)
  const stackDescriptor = descriptorOf(domain, stack)
  const isStack =
    stackDescriptor && (stackDescriptor.high & (CODE_OR_DATA | CODE | WRITABLE)) === (CODE_OR_DATA | WRITABLE)
  if (!isStack || (stack & 3) !== level || ((stackDescriptor.high >>> 13) & 3) !== level) return refuse(stack)
  if ((stackDescriptor.high & PRESENT) === 0) return refuse(stack, SF)
  set(vcpu, CS, code, codeDescriptor)
  set(vcpu, SS, stack, stackDescriptor)
  return undefined
}

/** Loads CS alone, for an entry at the same level. */
export function loadCode(vcpu: Vcpu, domain: Domain, code: number): boolean {
  const descriptor = descriptorOf(domain, code)
  const isCode = descriptor && (descriptor.high & (PRESENT | CODE_OR_DATA | CODE)) === (PRESENT | CODE_OR_DATA | CODE)
  if (!isCode || ((descriptor.high >>> 13) & 3) !== (code & 3)) return false
  set(vcpu, CS, code, descriptor)
  return true
}
