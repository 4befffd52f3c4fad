// Puts a machine under trap: what the tests of its guests share.

import type { EntryState } from '../../../hypervisors/hypervisor.js'
import { trap } from '../../../hypervisors/trap/trap.js'
import { type Hosting, hostMachine } from '../../../src/machine/hosting.js'
import type { Machine } from '../../../src/machine/machine.js'

export const POLICIES = trap.profiles

/** Enters a guest that lies in the memory of a machine made with trap's reserve, under a policy. */
export function enterOnTrap(machine: Machine, policy: string, entry: EntryState): Hosting {
  const hosting: Hosting = hostMachine(machine, event => hypervisor.handle(event))
  const hypervisor = trap.make(hosting.host, policy)
  const kernel = { file: 'in memory', bytes: new Uint8Array() }
  const size = { name: 'guest', memoryBytes: machine.memory.bytes, privileged: false }
  hypervisor.boot([{ ...size, kernel, elf: undefined, commandLine: '', modules: [], load: () => entry }])
  return hosting
}

/** Bytes of machine memory that trap wants behind the guest's. */
export const reserveFor = (guestBytes: number) => trap.reserveBytes(guestBytes)

/** All entries by the hypervisor's own count. */
export const entriesOf = ({ entries }: Hosting) => [...entries.values()].reduce((sum, count) => sum + count, 0)
