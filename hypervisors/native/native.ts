// No hypervisor: the guest is entered as a boot loader leaves it, at ring 0 of the machine itself, and nothing comes back.

import type { GuestImage, Host, Hypervisor, HypervisorKind, Resume } from '../hypervisor.js'

class Native implements Hypervisor {
  readonly path = 'native'
  readonly profile = undefined
  readonly reserved = []

  constructor(private readonly host: Host) {}

  boot([guest]: readonly GuestImage[]) {
    const { vcpu, guestMemory } = this.host
    vcpu.enter(guest!.load(guestMemory))
  }
  handle(): Resume {
    return 'run'
  }
  save() {
    return null
  }
  restore() {}
}

export const native: HypervisorKind = {
  path: 'native',
  profiles: [],
  hostsSeveral: false,
  reserveBytes: () => 0,
  make: host => new Native(host),
}
