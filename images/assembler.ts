// Compiles the assembler stage (src/afterburner/as) into a folder that gcc takes with -B. Takes half a second; the
// result depends on the class table, the sources and the compiler only.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { tablesHeader } from '../src/afterburner/tables.js'

const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror']

/** Folder of the C sources: in a checkout, or in the package when this file runs from dist. */
function sourceFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url)).replace(/([/\\])dist([/\\]images)$/, '$1$2')
  return resolve(here, '../src/afterburner/as')
}

function sourceFiles(): string[] {
  const folder = sourceFolder()
  return readdirSync(folder)
    .filter(name => /\.[ch]$/.test(name))
    .sort()
    .map(name => join(folder, name))
}

/** Digest over all that the assembler stage's output depends on, besides the system's own assembler. */
export function assemblerDigest(): string {
  const hash = createHash('sha256').update(tablesHeader())
  for (const file of sourceFiles()) hash.update(readFileSync(file))
  return hash.digest('hex')
}

/**
 * Compiles the assembler stage.
 * @param folder existing folder; afterwards it holds the executable `as`
 * @throws with the compiler's messages when it fails
 */
export async function buildAssembler(folder: string): Promise<void> {
  writeFileSync(join(folder, 'tables.h'), tablesHeader())
  const sources = sourceFiles().filter(name => name.endsWith('.c'))
  await promisify(execFile)('gcc', [...FLAGS, `-I${folder}`, '-o', join(folder, 'as'), ...sources])
}
