// What --trace and --profile add to a run: the subject goes from instruction to instruction, or from sample to sample.

import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Profile, SAMPLE_INSTRUCTIONS } from '../debug/profile.js'
import { Trace } from '../debug/trace.js'
import type { SymbolTable } from '../loader/symbols.js'
import { CommandError } from './failure.js'
import type { RunOptions } from './options.js'
import type { Subject } from './subject.js'

/** Instructions in a row before the host has its turn. */
const TRACED_IN_A_ROW = 10_000

/** A subject that is looked at while it runs. */
export interface Observation {
  readonly subject: Subject
  /** Writes what was collected; to be called when the run has ended. */
  finish(): void
}

/**
 * Sets up what the options ask for.
 * @throws CommandError when the file of the profile cannot be written
 */
export async function observe(
  subject: Subject,
  { trace, profileFile }: RunOptions,
  symbols: () => SymbolTable,
): Promise<Observation> {
  const finishing: (() => void)[] = []
  if (trace.length > 0) {
    const { disassemble } = await import('../isa/iced.js')
    const write = (line: string) => process.stderr.write(`${line}\n`)
    const tracer = new Trace(subject.machine, trace, { symbols, disassemble, write })
    if (tracer.instructions) subject = inSteps(subject, 1, TRACED_IN_A_ROW, () => tracer.instruction())
  }
  if (profileFile !== undefined) {
    const unfinished = `${profileFile}.tmp`
    attempt(profileFile, () => closeSync(openSync(unfinished, 'w')))
    finishing.push(() => rmSync(unfinished, { force: true }))
    const profile = new Profile()
    const { machine } = subject
    subject = inSteps(subject, SAMPLE_INSTRUCTIONS, Number.POSITIVE_INFINITY, () => profile.take(machine))
    finishing.unshift(() =>
      attempt(profileFile, () => {
        writeFileSync(unfinished, profile.text(symbols()))
        renameSync(unfinished, profileFile)
      }),
    )
  }
  return {
    subject,
    finish: () => {
      for (const act of finishing) act()
    },
  }
}

/** A subject that is run by `step` instructions, at most `most` in one run(), with `look` called before each step. */
function inSteps(subject: Subject, step: number, most: number, look: () => void): Subject {
  const { machine } = subject
  let next = machine.retired
  return {
    ...subject,
    run: (budget, stopWhenIdle) => {
      const end = machine.retired + Math.min(budget, most)
      for (;;) {
        if (machine.retired >= next) {
          look()
          next = machine.retired + step
        }
        const result = subject.run(Math.min(next, end) - machine.retired, stopWhenIdle)
        if (result.kind !== 'budget' || machine.retired >= end) return result
      }
    },
  }
}

function attempt(file: string, act: () => void): void {
  try {
    act()
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    throw new CommandError(`--profile ${file}: cannot be written (${reason}); give a file in a folder of yours`)
  }
}
