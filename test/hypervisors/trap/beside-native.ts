// A guest of the Linux boot protocol, native and on trap, from the same point of virtual time on.

import { readFileSync } from 'node:fs'
import { cpuModel } from '../../../src/cpu/models.js'
import type { EngineName } from '../../../src/engine/engines.js'
import { loadLinux } from '../../../src/loader/linux.js'
import { machineDigest } from '../../../src/machine/digest.js'
import { enter } from '../../../src/machine/entry.js'
import { Machine } from '../../../src/machine/machine.js'
import { enterOnTrap, entriesOf, POLICIES, reserveFor } from './on-trap.js'

const MEMORY = 64 << 20
const BUDGET = 4_000_000_000

/** Files, and how they are run. */
export interface GuestRun {
  readonly kernel: string
  readonly initrd?: string
  readonly commandLine: string
  readonly engine?: EngineName
  /** Policy of trap; undefined: native. */
  readonly policy: string | undefined
  /** Nanoseconds that have passed when the guest starts: moves every timer interrupt. */
  readonly startAt?: number
  /** Instructions after each of which everything that trap keeps is saved, forgotten and restored. */
  readonly restoreEvery?: number
}

const fileOf = (file: string) => ({ file, bytes: new Uint8Array(readFileSync(file)) })

/** Runs it to the end. */
export function runBeside(guest: GuestRun) {
  const { kernel, initrd, commandLine, engine = 'blocks', policy, startAt = 0, restoreEvery } = guest
  const reserve = policy === undefined ? 0 : reserveFor(MEMORY)
  const machine = new Machine({ memory: MEMORY, reserve, model: cpuModel('previrt-guest'), engine })
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  machine.haltedNanoseconds = startAt
  const files = { kernel: fileOf(kernel), ...(initrd !== undefined && { initrd: fileOf(initrd) }) }
  const { entry } = loadLinux(machine.memory, { ...files, commandLine })
  const hosting = policy === undefined ? undefined : enterOnTrap(machine, policy, entry)
  if (!hosting) enter(machine.cpu, entry)
  let result = machine.run(restoreEvery ?? BUDGET)
  while (hosting && restoreEvery !== undefined && result.kind === 'budget') {
    hosting.hypervisor.restore(hosting.hypervisor.save())
    result = machine.run(restoreEvery)
  }
  const counts = hosting && { own: entriesOf(hosting), processor: hosting.counted, kinds: hosting.entries }
  const { retired, now } = machine
  return { counts, outcome: { result, text, retired, now, digest: machineDigest(machine) } }
}

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

/** Starts a guest at so many moments, natively and on trap; its timer interrupts come elsewhere each time. */
export function momentsAgree(count: number, guest: Omit<GuestRun, 'policy' | 'startAt'>) {
  for (let n = seed; n < seed + count; n++) {
    const startAt = (n * 7_368_787) % 1_000_000_007
    const native = runBeside({ ...guest, startAt, policy: undefined })
    const { outcome } = runBeside({ ...guest, startAt, policy: POLICIES[n % 2]! })
    expect({ seed: n, ...outcome }).toEqual({ seed: n, ...native.outcome })
  }
}
