// Hypercall physdev_op (33): I/O privilege and port bitmap of any domain; interrupts and devices of the control domain, as
// far as one without devices of its own needs them (xen/include/public/physdev.h).

import type { Domain } from './domain.js'
import { EINVAL, ENOSYS, EPERM } from './errors.js'
import { HYPERVISOR_START } from './layout.js'

const UNMASK_NOTIFY = 4
const STATUS_QUERY = 5
const SET_IOPL = 6
const SET_BITMAP = 7
const APIC_READ = 8
const APIC_WRITE = 9
const ALLOCATE_VECTOR = 10
const FREE_VECTOR = 11
const END_OF_INTERRUPT = 12
const MAP_PIRQ = 13
const UNMAP_PIRQ = 14
const MANAGE_PCI_ADD = 15
const MANAGE_PCI_REMOVE = 16
const MANAGE_PCI_ADD_EXT = 20
const SETUP_GSI = 21
const FREE_PIRQ = 23
const MMCFG_RESERVED = 24
const PCI_DEVICE_ADD = 25
const PCI_DEVICE_REMOVE = 26

const PIRQS = 256
/** The guest has to say when it is through with an interrupt. */
const NEEDS_END = 1
const BITMAP_BYTES = 8192
const FIRST_FREE_PIRQ = 16
const ANY_PIRQ = -1

/** The hypercall. */
export function physdevOp(domain: Domain, command: number, at: number): number {
  const { guest } = domain
  const forControlDomain = (result: () => number) => {
    guest.word(at)
    return domain.privileged ? result() : EPERM
  }
  switch (command) {
    case STATUS_QUERY:
      if (guest.word(at) >= PIRQS) return EINVAL
      guest.setWord(at + 4, NEEDS_END)
      return 0
    case UNMASK_NOTIFY:
      return 0
    case SET_IOPL: {
      const iopl = guest.word(at)
      if (iopl > 3) return EINVAL
      domain.iopl = iopl
      return 0
    }
    case SET_BITMAP: {
      const ports = guest.word(at + 4)
      if (ports > 0x10000 || guest.word(at) > HYPERVISOR_START - BITMAP_BYTES) return EINVAL
      domain.ioBitmap = { address: guest.word(at), ports }
      return 0
    }
    case APIC_READ:
      return forControlDomain(() => {
        guest.setWord(at + 8, 0xffffffff)
        return 0
      })
    case APIC_WRITE:
    case FREE_VECTOR:
      return forControlDomain(() => 0)
    case ALLOCATE_VECTOR:
      return forControlDomain(() => {
        const irq = guest.word(at)
        if (irq >= PIRQS) return EINVAL
        guest.setWord(at + 4, irq)
        return 0
      })
    case END_OF_INTERRUPT:
      return guest.word(at) < PIRQS && domain.privileged ? 0 : EINVAL
    case MAP_PIRQ:
      return forControlDomain(() => {
        const index = guest.word(at + 8) | 0
        const wanted = guest.word(at + 12) | 0
        const pirq = wanted === ANY_PIRQ ? index : wanted
        if (pirq < 0 || pirq >= PIRQS) return EINVAL
        guest.setWord(at + 12, pirq)
        return 0
      })
    case UNMAP_PIRQ:
    case SETUP_GSI:
      return forControlDomain(() => 0)
    case FREE_PIRQ:
      return forControlDomain(() => {
        guest.setWord(at + 4, FIRST_FREE_PIRQ)
        return 0
      })
    case MANAGE_PCI_ADD:
    case MANAGE_PCI_REMOVE:
    case MANAGE_PCI_ADD_EXT:
    case PCI_DEVICE_ADD:
    case PCI_DEVICE_REMOVE:
      return forControlDomain(() => 0)
    case MMCFG_RESERVED:
      return forControlDomain(() => EINVAL)
    default:
      return ENOSYS
  }
}

/** The old form (19): command and union in one structure. */
export const physdevOpCompat = (domain: Domain, at: number): number => physdevOp(domain, domain.guest.word(at), at + 4)
