// Hypercall xen_version (17): who the hypervisor is and what it can do (xen/include/public/version.h).

import type { Domain } from './domain.js'
import { EINVAL, ENODATA, ENOSYS, EPERM } from './errors.js'
import { HYPERVISOR_START } from './layout.js'
import { CONTROL_DOMAIN, PAE_ABOVE_4GB, type Profile } from './profile.js'
import { EXTENDED_CR3 } from './vm-assist.js'

const VERSION = 0
const EXTRA_VERSION = 1
const COMPILE_INFO = 2
const CAPABILITIES = 3
const CHANGESET = 4
const PLATFORM = 5
const FEATURES = 6
const PAGE_SIZE = 7
const GUEST_HANDLE = 8
const COMMAND_LINE = 9
const BUILD_ID = 10

const encoder = new TextEncoder()

/** A text in a field of `bytes` bytes. */
function field(text: string, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes)
  out.set(encoder.encode(text).subarray(0, bytes - 1))
  return out
}

/** The hypercall. */
export function xenVersion(domain: Domain, profile: Profile, command: number, at: number): number {
  const { guest } = domain
  const put = (bytes: Uint8Array) => {
    guest.setBytes(at, bytes)
    return 0
  }
  switch (command) {
    case VERSION:
      return profile.version
    case EXTRA_VERSION:
      return put(field(profile.extraVersion, 16))
    case COMPILE_INFO:
      return put(Uint8Array.of(...field('TypeScript', 64), ...field('previrt', 16), ...field('', 32), ...field('', 32)))
    case CAPABILITIES:
      return put(field(profile.capabilities, 1024))
    case CHANGESET:
      return put(field('', 64))
    case PLATFORM:
      guest.setWord(at, HYPERVISOR_START)
      return 0
    case FEATURES:
      if (guest.word(at) !== 0) return EINVAL
      guest.setWord(at + 4, featuresOf(domain, profile))
      return 0
    case PAGE_SIZE:
      return at === 0 ? 4096 : EINVAL
    case GUEST_HANDLE:
      guest.setBytes(at, new Uint8Array(16))
      return 0
    case COMMAND_LINE:
      return put(domain.privileged ? field('', 1024) : field('<denied>', 9))
    case BUILD_ID:
      return domain.privileged ? ENODATA : EPERM
    default:
      return ENOSYS
  }
}

/** Submap 0 of the features: that tables may lie above 4 GiB is a treatment that the guest may turn off. */
function featuresOf({ privileged, assists }: Domain, { features }: Profile): number {
  const high = (assists & EXTENDED_CR3) === 0 ? features & ~PAE_ABOVE_4GB : features
  return high | (privileged ? CONTROL_DOMAIN : 0)
}
