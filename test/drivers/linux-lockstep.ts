// Boots the Linux image on several engines in lockstep, with slices and thresholds from a seed that is printed.

import { readFileSync } from 'node:fs'
import { buildImage, DEFAULT_COMMAND_LINE } from '../../images/index.js'
import { cpuModel } from '../../src/cpu/models.js'
import { Lockstep } from '../../src/debug/lockstep.js'
import { lockstepReport } from '../../src/debug/lockstep-report.js'
import type { EngineName } from '../../src/engine/engines.js'
import { loadLinux } from '../../src/loader/linux.js'
import { enter } from '../../src/machine/entry.js'
import { Machine } from '../../src/machine/machine.js'

/** The same for every run that does not ask for another: a run of minutes is to be repeatable as it stands. */
const DEFAULT_SEED = 2140521775

export interface LinuxRun {
  readonly append: string
  readonly engines: readonly EngineName[]
  readonly budget: number
}

/**
 * Runs the guest; PREVIRT_SEED chooses the seed. Returns how the run ended and what the console showed, or undefined,
 * with the reason printed, where the image cannot be built. Throws the report of a difference.
 */
export async function linuxInLockstep({ append, engines, budget }: LinuxRun) {
  const image = await buildImage('linux', { plain: true }).catch((error: Error) => {
    process.stderr.write(`skipped: the Linux image cannot be built: ${error.message}\n`)
  })
  if (!image) return undefined
  const seed = Number(process.env.PREVIRT_SEED ?? DEFAULT_SEED)
  const kernel = { file: image.path, bytes: new Uint8Array(readFileSync(image.path)) }
  const initrd = { file: image.initrd, bytes: new Uint8Array(readFileSync(image.initrd)) }
  const commandLine = `${DEFAULT_COMMAND_LINE} ${append}`
  const lockstep = new Lockstep({
    seed,
    engines,
    make: (engine, thresholds) => {
      const machine = new Machine({ memory: 128 << 20, model: cpuModel('pentium3'), engine, thresholds })
      enter(machine.cpu, loadLinux(machine.memory, { kernel, initrd, commandLine }).entry)
      return machine
    },
  })
  const { hot, batch, urgent } = lockstep.thresholds
  process.stderr.write(
    `lockstep of ${engines.join(', ')}: PREVIRT_SEED=${seed}, thresholds ${hot}/${batch}/${urgent}\n`,
  )
  const console: number[] = []
  lockstep.onConsole = byte => console.push(byte)
  const result = lockstep.run(budget)
  if (result.kind === 'difference') throw new Error(await lockstepReport(result))
  return { result, retired: lockstep.retired, console: Buffer.from(console).toString('latin1') }
}
