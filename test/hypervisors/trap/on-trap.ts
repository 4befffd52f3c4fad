// Puts a machine under trap: what the tests of its guests share.

import type { EntryState, GuestImage, Hypervisor } from '../../../hypervisors/hypervisor.js'
import { trap } from '../../../hypervisors/trap/trap.js'
import { type Hosting, hostMachine } from '../../../src/machine/hosting.js'
import type { Machine } from '../../../src/machine/machine.js'

export const POLICIES = trap.profiles

export interface OnTrap extends Hosting {
  readonly hypervisor: Hypervisor
}

/** Puts a machine that was made with trap's reserve under a policy; the guest goes on where it is. */
export function takeOver(machine: Machine, policy: string): Hosting {
  const state = machine.cpu.state
  const { eip, eflags, gdtr, idtr, cs, ds, es, fs, gs, ss } = state
  const registers = state
  const segments = { cs, ds, es, fs, gs, ss }
  const hosting: Hosting = hostMachine(machine, event => hypervisor.handle(event))
  const hypervisor = trap.make(hosting.host, policy)
  const entry = { protectedMode: true, cr0: 1, eip, eflags, registers, segments, gdtr, idtr }
  hypervisor.boot([guestOf(machine, entry)])
  const { cr0, cr3, cr4, ...others } = state
  machine.cpu.state = others
  hypervisor.restore({ cr0, cr3, cr4 })
  return hosting
}

function guestOf(machine: Machine, entry: EntryState): GuestImage {
  const kernel = { file: 'in memory', bytes: new Uint8Array() }
  const size = { name: 'guest', memoryBytes: machine.memory.bytes, privileged: false }
  return { ...size, kernel, elf: undefined, commandLine: '', modules: [], load: () => entry }
}

/** Enters a guest that lies in the memory of a machine made with trap's reserve, under a policy. */
export function enterOnTrap(machine: Machine, policy: string, entry: EntryState): OnTrap {
  const hosting: Hosting = hostMachine(machine, event => hypervisor.handle(event))
  const hypervisor = trap.make(hosting.host, policy)
  hypervisor.boot([guestOf(machine, entry)])
  return Object.assign(hosting, { hypervisor })
}

/** Bytes of machine memory that trap wants behind the guest's. */
export const reserveFor = (guestBytes: number) => trap.reserveBytes(guestBytes)

/** All entries by the hypervisor's own count. */
export const entriesOf = ({ entries }: Hosting) => [...entries.values()].reduce((sum, count) => sum + count, 0)
