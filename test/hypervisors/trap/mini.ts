// The mini guest, native and on trap, from the same point of virtual time on.

import { readFileSync } from 'node:fs'
import { buildImage } from '../../../images/index.js'
import { cpuModel } from '../../../src/cpu/models.js'
import type { EngineName } from '../../../src/engine/engines.js'
import { loadLinux } from '../../../src/loader/linux.js'
import { machineDigest } from '../../../src/machine/digest.js'
import { enter } from '../../../src/machine/entry.js'
import { Machine } from '../../../src/machine/machine.js'
import { enterOnTrap, entriesOf, POLICIES, reserveFor } from './on-trap.js'

const MEMORY = 32 << 20
const BUDGET = 400_000_000

export interface MiniOptions {
  readonly engine: EngineName
  /** Policy of trap; undefined: native. */
  readonly policy: string | undefined
  readonly commandLine: string
  /** Nanoseconds that have passed when the guest starts: moves every timer interrupt. */
  readonly startAt?: number
  /** Instructions after each of which everything that trap keeps is saved, forgotten and restored. */
  readonly restoreEvery?: number
}

/** Runs it to the end. */
export async function runMini({ engine, policy, commandLine, startAt = 0, restoreEvery }: MiniOptions) {
  const { path } = await buildImage('mini')
  const reserve = policy === undefined ? 0 : reserveFor(MEMORY)
  const machine = new Machine({ memory: MEMORY, reserve, model: cpuModel('previrt-guest'), engine })
  let text = ''
  machine.onConsole = byte => {
    text += String.fromCharCode(byte)
  }
  machine.haltedNanoseconds = startAt
  const kernel = { file: path, bytes: new Uint8Array(readFileSync(path)) }
  const { entry } = loadLinux(machine.memory, { kernel, commandLine })
  const hosting = policy === undefined ? undefined : enterOnTrap(machine, policy, entry)
  if (!hosting) enter(machine.cpu, entry)
  let result = machine.run(restoreEvery ?? BUDGET)
  while (hosting && restoreEvery !== undefined && result.kind === 'budget') {
    hosting.hypervisor.restore(hosting.hypervisor.save())
    result = machine.run(restoreEvery)
  }
  const counts = hosting && { own: entriesOf(hosting), processor: hosting.counted, kinds: hosting.entries }
  return {
    counts,
    outcome: { result, text, retired: machine.retired, now: machine.now, digest: machineDigest(machine) },
  }
}

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

/** Starts the guest at so many moments, natively and on trap; its timer interrupts come elsewhere each time. */
export async function momentsAgree(count: number) {
  for (let n = seed; n < seed + count; n++) {
    const startAt = (n * 7_368_787) % 1_000_000_007
    const options = { engine: 'blocks', commandLine: 'workload=fork,pipe,signal,switch', startAt } as const
    const native = await runMini({ ...options, policy: undefined })
    const { outcome } = await runMini({ ...options, policy: POLICIES[n % 2]! })
    expect({ seed: n, ...outcome }).toEqual({ seed: n, ...native.outcome })
  }
}
