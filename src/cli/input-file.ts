// Reading the files that a command line names.

import { readFileSync } from 'node:fs'
import type { LoadedFile } from '../loader/entry.js'
import { CommandError } from './failure.js'

/** With what to do. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file; check the path',
  ENOTDIR: 'no such file; check the path',
  EACCES: 'not readable; check its permissions',
  EISDIR: 'is a folder; check the path',
}

/** Reads a file whole. Throws CommandError that names it and says why not. */
export function readInput(file: string): LoadedFile {
  try {
    const { buffer, byteOffset, length } = readFileSync(file)
    return { file, bytes: new Uint8Array(buffer, byteOffset, length) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = REASONS[code ?? ''] ?? `cannot be read (${code ?? message}); check the path`
    throw new CommandError(`${file}: ${reason}`)
  }
}
