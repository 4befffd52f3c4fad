// A file that a command writes at its end, after minutes of work: whether it can be written is checked at the beginning, and
// a file that is already there is replaced only when all is written.

import { accessSync, constants, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CommandError } from './failure.js'

function guarded(option: string, file: string, act: () => void): void {
  try {
    act()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CommandError(`${option} ${file}: cannot be written (${code}); give another file`)
  }
}

/** Throws CommandError when the folder of the file of an option is none that can be written to. */
export function requireWritable(option: string, file: string | undefined): void {
  if (file !== undefined) guarded(option, file, () => accessSync(dirname(file), constants.W_OK))
}

/** Writes it. */
export function writeOutput(option: string, file: string, content: string | Uint8Array): void {
  guarded(option, file, () => {
    writeFileSync(`${file}.partial`, content)
    renameSync(`${file}.partial`, file)
  })
}
