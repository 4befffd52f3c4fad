// Joins a machine and a hypervisor: gives the hypervisor what host.ts promises, and hands it each entry when the engine
// has been left. Entries are counted here as the processor makes them, and by the hypervisor itself: both must agree.

import type { BlockStorage } from '../devices/block-storage.js'
import type { InterceptEvent } from '../engine/interception.js'
import { Timer } from './clock.js'
import { FrameMap } from './frames.js'
import { GuestAccount } from './guest-account.js'
import type { Host, HypervisorWork, Resume, Trap } from './host.js'
import { HostVcpu } from './host-vcpu.js'
import type { PacketLine } from './line.js'
import type { Machine } from './machine.js'
import { HostMemory } from './machine-memory.js'
import { RepeatedEntry } from './repeated-entry.js'

/** What stands behind devices that the hypervisor itself offers. */
export interface HostDevices {
  readonly block?: BlockStorage | undefined
  readonly net?: PacketLine | undefined
  /** Receives what the hypervisor says on a console of its own. */
  readonly log?: (byte: number) => void
}

/** A machine that has a hypervisor. */
export interface Hosting {
  readonly host: Host
  /** Entries by the hypervisor's own count, and hypercalls by name. */
  readonly entries: ReadonlyMap<string, number>
  readonly hypercalls: ReadonlyMap<string, number>
  readonly work: Readonly<HypervisorWork>
  /** Entries of all kinds by the processor's count. */
  readonly counted: number
  /** What each guest has done, by its place in the list that the hypervisor has booted. */
  account(guest: number): GuestAccount
  /** Console input for the hypervisor's first guest. */
  send(bytes: Uint8Array): void
}

/**
 * Makes the host side of a machine.
 * @param handle told of each entry
 */
export function hostMachine(machine: Machine, handle: (trap: Trap) => Resume, devices: HostDevices = {}): Hosting {
  const { execution, interception, memory } = machine
  const vcpu = new HostVcpu(machine)
  const work = { upcalls: 0, pageTableUpdates: 0, pageTableBatches: 0, pageTablesWalked: 0 }
  /** Entries that are no guest's. */
  const own = new Map<string, number>()
  const repeated = new RepeatedEntry()
  let instructions = 0
  let alarms = 0
  const enter = (trap: Trap) => {
    machine.lookAtWindow()
    const next = handle(trap)
    execution.idle = next === 'idle'
    if (typeof next === 'object') machine.end(next.end)
  }
  execution.onTrap = enter
  interception.onIntercept = (event: InterceptEvent) => {
    if (!vcpu.isWanted(event)) return 'execute'
    const goesOn = repeated.goesOn(event, execution.retired)
    if (!goesOn) instructions++
    enter({ kind: 'instruction', event, goesOn })
    repeated.left(event, vcpu.eip, execution.retired)
    return 'handled'
  }
  const alarm = new Timer(machine.clock, () => {
    // One that ends a wait in the hypervisor finds it entered already.
    if (!execution.idle) alarms++
    enter({ kind: 'alarm' })
  })
  const accounts: GuestAccount[] = []
  const account = (guest: number) => (accounts[guest] ??= new GuestAccount(machine, work))
  let current = account(0)
  current.onConsole = byte => machine.onConsole(byte)
  current.onLog = byte => devices.log?.(byte)
  current.block = devices.block
  current.net = devices.net
  current.begin()
  const { console, log, block, net } = current
  const add = (counts: Map<string, number>, name: string) => {
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const host: Host = {
    vcpu,
    memory: new HostMemory(machine),
    frames: new FrameMap(memory.bytes / 0x1000, (memory.bytes + memory.reserve) / 0x1000),
    guestMemory: memory,
    clock: {
      get now() {
        return machine.now
      },
      setAlarm: at => (at === undefined ? alarm.disarm() : alarm.arm(at)),
    },
    console,
    log,
    block,
    net,
    endsOf: account,
    assign: guest => {
      if (account(guest) === current) return
      current.end()
      current = account(guest)
      current.begin()
    },
    ended: (guest, result) => {
      account(guest).result = result
    },
    count: kind => add(current.entries, kind),
    countOwn: kind => add(own, kind),
    countHypercall: name => add(current.hypercalls, name),
    work,
  }
  return {
    host,
    get entries() {
      return sum([...accounts.map(each => each.entries), own])
    },
    get hypercalls() {
      return sum(accounts.map(each => each.hypercalls))
    },
    work,
    get counted() {
      const { gate, exception, interrupt } = vcpu.monitor.counts
      return gate + exception + interrupt + instructions + alarms
    },
    account,
    send: bytes => (console.onInput ?? (input => machine.platform.com1.input(input)))(bytes),
  }
}

/** Counts of all guests together. */
function sum(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const used = counts.filter(({ size }) => size > 0)
  if (used.length <= 1) return used[0] ?? counts[0]!
  const all = new Map<string, number>()
  for (const each of used) for (const [name, count] of each) all.set(name, (all.get(name) ?? 0) + count)
  return all
}
